package focus_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// A participant goes from one conference into another without hanging up. Nobody there hears what was for the first, nor the other way round, and
// neither does a recording: that of the first has no more of him, that of the other all from the beginning.
//
// Shows FO-CAS-06.
func TestMove(t *testing.T) {
	first, second := newRecordingServer(t), newRecordingServer(t)
	policy := func(server string) conference.RecordingConfig {
		return conference.RecordingConfig{Policy: conference.Always, Modes: conference.Separate, Servers: []string{server}}
	}
	b := newBench(t, focus.Config{
		Conferences:    []focus.ConferenceConfig{{ID: "one", Recording: policy("first")}, {ID: "two", Recording: policy("second")}},
		Recorders:      []focus.Recorder{{Name: "first", URI: first.uri()}, {Name: "second", URI: second.uri()}},
		NotifyInterval: -1, Notification: focus.Notification{ToneLength: 40 * time.Millisecond},
	})
	alice := b.dial("one", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("one", conftest.PhoneConfig{Name: "bob"})
	carol := b.dial("two", conftest.PhoneConfig{Name: "carol"})
	r := b.subscribe("one", time.Hour)
	alice.hum(500, time.Second)
	b.await("bob to hear alice", func() bool { return bob.hearsNow(500) > loud })
	b.await("her recording", func() bool {
		first.mu.Lock()
		defer first.mu.Unlock()
		for _, s := range first.streams {
			if s.level(500, 200*time.Millisecond) > loud {
				return true
			}
		}
		return false
	})
	before := b.find("one", "alice")
	from := time.Now()
	must(t, b.focus.Move(t.Context(), "one", before.ID, "two"))
	b.await("alice in the other conference", func() bool { return b.find("two", "alice").Status.Present() })
	if p := b.find("two", "alice"); p.ID != before.ID || p.Session.CallID != before.Session.CallID || b.find("one", "alice").ID != "" {
		t.Errorf("before %+v, after %+v", before, p)
	}
	b.await("her phone to know where it is", func() bool {
		return alice.Dialog().RemoteTarget().Bare().String() == b.state("two").URI
	})
	b.await("the roster of the first", func() bool { return len(r.users()) == 1 })
	if !strings.Contains(r.texts(), "Moved") {
		t.Error("no word of why she has left")
	}
	pass(time.Until(from.Add(1100 * time.Millisecond))) // until the first tone is over
	alice.hum(900, 3*time.Second)
	b.await("carol to hear alice", func() bool { return carol.hearsNow(900) > loud })
	carol.hum(700, 2*time.Second)
	b.await("alice to hear carol", func() bool { return alice.hearsNow(700) > loud })
	b.await("the other recording", func() bool {
		second.mu.Lock()
		defer second.mu.Unlock()
		for _, s := range second.streams {
			if s.level(900, 200*time.Millisecond) > loud {
				return true
			}
		}
		return false
	})
	if got := bob.hearsNow(900); got > quiet {
		t.Errorf("bob still hears alice at %.0f dB", got)
	}
	first.mu.Lock()
	for _, s := range first.streams {
		if got := s.level(900, 400*time.Millisecond); got > quiet {
			t.Errorf("the first recorder still hears alice at %.0f dB", got)
		}
	}
	first.mu.Unlock()
	alice.leave("two")
	if b.find("two", "carol").Status != conference.Connected {
		t.Error("carol has gone, too")
	}
}

// Who may not, or cannot, be moved stays where he is.
func TestMoveRefused(t *testing.T) {
	b := newBench(t, focus.Config{
		Conferences: []focus.ConferenceConfig{{ID: "one"}, {ID: "locked", Locked: true}, {ID: "full", MaxParticipants: 1}, {ID: "closed"}},
		MayEnter:    func(id conference.ID, _ *sipua.Request) bool { return id != "closed" }, NotifyInterval: -1,
	})
	b.dial("one", conftest.PhoneConfig{Name: "alice"})
	b.dial("full", conftest.PhoneConfig{Name: "bob"})
	id := b.find("one", "alice").ID
	for to, want := range map[conference.ID]error{
		"locked": focus.ErrLocked, "full": focus.ErrFull, "closed": focus.ErrForbidden, "nowhere": focus.ErrNoConference, "one": focus.ErrConflict,
	} {
		if err := b.focus.Move(t.Context(), "one", id, to); !errors.Is(err, want) {
			t.Errorf("to %s: %v, want %v", to, err, want)
		}
	}
	if err := b.focus.Move(t.Context(), "one", "nobody", "full"); !errors.Is(err, focus.ErrNoParticipant) {
		t.Errorf("nobody: %v", err)
	}
	if p := b.find("one", "alice"); p.ID != id || p.Status != conference.Connected {
		t.Errorf("alice is %+v", p)
	}
	r := b.subscribe("one", time.Hour)
	b.await("the roster", func() bool { return r.endpoint("alice").Status == confevent.StatusConnected })
}
