package sdp_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/srtp"
)

func fingerprint(digit string) sdp.Fingerprint {
	return sdp.Fingerprint{Hash: "sha-256", Value: strings.Repeat(digit+digit+":", 31) + digit + digit}
}

// ownEnd is a focus that knows all ways of keying.
func ownEnd(change func(*sdp.LocalStream)) sdp.Local {
	stream := sdp.LocalStream{
		Port: 20000, Codecs: []codecs.Codec{codecs.Opus, codecs.PCMU}, Mux: true, Security: sdp.SecurityOptional,
		DTLS: sdp.LocalDTLS{Fingerprint: fingerprint("A")}, ICE: sdp.ICE{Fragment: "ours", Password: strings.Repeat("p", 22)},
	}
	if change != nil {
		change(&stream)
	}
	return sdp.Local{Address: netip.MustParseAddr("192.0.2.1"), Session: 1, Version: 1, Streams: []sdp.LocalStream{stream}}
}

// browserOffer is what a browser sends, one audio and one video on one transport.
const browserOffer = `v=0
o=- 4962303333179871722 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=msid-semantic: WMS stream
m=audio 54321 UDP/TLS/RTP/SAVPF 111 0
c=IN IP4 203.0.113.9
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1467250027 1 udp 2122260223 192.168.0.196 46243 typ host generation 0
a=candidate:1853887674 1 udp 1518280447 203.0.113.9 54321 typ srflx raddr 192.168.0.196 rport 46243 generation 0
a=ice-ufrag:hisF
a=ice-pwd:0123456789012345678901
a=ice-options:trickle
a=fingerprint:sha-256 BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:bb
a=setup:actpass
a=mid:0
a=sendrecv
a=rtcp-mux
a=rtcp-mux-only
a=rtpmap:111 opus/48000/2
m=video 54321 UDP/TLS/RTP/SAVPF 96
c=IN IP4 203.0.113.9
a=ice-ufrag:hisF
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB
a=setup:actpass
a=mid:1
a=rtcp-mux
a=rtpmap:96 VP8/90000
`

func parsed(t *testing.T, text string) sdp.Description {
	t.Helper()
	d, err := sdp.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func has(t *testing.T, d sdp.Description, lines ...string) {
	t.Helper()
	text := string(d.Marshal())
	for _, line := range lines {
		if !strings.Contains(text, line+"\r\n") {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
}

func lacks(t *testing.T, d sdp.Description, parts ...string) {
	t.Helper()
	text := string(d.Marshal())
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("%q in\n%s", part, text)
		}
	}
}

// A browser's offer is answered so that it can look for a way to us, on one port, with a handshake that we begin.
//
// Shows ME-DTL-01, ME-DTL-02, ME-DTL-05, ME-NAT-03.
func TestAnswerToABrowser(t *testing.T) {
	plan, err := sdp.Answer(parsed(t, browserOffer), ownEnd(nil))
	if err != nil {
		t.Fatal(err)
	}
	has(t, plan.Answer, "m=audio 20000 UDP/TLS/RTP/SAVPF 111 0", "a=setup:active", "a=fingerprint:sha-256 "+fingerprint("A").Value, "a=ice-lite",
		"a=ice-options:ice2", "a=ice-ufrag:ours", "a=candidate:1 1 UDP 2130706431 192.0.2.1 20000 typ host", "a=end-of-candidates",
		"a=rtcp-mux", "a=group:BUNDLE 0", "a=mid:0", "a=mid:1", "m=video 0 UDP/TLS/RTP/SAVPF 96")
	lacks(t, plan.Answer, "a=connection", "candidate:1 2", "a=crypto", "trickle")
	s, _ := plan.Audio()
	if s.DTLS == nil || s.DTLS.Setup != sdp.SetupActive || len(s.DTLS.Peer) != 1 || s.DTLS.Peer[0] != fingerprint("B") || !s.Mux {
		t.Errorf("%+v", s.DTLS)
	}
	if s.ICE != (sdp.ICE{Fragment: "hisF", Password: "0123456789012345678901"}) || s.Protection != nil || !s.Send || !s.Receive {
		t.Errorf("%+v", s)
	}
	if again := parsed(t, string(plan.Answer.Marshal())); string(again.Marshal()) != string(plan.Answer.Marshal()) {
		t.Error("the answer reads back as another")
	}
}

// What varies in offers, and what becomes of it.
//
// Shows ME-DTL-02, ME-DTL-12.
func TestAnswersToHandshakes(t *testing.T) {
	none := func(s *sdp.LocalStream) { s.DTLS = sdp.LocalDTLS{} }
	for name, test := range map[string]struct {
		from, to string
		own      func(*sdp.LocalStream)
		setup    sdp.Setup
		err      error
	}{
		"actpass":         {setup: sdp.SetupActive},
		"keeps its part":  {own: func(s *sdp.LocalStream) { s.DTLS.Setup = sdp.SetupPassive }, setup: sdp.SetupPassive},
		"passive":         {from: "setup:actpass", to: "setup:passive", setup: sdp.SetupActive},
		"active":          {from: "setup:actpass", to: "setup:active", setup: sdp.SetupPassive},
		"other part":      {from: "setup:actpass", to: "setup:passive", own: func(s *sdp.LocalStream) { s.DTLS.Setup = sdp.SetupPassive }, setup: sdp.SetupActive},
		"no setup":        {from: "a=setup:actpass\n", setup: sdp.SetupPassive},
		"holdconn":        {from: "setup:actpass", to: "setup:holdconn", err: sdp.ErrCrypto},
		"weak":            {from: "sha-256", to: "sha-1", err: sdp.ErrCrypto},
		"short":           {from: "BB:BB", to: "BB", err: sdp.ErrCrypto},
		"no fingerprint":  {from: "a=fingerprint:", to: "a=x:", err: sdp.ErrCrypto},
		"not with us":     {own: none, err: sdp.ErrTransport},
		"not at all":      {own: func(s *sdp.LocalStream) { s.Security = sdp.SecurityNone }, err: sdp.ErrTransport},
		"required":        {own: func(s *sdp.LocalStream) { s.Security = sdp.SecurityRequired }, setup: sdp.SetupActive},
		"without AVPF":    {from: "SAVPF", to: "SAVP", setup: sdp.SetupActive},
		"over TCP":        {from: "UDP/TLS", to: "TCP/DTLS", err: sdp.ErrTransport},
		"plain, required": {from: "UDP/TLS/RTP/SAVPF", to: "RTP/AVP", own: func(s *sdp.LocalStream) { s.Security = sdp.SecurityRequired }, err: sdp.ErrInsecure},
	} {
		text := browserOffer
		if test.from != "" {
			text = strings.ReplaceAll(text, test.from, test.to)
		}
		plan, err := sdp.Answer(parsed(t, text), ownEnd(test.own))
		if !errors.Is(err, test.err) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s, ok := plan.Audio(); ok && (s.DTLS == nil || s.DTLS.Setup != test.setup) {
			t.Errorf("%s: %+v", name, s.DTLS)
		}
	}
}

// Where there is no ICE, the address in the description counts, and where there is, it does not.
//
// Shows ME-NAT-03.
func TestAnswersToCandidates(t *testing.T) {
	for name, test := range map[string]struct {
		from, to string
		ice      bool
		line     string
	}{
		"later":      {"54321", "9", true, "a=ice-lite"},
		"nowhere":    {"IP4 203.0.113.9", "IP4 0.0.0.0", true, "a=sendrecv"},
		"other kind": {"IP4 203.0.113.9", "IP6 2001:db8::1", false, "a=ice-mismatch"},
		"named":      {"192.168.0.196 46243 typ host", "3b6c.local 54321 typ host", true, "a=ice-lite"},
		"altered":    {"c=IN IP4 203.0.113.9", "c=IN IP4 198.51.100.4", false, "a=ice-mismatch"},
		"lite":       {"a=group", "a=ice-lite\na=group", false, "a=sendrecv"},
		"none":       {"ice-ufrag", "x", false, "a=sendrecv"},
		"no mux":     {"a=rtcp-mux\n", "", true, "a=candidate:1 2 UDP 2130706430 192.0.2.1 20001 typ host"},
	} {
		plan, err := sdp.Answer(parsed(t, strings.ReplaceAll(browserOffer, test.from, test.to)), ownEnd(nil))
		if name == "other kind" { // nobody can be reached there
			if !errors.Is(err, sdp.ErrAddress) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s, _ := plan.Audio()
		if (s.ICE != sdp.ICE{}) != test.ice || s.RemoteHold || !s.Send {
			t.Errorf("%s: %+v", name, s)
		}
		has(t, plan.Answer, test.line)
		if !test.ice {
			lacks(t, plan.Answer, "ice-lite", "candidate")
		}
	}
}

// Our offers: a handshake where there are no keys to show, or in the way that the stream is protected.
//
// Shows ME-DTL-01, ME-DTL-02, ME-DTL-05, ME-MUX-07.
func TestOffersOfHandshakes(t *testing.T) {
	local := ownEnd(func(s *sdp.LocalStream) { s.Security, s.OfferICE = sdp.SecurityRequired, true })
	offer := sdp.Offer(local)
	has(t, offer, "m=audio 20000 UDP/TLS/RTP/SAVP 111 0", "a=setup:actpass", "a=fingerprint:sha-256 "+fingerprint("A").Value, "a=ice-lite",
		"a=candidate:1 1 UDP 2130706431 192.0.2.1 20000 typ host", "a=candidate:1 2 UDP 2130706430 192.0.2.1 20001 typ host")
	lacks(t, offer, "a=connection", "a=crypto")
	answer := func(setup string) sdp.Description {
		text := strings.Replace(strings.Replace(browserOffer, "a=setup:actpass", "a=setup:"+setup, 1), "SAVPF", "SAVP", 1)
		audio, _, _ := strings.Cut(text, "m=video")
		return parsed(t, audio)
	}
	for setup, want := range map[string]sdp.Setup{"active": sdp.SetupPassive, "passive": sdp.SetupActive} {
		plan, err := sdp.Accept(offer, answer(setup))
		if err != nil {
			t.Fatal(err)
		}
		if s, _ := plan.Audio(); s.DTLS == nil || s.DTLS.Setup != want || s.ICE.Fragment != "hisF" || s.Protection != nil {
			t.Errorf("%s: %+v", setup, s)
		}
	}
	for _, setup := range []string{"actpass", "holdconn"} {
		if _, err := sdp.Accept(offer, answer(setup)); !errors.Is(err, sdp.ErrCrypto) {
			t.Errorf("%s: %v", setup, err)
		}
	}
	local.Previous = &offer
	local.Streams[0].Keys = []srtp.Key{{Suite: srtp.AEADAES128GCM, Secret: make([]byte, 28)}}
	has(t, sdp.Offer(local), "m=audio 20000 UDP/TLS/RTP/SAVP 111 0")
	local.Previous = nil
	has(t, sdp.Offer(local), "m=audio 20000 RTP/SAVP 111 0")
}

// An opportunistic offer is plain to who does not know better, and protected in one of two ways to who does (RFC 8643).
func TestOpportunisticKeys(t *testing.T) {
	ours := ownEnd(func(s *sdp.LocalStream) {
		s.Opportunistic, s.ICE = true, sdp.ICE{}
		s.Keys = []srtp.Key{{Suite: srtp.AEADAES128GCM, Secret: []byte(strings.Repeat("k", 28))}}
	})
	offer := sdp.Offer(ours)
	has(t, offer, "m=audio 20000 RTP/AVP 111 0", "a=setup:actpass")
	if len(offer.Media[0].Values("crypto")) != 1 || len(offer.Media[0].Values("fingerprint")) != 1 {
		t.Error("keys are missing")
	}
	for name, test := range map[string]struct {
		change          func(*sdp.LocalStream)
		dtls, protected bool
	}{
		"plain": {func(s *sdp.LocalStream) { s.Security = sdp.SecurityNone }, false, false},
		"dtls":  {func(*sdp.LocalStream) {}, true, false},
		"sdes": {func(s *sdp.LocalStream) {
			s.DTLS = sdp.LocalDTLS{}
			s.Keys = []srtp.Key{{Suite: srtp.AEADAES128GCM, Secret: []byte(strings.Repeat("t", 28))}}
		}, false, true},
		"required": {func(s *sdp.LocalStream) { s.Security = sdp.SecurityRequired }, true, false},
	} {
		theirs := ownEnd(func(s *sdp.LocalStream) { s.Opportunistic = true; test.change(s) })
		answered, err := sdp.Answer(offer, theirs)
		if err != nil {
			t.Fatal(name, err)
		}
		accepted, err := sdp.Accept(offer, answered.Answer)
		if err != nil {
			t.Fatal(name, err)
		}
		a, _ := answered.Audio()
		b, _ := accepted.Audio()
		for _, s := range []sdp.Stream{a, b} {
			if (s.DTLS != nil) != test.dtls || (s.Protection != nil) != test.protected {
				t.Errorf("%s: %+v", name, s)
			}
		}
		if test.dtls && a.DTLS.Setup == b.DTLS.Setup {
			t.Error("both play the same part")
		}
	}
	ours.Previous, ours.Streams[0].Security = &offer, sdp.SecurityRequired
	has(t, sdp.Offer(ours), "m=audio 20000 RTP/AVP 111 0", "a=setup:actpass")
}

// Fingerprints of the session are those of every line that has none of its own (RFC 8122, section 5), as browsers write them.
func TestFingerprintsOfTheSession(t *testing.T) {
	all, own := strings.TrimSuffix(strings.Repeat("AA:", 32), ":"), strings.TrimSuffix(strings.Repeat("bb:", 32), ":")
	d, err := sdp.Parse([]byte("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=fingerprint:sha-256 " + all + "\r\na=setup:actpass\r\n" +
		"m=audio 5000 UDP/TLS/RTP/SAVP 0\r\nm=audio 5002 UDP/TLS/RTP/SAVP 0\r\na=fingerprint:sha-256 " + own + "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{all, strings.ToUpper(own)} {
		if got := d.Fingerprints(i); len(got) != 1 || got[0] != (sdp.Fingerprint{Hash: "sha-256", Value: want}) {
			t.Errorf("line %d: %v", i, got)
		}
	}
	plan, err := sdp.Answer(d, ownEnd(func(s *sdp.LocalStream) { s.ICE = sdp.ICE{} }))
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := plan.Audio(); !ok || s.DTLS == nil || len(s.DTLS.Peer) != 1 || s.DTLS.Peer[0].Value != all {
		t.Errorf("%+v", s)
	}
}

// What is protected stays so in the next offer, and with feedback, whatever is wished for new calls.
func TestProtectionStays(t *testing.T) {
	ours := ownEnd(func(s *sdp.LocalStream) {
		s.Security, s.Feedback, s.ICE, s.DTLS = sdp.SecurityRequired, true, sdp.ICE{}, sdp.LocalDTLS{}
		s.Keys = []srtp.Key{{Suite: srtp.AEADAES128GCM, Secret: []byte(strings.Repeat("k", 28))}}
	})
	first := sdp.Offer(ours)
	has(t, first, "m=audio 20000 RTP/SAVPF 111 0")
	ours.Previous = &first
	for _, security := range []sdp.Security{sdp.SecurityRequired, sdp.SecurityOptional} {
		ours.Streams[0].Security, ours.Streams[0].Feedback = security, false
		again := sdp.Offer(ours)
		has(t, again, "m=audio 20000 RTP/SAVPF 111 0")
		if len(again.Media[0].Values("crypto")) != 1 {
			t.Error("without keys")
		}
	}
}
