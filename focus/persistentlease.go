package focus

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/siprec"
)

// leaseHold is how much of a stream is kept at least until the server has acknowledged whose the line is. Each conference in a session has to wait
// for that, also where the configuration keeps nothing for servers that do not answer.
const leaseHold = 5 * time.Second

// errPersistent refuses to record with a persistent session that is not there, or in one stream with other conferences what another server has
// begun.
var errPersistent = errors.New("the persistent recording session cannot take the recording")

// protocol is what a recorder speaks by: a session of its own (siprec.Client), or its part in a persistent one.
type protocol interface {
	Step(e siprec.Event, now time.Time) []siprec.Action
	Codecs() []codecs.Codec
	Label(key string) string
	Awaited(key string) bool
	Acknowledged() (siprec.Recording, bool)
}

// lease is the part of one recording in a persistent session. To the controller it is as a session of its own, but the dialog is not its
// business. It is guarded by the mutex of the session, but for waking.
type lease struct {
	session *persistent
	waking  atomic.Bool
	notify  func()

	wanted  siprec.Desire
	rosters []siprec.Roster
	late    []siprec.Sender              // who is to be named as in a stream
	named   []siprec.Sender              // who was in the last document, and in streams that may be others' next; nil: nobody
	lines   map[string]*line             // by the keys of the recording
	playing map[string]siprec.StartMedia // what the controller has been told
	state   siprec.State

	people     map[siprec.ID]siprec.ID // participants by their identifier in the conference, where others of the group know them by another
	feed       *feed                   // into the merged line; nil: none
	mergedWish *siprec.StreamWish
	fed        bool      // there has been one
	spell      int       // of the merged line, that it is in, if it keeps itself what that does not take
	unsure     time.Time // since when the line may not have taken what this has fed; zero: it has, or the controller knows

	stopped  bool
	told     bool          // the server knows the end
	trouble  *siprec.Alarm // of the session, that the controller has not heard of yet
	textless bool          // some text was refused, of which the controller has not heard yet
	doubt    time.Time     // since when what was sent in a session that was lost may have found nobody; zero: it was not, or the controller knows

	letting []chan struct{} // each is closed when the mix has let go of what was not wanted any more
	fresh   chan struct{}   // the last of them, that the controller does not know yet; nil: there is none
	ceasing *feed           // what is to be let go of is in it as well; nil: in none
	callID  string          // of the dialog that what flows is in
	sent    *sentDocuments  // in the dialog that it is in, of which it has those after the first ones (from)
	from    int
	known   chan struct{} // closed when the server knows the end
	seal    siprec.Extension
	sealed  bool // or it never will be

	patience *time.Timer // for the seal
}

// wake lets the controller look, once for all that has changed.
func (l *lease) wake() {
	if !l.waking.Swap(true) {
		l.notify()
	}
}

// Step takes what shall be recorded, or looks at what has become of it.
func (l *lease) Step(e siprec.Event, now time.Time) []siprec.Action {
	h := l.session
	h.mu.Lock()
	defer h.mu.Unlock()
	switch e := e.(type) {
	case siprec.Desire:
		l.want(e, now)
		if l.trouble != nil { // the controller hears of it when it looks, and the state after that: another server may have taken over by then
			return nil
		}
	case siprec.TransportFailed: // nobody listens to the media
		h.proof.refused = true
		h.hangUp(siprec.Message{})
		h.step(e)
	case siprec.Retry:
		h.step(e)
	}
	return l.outcome()
}

// want takes over what is to be recorded. The end is final.
func (l *lease) want(d siprec.Desire, now time.Time) {
	if l.stopped {
		return
	}
	l.wanted, l.stopped = d, d.Stopped
	l.rosters = append([]siprec.Roster{d.Roster}, d.Others...)
	for i := range l.rosters {
		if r := &l.rosters[i]; d.Stopped && r.RecordedUntil.IsZero() {
			r.RecordedUntil = now
		}
	}
	l.unite()
	l.nameLate(d.Late)
	l.wantMerged(d)
	for key, one := range l.lines {
		one.wish = nil
		i := slices.IndexFunc(d.Streams, func(w siprec.StreamWish) bool { return w.Key == key })
		if i < 0 || d.Stopped {
			continue
		}
		w := d.Streams[i]
		w.Paused = w.Paused || d.Paused
		if w.Session == "" {
			w.Session = d.Roster.Session
		}
		l.rename(&w)
		one.wish = &w
	}
	l.letGo()
	h := l.session
	if d.Stopped { // who begins again at once is in the session once
		h.leases = append(slices.DeleteFunc(h.leases, func(other *lease) bool { return other == l }), l)
	}
	h.desire()
}

// letGo has requests wait until the mix has let go of what flows and is not wanted any more: the capture has ended before anybody hears of it (RFC 7866,
// section 7.1.1.1), and who answers has got all of it.
func (l *lease) letGo() {
	stops := l.mergedWish == nil || l.mergedWish.Paused
	if _, plays := l.playing[mixedKey]; !plays || l.feed == nil {
		stops = false
	}
	if stops {
		l.ceasing = l.feed
	}
	for key := range l.playing {
		one := l.lines[key]
		stops = stops || one != nil && (one.wish == nil || one.wish.Paused)
	}
	if stops && l.fresh == nil {
		l.fresh = make(chan struct{})
		l.letting = append(l.letting, l.fresh)
	}
}

// lettingGo are what a request has to wait for.
func (h *persistent) lettingGo() (waits []<-chan struct{}) {
	for _, l := range h.leases {
		for _, applied := range l.letting {
			waits = append(waits, applied)
		}
	}
	return waits
}

// letGoOfLines tells a persistent session when the mix has let go of what was to stop.
func (c *controller) letGoOfLines(r *recorder) {
	l, lent := r.client.(*lease)
	if !lent {
		return
	}
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	done, ceasing := l.fresh, l.ceasing
	if done == nil {
		return
	}
	l.fresh, l.ceasing = nil, nil
	applied, silent := c.applied, c.silent
	c.focus.spawn(func(ctx context.Context) {
		select {
		case <-applied:
		case <-silent:
		case <-ctx.Done():
		}
		if ceasing != nil {
			ceasing.drain(ctx)
		}
		close(done)
		l.session.mu.Lock()
		defer l.session.mu.Unlock()
		l.letting = slices.DeleteFunc(l.letting, func(other chan struct{}) bool { return other == done })
	})
}

// outcome is what the controller has to do since it looked last: media first, then the state.
func (l *lease) outcome() []siprec.Action {
	var list []siprec.Action
	if l.callID != l.session.callID { // what flows in another dialog is another stream to who seals: the old one ends first
		if len(l.playing) > 0 {
			l.closes()
			for key := range l.playing {
				list = append(list, siprec.StopMedia{Key: key})
			}
			clear(l.playing)
			l.wake()
			return list
		}
		l.callID = l.session.callID
	}
	for key, one := range l.lines {
		if a := l.lineOutcome(key, one); a != nil {
			list = append(list, a)
		}
	}
	list = append(list, l.mergedOutcome()...)
	if l.trouble != nil && !l.stopped {
		list = append(list, *l.trouble)
	}
	l.trouble = nil
	if l.textless {
		l.textless = false
		list = append(list, siprec.Alarm{Kind: siprec.AlarmTextRefused})
	}
	if state := l.stateNow(); state != l.state {
		l.state = state
		list = append(list, siprec.Report{State: state, Session: l.wanted.Roster.Session, Retry: state == siprec.StateFailed})
	}
	return list
}

// lineOutcome is what the controller has to do about a line; nil: nothing.
func (l *lease) lineOutcome(key string, one *line) siprec.Action {
	start, taken := l.session.playing[one.key]
	was, plays := l.playing[key]
	switch {
	case one.wish == nil && plays:
		delete(l.playing, key)
		delete(l.lines, key)
		return siprec.StopMedia{Key: key, Removed: true}
	case one.wish == nil:
	case plays && (!taken || one.wish.Paused):
		delete(l.playing, key)
		return siprec.StopMedia{Key: key}
	case taken && !one.wish.Paused && l.session.owns(one):
		start.Key = key
		if !plays || !was.Equal(&start) {
			l.playing[key] = start
			return start
		}
	}
	return nil
}

func (l *lease) stateNow() siprec.State {
	if l.stopped {
		if l.told {
			return siprec.StateStopped
		}
		return l.state
	}
	switch state := l.session.client.State(); {
	case state != siprec.StateRecording && state != siprec.StatePaused:
		return state
	case l.flows():
		return siprec.StateRecording
	case l.wanted.Paused, l.state == siprec.StateRecording, l.state == siprec.StatePaused:
		return siprec.StatePaused // as a session of its own whose recorder takes nothing for a moment: it has begun
	default:
		return siprec.StateConnecting
	}
}

// flows tells whether something of the recording flows to the server, and it knows that.
func (l *lease) flows() bool {
	speaks := l.mergedWish != nil
	for _, one := range l.lines {
		speaks = speaks || one.wish != nil && one.text == nil
	}
	for key := range l.playing {
		if one := l.lines[key]; speaks && one != nil && one.text != nil { // text alone is no recording of a conference that speaks
			continue
		}
		if key != mixedKey || l.feed == nil {
			return true
		}
		g := l.feed.into
		if _, taken := l.session.playing[g.line.key]; taken && g.knows(l.wanted.Roster.Session) {
			return true
		}
	}
	return false
}

// lentStream is a stream of a recording in a persistent session.
func (c *controller) lentStream(r *recorder, l *lease, key string, at conference.SidebarID, id conference.ParticipantID) *recorded {
	if key == mixedKey && l.session.merged != nil {
		return c.mergedStream(r, l)
	}
	one, err := l.line(key)
	if err != nil {
		c.lacksPort(r, key, err)
		return nil
	}
	format, sent := c.focus.pool.presume(r.server.Name, l.Codecs()), one.session.Stats().PacketsSent
	s := &recorded{
		key: key, sidebar: at, participant: id, id: one.id, outlet: outlet{session: one.session, codec: format.Codec}, member: c.newMember(),
		capture: newCapture(one.session, max(leaseHold, c.focus.cfg.Hold), format.Codec), line: one, before: sent, counted: sent,
	}
	s.format = s.capture.pack(format)
	r.streams[key] = s
	return s
}

// line gives the stream of a key. There may be no port for it.
func (l *lease) line(key string) (*line, error) {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	one, err := l.session.take(l)
	if err == nil {
		l.lines[key] = one
	}
	return one, err
}

// drop takes back a line that the server has never taken. Its media are the caller's.
func (l *lease) drop(key string) {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	if one := l.lines[key]; one != nil {
		one.wish = nil
	}
	delete(l.lines, key)
	delete(l.playing, key)
}

// Codecs implements protocol.
func (l *lease) Codecs() []codecs.Codec {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	return l.session.client.Codecs()
}

// Label implements protocol.
func (l *lease) Label(key string) string {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	if key == mixedKey && l.session.merged != nil {
		return l.session.client.Label(l.session.merged.line.key)
	}
	if one := l.lines[key]; one != nil {
		return l.session.client.Label(one.key)
	}
	return ""
}

// Awaited implements protocol.
func (l *lease) Awaited(key string) bool {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	if key == mixedKey && l.session.merged != nil {
		return l.keepsFed()
	}
	one := l.lines[key]
	if l.stopped || one == nil || one.wish == nil || one.wish.Paused {
		return false
	}
	if one.text != nil && l.session.client.Dropped(one.key) { // who writes is told so, rather than that it is recorded some day
		return false
	}
	return l.session.client.Awaited(one.key) || !l.session.owns(one) && !l.session.client.Declined(one.key)
}

// Acknowledged implements protocol.
func (l *lease) Acknowledged() (siprec.Recording, bool) {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	return l.session.client.Acknowledged()
}

// end is for who goes without a word.
func (l *lease) end(now time.Time) {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	d := l.wanted
	d.Stopped = true
	l.want(d, now)
}
