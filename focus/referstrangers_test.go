package focus_test

import (
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// Who is not in the conference has nobody called, but where everybody may, and nobody has where nobody may.
//
// Shows FO-REF-14, FO-REF-24.
func TestReferByStrangers(t *testing.T) {
	for from, want := range map[focus.ReferFrom]string{
		focus.ReferModerators: "403", focus.ReferParticipants: "403", focus.ReferNobody: "403", focus.ReferAnyone: "202",
	} {
		b := newBench(t, focus.Config{Dynamic: true, Refer: focus.ReferPolicy{From: from, Targets: []string{"*"}}})
		host := b.asks("room", conference.Moderator)
		busy := b.callee(func(c *sipua.IncomingCall) { _ = c.Reject(sipua.NewResponse(486)) }).Addr("udp").String()
		p := b.plain("plain")
		p.request("REFER", "room", "", "", "Refer-To: <sip:bob@"+busy+">")
		if got := p.expect("SIP/2.0 "); !strings.HasPrefix(got, "SIP/2.0 "+want) {
			t.Errorf("policy %d:\n%s", from, got)
		}
		if code, _ := host.refer("Refer-To", "<sip:bob@"+busy+">"); (code == 202) != (from != focus.ReferNobody) {
			t.Errorf("policy %d: the moderator gets %d", from, code)
		}
	}
}

// Who wants no report of what he has asked for, outside of any dialog, gets none.
//
// Shows FO-REF-10.
func TestReferWithoutReports(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Refer: focus.ReferPolicy{From: focus.ReferAnyone, Targets: []string{"*"}}})
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.raw()
	target := b.callee(func(c *sipua.IncomingCall) { bob.answer(c) }).Addr("udp").String()
	p := b.plain("plain")
	p.request("REFER", "room", "", "", "Refer-To: <sip:bob@"+target+">", "Refer-Sub: false")
	if got := p.expect("SIP/2.0 200"); field(got, "Refer-Sub") != "false" {
		t.Errorf("the answer:\n%s", got)
	}
	b.await("bob", func() bool { return b.find("room", "bob").Status.Present() })
	p.call += "-other"
	p.request("OPTIONS", "room", "", "")
	p.expect("SIP/2.0 200")
	if len(p.told) > 0 {
		t.Errorf("a report that nobody wants:\n%s", p.told[0])
	}
}

// Who asks for privacy is not told as the one who has had somebody called, be he in the conference or not.
//
// Shows CE-AUT-10, CE-AUT-13, FO-REF-20.
func TestReferInPrivacy(t *testing.T) {
	b := newBench(t, focus.Config{
		Conferences: []focus.ConferenceConfig{{ID: "desk"}}, NotifyInterval: -1, Refer: focus.ReferPolicy{From: focus.ReferAnyone, Targets: []string{"*"}},
	})
	host := b.dial("desk", conftest.PhoneConfig{Name: "alice"})
	b.moderate("desk", host.name)
	sees, err := b.subscribeAs("desk", b.find("desk", "alice").Entity, "conference", nil)
	must(t, err)
	private := sipua.Header{Name: "Privacy", Value: "id"}
	inside := &asker{raw: b.raw()}
	inside.dialog, _, err = inside.agent.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("desk")}, From: sipua.Address{Name: "Secret", URI: inside.agent.Contact("secret")}, Headers: sipua.Headers{private},
		ContentType: "application/sdp", Body: inside.describe(codecs.PCMU),
	}, inside)
	must(t, err)
	b.await("him", func() bool { return b.find("desk", "anonymous1").Status.Present() })
	for _, name := range []string{"bob", "carol"} {
		callee := b.raw()
		target := "<sip:" + name + "@" + b.callee(func(c *sipua.IncomingCall) { callee.answer(c) }).Addr("udp").String() + ">"
		if name == "bob" {
			if code, _ := inside.refer("Refer-To", target, "Refer-Sub", "false"); code != 200 {
				t.Fatalf("REFER: %d", code)
			}
		} else {
			p := b.plain("secret")
			p.request("REFER", "desk", "", "", "Refer-To: "+target, "Refer-Sub: false", "Privacy: id")
			p.expect("SIP/2.0 200")
		}
		b.await(name, func() bool { return sees.user(name).Entity != "" && len(sees.user(name).Endpoints) == 1 })
	}
	if by := sees.endpoint("bob").Referred; by == nil || by.By != "sip:anonymous1@anonymous.invalid" {
		t.Errorf("bob is called by %+v", by)
	}
	if text := strings.ToLower(sees.texts()); strings.Contains(text, "secret") {
		t.Errorf("his name is told:\n%s", text)
	}
}

// A focus that asks for privacy is not shown as one, and the identifiers of calls are hidden from those who moderate, too, where that is wanted.
//
// Shows CE-AUT-13, CE-AUT-15.
func TestNobodySeesCalls(t *testing.T) {
	b := newBench(t, focus.Config{NotifyInterval: -1, Conferences: []focus.ConferenceConfig{{ID: "desk", Roster: focus.RosterPolicy{HideCalls: true}}}})
	alice := b.dial("desk", conftest.PhoneConfig{Name: "alice"})
	b.moderate("desk", alice.name)
	sees, err := b.subscribeAs("desk", b.find("desk", "alice").Entity, "conference", nil)
	must(t, err)
	other := b.raw()
	_, _, err = other.agent.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("desk")}, From: sipua.Address{URI: other.agent.Contact("secret")}, Headers: sipua.Headers{{Name: "Privacy", Value: "id"}},
		Contact: sipua.Address{URI: other.agent.Contact("secret")}.With("isfocus", ""), ContentType: "application/sdp", Body: other.describe(codecs.PCMU),
	}, other)
	must(t, err)
	b.await("both", func() bool {
		return len(sees.users()) == 2 && sees.endpoint("Anonymous1").Status == confevent.StatusConnected
	})
	if text := sees.texts(); strings.Contains(text, "secret") || strings.Contains(text, "call-info") || strings.Contains(text, "cascaded-focus>sip") {
		t.Errorf("the moderator sees\n%s", text)
	}
}
