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
