package focus_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

const (
	loud  = -30 // a tone of a phone is near -15 dB
	quiet = -50
)

// Everybody hears everybody else, and nobody himself.
func TestEverybodyHearsTheOthers(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	phones := []*phone{
		b.dial("room", conftest.PhoneConfig{Name: "alice", Codec: codecs.PCMU}),
		b.dial("room", conftest.PhoneConfig{Name: "bob", Codec: codecs.G722, Transport: "tcp"}),
		b.dial("room", conftest.PhoneConfig{Name: "carol", Codec: codecs.Opus, LateOffer: true}),
	}
	tones := []float64{450, 800, 1150}
	for i, p := range phones {
		p.hum(tones[i], 1200*time.Millisecond)
	}
	from := time.Now().Add(300 * time.Millisecond)
	to := from.Add(600 * time.Millisecond)
	pass(time.Until(to) + 200*time.Millisecond)
	for i, p := range phones {
		for k, hz := range tones {
			level := p.hears(hz, from, to)
			if i == k && level > quiet {
				t.Errorf("%s hears himself at %.0f dB", p.name, level)
			}
			if i != k && level < loud {
				t.Errorf("%s hears %s only at %.0f dB", p.name, phones[k].name, level)
			}
		}
	}
	phones[0].leave("room")
	b.await("alice to be gone", func() bool { return b.find("room", "alice").ID == "" })
	phones[1].leave("room")
	phones[2].leave("room")
	// FO-END-03: a dynamic conference ends with the last participant.
	b.await("the end", func() bool { return len(b.focus.Conferences()) == 0 })
}

// The 200 names the conference and what it can do (FO-ID-05, FO-ID-06, FO-ID-10).
func TestAnswerIdentifiesTheFocus(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	p := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	target := p.Dialog().RemoteTarget()
	if got, want := target.Bare().String(), b.state("room").URI; got != want {
		t.Errorf("Contact %s, conference URI %s", got, want)
	}
	response, err := b.client(t).Request(t.Context(), sipua.OutgoingRequest{Method: "OPTIONS", URI: b.parse("room")})
	must(t, err)
	contact, _ := response.Contact()
	if !contact.Params.Has("isfocus") {
		t.Errorf("no isfocus in the Contact of OPTIONS: %s", contact)
	}
	for _, name := range []string{"Allow", "Accept", "Allow-Events"} {
		if !response.Headers.Has(name) {
			t.Errorf("OPTIONS without %s", name)
		}
	}
	if _, err := sdp.Parse(response.Body); err != nil {
		t.Errorf("SDP of OPTIONS: %v", err)
	}
}

// What is refused, and with which status, by INVITE as by OPTIONS; nothing of it is in any roster.
//
// Shows FO-IN-05, FO-IN-06, FO-IN-08, FO-IN-09, FO-ERR-04, FO-ERR-06, FO-ERR-13, FO-OPT-04.
func TestRefusals(t *testing.T) {
	b := newBench(t, focus.Config{NotifyInterval: -1, Conferences: []focus.ConferenceConfig{
		{ID: "open"},
		{ID: "locked", Locked: true},
		{ID: "small", MaxParticipants: 1},
		{ID: "later", Opens: time.Now().Add(time.Hour)},
		{ID: "past", Closes: time.Now().Add(-time.Minute)},
	}})
	b.dial("small", conftest.PhoneConfig{Name: "first"})
	rosters := map[string]*roster{}
	for _, conf := range []string{"open", "locked", "small"} {
		r := b.subscribe(conf, time.Hour)
		b.await("the roster", func() bool { return r.last() != "" })
		rosters[conf] = r
	}
	client := b.client(t)
	offer := func(name string) []byte {
		d := sdp.Offer(sdp.Local{Address: b.addr.Addr(), Session: 1, Streams: []sdp.LocalStream{{Port: 9000, Codecs: []codecs.Codec{codecs.PCMU}}}})
		if name != "" {
			d.Media[0].PayloadTypes = []sdp.PayloadType{{Number: 96, Name: name, ClockRate: 8000, Channels: 1}}
		}
		return d.Marshal()
	}
	for _, test := range []struct {
		name, conf, contentType string
		body                    []byte
		invite, options         int
	}{
		{"unknown", "nowhere", "application/sdp", offer(""), 404, 404},
		{"locked", "locked", "application/sdp", offer(""), 403, 403},
		{"full", "small", "application/sdp", offer(""), 486, 486},
		{"not open", "later", "application/sdp", offer(""), 480, 480},
		{"over", "past", "application/sdp", offer(""), 404, 404},
		{"no codec", "open", "application/sdp", offer("EVS"), 488, 200},
		{"type", "open", "text/plain", []byte("hello"), 415, 200},
		{"broken", "open", "application/sdp", []byte("v=1\r\nnonsense"), 400, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, response, err := client.Invite(t.Context(), sipua.OutgoingCall{
				To: sipua.Address{URI: b.parse(test.conf)}, ContentType: test.contentType, Body: test.body,
			}, ignore{})
			if got := sipua.Status(err); got != test.invite {
				t.Fatalf("INVITE: %d, %v, want %d", got, err, test.invite)
			}
			if test.invite == 488 && !response.Headers.Has("Warning") {
				t.Error("488 without Warning")
			}
			if wait, ok := sipua.RetryAfter(response); test.invite == 480 && (!ok || wait < 59*time.Minute || wait > time.Hour) {
				t.Errorf("Retry-After %v", wait)
			}
			_, err = client.Request(t.Context(), sipua.OutgoingRequest{Method: "OPTIONS", URI: b.parse(test.conf)})
			if got := sipua.Status(err); got != test.options && (test.options != 200 || err != nil) {
				t.Errorf("OPTIONS: %d, want %d", got, test.options)
			}
		})
	}
	_, _, err := client.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("open")}, Headers: sipua.Headers{{Name: "Accept", Value: "text/plain"}}, ContentType: "application/sdp", Body: offer(""),
	}, ignore{})
	if sipua.Status(err) != 406 {
		t.Errorf("of who reads no SDP: %v", err)
	}
	for conf, want := range map[string]int{"open": 0, "locked": 0, "small": 1} {
		if n := len(b.state(conf).Participants); n != want {
			t.Errorf("%d participants in %s after the refused calls", n, conf)
		}
		if users := rosters[conf].users(); len(users) != want || strings.Contains(rosters[conf].texts(), client.Addr("udp").String()) {
			t.Errorf("%s: subscribers saw %v", conf, users)
		}
	}
}

// Mute, deafen, gain and eject are in the mix when the command returns.
func TestModeration(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	alice.hum(500, 10*time.Second)
	bob.hum(900, 10*time.Second)
	pass(500 * time.Millisecond)
	aliceID, bobID := b.find("room", "alice").ID, b.find("room", "bob").ID
	change := func(id conference.ParticipantID, c focus.ParticipantChange) {
		t.Helper()
		_, err := b.focus.UpdateParticipant(t.Context(), "room", id, c)
		must(t, err)
	}
	// A processor that is too busy makes gaps, which cost level: what counts is what is heard as soon as there are none.
	settles := func(what string, p *phone, hz, least, most float64) {
		t.Helper()
		b.await(what, func() bool {
			pass(50 * time.Millisecond)
			got := p.hearsNow(hz)
			return got >= least && got <= most
		})
	}
	yes, no := true, false
	const full = -14.7 // 6000 of 32768
	settles("bob to hear alice", bob, 500, full-1, full+1)
	change(aliceID, focus.ParticipantChange{Muted: &yes})
	settles("muted alice to be silent", bob, 500, -200, quiet)
	gain := -12.0
	change(aliceID, focus.ParticipantChange{Muted: &no, GainDB: &gain})
	settles("alice to be heard at -12 dB", bob, 500, full-13, full-11)
	change(aliceID, focus.ParticipantChange{Deafened: &yes})
	settles("deafened alice to hear nothing", alice, 900, -200, quiet)
	must(t, b.focus.Eject(t.Context(), "room", aliceID, "enough"))
	select {
	case <-alice.Over():
	case <-time.After(20 * time.Second):
		t.Fatal("alice got no BYE")
	}
	if got := alice.Reason(); got.Request == nil || got.Request.Headers.Get("Reason") == "" {
		t.Errorf("BYE without Reason: %+v", got)
	}
	if _, err := b.focus.Participant(t.Context(), "room", bobID); err != nil {
		t.Errorf("bob: %v", err)
	}
}

// FO-MOD-03: hold and resume by re-INVITE.
func TestHold(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	bob.hum(900, 10*time.Second)
	for _, test := range []struct {
		direction sdp.Direction
		status    conference.Status
		answer    sdp.Direction
	}{
		{sdp.SendOnly, conference.OnHold, sdp.RecvOnly},
		{sdp.Inactive, conference.OnHold, sdp.Inactive},
		{sdp.SendRecv, conference.Connected, sdp.SendRecv},
	} {
		must(t, alice.Change(t.Context(), test.direction))
		if got := b.find("room", "alice").Status; got != test.status {
			t.Errorf("%s: status %s, want %s", test.direction, got, test.status)
		}
		remote := alice.Remote()
		if got := remote.DirectionOf(0); got != test.answer {
			t.Errorf("%s answered by %s", test.direction, got)
		}
	}
	from := time.Now().Add(100 * time.Millisecond)
	pass(400 * time.Millisecond)
	if got := alice.hears(900, from, from.Add(150*time.Millisecond)); got < loud {
		t.Errorf("after the hold alice hears bob at %.0f dB", got)
	}
	version := alice.Remote().Origin.Version
	must(t, alice.Change(t.Context(), sdp.SendRecv))
	if got := alice.Remote().Origin.Version; got != version {
		t.Errorf("o= version %d after %d although nothing changed", got, version)
	}
}

// Who has only listened, and has no decoder, is heard when he may speak, at a rate that the mix has not had from him.
//
// Shows FO-MOD-03.
func TestListenerSpeaks(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", Codec: codecs.Opus, ListenOnly: true})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	bob.hum(900, 30*time.Second)
	b.await("alice to hear bob", func() bool { return alice.hearsNow(900) > loud })
	must(t, alice.Change(t.Context(), sdp.SendRecv))
	alice.hum(500, 30*time.Second)
	b.await("bob to hear alice", func() bool { return bob.hearsNow(500) > loud })
	must(t, alice.Change(t.Context(), sdp.RecvOnly))
	b.await("bob to hear her no more", func() bool { return bob.hearsNow(500) < quiet })
}

// Music that a holder sends into the conference is heard by nobody.
//
// Shows FO-MOD-05.
func TestMusicOfAHolder(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	alice.hum(500, 30*time.Second)
	b.await("bob to hear alice", func() bool { return bob.hearsNow(500) > loud })
	must(t, alice.Change(t.Context(), sdp.SendOnly))
	b.await("bob to hear nothing", func() bool { return bob.hearsNow(500) < quiet })
	before, _, _ := alice.Counts()
	b.await("a second of her music", func() bool {
		sent, _, _ := alice.Counts()
		return sent > before+50
	})
	if got := bob.hearsNow(500); got > quiet {
		t.Errorf("bob hears her music at %.0f dB", got)
	}
	must(t, alice.Change(t.Context(), sdp.SendRecv))
	b.await("bob to hear alice again", func() bool { return bob.hearsNow(500) > loud })
}

// The interface of RFC 4240, section 5: who calls conf= with the same number is in the same conference, which begins with the first and ends with
// the last.
//
// Shows FO-NET-01, FO-NET-02.
func TestNetann(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	alice := b.dial("conf=4711", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("conf=4711", conftest.PhoneConfig{Name: "bob"})
	carol := b.dial("conf=4712", conftest.PhoneConfig{Name: "carol"})
	alice.hum(500, 30*time.Second)
	b.await("bob to hear alice", func() bool { return bob.hearsNow(500) > loud })
	if got := carol.hearsNow(500); got > quiet {
		t.Errorf("carol, who is elsewhere, hears alice at %.0f dB", got)
	}
	for conf, list := range map[string][]*phone{"conf=4711": {alice, bob}, "conf=4712": {carol}} {
		for _, p := range list {
			p.leave(conf)
		}
	}
	b.await("the end of both", func() bool { return len(b.focus.Conferences()) == 0 })
}

// FO-CAN-04: nothing is left of a call that never got its ACK, or was taken back.
func TestDeleteEndsEverything(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk", Name: "Desk"}}})
	phones := []*phone{b.dial("desk", conftest.PhoneConfig{Name: "a"}), b.dial("desk", conftest.PhoneConfig{Name: "b"})}
	must(t, b.focus.Delete(t.Context(), "desk"))
	for _, p := range phones {
		select {
		case <-p.Over():
		case <-time.After(20 * time.Second):
			t.Fatal("no BYE")
		}
	}
	if s := b.state("desk"); s.Active || s.Ended || s.Name != "Desk" {
		t.Errorf("a configured conference is not there again: %+v", s)
	}
	b.dial("desk", conftest.PhoneConfig{Name: "c"})
}

// client is a user agent without phone.
func (b *bench) client(t *testing.T) *sipua.Agent {
	t.Helper()
	return b.clientAt(t, "127.0.0.1")
}

func (b *bench) clientAt(t *testing.T, host string) *sipua.Agent {
	t.Helper()
	agent, err := sipua.New(sipua.Config{Listen: []string{"udp://" + host + ":0", "tcp://" + host + ":0"}, Network: b.network()}, ignore{})
	must(t, err)
	must(t, agent.Start(t.Context()))
	b.peers = append(b.peers, func(ctx context.Context) { _ = agent.Shutdown(ctx) })
	return agent
}

func (b *bench) parse(conf string) sipua.URI {
	uri, err := sipua.ParseURI(b.uri(conf))
	must(b.t, err)
	return uri
}

// ignore is a handler of nothing.
type ignore struct{}

func (ignore) Invite(c *sipua.IncomingCall)            { _ = c.Reject(sipua.NewResponse(480)) }
func (ignore) Subscribe(s *sipua.IncomingSubscription) { _ = s.Reject(sipua.NewResponse(489)) }
func (ignore) Request(*sipua.Request) *sipua.Response  { return nil }
func (ignore) Ack(*sipua.Request)                      {}
func (ignore) Offer(*sipua.Request) *sipua.Response    { return nil }
func (ignore) Ended(sipua.EndReason)                   {}
