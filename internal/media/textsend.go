package media

import (
	"time"

	"github.com/parley-sip/parley/internal/rtt"
	"github.com/parley-sip/parley/internal/srtp"
)

// run sends what is due, until the session is closed.
func (s *TextSession) run() {
	defer s.running.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		case <-timer.C:
		}
		s.order.Lock()
		s.mu.Lock()
		var list []rtt.Text
		if s.in != nil && s.params.Receiving {
			list = s.in.Poll(s.transport.now())
		}
		next := s.flush()
		s.mu.Unlock()
		if len(list) > 0 && s.received != nil {
			s.received(list)
		}
		s.order.Unlock()
		timer.Reset(max(next-s.transport.now(), time.Millisecond))
	}
}

// flush sends all that is due and returns when more will be.
func (s *TextSession) flush() time.Duration {
	now := s.transport.now()
	if s.configured && now >= s.reportAt {
		s.report(false)
		s.reportAt = now + reportInterval(s.transport.cfg.RTCPInterval)
	}
	next := max(s.reportAt, now+time.Millisecond)
	if !s.configured {
		return next + time.Second
	}
	if s.in != nil {
		if at, ok := s.in.Next(); ok && at < next {
			next = at
		}
	}
	if s.out == nil || !s.params.Send || s.guard.waits() {
		return next
	}
	for p, ok := s.out.Poll(now); ok; p, ok = s.out.Poll(now) {
		s.send(p)
	}
	if at, ok := s.out.Next(); ok && at < next {
		next = at
	}
	return next
}

// send sends one packet.
func (s *TextSession) send(p rtt.Packet) {
	to := s.latch.destination()
	if !to.IsValid() {
		return
	}
	s.buffer = p.Append(s.buffer[:0])
	size := len(s.buffer)
	if s.guard != nil {
		s.buffer = append(s.buffer, make([]byte, srtp.MaxOverhead+len(s.guard.local.MKI))...)
		var err error
		if size, err = s.guard.send.Protect(s.buffer, size); err != nil {
			return // the key is used up
		}
	}
	if _, err := s.rtp.WriteToUDPAddrPort(s.buffer[:size], to); err == nil {
		s.stats.Sent++
		if s.witness != nil {
			s.witness.Add(p.SSRC, p.Sequence, p.Payload)
		}
	}
}

// Forget drops what waits and what would be repeated: another far end gets the stream from now on.
func (s *TextSession) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out != nil {
		s.out.Clear()
	}
}

func (s *TextSession) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
