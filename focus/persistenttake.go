package focus

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// A recording moves between servers with its streams. One that has been a line of a persistent session is none any more when another server takes
// it over, and one that comes into such a session is a line of it from then on: port, source, timestamps and identifier stay, and the label is one
// of the new session. The line that has gone is replaced by a new one, so that the session keeps as many as it should have.

// inherit makes the streams that a session has taken over from another lines of the persistent session that it is in, or of none.
func (r *recorder) inherit(from *recorder) {
	if from == nil {
		return
	}
	old, _ := from.client.(*lease)
	l, _ := r.client.(*lease)
	for _, key := range r.inOrder() {
		s := r.streams[key]
		if s.line != nil && old != nil {
			old.part(key)
		}
		s.line = nil
		if l != nil {
			s.line = l.adopt(key, s)
		}
		if l != nil || old != nil { // each kind of session has an order of codecs of its own
			s.keeps = s.format.Codec
		}
	}
	for _, t := range r.textsThat(func(*recordedText) bool { return true }) {
		if t.line != nil && old != nil {
			old.part(t.key)
		}
		t.line = nil
		if l != nil {
			t.line = l.adoptText(t)
		}
	}
}

// inOrder are the keys of the streams in the order of their labels, so that they are in the same order in another session.
func (r *recorder) inOrder() []string {
	return slices.SortedFunc(maps.Keys(r.streams), func(a, b string) int {
		x, y := r.streams[a].label, r.streams[b].label
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y), cmp.Compare(a, b))
	})
}

// part takes a line out of the session for good. It keeps its media.
func (l *lease) part(key string) {
	h := l.session
	h.mu.Lock()
	defer h.mu.Unlock()
	one := l.lines[key]
	if one == nil {
		return
	}
	delete(l.lines, key)
	delete(l.playing, key)
	delete(h.playing, one.key)
	h.lines = slices.DeleteFunc(h.lines, func(other *line) bool { return other == one })
	h.texts = slices.DeleteFunc(h.texts, func(other *line) bool { return other == one })
	h.fill()
	h.desire()
}

// adopt makes a stream that another server had a line of the session.
func (l *lease) adopt(key string, s *recorded) *line {
	h := l.session
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.newLine(s.session, s.id)
	one.lease, one.prefer = l, s.format.Codec
	l.lines[key] = one
	return one
}

// troubled tells a recording that the session is lost, as a session of its own would: another server may take it over. What was sent since a time may
// have found nobody.
func (l *lease) troubled(a siprec.Alarm, since time.Time) {
	l.trouble = &a
	if l.doubt.IsZero() || since.Before(l.doubt) {
		l.doubt = since
	}
}

// isLost tells whether the session has been lost, and the controller does not know that yet.
func (l *lease) isLost() bool {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	return !l.doubt.IsZero()
}

// loseLease does what is to be done when the persistent session of a recorder has been lost, if that is news.
func (c *controller) loseLease(r *recorder) {
	if l, lent := r.client.(*lease); lent && l.isLost() {
		c.lose(r)
	}
}

// takeBack makes a line one of the recording again that has never ceased to be lent to it.
func (l *lease) takeBack(key string, one *line) {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	l.lines[key] = one
}

// there is until when it is known that the server was there. Of a session that is lost that does not count any more.
func (l *lease) there() time.Time {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	if !l.doubt.IsZero() {
		return l.doubt
	}
	return l.session.proof.there
}

// listen takes what tells that the server is there, and gives what is known of it, or false when the session has been lost and the recording does not know that
// yet.
func (l *lease) listen(reported time.Time, probed answers, now time.Time) (proof, bool) {
	h := l.session
	h.mu.Lock()
	defer h.mu.Unlock()
	if !l.doubt.IsZero() {
		return proof{}, false
	}
	h.proof.signs(reported, probed)
	if g := h.merged; g != nil {
		g.capture.mark(now)
		g.capture.follow(latest(h.proof.there, h.proof.reported), h.proof.at, h.proof.probed)
	}
	return h.proof, true
}

// doubtful is since when what was sent may have found nobody: of a session that has been lost, once, or if it is now.
func (l *lease) doubtful(now time.Time) time.Time {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	since := l.doubt
	l.doubt = time.Time{}
	if since.IsZero() {
		since = l.session.proof.since(now)
	}
	return since
}

// lostLine is what is told to a recording that begins in a session that is lost.
func lostLine() siprec.Alarm {
	return siprec.Alarm{Kind: siprec.AlarmLost, Detail: "the persistent session is lost"}
}

// leaseAlarm has another server take over. The operator has heard of it already, once for all recordings.
func (c *controller) leaseAlarm(r *recorder, a siprec.Alarm) {
	c.loseLease(r)
	c.moveCopy(r, strings.TrimSpace(a.Kind.String()+" "+a.Detail))
}

// movable tells whether another server may take over what a server records: not from a line that has several conferences in it, nor into one. A
// frame of it is of all of them.
func (s *Recorder) movable() bool { return s.Persistent <= 0 || !s.Merge }

// speaksAs tells whether a session with a server goes on as it is when its configuration becomes another one: what concerns the choice among
// servers, accounts and metadata is looked up anew each time.
func (s *Recorder) speaksAs(other *Recorder) bool {
	a, b := *s, *other
	for _, one := range []*Recorder{&a, &b} {
		one.Priority, one.Weight, one.Group, one.Probe, one.Account = 0, 0, "", Probe{}, Account{}
		one.Health, one.Data = siprec.HealthConfig{}, RecordData{}
		one.Profile = one.Profile.Normalize()
	}
	return reflect.DeepEqual(a, b)
}
