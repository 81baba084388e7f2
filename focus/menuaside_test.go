package focus_test

import (
	"testing"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// By keys participants go aside and come back, and a moderator coaches one after the other.
func TestMenuAside(t *testing.T) { virtual(t, testMenuAside) }

func testMenuAside(t *testing.T) {
	t.Helper()
	said := library(t)
	b := newBenchWith(t, focus.Deps{Prompts: said}, focus.Config{
		Dynamic: true,
		Menu: conference.MenuConfig{
			Participants: conference.Menu{"*3": "sidebar", "*8": "main", "#6": "coach"}, Moderators: conference.Menu{"#9": "end_coaching"},
		},
	})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	carol := b.dial("room", conftest.PhoneConfig{Name: "carol"})
	b.promote("room", "carol")
	id := func(name string) conference.ParticipantID { return b.find("room", name).ID }
	aside := func() int {
		s := b.state("room")
		if len(s.Sidebars) == 0 {
			return 0
		}
		return len(s.SidebarMembers(s.Sidebars[0].ID))
	}
	for _, test := range []struct {
		who    *phone
		keys   string
		said   string
		status func() bool
	}{
		{alice, "*3", "sidebar-entered", func() bool { return aside() == 1 }},
		{bob, "*3", "sidebar-entered", func() bool { return aside() == 2 && len(b.state("room").Sidebars) == 1 }},
		{alice, "*3", "sidebar-left", func() bool { return aside() == 1 && b.find("room", "alice").Sidebar == "" }},
		{bob, "*8", "sidebar-left", func() bool { return len(b.state("room").Sidebars) == 0 }},
		{alice, "#6", "moderators-only", func() bool { return b.find("room", "alice").Coaching == "" }},
		{carol, "#6", "coaching", func() bool { return b.find("room", "carol").Coaching == id("bob") }},
		{carol, "#6", "coaching", func() bool { return b.find("room", "carol").Coaching == id("alice") }},
		{carol, "#6", "coaching", func() bool { return b.find("room", "carol").Coaching == id("bob") }},
		{carol, "#9", "coaching-over", func() bool { return b.find("room", "carol").Coaching == "" }},
	} {
		test.who.keys(test.keys)
		b.await(test.keys+" of "+test.who.name, test.status)
		test.who.heardPrompt(said, test.said)
	}
	made, err := b.focus.OpenSidebar(t.Context(), "room", focus.SidebarRequest{Participants: []conference.ParticipantID{id("bob"), id("carol")}})
	must(t, err)
	alice.keys("*3")
	b.await("alice to be aside", func() bool { return b.find("room", "alice").Sidebar != "" })
	if got := b.find("room", "alice").Sidebar; got == made.ID || len(b.state("room").SidebarMembers(made.ID)) != 2 {
		t.Error("a key leads into a sidebar whose members were chosen")
	}
}

// Keys steer recordings: all of them, and not what the policy demands. Where it does, only moderators go aside, unless sidebars are
// recorded, too.
//
// Shows RQ-004.
func TestMenuRecording(t *testing.T) { virtual(t, testMenuRecording) }

func testMenuRecording(t *testing.T) {
	t.Helper()
	said := library(t)
	srs := newRecordingServer(t)
	b := newBenchWith(t, focus.Deps{Prompts: said}, focus.Config{
		Dynamic: true, Recorders: []focus.Recorder{{Name: "srs", URI: srs.uri()}},
		Menu: conference.MenuConfig{Participants: conference.Menu{"*3": "sidebar", "#4": "record", "#5": "pause_recording"}},
		Conferences: []focus.ConferenceConfig{
			{ID: "always", Recording: conference.RecordingConfig{Policy: conference.Always, Servers: []string{"srs"}}},
			{ID: "aside", Recording: conference.RecordingConfig{Policy: conference.Always, Servers: []string{"srs"}, Sidebars: true}},
			{ID: "demand", Recording: conference.RecordingConfig{Servers: []string{"srs"}}},
		},
	})
	paused := func(conf string) (running, paused int) {
		for _, r := range b.state(conf).Recordings {
			if !r.Over() && !r.Stopping {
				running++
				if r.Paused {
					paused++
				}
			}
		}
		return running, paused
	}
	is := func(conf string, running, pausing int) func() bool {
		return func() bool { r, p := paused(conf); return r == running && p == pausing }
	}
	alice := b.dial("demand", conftest.PhoneConfig{Name: "alice"})
	b.promote("demand", "alice")
	bob := b.dial("always", conftest.PhoneConfig{Name: "bob"})
	press := func(who *phone, keys, prompt string, ok func() bool) {
		t.Helper()
		who.keys(keys)
		b.await(keys+" of "+who.name, ok)
		if prompt != "" {
			who.heardPrompt(said, prompt)
		}
	}
	press(alice, "#5", "recording-none", is("demand", 0, 0))
	press(alice, "#4", "", is("demand", 1, 0))
	b.record("demand", conference.Mixed)
	press(alice, "#5", "", is("demand", 2, 2))
	press(alice, "#5", "", is("demand", 2, 0))
	press(alice, "#4", "", is("demand", 0, 0))
	press(bob, "#4", "moderators-only", is("always", 1, 0))
	press(bob, "*3", "moderators-only", func() bool { return len(b.state("always").Sidebars) == 0 })
	b.promote("always", "bob")
	press(bob, "#4", "not-possible", is("always", 1, 0))
	press(bob, "#5", "", is("always", 1, 1))
	press(bob, "*3", "", func() bool { return len(b.state("always").Sidebars) == 1 })
	carol := b.dial("aside", conftest.PhoneConfig{Name: "carol"})
	press(carol, "*3", "", func() bool { return len(b.state("aside").Sidebars) == 1 })
}
