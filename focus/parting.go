package focus

import (
	"time"

	"github.com/parley-sip/parley/siprec"
)

// parting is a stream that has been taken out of a session while it flowed. Its media are closed when the server has answered to a request that it got
// after that: it may have died before the end of the stream, and then nobody else is asked for what it was sent last.
type parting struct {
	stream   *recorded
	at       time.Time // the end of the stream
	exchange uint32    // the request; 0: none is on its way
}

// part closes a stream that has ended, one that flowed not before it is known that the server was there. A line of a persistent session goes back at
// once.
func (c *controller) part(r *recorder, s *recorded, flowed bool) {
	if !flowed || s.line != nil || s.feed != nil || s.capture.kept == nil {
		c.closeStream(r, s)
		return
	}
	r.parting = append(r.parting, parting{stream: s, at: time.Now()})
}

// asks notes the request that the server would not answer if it had not been there.
func (r *recorder) asks(exchange uint32) {
	for i := range r.parting {
		if r.parting[i].exchange == 0 {
			r.parting[i].exchange = exchange
		}
	}
}

// confirm closes the streams of which it is known now that the server was there until their end.
func (c *controller) confirm(r *recorder, e siprec.Event) {
	if len(r.parting) == 0 {
		return
	}
	var there func(*parting) bool
	switch e := e.(type) {
	case siprec.Answered:
		there = func(p *parting) bool { return p.exchange == e.Exchange && p.exchange != 0 && answersItself(e.Status) }
	case siprec.PeerBye:
		there = func(*parting) bool { return true }
	default:
		return
	}
	left := r.parting[:0]
	for _, p := range r.parting {
		if there(&p) {
			c.closeStream(r, p.stream)
			continue
		}
		if e, ok := e.(siprec.Answered); ok && p.exchange == e.Exchange { // the next request will tell
			p.exchange = 0
		}
		left = append(left, p)
	}
	r.parting = left
}

// answersItself tells whether a status is of a server that knows the session, and not of one on the way to it.
func answersItself(status int) bool { return status < 500 && status != 408 && status != 481 }

// doubt makes what a stream was sent last something that no recorder has, from as long before its end as a loss may take to be known.
func (p *parting) doubt() { p.stream.capture.resend(p.at.Add(-overlap)) }

// revive has what was sent last of streams that have ended sent again, when the server turns out to be gone.
func (c *controller) revive(r *recorder) {
	list := r.parting
	r.parting = nil
	for _, p := range list {
		p.doubt()
		s := p.stream
		if r.streams[s.key] != nil { // it has begun anew
			c.closeStream(r, s)
			continue
		}
		r.streams[s.key] = s
		c.letLinger(s)
	}
}

// giveUp lets go of streams that nobody will ask for any more: what was sent of them last goes to the spool, or is lost and counted.
func (c *controller) giveUp(r *recorder, list []parting) {
	for _, p := range list {
		p.doubt()
		c.closeStream(r, p.stream)
	}
}

// farewell is the outcome of a BYE to a server that has not answered to anything since streams have ended.
type farewell struct {
	recorder *recorder
	parting  []parting
	answered bool
}

// handle implements message.
func (m farewell) handle(c *controller) {
	c.settling[m.recorder.recording]--
	if !m.answered {
		c.giveUp(m.recorder, m.parting)
		return
	}
	for _, p := range m.parting {
		c.closeStream(m.recorder, p.stream)
	}
}

// takeLeave gives the streams that wait for an answer to the BYE, the last request.
func (c *controller) takeLeave(r *recorder) []parting {
	list := r.parting
	r.parting = nil
	if len(list) > 0 {
		c.settling[r.recording]++
	}
	return list
}
