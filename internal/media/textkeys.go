package media

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/parley-sip/parley/internal/dtls"
	"github.com/parley-sip/parley/internal/ice"
)

// Keys of text are made by handshakes as those of audio are (RFC 5763), each session its own: what is different is who reads the sockets.

// newGuard makes the contexts of parameters. Keys of a handshake stay in use until there are others, unless our certificate is another one.
func (s *TextSession) newGuard(p *TextParams) (*guard, error) {
	h := p.DTLS
	if h == nil {
		return newGuard(p.Protection, s.guard)
	}
	if p.Protection != nil || h.Certificate == nil || len(h.Peer) == 0 {
		return nil, fmt.Errorf("%w: a handshake without certificate or fingerprint, or with keys", ErrParams)
	}
	if before := s.params.DTLS; s.guard != nil && before != nil && before.Certificate == h.Certificate {
		return s.guard, nil
	}
	return &guard{}, nil // without keys nothing passes
}

// OnSecured has the outcome of each handshake told to a function: nil, or why there are no keys. It is called by another goroutine, must
// not block, and must not close the session.
func (s *TextSession) OnSecured(told func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secured = told
}

// aside takes what is no media: handshakes, and checks by which the far end opens its way. It reports whether it was one.
func (s *TextSession) aside(reports bool, octets []byte, from netip.AddrPort) bool {
	if len(octets) == 0 {
		return true
	}
	shakes, checks := isHandshake(octets), ice.IsMessage(octets)
	if !shakes && !checks {
		return false
	}
	c := ice.RTP
	if reports {
		c = ice.RTCP
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if shakes {
		s.keying.deliver(s, c, octets, from)
	} else {
		s.keying.reply(s, c, octets, from)
	}
	return true
}

// sendAside implements shaker.
func (s *TextSession) sendAside(c ice.Component, datagram []byte, to netip.AddrPort) {
	via := s.rtp
	if c == ice.RTCP {
		via = s.rtcp
	}
	if sendable(to) && len(datagram) > 0 {
		_, _ = via.WriteToUDPAddrPort(datagram, to) // what is lost is sent again
	}
}

// shook implements shaker.
func (s *TextSession) shook(c ice.Component, generation int, keys dtls.Keys, err error) {
	s.mu.Lock()
	k := &s.keying
	if generation != k.generation { // as it is after the end
		s.mu.Unlock()
		return
	}
	if err == nil {
		k.keys[c] = &Protection{Local: keys.Local, Remote: keys.Remote}
		var made *guard
		if made, err = k.guard(c, s.guard); err == nil {
			s.guard = made
		}
	}
	ours := c == ice.RTP || errors.Is(err, dtls.ErrFingerprint) // who sends no reports has no handshake for them, either
	k.failed = k.failed || ours && err != nil
	told := s.secured
	s.mu.Unlock()
	s.nudge()
	if ours && told != nil {
		told(err)
	}
}

func (s *TextSession) symmetric() bool { return s.cfg.Symmetric }

// strayed implements shaker. mu is held.
func (s *TextSession) strayed() { s.stats.Foreign++ }

var _ shaker = (*TextSession)(nil)
