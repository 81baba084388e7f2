package media_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/dtls"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/rtt"
)

// shakenText are the parameters of text whose keys are made with whom has the fingerprint.
func shakenText(at netip.AddrPort, own *dtls.Certificate, peer dtls.Fingerprint, client bool) media.TextParams {
	return media.TextParams{
		Remote: at, Send: true, Receiving: true, SendFormat: textFormat, ReceiveFormat: textFormat,
		DTLS: &media.Handshake{Certificate: own, Peer: []dtls.Fingerprint{peer}, Client: client},
	}
}

func certificate(t *testing.T) *dtls.Certificate {
	t.Helper()
	c, err := dtls.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Keys of text are made by a handshake of each flow; what is said before there are some waits for them, reports are protected as well, and other
// parameters with the same certificates go on with the keys.
//
// Shows ME-DTL-01, ME-DTL-02.
func TestTextByHandshake(t *testing.T) {
	tr := textTransport(t)
	a, _ := openText(t, tr)
	b, read := openText(t, tr)
	one, two := certificate(t), certificate(t)
	configure := func(mux bool) {
		p, q := shakenText(local(b.Port()), one, two.Fingerprint(), true), shakenText(local(a.Port()), two, one.Fingerprint(), false)
		p.Mux, q.Mux = mux, mux
		for s, params := range map[*media.TextSession]media.TextParams{a: p, b: q} {
			if err := s.Configure(params); err != nil {
				t.Fatal(err)
			}
		}
	}
	told := make(chan error, 8)
	a.OnSecured(func(err error) { told <- err })
	p := shakenText(local(b.Port()), one, two.Fingerprint(), true)
	if err := a.Configure(p); err != nil {
		t.Fatal(err)
	}
	a.Say(rtt.Source{}, "", "before, ")
	if st := a.Stats(); st.Protected || st.Sent != 0 {
		t.Errorf("before the handshake: %+v", st)
	}
	configure(false)
	awaitText(t, "what was said before", func() bool { return read.of(a.SSRC()) == "before, " })
	if err := <-told; err != nil {
		t.Error(err)
	}
	configure(false)
	if !a.Stats().Protected || !b.Stats().Protected {
		t.Error("the keys are gone with other parameters")
	}
	a.Say(rtt.Source{}, "", "after")
	awaitText(t, "what was said after", func() bool { return read.of(a.SSRC()) == "before, after" })
	awaitText(t, "reports", func() bool { return b.Stats().Reports > 0 })
	if st := b.Stats(); st.Lost != 0 { // what comes before b has its keys, which a may have a moment earlier, is not read, and repeated
		t.Errorf("%+v", st)
	}
	configure(true)
	awaitText(t, "keys on one port", func() bool { return a.Stats().Protected && b.Stats().Protected })
	a.Say(rtt.Source{}, "", "!")
	awaitText(t, "text on one port", func() bool { return read.of(a.SSRC()) == "before, after!" })
}

// Nobody with another certificate than the description says gets a packet, and nothing goes out in plain before there are keys, or at the end of a session
// that never has any.
//
// Shows ME-DTL-04, ME-DTL-14.
func TestTextWithoutKeys(t *testing.T) {
	tr := textTransport(t)
	a, _ := openText(t, tr)
	b, read := openText(t, tr)
	one, two, other := certificate(t), certificate(t), certificate(t)
	told := make(chan error, 8)
	a.OnSecured(func(err error) { told <- err })
	if err := a.Configure(shakenText(local(b.Port()), one, other.Fingerprint(), true)); err != nil {
		t.Fatal(err)
	}
	if err := b.Configure(shakenText(local(a.Port()), two, one.Fingerprint(), false)); err != nil {
		t.Fatal(err)
	}
	a.Say(rtt.Source{}, "", "secret")
	if err := <-told; !errors.Is(err, dtls.ErrFingerprint) {
		t.Errorf("%v", err)
	}
	if lost := a.Finish(); lost < len("secret") || a.Stats().Sent != 0 || a.Stats().Protected || read.of(a.SSRC()) != "" {
		t.Errorf("%d characters are lost; %+v", lost, a.Stats())
	}

	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	c, _ := openText(t, tr)
	at := socket.LocalAddr().(*net.UDPAddr).AddrPort() //nolint:forcetypeassert // of a UDP socket
	if err := c.Configure(shakenText(at, one, two.Fingerprint(), true)); err != nil {
		t.Fatal(err)
	}
	c.Say(rtt.Source{}, "", "secret")
	_ = socket.SetReadDeadline(time.Now().Add(time.Second))
	buffer, shakes := make([]byte, 2000), 0
	for {
		n, err := socket.Read(buffer)
		if err != nil {
			break
		}
		if n == 0 || buffer[0] < 20 || buffer[0] > 63 {
			t.Errorf("% x is no handshake", buffer[:min(n, 12)])
		}
		shakes++
		_, _ = socket.WriteToUDPAddrPort([]byte{0x80, 98, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 'x'}, local(c.Port())) // plain text
	}
	if st := c.Stats(); shakes == 0 || st.Forged == 0 || st.Received != 0 {
		t.Errorf("%d datagrams of a handshake; %+v", shakes, st)
	}
	for name, change := range map[string]func(*media.TextParams){
		"keys as well": func(p *media.TextParams) { p.Protection = &media.Protection{} },
		"nobody":       func(p *media.TextParams) { p.DTLS.Peer = nil },
	} {
		p := shakenText(at, one, two.Fingerprint(), true)
		change(&p)
		if err := c.Configure(p); !errors.Is(err, media.ErrParams) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
