package focus

import (
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/siprec"
)

// A stream whose participant has left, or whose recording is to end, stays in the recording session until what is kept of it has been sent: a
// recorder that needs a second to agree to a stream gets all of who was there for half of it. Nothing more is captured, its line is nobody else's
// meanwhile, and the metadata say when he left. It ends at the latest when the recorder has had its time.

const (
	// lingerPatience is how long a stream that nobody feeds waits for a recorder that has not agreed to it: as long as a request may take (RFC 3261,
	// section 17.1.2.2).
	lingerPatience = 32 * time.Second
	// endPatience is the same when the recording is to end, within the time that the end of a conference waits for recorders.
	endPatience = 8 * time.Second
	// lingerSending is how long it may take to send what is kept, once the recorder has agreed: the most that can be kept goes out in less.
	lingerSending = 10 * time.Second
	// maxLingering bounds how many streams of a session linger: each has a port and what is kept of it.
	maxLingering = 500
)

// linger is the end of a stream that nobody feeds any more.
type linger struct {
	since   time.Time
	applied <-chan struct{} // closed when the mix has let go of it
	sending time.Time       // since when the recorder takes it; zero: it does not
	over    bool            // nothing is left, or the time is up
}

// lingering adds to what is wanted the streams that nobody feeds any more, and of which something is still to be sent.
func (c *controller) lingering(r *recorder, d *siprec.Desire) {
	n, limit := 0, r.server.Profile.MaxStreams
	room := func() bool { return n < maxLingering && (limit <= 0 || len(d.Streams) < limit) } // who is there comes first
	rest := func(w siprec.StreamWish) {
		n++
		w.Rest = true
		d.Streams = append(d.Streams, w)
	}
	for _, key := range r.unfed() {
		s := r.streams[key]
		if s.linger == nil && !s.owes() || !room() {
			continue
		}
		if c.letLinger(s); s.linger.over {
			continue
		}
		w := s.wish
		if s.keeps != codecs.None {
			w.Prefer = s.keeps
		}
		rest(w)
	}
	for _, t := range r.unwritten() {
		if t.linger == nil && !t.capture.owes() || !room() {
			continue
		}
		if c.letTextLinger(t); !t.linger.over {
			rest(t.wish)
		}
	}
}

// unfed are the keys of the streams that the last wish has nobody for, in order.
func (r *recorder) unfed() []string {
	if len(r.streams) == r.fed {
		return nil
	}
	return slices.DeleteFunc(r.inOrder(), func(key string) bool { return r.streams[key].round == r.round })
}

// owes tells whether something of a stream is still to be sent, or may be.
func (s *recorded) owes() bool {
	return s.feed == nil && (!s.capture.live() || s.capture.packs()) && !s.capture.idle()
}

// letLinger takes a stream out of the mix for good.
func (c *controller) letLinger(s *recorded) {
	if s.linger == nil {
		c.updateMix()
		s.linger = &linger{since: time.Now(), applied: c.applied}
		c.drainLater()
	}
}

// unlinger gives a stream back to who has come again.
func (c *controller) unlinger(s *recorded) {
	if s.linger != nil {
		s.linger = nil
		c.updateMix()
	}
}

// sweep closes the streams that are not wanted and have never been taken: nobody says that they stop.
func (c *controller) sweep(r *recorder, d *siprec.Desire) {
	if d.Stopped || r.over {
		return
	}
	rests := func(l *linger, key string) bool {
		return l != nil && !l.over && slices.ContainsFunc(d.Streams, func(w siprec.StreamWish) bool { return w.Key == key })
	}
	for _, t := range r.unwritten() {
		if !t.started && !rests(t.linger, t.key) {
			delete(r.texts, t.key)
			if l, lent := r.client.(*lease); lent {
				l.drop(t.key)
			}
			c.updateText()
			c.closeRecordedText(r, t)
		}
	}
	for _, key := range r.unfed() {
		s := r.streams[key]
		if s.started || s.feed != nil || rests(s.linger, key) {
			continue
		}
		delete(r.streams, key)
		if l, lent := r.client.(*lease); lent {
			l.drop(key)
		}
		c.updateMix()
		c.part(r, s, s.ended())
	}
}

// endLater has the end of a recording session wait until what was captured before it has been sent. It reports false if nothing has to be waited
// for. Until then the session is as it was; what is told at its end is what is true now.
func (c *controller) endLater(r *recorder, d siprec.Desire) bool {
	if r.state == siprec.StateFailed && c.spools(r.recording) || len(r.wanted.Streams) == 0 {
		return false
	}
	owes := false
	for _, s := range r.streams {
		owes = owes || s.owes() && (s.linger == nil || !s.linger.over)
	}
	for _, t := range r.texts {
		owes = owes || t.capture.owes() && (t.linger == nil || !t.linger.over)
	}
	if !owes {
		return false
	}
	now := time.Now()
	d.Roster.RecordedUntil = now
	for i := range d.Others { // made for this wish
		if d.Others[i].RecordedUntil.IsZero() {
			d.Others[i].RecordedUntil = now
		}
	}
	r.ending = &d
	for _, s := range r.streams {
		if s.feed == nil {
			c.letLinger(s)
			s.linger.since = now // also of who left long before: the recorder has its time from now on
		}
	}
	for _, t := range r.texts {
		c.letTextLinger(t)
	}
	if r.wanted.Paused { // what was captured before the pause
		r.wanted.Paused = false
		c.recorderStep(r, r.wanted)
	}
	return true
}

// rest is what is wanted of a session that takes over the end of another: all streams, also those that had ended before.
func (r *recorder) rest() siprec.Desire {
	d := r.wanted
	d.Streams = slices.Clone(d.Streams)
	add := func(key string, w siprec.StreamWish, l *linger) *siprec.StreamWish {
		l.over = false // what the other was sent last is to be sent again
		i := slices.IndexFunc(d.Streams, func(other siprec.StreamWish) bool { return other.Key == key })
		if i < 0 {
			i, w.Rest = len(d.Streams), true
			d.Streams = append(d.Streams, w)
		}
		return &d.Streams[i]
	}
	for _, key := range r.inOrder() {
		if s := r.streams[key]; s.linger != nil {
			if w := add(key, s.wish, s.linger); s.keeps != codecs.None {
				w.Prefer = s.keeps
			}
		}
	}
	for key, t := range r.texts {
		if t.linger != nil {
			add(key, t.wish, t.linger)
		}
	}
	r.wanted = d
	return d
}

// drainLater sends the next of what is kept of streams that linger, as often as the mix would.
func (c *controller) drainLater() {
	if !c.draining {
		c.draining = true
		c.later(codecs.FrameDuration, drainStreams{})
	}
}

type drainStreams struct{}

func (drainStreams) handle(c *controller) {
	c.draining = false
	left := false
	for _, r := range slices.Clone(c.recorders) {
		waits, news := false, false
		step := func(l *linger, drain func() bool) {
			if l == nil || l.over {
				return
			}
			l.over = drain()
			waits, news = waits || !l.over, news || l.over
		}
		for _, s := range r.streams {
			step(s.linger, func() bool { return c.drain(r, s) })
		}
		for _, t := range r.texts {
			step(t.linger, func() bool { return !t.capture.owes() || c.late(r, t.linger, false) })
		}
		left = left || waits
		switch {
		case r.ending != nil && !waits:
			r.ending.Late = slices.DeleteFunc(r.ending.Late, r.tells())
			c.recorderStep(r, *r.ending)
		case r.ending == nil && news:
			c.desire(r)
		}
	}
	if left {
		c.drainLater()
	}
}

// drain sends some of what is kept of a stream that lingers, when the mix has let go of it. It reports whether that was the last, or the time is up.
func (c *controller) drain(r *recorder, s *recorded) bool {
	select {
	case <-s.linger.applied:
	case <-c.silent:
	default:
		return false
	}
	if s.capture.drain() {
		return true
	}
	return c.late(r, s.linger, s.started && !s.capture.holding.Load())
}

// late tells whether the time is up of what lingers. taken: the recorder takes it.
func (c *controller) late(r *recorder, l *linger, taken bool) bool {
	now := time.Now()
	if taken {
		if l.sending.IsZero() {
			l.sending = now
		}
		return now.Sub(l.sending) > lingerSending
	}
	l.sending = time.Time{}
	recording, _ := c.machine.State().Recording(r.recording)
	switch patience := now.Sub(l.since); {
	case r.ending != nil && c.focus.Draining():
		return patience > recorderPatience
	case r.ending != nil:
		return patience > endPatience
	case recording.Paused: // it goes on with the recording
		l.since = now
		return false
	default:
		return patience > lingerPatience
	}
}
