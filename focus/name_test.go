package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// Where entries are announced callers say their names at the door, and the others hear them when they come and go, and in a roll call. Who
// says nothing is a participant.
func TestNames(t *testing.T) { virtual(t, testNames) }

func testNames(t *testing.T) {
	t.Helper()
	said := library(t)
	b := newBenchWith(t, focus.Deps{Prompts: said}, focus.Config{
		Menu: focus.DefaultMenu(), Conferences: []focus.ConferenceConfig{{ID: "desk", NoMusicAlone: true, Rules: conference.Rules{Entry: conference.EntryAnnounce}}},
	})
	alice := b.phone(conftest.PhoneConfig{Name: "alice"})
	must(t, alice.Call(t.Context(), b.uri("desk")))
	alice.heardPrompt(said, "say-your-name")
	alice.keys("#")
	b.await("alice to be in", func() bool { return b.in("desk", "alice") })

	bob := b.phone(conftest.PhoneConfig{Name: "bob"})
	must(t, bob.Call(t.Context(), b.uri("desk")))
	bob.heardPrompt(said, "say-your-name")
	if p := b.find("desk", "bob"); p.Awaits != conference.AwaitsName || b.in("desk", "bob") {
		t.Errorf("bob is asked for his name: %+v", p)
	}
	b.await("the tone", func() bool { pass(20 * time.Millisecond); return bob.hearsNow(1000) > loud })
	b.await("silence", func() bool { pass(20 * time.Millisecond); return bob.hearsNow(1000) < quiet })
	bob.hum(700, time.Second)
	hears := func(who *phone, what string) {
		t.Helper()
		b.await(who.name+" to hear "+what, func() bool { pass(20 * time.Millisecond); return who.hearsNow(700) > loud })
	}
	hears(alice, "the name of bob, who has come")
	alice.heardPrompt(said, "has-joined")
	if !b.in("desk", "bob") {
		t.Error("bob is announced and not there")
	}
	bob.heardPrompt(said, "has-joined")

	bob.keys("*3")
	bob.heardPrompt(said, "participants")
	hears(bob, "his name in the roll call")
	bob.heardPrompt(said, "no-name")
	_, err := b.focus.Play(t.Context(), "desk", focus.Playback{RollCall: true, Participants: []conference.ParticipantID{b.find("desk", "alice").ID}})
	must(t, err)
	hears(alice, "the name of bob in a roll call of the API")
	alice.heardPrompt(said, "no-name")
	bob.leave("desk")
	hears(alice, "the name of bob, who has left")
	alice.heardPrompt(said, "has-left")
}
