package focus_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

const dave = "sip:dave@example.com"

// names writes a dialog of ours as the focus knows it: its tag is ours to-tag.
func names(id sipua.DialogID) string {
	return fmt.Sprintf("%s;to-tag=%s;from-tag=%s", id.CallID, id.RemoteTag, id.LocalTag)
}

// invite calls a URI from a new user agent under an identity.
func (b *bench) invite(to, identity string, headers ...sipua.Header) (*raw, error) {
	b.t.Helper()
	r := b.raw()
	uri, err := sipua.ParseURI(to)
	must(b.t, err)
	from, err := sipua.ParseURI(identity)
	must(b.t, err)
	r.dialog, _, err = r.agent.Invite(b.t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: uri}, From: sipua.Address{URI: from}, Contact: sipua.Address{URI: r.agent.Contact("device")},
		Headers: headers, ContentType: "application/sdp", Body: r.describe(codecs.PCMU),
	}, r)
	return r, err
}

// Somebody goes on with another phone: he is the same participant, with his role and his mute, heard at once, and the old call ends after the new
// one has begun.
//
// Shows FO-RPL-01, FO-RPL-09, FO-RPL-10, FO-RPL-11, FO-ID-11, CE-WHN-09.
func TestReplaces(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk", MaxParticipants: 2}}, NotifyInterval: -1})
	bob := b.dial("desk", conftest.PhoneConfig{Name: "bob"})
	first := b.dial("desk", conftest.PhoneConfig{Name: "dave", Identity: dave})
	before := b.find("desk", "dave")
	role, gain, yes := conference.Moderator, 3.0, true
	_, err := b.focus.UpdateParticipant(t.Context(), "desk", before.ID, focus.ParticipantChange{Role: &role, GainDB: &gain, Unrecorded: &yes})
	must(t, err)
	_, err = b.focus.Update(t.Context(), "desk", focus.ConferenceChange{Locked: &yes})
	must(t, err)
	r := b.subscribe("desk", time.Hour)
	b.await("the roster", func() bool { return len(r.users()) == 2 })
	second := b.phone(conftest.PhoneConfig{
		Name: "second", Identity: dave, Codec: codecs.G722, Headers: sipua.Headers{{Name: "Replaces", Value: names(first.Dialog().ID())}, {Name: "Require", Value: "replaces"}},
	})
	must(t, second.Call(t.Context(), b.uri("desk")))
	select {
	case <-first.Over():
	case <-time.After(20 * time.Second):
		t.Fatal("no BYE for the old call")
	}
	if reason := first.Reason(); reason.Cause != sipua.EndRemote || !strings.Contains(reason.Request.Headers.Get("Reason"), "Replaced") {
		t.Errorf("the old call ended by %v", reason)
	}
	after := b.find("desk", "dave")
	if after.ID != before.ID || after.Role != role || after.GainDB != gain || !after.Unrecorded || !after.JoinedAt.Equal(before.JoinedAt) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	if after.Session.Codec != "g722/8000" || after.Endpoint == before.Endpoint || after.Session.CallID != second.Dialog().ID().CallID {
		t.Errorf("the call is still %+v at %s", after.Session, after.Endpoint)
	}
	second.hum(700, 3*time.Second)
	b.await("bob to hear the second phone", func() bool { return bob.hearsNow(700) > loud })
	bob.hum(450, 3*time.Second)
	b.await("the second phone to hear bob", func() bool { return second.hearsNow(450) > loud })
	b.await("the roster to have the other endpoint", func() bool {
		u := r.user("dave")
		return len(r.users()) == 2 && len(u.Endpoints) == 1 && u.Endpoints[0].Entity == after.Endpoint && u.Endpoints[0].Status == confevent.StatusConnected
	})
	must(t, second.Hangup(t.Context()))
	b.await("him to be gone, and nobody else", func() bool { return len(b.state("desk").Participants) == 1 && b.find("desk", "bob").ID != "" })
}

// A call that may not take the place of another one leaves it as it was.
//
// Shows FO-RPL-02, FO-RPL-03, FO-RPL-04, FO-RPL-05, FO-RPL-07, FO-RPL-08, FO-RPL-13, FO-JOI-02, FO-JOI-03, FO-JOI-06, FO-JOI-07, FO-JOI-09,
// FO-JOI-10, FO-ERR-23.
func TestReplacesRefused(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}, Factory: "factory", Replace: focus.ReplaceOwn})
	alice := b.dial("desk", conftest.PhoneConfig{Name: "alice"})
	there, err := b.invite(b.uri("desk"), dave)
	must(t, err)
	gone, err := b.invite(b.uri("desk"), dave)
	must(t, err)
	b.await("both", func() bool { return len(b.state("desk").Participants) == 3 })
	must(t, gone.dialog.Bye(t.Context()))
	b.await("one of them", func() bool { return len(b.state("desk").Participants) == 2 })
	here, over := names(there.dialog.ID()), names(gone.dialog.ID())
	subscription := "unknown@there;to-tag=1;from-tag=2"
	before := b.state("desk").Version
	h := func(pairs ...string) []sipua.Header {
		var list []sipua.Header
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, sipua.Header{Name: pairs[i], Value: pairs[i+1]})
		}
		return list
	}
	for name, test := range map[string]struct {
		to, identity string
		headers      []sipua.Header
		status       int
	}{
		"two Replaces":       {"desk", dave, h("Replaces", here, "Replaces", over), 400},
		"two in a line":      {"desk", dave, h("Replaces", here+", "+over), 400},
		"both":               {"desk", dave, h("Replaces", here, "Join", here), 400},
		"two Join":           {"desk", dave, h("Join", here, "Join", here), 400},
		"no from-tag":        {"desk", dave, h("Replaces", "a@b;to-tag=1"), 400},
		"two to-tags":        {"desk", dave, h("Replaces", here+";to-tag=9"), 400},
		"no match":           {"desk", dave, h("Replaces", subscription), 481},
		"tags exchanged":     {"desk", dave, h("Replaces", swapped(there.dialog.ID())), 481},
		"ended":              {"desk", dave, h("Replaces", over), 603},
		"early only":         {"desk", dave, h("Replaces", here+";early-only"), 486},
		"somebody else":      {"desk", "sip:mallory@example.com", h("Replaces", here), 403},
		"Join ended":         {"desk", dave, h("Join", over), 603},
		"Join nothing":       {"factory", dave, h("Join", subscription), 481},
		"Join nothing there": {"nowhere", dave, h("Join", subscription), 481},
	} {
		t.Run(name, func(t *testing.T) {
			_, err = b.invite(b.uri(test.to), test.identity, test.headers...)
			if got := sipua.Status(err); got != test.status {
				t.Errorf("%v, want %d", err, test.status)
			}
		})
	}
	if warned := b.logged.with("level=WARN", "calls are refused"); len(warned) > 0 {
		t.Errorf("taken for what the server lacks: %v", warned)
	}
	for _, header := range []string{"Replaces", "Join"} { // nothing in common
		deaf := b.raw()
		body := strings.NewReplacer("PCMU", "EVS", " 0\r\n", " 96\r\n", ":0 ", ":96 ").Replace(string(deaf.describe(codecs.PCMU)))
		from, bad := sipua.ParseURI(dave)
		must(t, bad)
		_, _, err = deaf.agent.Invite(t.Context(), sipua.OutgoingCall{
			To: sipua.Address{URI: b.parse("desk")}, From: sipua.Address{URI: from}, Headers: h(header, here), ContentType: "application/sdp", Body: []byte(body),
		}, deaf)
		if sipua.Status(err) != 488 {
			t.Errorf("%s without a codec in common: %v", header, err)
		}
	}
	client := b.client(t)
	for _, method := range []string{"OPTIONS", "REFER"} {
		_, err = client.Request(t.Context(), sipua.OutgoingRequest{Method: method, URI: b.parse("desk"), Headers: h("Replaces", here)})
		if sipua.Status(err) != 400 {
			t.Errorf("%s with Replaces: %v", method, err)
		}
	}
	if _, err = alice.Dialog().Request(t.Context(), "INFO", sipua.Body{Headers: h("Join", here)}); sipua.Status(err) != 400 {
		t.Errorf("INFO with Join: %v", err)
	}
	_, err = client.Subscribe(t.Context(), sipua.OutgoingSubscription{To: sipua.Address{URI: b.parse("desk")}, Event: "conference", Expires: time.Hour, Headers: h("Join", here)})
	if sipua.Status(err) != 400 {
		t.Errorf("SUBSCRIBE with Join: %v", err)
	}
	if _, err = there.dialog.Request(t.Context(), "OPTIONS", sipua.Body{}); err != nil {
		t.Errorf("the old call is not what it was: %v", err)
	}
	s := b.state("desk")
	if p := b.find("desk", "dave"); p.Session.CallID != there.dialog.ID().CallID || len(s.Participants) != 2 || s.Version < before {
		t.Errorf("the conference has %+v", s.Participants)
	}
}

// swapped writes a dialog from the wrong point of view.
func swapped(id sipua.DialogID) string {
	return fmt.Sprintf("%s;to-tag=%s;from-tag=%s", id.CallID, id.LocalTag, id.RemoteTag)
}

// A call that is still ringing is picked up from elsewhere, and somebody else joins by it.
//
// Shows FO-RPL-06, FO-JOI-11, FO-JOI-12.
func TestEarlyDialogs(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}, Factory: "factory", DialTimeout: time.Minute})
	var early atomic.Pointer[sipua.DialogID]
	canceled := make(chan bool, 1)
	ringing := b.callee(func(c *sipua.IncomingCall) {
		id := c.ID()
		early.Store(&id) // before it is known that it rings
		_ = c.Provisional(sipua.NewResponse(180))
		<-c.Done()
		canceled <- c.Canceled()
	})
	entity := "sip:carol@" + ringing.Addr("udp").String()
	id, err := b.focus.Dial(t.Context(), "desk", entity)
	must(t, err)
	b.await("the phone to ring", func() bool {
		p, _ := b.state("desk").Participant(id)
		return p.Status == conference.Alerting
	})
	dialog := *early.Load()
	joined, err := b.invite(b.uri("factory"), "sip:erin@example.com", sipua.Header{Name: "Join", Value: names(dialog)})
	must(t, err)
	b.await("who joined by it", func() bool { return b.find("desk", "erin").Status.Present() })
	if p, _ := b.state("desk").Participant(id); p.Status != conference.Alerting {
		t.Errorf("the ringing call is %v", p.Status)
	}
	picked, err := b.invite(b.uri("desk"), entity, sipua.Header{Name: "Replaces", Value: names(dialog) + ";early-only"})
	must(t, err)
	if !<-canceled {
		t.Error("the ringing phone got no CANCEL")
	}
	b.await("who picked up", func() bool {
		p, _ := b.state("desk").Participant(id)
		return p.Status == conference.Connected && p.Session.CallID == picked.dialog.ID().CallID && !p.JoinedAt.IsZero()
	})
	must(t, picked.dialog.Bye(t.Context()))
	must(t, joined.dialog.Bye(t.Context()))
	b.await("the end", func() bool { return len(b.state("desk").Participants) == 0 })
}

// Join leads into the conference of a call, if its rules let the caller in.
//
// Shows FO-JOI-01, FO-JOI-05, FO-JOI-08, FO-JOI-12.
func TestJoin(t *testing.T) {
	rules := func(id conference.ID, request *sipua.Request) bool {
		return id == "desk" && request.From.URI.UserPart() == "erin"
	}
	b := newBench(t, focus.Config{
		Conferences: []focus.ConferenceConfig{{ID: "desk"}, {ID: "other"}}, Factory: "factory", DialTimeout: time.Minute, MayEnter: rules,
	})
	in, err := b.invite(b.uri("desk"), dave)
	must(t, err)
	r := b.raw()
	out := b.callee(func(c *sipua.IncomingCall) {
		_, _ = c.Answer(t.Context(), sipua.NewResponse(200).WithBody("application/sdp", r.describe(codecs.PCMU)), r)
	})
	pid, err := b.focus.Dial(t.Context(), "desk", "sip:carol@"+out.Addr("udp").String())
	must(t, err)
	b.await("both", func() bool { return b.state("desk").PresentCount() == 2 })
	p, _ := b.state("desk").Participant(pid)
	dialedOut := fmt.Sprintf("%s;to-tag=%s;from-tag=%s", p.Session.CallID, p.Session.LocalTag, p.Session.RemoteTag)
	for i, value := range []string{names(in.dialog.ID()), dialedOut} { // both directions
		_, err = b.invite(b.uri("factory"), "sip:erin@example.com", sipua.Header{Name: "Join", Value: value})
		must(t, err)
		b.await("her", func() bool { return b.state("desk").PresentCount() == 3+i })
	}
	if _, err = b.invite(b.uri("factory"), "sip:mallory@example.com", sipua.Header{Name: "Join", Value: dialedOut}); sipua.Status(err) != 403 {
		t.Errorf("who may not: %v", err)
	}
	if _, err = b.invite(b.uri("other"), "sip:mallory@example.com", sipua.Header{Name: "Join", Value: "no@dialog;to-tag=1;from-tag=0"}); err != nil {
		t.Errorf("a Join of nothing, to a conference: %v", err)
	}
	b.await("him where he has called", func() bool { return b.state("other").PresentCount() == 1 })
	if n := b.state("desk").PresentCount(); n != 4 {
		t.Errorf("%d in the conference", n)
	}
}

// A participant has the focus take his place in a call with somebody else (attended transfer).
//
// Shows FO-REF-18, FO-REF-20.
func TestAttendedTransfer(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Refer: focus.ReferPolicy{From: focus.ReferModerators, Targets: []string{"*"}}})
	host := b.asks("room", conference.Moderator)
	got := make(chan string, 1)
	r := b.raw()
	out := b.callee(func(c *sipua.IncomingCall) {
		got <- c.Request().Headers.Get("Replaces") + " by " + c.Request().Headers.Get("Referred-By")
		_, _ = c.Answer(t.Context(), sipua.NewResponse(200).WithBody("application/sdp", r.describe(codecs.PCMU)), r)
	})
	target := "<sip:carol@" + out.Addr("udp").String() + "?Replaces=consult%40a.example%3Bto-tag%3D1%3Bfrom-tag%3D2>"
	if code, _ := host.refer("Refer-To", target, "Referred-By", "<sip:raw@example.com>"); code != 202 {
		t.Fatalf("REFER: %d", code)
	}
	if text := <-got; text != "consult@a.example;to-tag=1;from-tag=2 by <sip:raw@example.com>" {
		t.Errorf("called with %s", text)
	}
	b.await("her", func() bool { return b.find("room", "carol").Status.Present() })
}
