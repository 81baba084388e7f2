package siprec_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/srtp"
	"github.com/parley-sip/parley/siprec"
)

// keyMaker makes keys that are all different.
type keyMaker struct{ n byte }

func (k *keyMaker) make() []srtp.Key {
	keys := make([]srtp.Key, 0, 2)
	for _, suite := range []srtp.Suite{srtp.AEADAES256GCM, srtp.AESCM128HMACSHA180} {
		k.n++
		secret := make([]byte, suite.KeySize())
		for i := range secret {
			secret[i] = k.n
		}
		keys = append(keys, srtp.Key{Suite: suite, Secret: secret})
	}
	return keys
}

// secured is a client that records two streams, with its INVITE.
func secured(t *testing.T, security sdp.Security) (*siprec.Client, siprec.Invite) {
	t.Helper()
	maker := &keyMaker{}
	client, err := siprec.New(siprec.Config{
		Address: netip.MustParseAddr("192.0.2.1"), SDPSession: 1, Security: security, Keys: maker.make,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &conference{mode: "separate", masked: map[siprec.ID]bool{}}
	c.join("alice", base)
	c.join("bob", base)
	return client, inviteIn(t, client.Step(c.desire(), base))
}

func inviteIn(t *testing.T, actions []siprec.Action) siprec.Invite {
	t.Helper()
	i := slices.IndexFunc(actions, func(a siprec.Action) bool { _, ok := a.(siprec.Invite); return ok })
	if i < 0 {
		t.Fatalf("no INVITE in %v", actions)
	}
	return actions[i].(siprec.Invite) //nolint:forcetypeassert // it is one
}

// description reads the SDP of a message.
func description(t *testing.T, m siprec.Message) sdp.Description {
	t.Helper()
	content, err := siprec.ParseContent(m.ContentType, m.Disposition, m.Body)
	if err != nil {
		t.Fatal(err)
	}
	d, err := sdp.Parse(content.SDP)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// cryptoLines are all keys in a description.
func cryptoLines(d sdp.Description) []string {
	var lines []string
	for _, m := range d.Media {
		for _, a := range m.Attributes {
			if a.Name == "crypto" {
				_, secret, _ := strings.Cut(a.Value, "inline:")
				lines = append(lines, secret)
			}
		}
	}
	return lines
}

// answerOf answers an offer with keys of the recorder's own.
func answerOf(t *testing.T, offer sdp.Description, change func(string) string) siprec.Answered {
	t.Helper()
	maker := &keyMaker{n: 100}
	local := sdp.Local{Address: netip.MustParseAddr("192.0.2.9"), Session: 2, ByPosition: true}
	for i := range offer.Media {
		local.Streams = append(local.Streams, sdp.LocalStream{
			Port: uint16(50000 + 2*i), Codecs: siprec.Profile{}.Normalize().Codecs, Direction: sdp.RecvOnly, Security: sdp.SecurityOptional, Keys: maker.make(),
		})
	}
	plan, err := sdp.Answer(offer, local)
	if err != nil {
		t.Fatal(err)
	}
	return siprec.Answered{Status: 200, ContentType: "application/sdp", Body: []byte(change(string(plan.Answer.Marshal())))}
}

func same(text string) string { return text }

// Every stream of every session has keys of its own, which StartMedia hands over.
//
// Shows SR-SEC-08, SR-SEC-09, SR-SEC-10.
func TestProtectedStreams(t *testing.T) {
	client, invite := secured(t, sdp.SecurityRequired)
	offer := description(t, invite.Message)
	first := cryptoLines(offer)
	if len(first) != 4 || offer.Media[0].Proto != "RTP/SAVP" {
		t.Fatalf("%d keys, %s", len(first), offer.Media[0].Proto)
	}
	started := 0
	for _, a := range client.Step(answerOf(t, offer, same), base) {
		if m, ok := a.(siprec.StartMedia); ok {
			started++
			if m.Protection == nil || m.Protection.Local.Suite != srtp.AEADAES256GCM || m.Protection.Remote.Secret[0] <= 100 {
				t.Errorf("%+v", m)
			}
		}
	}
	if started != 2 {
		t.Errorf("%d streams", started)
	}
	// The recorder goes away; its successor learns nothing that it could read the first session with.
	client.Step(siprec.PeerBye{}, base.Add(time.Second))
	again := cryptoLines(description(t, inviteIn(t, client.Step(siprec.Tick{}, base.Add(time.Minute))).Message))
	all := slices.Concat(first, again)
	slices.Sort(all)
	if len(all) != 8 || len(slices.Compact(all)) != 8 {
		t.Errorf("keys come again: %v", all)
	}
}

// What a recorder does wrong with the keys never leads to plain RTP.
//
// Shows SR-SEC-17.
func TestProtectionFailsClosed(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"plain RTP":   func(s string) string { return strings.ReplaceAll(s, "RTP/SAVP", "RTP/AVP") },
		"no key":      func(s string) string { return strings.ReplaceAll(s, "a=crypto:", "a=x-crypto:") },
		"another tag": func(s string) string { return strings.ReplaceAll(s, "a=crypto:1 ", "a=crypto:7 ") },
		"another suite": func(s string) string {
			return strings.ReplaceAll(s, "AEAD_AES_256_GCM", "AES_CM_128_HMAC_SHA1_80")
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, invite := secured(t, sdp.SecurityRequired)
			bye := false
			for _, a := range client.Step(answerOf(t, description(t, invite.Message), change), base) {
				switch a.(type) {
				case siprec.StartMedia:
					t.Errorf("media: %+v", a)
				case siprec.Bye:
					bye = true
				}
			}
			if !bye || client.State() != siprec.StateFailed {
				t.Errorf("BYE %v, %v", bye, client.State())
			}
		})
	}
}

// A recorder that refuses SRTP gets plain RTP if that is allowed, and the operator is told.
func TestProtectionMayBeRefused(t *testing.T) {
	client, _ := secured(t, sdp.SecurityOptional)
	actions := client.Step(siprec.Answered{Status: 488}, base)
	if !slices.ContainsFunc(actions, func(a siprec.Action) bool {
		alarm, ok := a.(siprec.Alarm)
		return ok && alarm.Kind == siprec.AlarmUnprotected
	}) {
		t.Errorf("nobody is told: %v", actions)
	}
	if d := description(t, inviteIn(t, actions).Message); d.Media[0].Proto != "RTP/AVP" || len(cryptoLines(d)) != 0 {
		t.Errorf("%s", d.Marshal())
	}
	client, _ = secured(t, sdp.SecurityRequired)
	for _, a := range client.Step(siprec.Answered{Status: 488}, base) {
		if i, ok := a.(siprec.Invite); ok {
			if d := description(t, i.Message); d.Media[0].Proto != "RTP/SAVP" {
				t.Errorf("%s", d.Marshal())
			}
		}
	}
	if _, err := siprec.New(siprec.Config{Address: netip.MustParseAddr("192.0.2.1"), Security: sdp.SecurityOptional}); !errors.Is(err, siprec.ErrProfile) {
		t.Errorf("no keys: %v", err)
	}
}
