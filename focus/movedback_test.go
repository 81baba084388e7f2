package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// Who is moved to another conference and back is one participant in the metadata, with one stay that begins anew, and his stream is recorded again.
//
// Shows SR-XML-01, SR-MET-06.
func TestMovedBackIsOneParticipant(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := recordingBench(t, srs, func(c *focus.Config) {
			c.Conferences = []focus.ConferenceConfig{{ID: "other"}}
		})
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
		alice.hum(500, time.Minute)
		id := b.record("room", both)
		b.awaitRecording("room", id, conference.RecordingActive)
		for _, way := range [][2]string{{"room", "other"}, {"other", "room"}, {"room", "other"}, {"other", "room"}} {
			pass(2 * time.Second)
			must(t, b.focus.Move(t.Context(), conference.ID(way[0]), b.find(way[0], "alice").ID, conference.ID(way[1])))
			b.await("alice to arrive", func() bool { p := b.find(way[1], "alice"); return p.Present() })
		}
		pass(time.Second)
		b.await("alice to be recorded", func() bool { return srs.levelOf("1", 500) > loud })
		kept, known := srs.kept(), 0
		for _, issue := range kept.issues {
			t.Errorf("metadata: %+v", issue)
		}
		for _, p := range kept.merged.Participants {
			if len(p.Names) > 0 && p.Names[0].Name == "alice" {
				known++
			}
		}
		if known != 1 || !srs.present()[b.find("room", "alice").Entity] {
			t.Errorf("alice is %d participants, present: %v", known, srs.present())
		}
	})
}

// Who is moved away while he is aside has left the conference when he was taken aside, also while he is on his way back; then his stay begins anew.
//
// Shows SR-XML-01, SR-MET-06.
func TestMovedBackWasAside(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := recordingBench(t, srs, func(c *focus.Config) {
			c.Conferences = []focus.ConferenceConfig{{ID: "other"}}
			c.Defaults.Recording.Sidebars = true
		})
		for _, name := range []string{"alice", "bob", "carol"} {
			b.dial("room", conftest.PhoneConfig{Name: name, RecordAware: true})
		}
		id := b.record("room", both)
		b.awaitRecording("room", id, conference.RecordingActive)
		for range 3 {
			pass(2 * time.Second)
			_, err := b.focus.OpenSidebar(t.Context(), "room", focus.SidebarRequest{
				Participants: []conference.ParticipantID{b.find("room", "alice").ID, b.find("room", "bob").ID},
			})
			must(t, err)
			pass(2 * time.Second)
			for _, way := range [][2]conference.ID{{"room", "other"}, {"other", "room"}} {
				must(t, b.focus.Move(t.Context(), way[0], b.find(string(way[0]), "alice").ID, way[1]))
				b.await("alice to arrive", func() bool { p := b.find(string(way[1]), "alice"); return p.Present() })
				pass(2 * time.Second)
			}
			if s := b.state("room").Sidebars; len(s) > 0 {
				must(t, b.focus.CloseSidebar(t.Context(), "room", s[0].ID))
			}
		}
		for _, issue := range srs.kept().issues {
			t.Errorf("metadata: %+v", issue)
		}
		v, joined := srs.known(), b.find("room", "alice").JoinedAt
		if from, to, known := v.within("alice", 0); !known || !to.IsZero() || joined.Sub(from).Abs() > time.Second {
			t.Errorf("she is in the conference from %v to %v, and came at %v", from, to, joined)
		}
	})
}
