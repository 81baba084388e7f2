package media

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/parley-sip/parley/internal/dtls"
)

// A ClientHello that comes before the answer, when nobody here knows of a handshake yet, is not lost: the handshake goes on from it, and
// needs no other.
//
// Shows ME-DTL-03.
func TestHelloBeforeTheAnswer(t *testing.T) {
	s := newKeyed(t, newTestTransport(t, nil))
	p := newPhone(t, "127.0.0.1", s.Session)
	theirs, err := dtls.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	var answered atomic.Bool
	hello := make(chan struct{}, 1)
	done := make(chan error, 1)
	far := dtls.Start(dtls.Config{
		Certificate: theirs, Peer: []dtls.Fingerprint{s.certificate.Fingerprint()}, Client: true,
		Send: func(datagram []byte) {
			select {
			case hello <- struct{}{}: // the first alone leaves before there is an answer to it
			default:
				if !answered.Load() {
					return
				}
			}
			_, _ = p.rtp.WriteToUDPAddrPort(datagram, p.to)
		},
		Done: func(_ dtls.Keys, err error) { done <- err },
	})
	t.Cleanup(far.Close)
	tickUntil(t, "a hello", func() {}, func() bool { return len(hello) == 1 })
	go func() {
		buf := make([]byte, 2048)
		for {
			n, err := p.rtp.Read(buf)
			if err != nil {
				return
			}
			if isHandshake(buf[:n]) {
				answered.Store(true)
				far.Deliver(buf[:n])
			}
		}
	}()
	s.shake(t, p.addr(), theirs.Fingerprint(), false, func(p *Params) { p.Mux = true })
	until(t, "keys", protected(s), s)
	if err := errors.Join(<-s.outcome, <-done); err != nil {
		t.Error(err)
	}
}
