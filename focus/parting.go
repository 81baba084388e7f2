package focus

import (
	"context"
	"slices"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// parting is a stream that has been taken out of a session, and that the server may not have got all of. Its media are closed when the server has
// answered to a request that it got after that: it may have died before the end of the stream, and then nobody else is asked for what it was sent last.
type parting struct {
	stream *recorded
	at     time.Time // since when nothing is sent of it
}

// part closes a stream that has ended, one that the server may not have got all of not before it is known that it was there.
func (c *controller) part(r *recorder, s *recorded, ended time.Time) {
	if s.feed != nil && s.ownKept() && s.capture.holding.Load() && s.capture.owed() || s.capture.kept == nil || !ended.After(r.there()) {
		c.closeStream(r, s)
		return
	}
	if s.line != nil {
		c.flushLine(r, s)
	}
	r.parting = append(r.parting, parting{stream: s, at: ended})
}

// flushLine sends what is left of a stream when the mix has let go of it: the server takes its line as ever.
func (c *controller) flushLine(r *recorder, s *recorded) {
	applied := c.applied
	c.background(func(ctx context.Context) message {
		select {
		case <-applied:
		case <-ctx.Done():
		}
		return lastOfLine{recorder: r, stream: s}
	})
}

// lastOfLine says that the mix has let go of a stream in a line.
type lastOfLine struct {
	recorder *recorder
	stream   *recorded
}

// handle implements message.
func (m lastOfLine) handle(c *controller) {
	if slices.ContainsFunc(m.recorder.parting, func(p parting) bool { return p.stream == m.stream }) && !m.stream.capture.lags() { // else closeStream sees to it
		m.stream.capture.rest()
		m.stream.line.owner.lookAgain()
		if f := m.stream.feed; f != nil {
			c.focus.spawn(f.close)
		}
	}
}

// confirm takes note of what tells that the server was there, and closes the streams that it has got all of.
func (c *controller) confirm(r *recorder, e siprec.Event) {
	if e, ok := e.(siprec.TimedOut); ok && e.Exchange == r.proof.exchange {
		r.warned = true // which has been logged
	}
	r.proof.hears(e, time.Now())
	c.confirmTexts(r)
	if len(r.parting) == 0 {
		return
	}
	there := r.there()
	left := r.parting[:0]
	for _, p := range r.parting {
		if p.at.After(there) {
			left = append(left, p)
			continue
		}
		c.closeStream(r, p.stream)
	}
	r.parting = left
}

// revive has what was sent since a time of streams that have ended sent again, when the server turns out to be gone.
func (c *controller) revive(r *recorder, since time.Time) {
	c.reviveTexts(r, since)
	list := r.parting
	r.parting = nil
	for _, p := range list {
		s := p.stream
		if p.at.After(since) {
			s.doubt(since, r.server.Name)
		}
		if s.feed != nil || r.streams[s.key] != nil || s.capture.live() { // it has begun anew; or there is nothing
			c.closeStream(r, s)
			continue
		}
		r.streams[s.key] = s
		if l, lent := r.client.(*lease); lent && s.line != nil {
			l.takeBack(s.key, s.line)
		}
		c.letLinger(s)
	}
}

// giveUp lets go of streams that nobody will ask for any more: what was sent of them since a time goes to the spool, or is lost and counted.
func (c *controller) giveUp(r *recorder, list []parting, since time.Time) {
	for _, p := range list {
		if p.at.After(since) {
			p.stream.doubt(since, r.server.Name)
		}
		c.closeStream(r, p.stream)
	}
}

// farewell is the outcome of a BYE to a server that has not answered to anything since streams have ended. Its 200 says that it was there, but for one
// that has left the request before unanswered: what answers to a BYE is not what records.
type farewell struct {
	recorder *recorder
	parting  []parting
	texts    []partingText
	since    time.Time // since when what was sent may have found nobody
	answered bool
}

// handle implements message.
func (m farewell) handle(c *controller) {
	c.settling[m.recorder.recording]--
	if !m.answered {
		c.giveUp(m.recorder, m.parting, m.since)
		for _, p := range m.texts {
			p.text.capture.doubt(m.since)
			c.closeRecordedText(m.recorder, p.text)
		}
		if m.recorder.over {
			c.closeSegment(m.recorder)
		}
		return
	}
	for _, p := range m.texts {
		c.closeRecordedText(m.recorder, p.text)
	}
	for _, p := range m.parting {
		c.closeStream(m.recorder, p.stream)
	}
}

// takeLeave gives what waits for an answer to the BYE, the last request; nil: nothing does.
func (c *controller) takeLeave(r *recorder) *farewell {
	c.attend(r, time.Now())
	for _, key := range r.unconfirmed() {
		s := r.streams[key]
		delete(r.streams, key)
		r.parting = append(r.parting, parting{stream: s, at: s.ended()})
	}
	list, texts := r.parting, r.unconfirmedTexts()
	r.parting = nil
	if len(list) == 0 && len(texts) == 0 {
		return nil
	}
	c.settling[r.recording]++
	return &farewell{recorder: r, parting: list, texts: texts, since: r.doubtful(time.Now())}
}
