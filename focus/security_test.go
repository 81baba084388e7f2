package focus_test

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/srtp"
)

// securePhone is a media session with keys, and its description.
type securePhone struct {
	session *media.Session
	local   sdp.Local
	dialog  *sipua.Dialog
	agreed  *sdp.Protection
}

func newSecurePhone(t *testing.T, seed byte) *securePhone {
	t.Helper()
	transport, err := media.NewTransport(media.Config{ListenAddress: netip.MustParseAddr("127.0.0.1")})
	must(t, err)
	t.Cleanup(func() { must(t, transport.Close()) })
	session, err := transport.Open(media.Options{})
	must(t, err)
	secret := make([]byte, srtp.AEADAES256GCM.KeySize())
	for i := range secret {
		secret[i] = byte(i) + seed
	}
	return &securePhone{session: session, local: sdp.Local{
		Address: session.LocalAddr().Addr(), Session: 1, Version: 1,
		Streams: []sdp.LocalStream{{
			Port: session.LocalAddr().Port(), Codecs: []codecs.Codec{codecs.PCMU}, Security: sdp.SecurityRequired,
			Keys: []srtp.Key{{Suite: srtp.AEADAES256GCM, Secret: secret}},
		}},
	}}
}

// call calls and lets its media follow the answer.
func (p *securePhone) call(t *testing.T, b *bench, conf string) (err error) {
	t.Helper()
	offer := sdp.Offer(p.local)
	var response *sipua.Response
	p.dialog, response, err = b.client(t).Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse(conf)}, RequestURI: b.parse(conf), From: sipua.Address{URI: b.parse("carol")},
		ContentType: "application/sdp", Body: offer.Marshal(),
	}, ignore{})
	if err != nil {
		return err
	}
	answer, err := sdp.Parse(response.Body)
	must(t, err)
	plan, err := sdp.Accept(offer, answer)
	must(t, err)
	stream, _ := plan.Audio()
	if stream.Protection == nil {
		t.Fatal("no keys were agreed")
	}
	p.agreed = stream.Protection
	must(t, p.session.Configure(media.Params{
		Remote: stream.Remote, RemoteRTCP: stream.RemoteRTCP, Send: true, Receiving: true, SendCodec: codecs.PCMU,
		Receive:    []media.PayloadType{{Number: 0, Codec: codecs.PCMU}},
		Protection: &media.Protection{Local: stream.Protection.Local, Remote: stream.Protection.Remote},
	}))
	return nil
}

// talk hums for a number of ticks and returns how many frames were loud in the last half.
func (p *securePhone) talk(n int) int {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	var frame [codecs.MaxFrameSamples]int16
	payload := make([]byte, 160)
	loud, at := 0, 0
	for i := range n {
		<-ticker.C
		if f := p.session.Ingest(frame[:]); !f.Flags.Has(codecs.Silent) && f.Samples > 0 && peak(frame[:f.Samples]) > 1000 && i >= n/2 {
			loud++
		}
		for k := range payload {
			payload[k] = ulaw(6000 * math.Sin(2*math.Pi*900*float64(at)/8000))
			at++
		}
		p.session.Emit(&codecs.Packet{Payload: payload, Samples: 160})
	}
	return loud
}

func peak(samples []int16) int {
	top := 0
	for _, s := range samples {
		top = max(top, int(s), -int(s))
	}
	return top
}

// ulaw encodes a sample (ITU-T G.711).
func ulaw(v float64) byte {
	sign := byte(0x80)
	if v < 0 {
		sign, v = 0, -v
	}
	x := int(v)/4 + 33
	exponent := 0
	for x>>(exponent+6) != 0 {
		exponent++
	}
	return ^(^sign&0x80 | byte(exponent)<<4 | byte(x>>(exponent+1)&0x0F))
}

// A protected and a plain phone hear each other, and the roster tells which is which.
//
// Shows SR-SEC-08, SR-SEC-09.
func TestProtectedCall(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Security: sdp.SecurityOptional, KeysInClear: true})
	alice := b.dial("desk", conftest.PhoneConfig{Name: "alice"})
	carol := newSecurePhone(t, 1)
	must(t, carol.call(t, b, "desk"))
	b.await("carol to be protected", func() bool { return b.find("desk", "carol").Session.Secure })
	if b.find("desk", "alice").Session.Secure {
		t.Error("the roster does not tell who is protected")
	}
	alice.hum(440, 2*time.Second)
	if loud := carol.talk(75); loud < 30 {
		t.Errorf("carol hears %d loud frames", loud)
	}
	if got := alice.hearsNow(900); got < -40 {
		t.Errorf("alice hears carol at %.0f dB", got)
	}
	plain := carol.local
	plain.Streams = []sdp.LocalStream{{Port: carol.local.Streams[0].Port, Codecs: []codecs.Codec{codecs.PCMU}}}
	offer := sdp.Offer(plain)
	if _, err := carol.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: offer.Marshal()}); sipua.Status(err) != 488 {
		t.Errorf("a re-INVITE without protection: %v", err)
	}
	if !b.find("desk", "carol").Session.Secure {
		t.Error("the call has lost its protection")
	}
	if s := carol.session.Stats(); s.Forged != 0 || s.PacketsReceived < 50 {
		t.Errorf("%+v", s)
	}
}

// The focus has keys of its own for each call, which are not those of the caller.
//
// Shows ME-SRT-10.
func TestKeysOfEachCall(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Security: sdp.SecurityOptional, KeysInClear: true})
	seen := map[string]bool{}
	for seed := range byte(3) {
		p := newSecurePhone(t, seed)
		theirs := string(p.local.Streams[0].Keys[0].Secret)
		must(t, p.call(t, b, "desk"))
		ours := string(p.agreed.Remote.Secret)
		if seen[ours] || seen[theirs] || ours == theirs || len(ours) != len(theirs) {
			t.Errorf("call %d has the key of another, or of its other direction", seed)
		}
		seen[ours], seen[theirs] = true, true
	}
}

// Nothing is agreed that would be plain where it must not be, or whose keys everybody could read.
//
// Shows ME-SDE-01, SR-SEC-12.
func TestSecurityRequired(t *testing.T) {
	t.Run("required", func(t *testing.T) {
		b := newBench(t, focus.Config{Dynamic: true, Security: sdp.SecurityRequired, KeysInClear: true})
		if err := b.phone(conftest.PhoneConfig{Name: "alice"}).Call(t.Context(), b.uri("desk")); sipua.Status(err) != 488 {
			t.Errorf("plain call: %v", err)
		}
		must(t, newSecurePhone(t, 1).call(t, b, "desk"))
	})
	for _, policy := range []sdp.Security{sdp.SecurityNone, sdp.SecurityOptional, sdp.SecurityRequired} {
		t.Run("in the clear", func(t *testing.T) {
			b := newBench(t, focus.Config{Dynamic: true, Security: policy})
			if err := newSecurePhone(t, 1).call(t, b, "desk"); sipua.Status(err) != 488 {
				t.Errorf("policy %d: %v", policy, err)
			}
		})
	}
	t.Run("offers in the clear", func(t *testing.T) {
		b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}, Security: sdp.SecurityRequired})
		w := b.focus.Watch("desk", "")
		defer w.Close()
		late := b.client(t)
		_, response, err := late.Invite(t.Context(), sipua.OutgoingCall{
			To: sipua.Address{URI: b.parse("desk")}, Answer: func(*sipua.Response) sipua.Body { return sipua.Body{} },
		}, ignore{})
		if sipua.Status(err) != 488 {
			t.Errorf("a call without an offer: %v, %+v", err, response)
		}
		called := make(chan string, 1)
		callee := b.callee(func(c *sipua.IncomingCall) {
			called <- string(c.Request().Body)
			_ = c.Reject(sipua.NewResponse(486))
		})
		_, err = b.focus.Dial(t.Context(), "desk", "sip:bob@"+callee.Addr("udp").String())
		must(t, err)
		bob := departure(t, w)
		for !strings.Contains(bob.URI, "bob") {
			bob = departure(t, w)
		}
		if d := bob.Disconnection; d == nil || !strings.HasPrefix(d.Reason, "SIP;cause=488") {
			t.Errorf("a call to somebody: %+v", d)
		}
		select {
		case offer := <-called:
			t.Errorf("somebody is offered\n%s", offer)
		default:
		}
	})
}

// The text of a call has other keys than its audio (RFC 4568, section 6.1): there are two sources of ours, and each counts for itself.
//
// Shows ME-SRT-09, ME-SRT-10.
func TestTextHasKeysOfItsOwn(t *testing.T) {
	b := newBench(t, focus.Config{
		Conferences: []focus.ConferenceConfig{{ID: "desk", Rules: conference.Rules{Text: true}}}, Security: sdp.SecurityOptional, KeysInClear: true,
	})
	p := newSecurePhone(t, 1)
	text := p.local.Streams[0]
	text.Codecs, text.Text, text.Port = nil, &sdp.LocalText{CPS: 30, Generations: 2}, 9
	p.local.Streams = append(p.local.Streams, text)
	offer := sdp.Offer(p.local)
	_, response, err := b.client(t).Invite(t.Context(), sipua.OutgoingCall{To: sipua.Address{URI: b.parse("desk")}, ContentType: "application/sdp", Body: offer.Marshal()}, ignore{})
	must(t, err)
	answer, err := sdp.Parse(response.Body)
	must(t, err)
	if len(answer.Media) != 2 || answer.Media[1].Port == 0 {
		t.Fatalf("answer\n%s", response.Body)
	}
	key := func(i int) string {
		_, value, _ := strings.Cut(answer.Media[i].Values("crypto")[0], "inline:")
		return value
	}
	if key(0) == key(1) || key(0) == "" {
		t.Errorf("both media have the key %s", key(0))
	}
}
