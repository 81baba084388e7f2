package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// Who is masked, or left out of recordings, is so where he is moved to as well, until somebody says that it is over; but where nobody may be left out
// he is recorded.
//
// Shows RQ-UC05.
func TestMovedAreKeptOutOfRecordings(t *testing.T) {
	yes, no := true, false
	for name, test := range map[string]struct {
		kept, over focus.ParticipantChange
		forbidden  bool // to leave out
		recorded   bool // at once
	}{
		"masked":                 {kept: focus.ParticipantChange{Masked: &yes}, over: focus.ParticipantChange{Masked: &no}},
		"left out":               {kept: focus.ParticipantChange{Unrecorded: &yes}, over: focus.ParticipantChange{Unrecorded: &no}},
		"nobody may be left out": {kept: focus.ParticipantChange{Unrecorded: &yes}, over: focus.ParticipantChange{}, forbidden: true, recorded: true},
	} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			b := recordingBench(t, srs, func(c *focus.Config) {
				other := conference.RecordingConfig{Policy: conference.Always, Modes: both, Servers: []string{"srs"}, NoExclusion: test.forbidden}
				c.Conferences = []focus.ConferenceConfig{{ID: "other", Recording: other}}
			})
			alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			b.dial("other", conftest.PhoneConfig{Name: "bob", RecordAware: true})
			alice.hum(500, time.Minute)
			id := b.find("room", "alice").ID
			change := func(conf conference.ID, change focus.ParticipantChange) {
				t.Helper()
				_, err := b.focus.UpdateParticipant(t.Context(), conf, id, change)
				must(t, err)
			}
			change("room", test.kept)
			must(t, b.focus.Move(t.Context(), "room", id, "other"))
			b.await("alice to arrive", func() bool { p := b.find("other", "alice"); return p.Present() })
			pass(2 * time.Second)
			heard := func() (most float64) {
				most = -200
				for _, label := range []string{"1", "2", "3"} {
					h := srs.stream(label)
					most = max(most, h.loudest(500))
				}
				return most
			}
			if got := heard() > loud; got != test.recorded {
				t.Errorf("recorded: %v, at %.0f dB", got, heard())
			}
			change("other", test.over)
			b.await("alice to be recorded", func() bool { return heard() > loud })
		})
	}
}
