package media

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/parley-sip/parley/codecs"
)

// onlySends makes it a session that only sends, as a recorded stream is.
func onlySends(p *Params) { p.Receive, p.Receiving = nil, false }

// A session that only sends gets its keys while no tick looks after it. With another certificate of ours it is a session with somebody else: the
// keys before count for nothing, and nothing is sent until there are others.
//
// Shows ME-DTL-08, ME-DTL-12, SR-SEC-15.
func TestHandshakeWithoutTicks(t *testing.T) {
	transport := newTestTransport(t, nil)
	a, b := newKeyed(t, transport), newKeyed(t, transport)
	shake := func(told string) {
		t.Helper()
		a.shake(t, b.LocalAddr(), b.certificate.Fingerprint(), false, onlySends)
		if a.Stats().Protected {
			t.Errorf("%s: keys of nobody", told)
		}
		before := a.Stats().PacketsSent
		a.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
		if a.Stats().PacketsSent != before {
			t.Errorf("%s: sent without keys", told)
		}
		b.shake(t, a.LocalAddr(), a.certificate.Fingerprint(), true, onlySends)
		for _, s := range []keyed{a, b} {
			select {
			case err := <-s.outcome:
				if err != nil {
					t.Fatal(told, err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal(told, "no outcome")
			}
		}
		if !a.Stats().Protected || !b.Stats().Protected {
			t.Errorf("%s: no keys", told)
		}
		a.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
		if a.Stats().PacketsSent != before+1 {
			t.Errorf("%s: not sent", told)
		}
	}
	shake("first")
	other := newKeyed(t, transport)
	a.certificate = other.certificate
	shake("with another certificate")
	a.shake(t, b.LocalAddr(), b.certificate.Fingerprint(), false, func(p *Params) { onlySends(p); p.DTLS.Timeout = 50 * time.Millisecond })
	if !a.Stats().Protected {
		t.Error("the same handshake has begun anew")
	}
	other.shake(t, b.LocalAddr(), b.certificate.Fingerprint(), false, func(p *Params) { onlySends(p); p.DTLS.Timeout = 50 * time.Millisecond })
	select {
	case err := <-other.outcome:
		if err == nil || errors.Is(err, ErrParams) {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("waits for ever")
	}
}

// A handshake that has made no keys, as with a recorder that was not there yet, or not for a paused stream, is begun anew by the next parameters,
// though they are the same.
//
// Shows SR-SEC-15.
func TestHandshakeAfterOneThatFailed(t *testing.T) {
	transport := newTestTransport(t, nil)
	a, b := newKeyed(t, transport), newKeyed(t, transport)
	outcome := func(s keyed) error {
		t.Helper()
		select {
		case err := <-s.outcome:
			return err
		case <-time.After(20 * time.Second):
			t.Fatal("no outcome")
			return nil
		}
	}
	a.shake(t, b.LocalAddr(), b.certificate.Fingerprint(), false, func(p *Params) { onlySends(p); p.DTLS.Timeout = 50 * time.Millisecond })
	if err := outcome(a); err == nil {
		t.Fatal("keys of nobody")
	}
	a.shake(t, b.LocalAddr(), b.certificate.Fingerprint(), false, onlySends)
	b.shake(t, a.LocalAddr(), a.certificate.Fingerprint(), true, onlySends)
	if err := errors.Join(outcome(a), outcome(b)); err != nil || !a.Stats().Protected || !b.Stats().Protected {
		t.Error(err)
	}
}

// A recorder that is gone refuses what is sent. That is for the tick to see: until it does, the service has others to look after.
func TestRefusedWithoutTicks(t *testing.T) {
	transport := newTestTransport(t, nil)
	nobody, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(nobody.LocalAddr().String())
	if err = nobody.Close(); err != nil {
		t.Fatal(err)
	}
	refused := newKeyed(t, transport)
	for n := range 80 { // more than the service looks at together
		s := refused
		if n > 0 {
			s = keyed{openSession(t, transport), refused.certificate, nil}
		}
		s.shake(t, at, refused.certificate.Fingerprint(), false, onlySends)
		if err = unix.Connect(s.rtp.fd, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}); err != nil {
			t.Fatal(err)
		}
		if _, err = unix.Write(s.rtp.fd, loud()); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan error, 1)
	go func() { closed <- openSession(t, transport).Close() }()
	select {
	case err = <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the service looks at those who are refused, and at nobody else")
	}
}

// What was sent to somebody who is gone, plain and from a socket that lets nobody else in, is sent on to somebody else under keys by a handshake, although
// no tick looks after the session before they are there.
//
// Shows ME-DTL-12, SR-SEC-15, SR-ERR-08.
func TestHandshakeWithTheNextOne(t *testing.T) {
	transport := newTestTransport(t, nil)
	nobody, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(nobody.LocalAddr().String())
	a, b := newKeyed(t, transport), newKeyed(t, transport)
	a.shake(t, at, b.certificate.Fingerprint(), false, func(p *Params) { onlySends(p); p.DTLS = nil })
	a.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
	if !a.in.connected {
		t.Fatal("the socket is open to all")
	}
	if err = nobody.Close(); err != nil {
		t.Fatal(err)
	}
	a.Emit(&codecs.Packet{Payload: loud(), Samples: 160}) // is refused, which nobody has seen yet
	a.shake(t, b.LocalAddr(), b.certificate.Fingerprint(), false, onlySends)
	b.shake(t, a.LocalAddr(), a.certificate.Fingerprint(), true, onlySends)
	for _, s := range []keyed{a, b} {
		select {
		case err := <-s.outcome:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("no outcome")
		}
	}
	before := a.Stats().PacketsSent
	a.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
	if got := a.Stats(); got.PacketsSent != before+1 || got.SendErrors > 0 || got.Refused > 0 {
		t.Errorf("%+v", got)
	}
}
