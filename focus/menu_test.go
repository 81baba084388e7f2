package focus_test

import (
	"errors"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/mixer"
)

// What a moderator chooses by keys is done and said to him alone; participants may do what is theirs.
func TestMenu(t *testing.T) { virtual(t, testMenu) }

func testMenu(t *testing.T) {
	t.Helper()
	said := library(t)
	b := newBenchWith(t, focus.Deps{Prompts: said}, focus.Config{
		Menu: focus.DefaultMenu(), Conferences: []focus.ConferenceConfig{{ID: "desk", ModeratorPIN: "9999"}},
	})
	bob := b.phone(conftest.PhoneConfig{Name: "bob"})
	must(t, bob.Call(t.Context(), b.uri("desk")))
	bob.keys("9999")
	b.await("bob to be in", func() bool { return b.in("desk", "bob") })
	alice := b.phone(conftest.PhoneConfig{Name: "alice"})
	must(t, alice.Call(t.Context(), b.uri("desk")))
	alice.keys("#")
	b.await("alice to be in", func() bool { return b.in("desk", "alice") })
	alice.heardPrompt(said, "entering")

	for _, test := range []struct {
		who    *phone
		keys   string
		said   string
		status func() bool
	}{
		{alice, "*6", "muted", func() bool { return b.find("desk", "alice").Muted }},
		{alice, "*6", "unmuted", func() bool { return !b.find("desk", "alice").Muted }},
		{alice, "*1", "participants", func() bool { return true }},
		{alice, "*2", "hand-raised", func() bool { return !b.find("desk", "alice").HandRaisedAt.IsZero() }},
		{alice, "*7", "louder", func() bool { return b.find("desk", "alice").GainDB == 3 }},
		{alice, "*9", "invalid-key", func() bool { return true }},
		{bob, "#1", "locked", func() bool { return b.state("desk").Locked }},
		{bob, "#2", "all-muted", func() bool { return b.find("desk", "alice").Muted }},
		{bob, "#4", "not-possible", func() bool { return len(b.state("desk").Recordings) == 0 }}, // there is no server
		{bob, "#7", "last-removed", func() bool { return b.find("desk", "alice").ID == "" }},
	} {
		test.who.keys(test.keys)
		test.who.heardPrompt(said, test.said)
		if !test.status() {
			t.Errorf("%s of %s: %+v", test.keys, test.who.name, b.state("desk"))
		}
	}
	select {
	case <-alice.Over():
	case <-time.After(20 * time.Second):
		t.Error("who was removed is still in a call")
	}
	bob.keys("#99")
	select {
	case <-bob.Over():
	case <-time.After(20 * time.Second):
		t.Error("the conference was not ended")
	}
}

// A menu with what there is not is refused.
func TestMenuConfig(t *testing.T) {
	engine, err := mixer.New(mixer.Config{Workers: 1})
	must(t, err)
	transport, err := media.NewTransport(media.Config{})
	must(t, err)
	defer transport.Close() //nolint:errcheck // nothing was opened
	for name, menu := range map[string]conference.Menu{"choice": {"1": "dance"}, "keys": {"1a": "mute"}, "no keys": {"": "mute"}, "long": {"123456789": "mute"}} {
		if _, err := focus.New(focus.Config{Menu: conference.MenuConfig{Moderators: menu}}, focus.Deps{Mixer: engine, Media: transport}); !errors.Is(err, focus.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// in tells whether a phone is in a conference.
func (b *bench) in(conf, name string) bool {
	p := b.find(conf, name)
	return p.Present()
}
