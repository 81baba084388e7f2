package focus_test

import (
	"errors"
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

// A caller of an access number comes to the conference whose number he enters, with its PIN, in the same call.
//
// Shows FO-FAC-07.
func TestAccessNumber(t *testing.T) { virtual(t, testAccessNumber) }

func testAccessNumber(t *testing.T) {
	t.Helper()
	said := library(t)
	b := newBenchWith(t, focus.Deps{Prompts: said}, focus.Config{
		Access:   []focus.AccessNumber{{ID: "800"}},
		MayEnter: func(id conference.ID, r *sipua.Request) bool { return id != "1002" && r.Method == "INVITE" },
		Conferences: []focus.ConferenceConfig{
			{ID: "1000", PIN: "4711"}, {ID: "1001", Locked: true}, {ID: "1002"},
		},
	})
	bob := b.phone(conftest.PhoneConfig{Name: "bob"})
	must(t, bob.Call(t.Context(), b.uri("1000")))
	bob.keys("4711")
	b.await("bob to be in", func() bool { return b.in("1000", "bob") })
	bob.hum(900, 30*time.Second)

	alice := b.phone(conftest.PhoneConfig{Name: "alice", Codec: codecs.G722})
	must(t, alice.Call(t.Context(), b.uri("800")))
	if alice.Dialog().RemoteTarget().UserPart() != "800" {
		t.Errorf("Contact %s", alice.Dialog().RemoteTarget())
	}
	alice.hum(500, 30*time.Second)
	alice.heardPrompt(said, "welcome")
	for _, test := range []struct{ keys, said string }{{"77#", "conference-unknown"}, {"1001#", "conference-locked"}} {
		alice.keys(test.keys)
		alice.heardPrompt(said, test.said)
	}
	alice.keys("1000#")
	alice.heardPrompt(said, "enter-pin")
	if p := b.find("1000", "alice"); p.Status != conference.Pending || p.Awaits != conference.AwaitsPIN {
		t.Errorf("before the PIN: %+v", p)
	}
	if level := bob.hearsNow(500); level > quiet {
		t.Errorf("before the PIN bob hears alice at %.0f dB", level)
	}
	alice.keys("4711")
	b.await("alice to be in", func() bool { return b.in("1000", "alice") })
	b.await("alice to hear bob", func() bool { pass(50 * time.Millisecond); return alice.hearsNow(900) > loud })
	b.await("bob to hear alice", func() bool { pass(50 * time.Millisecond); return bob.hearsNow(500) > loud })
	b.await("the new Contact", func() bool { return alice.Dialog().RemoteTarget().UserPart() == "1000" })
	must(t, alice.Change(t.Context(), sdp.SendRecv))
	for _, s := range b.focus.Conferences() {
		if s.ID == "800" {
			t.Error("the access number is shown as a conference")
		}
	}
	if _, err := b.focus.Conference("800"); !errors.Is(err, focus.ErrNoConference) {
		t.Errorf("the access number as a conference: %v", err)
	}
	if err := b.focus.Delete(t.Context(), "800"); !errors.Is(err, focus.ErrNoConference) {
		t.Errorf("deleting it: %v", err)
	}
	if lines := b.logged.with("4711"); len(lines) > 0 {
		t.Errorf("the log has %v", lines)
	}
	alice.leave("1000")
}

// Whoever hangs up at an access number, or is sent away, leaves nothing behind; what has no number, and what must not be entered, is not.
func TestAccessRefused(t *testing.T) { virtual(t, testAccessRefused) }

func testAccessRefused(t *testing.T) {
	t.Helper()
	said := library(t)
	records := make(chan focus.CallRecord, 10)
	b := newBenchWith(t, focus.Deps{Prompts: said, Hooks: focus.Hooks{CallEnded: func(r focus.CallRecord) { records <- r }}}, focus.Config{
		Dynamic: true, Access: []focus.AccessNumber{{ID: "800"}, {ID: "801", Create: true}}, Factory: "800-factory",
		MayEnter:    func(id conference.ID, _ *sipua.Request) bool { return id != "1002" },
		Conferences: []focus.ConferenceConfig{{ID: "1002"}},
	})
	carol := b.phone(conftest.PhoneConfig{Name: "carol"})
	must(t, carol.Call(t.Context(), b.uri("800")))
	carol.heardPrompt(said, "welcome")
	must(t, carol.Hangup(t.Context()))

	dave := b.phone(conftest.PhoneConfig{Name: "dave"})
	must(t, dave.Call(t.Context(), b.uri("800")))
	for _, test := range []struct{ keys, said string }{
		{"1002#", "not-allowed"}, {"801#", "conference-unknown"}, {"4242#", "too-many-attempts"},
	} {
		dave.keys(test.keys)
		dave.heardPrompt(said, test.said)
	}
	select {
	case <-dave.Over():
	case <-time.After(20 * time.Second):
		t.Error("after three wrong numbers the call goes on")
	}
	erin := b.phone(conftest.PhoneConfig{Name: "erin"})
	must(t, erin.Call(t.Context(), b.uri("801")))
	erin.keys("4242#")
	b.await("the conference", func() bool { return b.in("4242", "erin") })
	if err := b.focus.Eject(t.Context(), "4242", b.find("4242", "erin").ID, ""); err != nil {
		t.Error(err)
	}
	select {
	case <-erin.Over():
	case <-time.After(20 * time.Second):
		t.Error("who was ejected is still in a call")
	}
	for _, want := range []struct{ name, conference, result string }{{"carol", "800", "answered"}, {"dave", "800", "refused"}, {"erin", "4242", "answered"}} {
		if r := <-records; !strings.Contains(r.URI, want.name) || string(r.Conference) != want.conference || r.Result != want.result || r.Stats.ReceivedPackets == 0 {
			t.Errorf("the record of %s is %+v", want.name, r)
		}
	}
	for _, bad := range [][]focus.AccessNumber{{{ID: "a b"}}, {{ID: "1"}, {ID: "1"}}, {{ID: "800-factory"}}} {
		if _, err := focus.New(focus.Config{Access: bad, Factory: "800-factory"}, b.deps); !errors.Is(err, focus.ErrInvalid) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}
