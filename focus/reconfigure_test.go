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

func (b *bench) reconfigure(cfg focus.Config) {
	b.t.Helper()
	apply, err := b.focus.Reconfigure(cfg)
	must(b.t, err)
	apply()
}

// Who is in a conference of the configuration stays in it, whatever becomes of that; what can change at once does.
func TestReconfigureActiveConference(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "room", Name: "old", MaxParticipants: 5}, {ID: "other"}}})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	locked := true
	_, err := b.focus.Update(t.Context(), "room", focus.ConferenceChange{MutedOnEntry: &locked})
	must(t, err)
	b.reconfigure(focus.Config{Conferences: []focus.ConferenceConfig{{ID: "room", Name: "new", MaxParticipants: 1, MaxSpeakers: 2}}})
	b.await("the new settings", func() bool { s := b.state("room"); return s.Name == "new" && s.MaxParticipants == 1 })
	if s := b.state("room"); !s.MutedOnEntry || s.PresentCount() != 1 {
		t.Errorf("muted on entry: %v, present: %d", s.MutedOnEntry, s.PresentCount())
	}
	if _, err := b.focus.Conference("other"); !errors.Is(err, focus.ErrNoConference) {
		t.Errorf("the other one: %v", err)
	}
	b.reconfigure(focus.Config{})
	if s := b.state("room"); s.PresentCount() != 1 {
		t.Errorf("alice was put out: %+v", s)
	}
	alice.leave("room")
	b.await("its end", func() bool { _, err := b.focus.Conference("room"); return errors.Is(err, focus.ErrNoConference) })
}

// What needs a new beginning holds from the next one on.
func TestReconfigureNextConference(t *testing.T) {
	never := focus.ConferenceConfig{ID: "room", Recording: conference.RecordingConfig{Policy: conference.Never}}
	var start focus.Config
	b := recordingBench(t, newRecordingServer(t), func(c *focus.Config) {
		c.Conferences = []focus.ConferenceConfig{never}
		start = *c
	})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	start.Conferences = []focus.ConferenceConfig{{ID: "room"}}
	b.reconfigure(start)
	if _, err := b.focus.StartRecording(t.Context(), "room", focus.RecordingRequest{}); !errors.Is(err, conference.ErrRecordingPolicy) {
		t.Errorf("recorded with somebody in it: %v", err)
	}
	alice.leave("room")
	b.await("the end", func() bool { return !b.state("room").Active })
	b.dial("room", conftest.PhoneConfig{Name: "bob"})
	b.awaitRecording("room", b.record("room", conference.Mixed), conference.RecordingActive)
}

// A conference with subscribers keeps them, and they learn of its new name.
func TestReconfigureObservedConference(t *testing.T) {
	b := newBench(t, focus.Config{
		NotifyInterval: time.Millisecond, Conferences: []focus.ConferenceConfig{{ID: "room", Name: "the old name"}},
	})
	r := b.subscribe("room", time.Hour)
	b.await("the roster", func() bool { return strings.Contains(r.texts(), "the old name") })
	b.reconfigure(focus.Config{Conferences: []focus.ConferenceConfig{{ID: "room", Name: "the new name"}}})
	b.await("the new name", func() bool { return strings.Contains(r.texts(), "the new name") })
}

func TestReconfigureRefusesWhatNewRefuses(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Conferences: []focus.ConferenceConfig{{ID: "room"}}})
	for title, cfg := range map[string]focus.Config{
		"twice":  {Conferences: []focus.ConferenceConfig{{ID: "a"}, {ID: "a"}}},
		"name":   {Conferences: []focus.ConferenceConfig{{ID: "a b"}}},
		"server": {Conferences: []focus.ConferenceConfig{{ID: "a", Recording: conference.RecordingConfig{Servers: []string{"none"}}}}},
		"rule":   {RecordingRules: []focus.RecordingRule{{Recording: conference.RecordingConfig{Servers: []string{"none"}}}}},
	} {
		if _, err := b.focus.Reconfigure(cfg); err == nil {
			t.Errorf("%s: no error", title)
		}
	}
	if _, err := b.focus.Conference("room"); err != nil {
		t.Errorf("it has changed: %v", err)
	}
}

// Limits, dynamic conferences and recorders of a reload count for what comes.
func TestReconfigureForWhatComes(t *testing.T) {
	first, second := newRecordingServer(t), newRecordingServer(t)
	b := recordingBench(t, first, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	id := b.record("room", conference.Mixed)
	b.awaitRecording("room", id, conference.RecordingActive)
	servers := []focus.Recorder{{Name: "second", URI: second.uri()}}
	b.reconfigure(focus.Config{Dynamic: true, Recorders: servers, Limits: focus.Limits{Participants: 2}})
	if list := b.focus.RecordingServers(); len(list) != 1 || list[0].Name != "second" {
		t.Errorf("servers: %+v", list)
	}
	bob := b.dial("elsewhere", conftest.PhoneConfig{Name: "bob"})
	next := b.record("elsewhere", conference.Mixed)
	b.awaitRecording("elsewhere", next, conference.RecordingActive)
	b.awaitRecording("room", id, conference.RecordingActive)
	if r := b.state("elsewhere").Recordings[0].Servers[0]; r.Name != "second" {
		t.Errorf("recorded by %s", r.Name)
	}
	carol := b.phone(conftest.PhoneConfig{Name: "carol"})
	if err := carol.Call(t.Context(), b.uri("room")); sipua.Status(err) != 503 {
		t.Errorf("beyond the limit: %v", err)
	}
	b.reconfigure(focus.Config{Recorders: servers})
	if err := carol.Call(t.Context(), b.uri("third")); sipua.Status(err) != 404 {
		t.Errorf("not dynamic any more: %v", err)
	}
	alice.leave("room")
	bob.leave("elsewhere")
}

// New menus and limits of the door hold at once, also where somebody is; the PIN stays.
func TestReconfigureKeys(t *testing.T) {
	cfg := focus.Config{
		Conferences: []focus.ConferenceConfig{{ID: "room"}, {ID: "desk", PIN: "4711"}},
		Menu:        conference.MenuConfig{Participants: conference.Menu{"1": "hand"}},
		Door:        conference.DoorConfig{Attempts: 100, Failures: 1000},
	}
	b := newBench(t, cfg)
	b.dial("room", conftest.PhoneConfig{Name: "alice"}).keys("1")
	b.await("alice to raise her hand", func() bool { p := b.find("room", "alice"); return p.HandRaised() })
	bob, carol := b.phone(conftest.PhoneConfig{Name: "bob"}), b.phone(conftest.PhoneConfig{Name: "carol"})
	must(t, bob.Call(t.Context(), b.uri("desk")))
	must(t, carol.Call(t.Context(), b.uri("desk")))
	b.await("both at the door", func() bool {
		s := b.state("desk")
		return len(s.Participants) == 2 && s.Participants[1].Barred() && s.Participants[0].Barred()
	})

	wrong := cfg
	wrong.Menu = conference.MenuConfig{Participants: conference.Menu{"1": "dance"}}
	if _, err := b.focus.Reconfigure(wrong); !errors.Is(err, focus.ErrInvalid) {
		t.Errorf("a menu of what there is not: %v", err)
	}
	cfg.Menu = conference.MenuConfig{Participants: conference.Menu{"2": "louder"}}
	cfg.Door.Attempts = 1
	b.reconfigure(cfg)
	dave := b.dial("room", conftest.PhoneConfig{Name: "dave"})
	b.await("the new menu", func() bool { // comes to the conference when the reload is over
		dave.keys("2")
		pass(50 * time.Millisecond)
		p := b.find("room", "dave")
		return p.GainDB > 0
	})
	b.await("bob to be sent away for one wrong entry", func() bool {
		bob.keys("0000")
		select {
		case <-bob.Over():
			return true
		case <-time.After(50 * time.Millisecond):
			return false
		}
	})
	carol.keys("4711")
	b.await("carol to be in", func() bool { return b.in("desk", "carol") })
}

// What calls agree on changes for those that begin: who is in a call goes on with what he has, also when it is agreed on again.
func TestReconfigureCodecs(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Codecs: []codecs.Codec{codecs.PCMU, codecs.PCMA}})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	b.reconfigure(focus.Config{Dynamic: true, Codecs: []codecs.Codec{codecs.PCMA}})
	if err := b.phone(conftest.PhoneConfig{Name: "bob"}).Call(t.Context(), b.uri("room")); sipua.Status(err) != 488 {
		t.Errorf("bob: %v", err)
	}
	b.dial("room", conftest.PhoneConfig{Name: "carol", Codec: codecs.PCMA})
	must(t, alice.Change(t.Context(), sdp.SendOnly))
	must(t, alice.Change(t.Context(), sdp.SendRecv))
	if got := b.find("room", "alice").Session.Codec; !strings.Contains(strings.ToLower(got), "pcmu") {
		t.Errorf("alice has %s", got)
	}
}
