package focus_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/dtls"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// shakingPhone gets its keys by a handshake, and calls or is called.
type shakingPhone struct {
	ignore
	securePhone
	certificate *dtls.Certificate
	ended       chan sipua.EndReason
}

func (p *shakingPhone) Ended(reason sipua.EndReason) { p.ended <- reason }

func newShakingPhone(t *testing.T, security sdp.Security) *shakingPhone {
	t.Helper()
	p := &shakingPhone{securePhone: *newSecurePhone(t, 1), ended: make(chan sipua.EndReason, 1)}
	var err error
	p.certificate, err = dtls.NewCertificate()
	must(t, err)
	stream := &p.local.Streams[0]
	stream.Keys, stream.Security, stream.Opportunistic, stream.Mux = nil, security, true, true
	stream.DTLS = sdp.LocalDTLS{Fingerprint: sdp.Fingerprint(p.certificate.Fingerprint())}
	return p
}

// use lets the media follow what was agreed on.
func (p *shakingPhone) use(t *testing.T, plan sdp.Plan) {
	t.Helper()
	stream, _ := plan.Audio()
	params := media.Params{
		Remote: stream.Remote, RemoteRTCP: stream.RemoteRTCP, Mux: stream.Mux, Send: true, Receiving: true, SendCodec: codecs.PCMU,
		Receive: []media.PayloadType{{Number: 0, Codec: codecs.PCMU}},
	}
	if stream.DTLS != nil {
		params.DTLS = &media.Handshake{Certificate: p.certificate, Client: stream.DTLS.Setup == sdp.SetupActive}
		for _, f := range stream.DTLS.Peer {
			params.DTLS.Peer = append(params.DTLS.Peer, dtls.Fingerprint(f))
		}
	}
	must(t, p.session.Configure(params))
}

// call calls with a description that is changed on its way.
func (p *shakingPhone) call(t *testing.T, b *bench, conf string, change func(string) string) error {
	t.Helper()
	offer := sdp.Offer(p.local)
	text := string(offer.Marshal())
	if change != nil {
		text = change(text)
	}
	dialog, response, err := b.client(t).Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse(conf)}, RequestURI: b.parse(conf), From: sipua.Address{URI: b.parse("carol")},
		ContentType: "application/sdp", Body: []byte(text),
	}, p)
	if err != nil {
		return err
	}
	p.dialog = dialog
	return p.accept(t, offer, response.Body)
}

func (p *shakingPhone) accept(t *testing.T, offer sdp.Description, body []byte) error {
	t.Helper()
	answer, err := sdp.Parse(body)
	must(t, err)
	plan, err := sdp.Accept(offer, answer)
	if err == nil {
		p.use(t, plan)
		p.local.Previous = &offer
	}
	return err
}

// talkUntil talks until a condition holds.
func (p *shakingPhone) talkUntil(t *testing.T, what string, ok func(loud int) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !ok(p.talk(10)) {
		if ctx.Err() != nil {
			t.Fatalf("waiting in vain for %s; %+v", what, p.session.Stats())
		}
	}
}

// A phone with a handshake and a plain one hear each other; nothing of it is plain, the same description keeps its keys, and what would be
// plain is refused.
//
// Shows ME-DTL-01, ME-DTL-08, ME-DTL-11, ME-SRT-10.
func TestCallWithHandshake(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Security: sdp.SecurityOptional, Keying: focus.Keying{DTLS: true}})
	alice := b.dial("desk", conftest.PhoneConfig{Name: "alice"})
	carol := newShakingPhone(t, sdp.SecurityRequired)
	must(t, carol.call(t, b, "desk", nil))
	b.await("carol to be protected", func() bool { return b.find("desk", "carol").Session.Secure })
	alice.hum(440, 20*time.Second)
	carol.talkUntil(t, "alice", func(loud int) bool { return loud >= 4 })
	carol.talkUntil(t, "carol to be heard", func(int) bool { return alice.hearsNow(900) > -40 })
	again := sdp.Offer(carol.local)
	response, err := carol.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: again.Marshal()})
	must(t, err)
	must(t, carol.accept(t, again, response.Body))
	if !carol.session.Stats().Protected {
		t.Error("keys are gone with the same description")
	}
	carol.talkUntil(t, "alice after a re-INVITE", func(loud int) bool { return loud >= 4 })
	plain := carol.local
	plain.Previous = nil
	plain.Streams = []sdp.LocalStream{{Port: carol.local.Streams[0].Port, Codecs: []codecs.Codec{codecs.PCMU}}}
	offer := sdp.Offer(plain)
	if _, err := carol.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: offer.Marshal()}); sipua.Status(err) != 488 {
		t.Errorf("a re-INVITE without protection: %v", err)
	}
	if s := carol.session.Stats(); s.Forged > 10 || !b.find("desk", "carol").Session.Secure {
		t.Errorf("%+v", s)
	}
}

// Who has another certificate than its description says is hung up on.
//
// Shows ME-DTL-04.
func TestCallWithForgedFingerprint(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Security: sdp.SecurityRequired, Keying: focus.Keying{DTLS: true}})
	carol := newShakingPhone(t, sdp.SecurityRequired)
	own := carol.certificate.Fingerprint().Value
	forged := "00" + own[2:]
	if forged == own {
		forged = "01" + own[2:]
	}
	must(t, carol.call(t, b, "desk", func(text string) string { return strings.Replace(text, own, forged, 1) }))
	var reason sipua.EndReason
	carol.talkUntil(t, "the end", func(loud int) bool {
		if loud > 0 {
			t.Fatal("somebody is heard")
		}
		select {
		case reason = <-carol.ended:
			return true
		default:
			return false
		}
	})
	if reason.Request == nil || !strings.Contains(reason.Request.Headers.Get("Reason"), "488") {
		t.Errorf("%+v", reason)
	}
	if s := carol.session.Stats(); s.PacketsReceived != 0 {
		t.Errorf("%+v", s)
	}
}

// Calls of ours: with a handshake where keys in the description would be read, and opportunistically where protection is an option; who
// knows nothing of it is plain.
//
// Shows ME-DTL-01, ME-DTL-02.
func TestDialOutWithHandshake(t *testing.T) {
	for name, test := range map[string]struct {
		policy sdp.Security
		keying focus.Keying
		theirs sdp.Security
		proto  string
		secure bool
	}{
		"required":      {sdp.SecurityRequired, focus.Keying{DTLS: true}, sdp.SecurityOptional, "UDP/TLS/RTP/SAVP", true},
		"opportunistic": {sdp.SecurityOptional, focus.Keying{DTLS: true, Opportunistic: true}, sdp.SecurityOptional, "RTP/AVP", true},
		"ignored":       {sdp.SecurityOptional, focus.Keying{DTLS: true, Opportunistic: true}, sdp.SecurityNone, "RTP/AVP", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, focus.Config{Dynamic: true, Security: test.policy, Keying: test.keying})
			carol := newShakingPhone(t, test.theirs)
			offers := make(chan sdp.Description, 1)
			agent := b.callee(func(c *sipua.IncomingCall) {
				offer, err := sdp.Parse(c.Request().Body)
				if err != nil {
					_ = c.Reject(sipua.NewResponse(400))
					return
				}
				plan, err := sdp.Answer(offer, carol.local)
				if err != nil {
					_ = c.Reject(sipua.NewResponse(488))
					return
				}
				offers <- offer
				carol.use(t, plan)
				_, _ = c.Answer(context.WithoutCancel(t.Context()), sipua.NewResponse(200).WithBody("application/sdp", plan.Answer.Marshal()), carol)
			})
			_, err := b.focus.Create(t.Context(), focus.ConferenceConfig{ID: "desk"})
			must(t, err)
			id, err := b.focus.Dial(t.Context(), "desk", "sip:carol@"+agent.Addr("udp").String())
			must(t, err)
			offer := <-offers
			if m := offer.Media[0]; m.Proto != test.proto || len(offer.Fingerprints(0)) != 1 || len(m.Values("crypto")) != 0 {
				t.Errorf("offer %s", offer.Marshal())
			}
			var found conference.Participant
			b.await("carol", func() bool {
				var there bool
				found, there = b.state("desk").Participant(id)
				return there && found.Session.Receives
			})
			if found.Session.Secure != test.secure {
				t.Errorf("%+v", found.Session)
			}
			carol.talkUntil(t, "media", func(int) bool {
				s := carol.session.Stats()
				return s.PacketsReceived > 20 && s.Protected == test.secure
			})
		})
	}
}

// In signalling that everybody reads, required protection without handshakes cannot be had; nobody is called for nothing.
func TestDialOutWithoutWayToKeys(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}, Security: sdp.SecurityRequired})
	w := b.focus.Watch("desk", "")
	defer w.Close()
	agent := b.callee(func(c *sipua.IncomingCall) {
		t.Error("called")
		_ = c.Reject(sipua.NewResponse(480))
	})
	_, err := b.focus.Dial(t.Context(), "desk", "sip:carol@"+netip.MustParseAddrPort(agent.Addr("udp").String()).String())
	must(t, err)
	departure(t, w)
}

// The media of a call go on at another phone, with another certificate, as when a PBX transfers it: the re-INVITE has another fingerprint, address and
// port, and a handshake is made anew (RFC 5763, section 6.6; RFC 8842, section 5.1).
//
// Shows ME-DTL-08.
func TestHandshakeAnewElsewhere(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Security: sdp.SecurityOptional, Keying: focus.Keying{DTLS: true}})
	alice := b.dial("desk", conftest.PhoneConfig{Name: "alice"})
	carol := newShakingPhone(t, sdp.SecurityRequired)
	must(t, carol.call(t, b, "desk", nil))
	alice.hum(440, 20*time.Second)
	carol.talkUntil(t, "alice", func(loud int) bool { return loud >= 4 })
	for range 2 {
		other := newShakingPhone(t, sdp.SecurityRequired)
		offer := sdp.Offer(other.local)
		response, err := carol.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: offer.Marshal()})
		must(t, err)
		must(t, other.accept(t, offer, response.Body))
		other.talkUntil(t, "alice at the other phone", func(loud int) bool { return loud >= 4 })
		other.talkUntil(t, "the other phone to be heard", func(int) bool { return alice.hearsNow(900) > -40 })
	}
	if !b.find("desk", "carol").Session.Secure {
		t.Error("is not protected any more")
	}
}
