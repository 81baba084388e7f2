package siprec_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

// shaken is a client that records two streams under keys by handshakes, with its INVITE.
func shaken(t *testing.T) (*siprec.Client, siprec.Invite) {
	t.Helper()
	n := 0
	client, err := siprec.New(siprec.Config{
		Address: netip.MustParseAddr("192.0.2.1"), SDPSession: 1, Security: sdp.SecurityRequired,
		Certify: func() sdp.Fingerprint {
			n++
			return sdp.Fingerprint{Hash: "sha-256", Value: strings.TrimSuffix(strings.Repeat(fmt.Sprintf("%02d:", n), 32), ":")}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &conference{mode: "separate", masked: map[siprec.ID]bool{}}
	c.join("alice", base)
	c.join("bob", base)
	return client, inviteIn(t, client.Step(c.desire(), base))
}

// shakingAnswer takes all lines with a certificate of the recorder's.
func shakingAnswer(t *testing.T, offer sdp.Description, change func(string) string) siprec.Answered {
	t.Helper()
	local := sdp.Local{Address: netip.MustParseAddr("192.0.2.9"), Session: 2, ByPosition: true}
	for i := range offer.Media {
		local.Streams = append(local.Streams, sdp.LocalStream{
			Port: uint16(50000 + 2*i), Codecs: siprec.Profile{}.Normalize().Codecs, Direction: sdp.RecvOnly, Security: sdp.SecurityRequired,
			DTLS: sdp.LocalDTLS{Fingerprint: sdp.Fingerprint{Hash: "sha-256", Value: strings.TrimSuffix(strings.Repeat("AB:", 32), ":")}},
		})
	}
	plan, err := sdp.Answer(offer, local)
	if err != nil {
		t.Fatal(err)
	}
	return siprec.Answered{Status: 200, ContentType: "application/sdp", Body: []byte(change(string(plan.Answer.Marshal())))}
}

func started(actions []siprec.Action) (list []siprec.StartMedia) {
	for _, a := range actions {
		if m, ok := a.(siprec.StartMedia); ok {
			list = append(list, m)
		}
	}
	return list
}

// Each line is offered with a fingerprint and no key, each dialog with another certificate; the owner gets what it shakes hands with.
//
// Shows SR-SEC-15, SR-SEC-10, ME-DTL-01, ME-DTL-02, ME-DTL-14.
func TestHandshakesAreOffered(t *testing.T) {
	client, invite := shaken(t)
	offer := description(t, invite.Message)
	for i, m := range offer.Media {
		text := string(offer.Marshal())
		if m.Proto != "UDP/TLS/RTP/SAVP" || len(offer.Fingerprints(i)) != 1 || strings.Contains(text, "a=crypto") || !strings.Contains(text, "a=setup:actpass") {
			t.Fatal(text)
		}
	}
	list := started(client.Step(shakingAnswer(t, offer, same), base))
	if len(list) != 2 {
		t.Fatalf("%d streams", len(list))
	}
	for _, m := range list {
		if m.Protection != nil || m.DTLS == nil || m.DTLS.Setup != sdp.SetupPassive || m.DTLS.Peer[0].Value[:2] != "AB" || m.Certificate != offer.Fingerprints(0)[0] {
			t.Errorf("%+v", m)
		}
	}
	client.Step(siprec.PeerBye{}, base.Add(time.Second))
	again := description(t, inviteIn(t, client.Step(siprec.Tick{}, base.Add(time.Minute))).Message)
	if again.Fingerprints(0)[0] == offer.Fingerprints(0)[0] {
		t.Error("the certificate of another session")
	}
}

// A recorder that makes no keys, or is another than its description says, gets a BYE, and its session is over until it is tried again; what is
// heard of a handshake in a session before means nothing.
//
// Shows SR-SEC-15, SR-SEC-17, ME-DTL-04.
func TestHandshakeFailsClosed(t *testing.T) {
	client, invite := shaken(t)
	first := started(client.Step(shakingAnswer(t, description(t, invite.Message), same), base))[0]
	failure := siprec.Unkeyed{Key: first.Key, Certificate: first.Certificate, Reason: "another certificate"}
	stale := failure
	stale.Certificate.Value = "of another session"
	if actions := client.Step(stale, base); len(actions) != 0 {
		t.Errorf("%v", actions)
	}
	var alarm, stopped, bye bool
	for _, a := range client.Step(failure, base) {
		switch a := a.(type) {
		case siprec.Alarm:
			alarm = a.Kind == siprec.AlarmUnkeyed && a.Kind.String() == "unkeyed"
		case siprec.StopMedia:
			stopped = true
		case siprec.Bye:
			bye = stopped && slices.ContainsFunc(a.Headers, func(h siprec.Header) bool { return h.Name == "Reason" && strings.Contains(h.Value, "cause=488") })
		}
	}
	if !alarm || !bye || client.State() != siprec.StateFailed {
		t.Errorf("alarm %v, BYE after the media %v, %v", alarm, bye, client.State())
	}
	for name, change := range map[string]func(string) string{
		"plain RTP":      func(s string) string { return strings.ReplaceAll(s, "UDP/TLS/RTP/SAVP", "RTP/AVP") },
		"no certificate": func(s string) string { return strings.ReplaceAll(s, "a=fingerprint:", "a=x-fingerprint:") },
		"nobody begins":  func(s string) string { return strings.ReplaceAll(s, "a=setup:active", "a=setup:holdconn") },
	} {
		client, invite := shaken(t)
		actions := client.Step(shakingAnswer(t, description(t, invite.Message), change), base)
		if len(started(actions)) != 0 || client.State() != siprec.StateFailed {
			t.Errorf("%s: %v, %v", name, actions, client.State())
		}
	}
}

// Without a certificate, and without keys that nobody may read, what is offered cannot be accepted, and the next dialog has one again.
//
// Shows SR-SEC-10.
func TestNoCertificate(t *testing.T) {
	made := sdp.Fingerprint{}
	client, err := siprec.New(siprec.Config{
		Address: netip.MustParseAddr("192.0.2.1"), SDPSession: 1, Security: sdp.SecurityRequired, Certify: func() sdp.Fingerprint { return made },
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &conference{mode: "separate", masked: map[siprec.ID]bool{}}
	c.join("alice", base)
	invite := inviteIn(t, client.Step(c.desire(), base))
	for _, m := range description(t, invite.Message).Media {
		if m.Proto != "RTP/SAVP" || len(m.Attributes) > 0 && slices.ContainsFunc(m.Attributes, func(a sdp.Attribute) bool { return a.Name == "crypto" }) {
			t.Errorf("offers %+v", m)
		}
	}
	made = sdp.Fingerprint{Hash: "sha-256", Value: strings.TrimSuffix(strings.Repeat("01:", 32), ":")}
	client.Step(siprec.Answered{Exchange: invite.Exchange, Status: 488}, base)
	again := inviteIn(t, client.Step(siprec.Tick{}, base.Add(time.Minute)))
	if m := description(t, again.Message).Media[0]; m.Proto != "UDP/TLS/RTP/SAVP" {
		t.Errorf("offers %+v next", m)
	}
}
