package media

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/dtls"
	"github.com/parley-sip/parley/internal/ice"
)

// keyed is a session with its certificate and what its handshakes have come to.
type keyed struct {
	*Session

	certificate *dtls.Certificate
	outcome     chan error
}

func newKeyed(t *testing.T, transport *Transport) keyed {
	t.Helper()
	certificate, err := dtls.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	k := keyed{openSession(t, transport), certificate, make(chan error, 8)}
	k.OnSecured(func(err error) { k.outcome <- err })
	return k
}

// shake configures a session to shake hands with who has a fingerprint at an address.
func (k keyed) shake(t *testing.T, at netip.AddrPort, peer dtls.Fingerprint, client bool, change func(*Params)) {
	t.Helper()
	p := pcmuParams(at)
	p.DTLS = &Handshake{Certificate: k.certificate, Peer: []dtls.Fingerprint{peer}, Client: client}
	if change != nil {
		change(&p)
	}
	if err := k.Configure(p); err != nil {
		t.Fatal(err)
	}
}

// until runs both sessions' ticks until a condition holds.
func until(t *testing.T, what string, condition func() bool, sessions ...keyed) {
	t.Helper()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatal("waiting in vain for ", what)
		}
		<-ticker.C
		for _, s := range sessions {
			s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
			ingest(s.Session)
		}
	}
}

func protected(sessions ...keyed) func() bool {
	return func() bool {
		for _, s := range sessions {
			if !s.Stats().Protected {
				return false
			}
		}
		return true
	}
}

// hears tells whether a session gets this many more packets.
func (k keyed) hears(more uint64) func() bool {
	from := k.Stats().PacketsReceived
	return func() bool { return k.Stats().PacketsReceived >= from+more }
}

// Both ends get keys, on one port and on two, and hear each other and each other's reports; before, nothing is heard or sent. The same
// parameters leave the keys as they are, another certificate makes others, and those before hold that long.
//
// Shows ME-DTL-07, ME-DTL-08, ME-DTL-10, ME-DTL-11, ME-DTL-12.
func TestHandshakeOfSessions(t *testing.T) {
	for _, mux := range []bool{true, false} {
		transport := newTestTransport(t, func(c *Config) { c.RTCPInterval = 200 * time.Millisecond })
		a, b := newKeyed(t, transport), newKeyed(t, transport)
		set := func(p *Params) { p.Mux = mux }
		a.shake(t, b.LocalAddr(), b.certificate.Fingerprint(), true, set)
		ticks(t, 5, func(int) { a.Emit(&codecs.Packet{Payload: loud(), Samples: 160}) })
		if st := a.Stats(); st.PacketsSent != 0 || st.Protected {
			t.Fatalf("mux %v: sent before there are keys: %+v", mux, st)
		}
		b.shake(t, a.LocalAddr(), a.certificate.Fingerprint(), false, set)
		until(t, "keys", protected(a, b), a, b)
		heard, reports := b.hears(20), func() bool { return a.Stats().ReportsReceived > 0 && b.Stats().ReportsReceived > 0 }
		until(t, "media and reports", func() bool { return heard() && reports() }, a, b)
		before := a.offered.Load().guard
		a.shake(t, b.LocalAddr(), b.certificate.Fingerprint(), true, set)
		if a.offered.Load().guard != before || !a.Stats().Protected {
			t.Error("the same parameters have changed the keys")
		}
		again := newKeyed(t, transport)
		b.certificate = again.certificate
		secret := before.local
		b.shake(t, a.LocalAddr(), a.certificate.Fingerprint(), false, set)
		a.shake(t, b.LocalAddr(), b.certificate.Fingerprint(), true, set)
		if !a.Stats().Protected {
			t.Error("without keys during another handshake")
		}
		until(t, "other keys", func() bool { return !a.offered.Load().guard.local.Equal(secret) }, a, b)
		until(t, "media with other keys", b.hears(20), a, b)
		for _, s := range []keyed{a, b} {
			if err := <-s.outcome; err != nil {
				t.Error(err)
			}
		}
	}
}

// Who has not the certificate of the description gets nothing, and somebody hears of it.
//
// Shows ME-DTL-04, ME-DTL-08.
func TestForgedFingerprint(t *testing.T) {
	transport := newTestTransport(t, nil)
	a, b := newKeyed(t, transport), newKeyed(t, transport)
	a.shake(t, b.LocalAddr(), a.certificate.Fingerprint(), true, nil)
	b.shake(t, a.LocalAddr(), a.certificate.Fingerprint(), false, nil)
	var err error
	until(t, "an outcome", func() bool {
		select {
		case err = <-a.outcome:
			return true
		default:
			return false
		}
	}, a, b)
	if !errors.Is(err, dtls.ErrFingerprint) {
		t.Error(err)
	}
	if st := a.Stats(); st.Protected || st.PacketsSent != 0 {
		t.Errorf("%+v", st)
	}
}

// Plain packets before there are keys, and what is neither media, handshake nor check, are thrown away.
//
// Shows ME-DTL-08, ME-DTL-09, ME-DTL-17.
func TestPlainPacketsBeforeKeys(t *testing.T) {
	s := newKeyed(t, newTestTransport(t, nil))
	p := newPhone(t, "127.0.0.1", s.Session)
	s.shake(t, p.addr(), s.certificate.Fingerprint(), false, func(p *Params) { p.Mux = true })
	if m := p.read(p.rtp, 10*time.Second); !stun.IsMessage(m) { // which opens the way to us
		t.Fatalf("% x", m)
	}
	ticks(t, 6, func(int) {
		p.say(0, loud(), 160)
		p.raw([]byte{128, 200, 0, 1, 0, 0, 0, 1})
		p.raw([]byte{100, 1, 2, 3})
		if f := ingest(s.Session); !f.Flags.Has(codecs.Silent) {
			t.Error("a plain packet is heard")
		}
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
	})
	if st := s.Stats(); st.Forged < 5 || st.Invalid < 5 || st.PacketsReceived != 0 || st.RemoteSSRC != 0 || st.PacketsSent != 0 {
		t.Errorf("%+v", st)
	}
	request, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	p.raw(request.Raw) // is answered before there are keys (RFC 5763, section 6.7.2)
	var reply []byte
	until(t, "a reply", func() bool {
		reply = p.read(p.rtp, time.Millisecond)
		return reply != nil
	}, s)
	m := &stun.Message{Raw: reply}
	if err := m.Decode(); err != nil || m.Type != stun.BindingSuccess {
		t.Errorf("%v %v", m.Type, err)
	}
}

// lossy carries datagrams between two sessions, but for some; those of the second come from elsewhere than was described.
func lossy(t *testing.T, a, b *Session, lose func(n int) bool) (towardA, towardB netip.AddrPort) {
	t.Helper()
	var conns [2]*net.UDPConn
	for i := range conns {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		conns[i] = conn
	}
	carry := func(from, via *net.UDPConn, to netip.AddrPort) {
		buf := make([]byte, 2048)
		for n := 1; ; n++ {
			size, _, err := from.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if isHandshake(buf[:size]) && lose(n) {
				continue
			}
			_, _ = via.WriteToUDPAddrPort(buf[:size], to)
		}
	}
	go carry(conns[0], conns[1], a.LocalAddr()) // who sends to conns[0] means a, and a hears from conns[1]
	go carry(conns[1], conns[0], b.LocalAddr())
	return netip.MustParseAddrPort(conns[0].LocalAddr().String()), netip.MustParseAddrPort(conns[1].LocalAddr().String())
}

// A handshake outlives a network that loses every other datagram of it at first.
func TestHandshakeOnALossyNetwork(t *testing.T) {
	transport := newTestTransport(t, nil)
	a, b := newKeyed(t, transport), newKeyed(t, transport)
	towardA, towardB := lossy(t, a.Session, b.Session, func(n int) bool { return n%2 == 1 && n < 6 })
	mux := func(p *Params) { p.Mux = true }
	a.shake(t, towardB, b.certificate.Fingerprint(), true, mux)
	b.shake(t, towardA, a.certificate.Fingerprint(), false, mux)
	until(t, "keys", protected(a, b), a, b)
	until(t, "media", b.hears(5), a, b)
}

// checker is the far end's ICE, with another implementation of STUN.
type checker struct {
	*phone

	local, remote ice.Credentials // of the session and of the phone
}

func (c checker) check(t *testing.T, more ...stun.Setter) {
	t.Helper()
	setters := append([]stun.Setter{stun.BindingRequest, stun.TransactionID, stun.NewUsername(c.local.Fragment + ":" + c.remote.Fragment)}, more...)
	m, err := stun.Build(append(setters, stun.NewShortTermIntegrity(c.local.Password), stun.Fingerprint)...)
	if err != nil {
		t.Fatal(err)
	}
	c.raw(m.Raw)
}

type useCandidate struct{}

func (useCandidate) AddTo(m *stun.Message) error {
	m.Add(stun.AttrUseCandidate, nil)
	return nil
}

// With ICE media go nowhere before the far end has said where it wants them, whatever its description says, and then there; it may
// change its mind.
//
// Shows ME-NAT-03, ME-NAT-04, ME-NAT-06.
func TestMediaFollowTheChecks(t *testing.T) {
	s := newKeyed(t, newTestTransport(t, func(c *Config) { c.Symmetric = true }))
	described := newPhone(t, "127.0.0.1", s.Session)
	local, remote := ice.NewCredentials(), ice.NewCredentials()
	params := pcmuParams(described.addr())
	params.ICE, params.Mux = &ICE{Local: local, Remote: remote}, true
	if err := s.Configure(params); err != nil {
		t.Fatal(err)
	}
	peer := checker{newPhone(t, "127.0.0.2", s.Session), local, remote}
	ticks(t, 5, func(int) {
		described.say(0, loud(), 160)
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
		ingest(s.Session)
		peer.check(t)
	})
	if st := s.Stats(); st.PacketsSent != 0 || st.RemoteAddr.IsValid() {
		t.Fatalf("sent to where nobody has asked for it: %+v", st)
	}
	if reply := peer.read(peer.rtp, 10*time.Second); !stun.IsMessage(reply) {
		t.Fatalf("% x", reply)
	}
	for _, host := range []string{"127.0.0.2", "127.0.0.3"} {
		chosen := peer
		if host != "127.0.0.2" {
			chosen = checker{newPhone(t, host, s.Session), local, remote}
		}
		until(t, "media where they are wanted", func() bool {
			chosen.check(t, useCandidate{})
			return s.Stats().RemoteAddr == chosen.addr()
		}, s)
		heard := s.hears(10)
		until(t, "what the far end sends", func() bool {
			chosen.say(0, loud(), 160)
			return heard()
		}, s)
		media := func() bool {
			for {
				octets := chosen.read(chosen.rtp, time.Millisecond)
				if octets == nil || octets[0]>>6 == 2 {
					return octets != nil
				}
			}
		}
		until(t, "media", media, s)
	}
	if s.Configure(params) != nil || s.Stats().RemoteAddr == described.addr() {
		t.Error("new parameters have moved the media")
	}
	if octets := described.read(described.rtp, time.Millisecond); octets != nil {
		t.Errorf("the described address gets % x", octets)
	}
	if s.LastHeard().IsZero() {
		t.Error("checks are no sign of life")
	}
}

// A handshake waits for a way, in either part, and its datagrams come from where checks do.
//
// Shows ME-NAT-04.
func TestHandshakeAfterChecks(t *testing.T) {
	for _, client := range []bool{true, false} {
		transport := newTestTransport(t, nil)
		s, b := newKeyed(t, transport), newKeyed(t, transport)
		local, remote := ice.NewCredentials(), ice.NewCredentials()
		s.shake(t, netip.AddrPort{}, b.certificate.Fingerprint(), client, func(p *Params) {
			p.ICE, p.Mux = &ICE{Local: local, Remote: remote}, true
		})
		b.shake(t, s.LocalAddr(), s.certificate.Fingerprint(), !client, func(p *Params) { p.Mux = true })
		ticks(t, 5, func(int) { ingest(s.Session); ingest(b.Session) })
		if protected(s)() {
			t.Fatal("keys from nowhere")
		}
		m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(local.Fragment+":"+remote.Fragment), useCandidate{},
			stun.NewShortTermIntegrity(local.Password), stun.Fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		b.sendAside(ice.RTP, m.Raw, s.LocalAddr())
		until(t, "keys", protected(s, b), s, b)
		until(t, "media", s.hears(5), s, b)
	}
}

// Shows ME-DTL-08.
func TestUnusableHandshakes(t *testing.T) {
	s := newKeyed(t, newTestTransport(t, nil))
	for _, bad := range []*Handshake{
		{}, {Certificate: s.certificate}, {Peer: []dtls.Fingerprint{s.certificate.Fingerprint()}},
	} {
		p := pcmuParams(netip.MustParseAddrPort("127.0.0.1:9"))
		p.DTLS = bad
		if err := s.Configure(p); !errors.Is(err, ErrParams) {
			t.Error(err)
		}
	}
}

// Ticks of a session that waits for its keys, gets datagrams of handshakes and checks, and then has them, cost no memory.
func TestKeyingDoesNotAllocateInTheTick(t *testing.T) {
	s := newKeyed(t, newTestTransport(t, nil))
	p := newPhone(t, "127.0.0.1", s.Session)
	s.shake(t, p.addr(), s.certificate.Fingerprint(), false, func(p *Params) { p.Mux = true })
	handshake := make([]byte, 200)
	handshake[0] = 22
	ingest(s.Session)
	from := s.rtp.address(p.addr())
	packet := codecs.Packet{Payload: loud(), Samples: 160}
	var dst [codecs.MaxFrameSamples]int16
	if n := testing.AllocsPerRun(200, func() {
		s.aside(handshake, &from)
		s.Emit(&packet)
		s.Ingest(dst[:])
	}); n >= 1 { // the service goroutine reads what is put aside meanwhile
		t.Errorf("%v allocations", n)
	}
}
