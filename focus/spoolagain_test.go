package focus_test

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// Somebody is moved away and back while no server takes anything, and has two streams in the spool. The server gets both, each with what was said in it.
//
// Shows SR-ERR-08, SR-PER-08.
func TestSpoolOfWhoCameBack(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		srs.setRefuse(503)
		b := spoolBench(t, srs, t.TempDir(), func(c *focus.Config) {
			c.Defaults.Recording.Modes = conference.Separate
			c.Conferences = []focus.ConferenceConfig{{ID: "other"}}
		})
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
		move := func(from, to conference.ID) {
			must(t, b.focus.Move(t.Context(), from, b.find(string(from), "bob").ID, to))
			b.await("bob to arrive", func() bool { p := b.find(string(to), "bob"); return p.Present() })
		}
		pass(time.Second)
		move("room", "other")
		pass(time.Second)
		move("other", "room")
		pass(500 * time.Millisecond)
		bob.leave("room")
		alice.leave("room")
		b.await("the recording to be over", func() bool { return b.focus.Assurance()[0].EndedAt != nil })
		srs.setRefuse(0)
		b.await("the spool to be delivered", func() bool {
			s := b.focus.Stats()
			return s.SpooledFrames == s.DeliveredFrames && s.SpooledFrames > 100
		})
		streams := srs.kept().streams
		if len(streams) != 3 {
			t.Fatalf("%d streams", len(streams))
		}
		got := map[string][]int{}
		for _, h := range streams {
			for _, name := range []string{"alice", "bob"} {
				if srs.fed(name, h.label) {
					got[name] = append(got[name], h.packets)
				}
			}
		}
		slices.Sort(got["bob"])
		for name, want := range map[string][]time.Duration{"alice": {2500 * time.Millisecond}, "bob": {500 * time.Millisecond, time.Second}} {
			for i, d := range want {
				if n := int(d / codecs.FrameDuration); len(got[name]) != len(want) || got[name][i] < n-5 || got[name][i] > n+5 {
					t.Errorf("%s has %d packets in each stream, want %v", name, got[name], want)
				}
			}
		}
		srs.sound()
	})
}

// Somebody is moved away and back in a pause, and what he said before it goes to the spool, before that or after it. The server that gets it, long after
// he has come back, is told that he was there when it was said.
//
// Shows SR-ERR-08, SR-MET-06.
func TestSpoolOfBeforeSomebodyCameBack(t *testing.T) {
	for name, hold := range map[string]time.Duration{"written before": 600 * time.Millisecond, "written after": 8 * time.Second} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			srs.setRefuse(503)
			b := spoolBench(t, srs, t.TempDir(), func(c *focus.Config) {
				c.Hold, c.Defaults.Recording.Modes = hold, conference.Mixed
				c.Conferences = []focus.ConferenceConfig{{ID: "other"}}
			})
			alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
			pass(2 * time.Second)
			_, err := b.focus.PauseRecording(t.Context(), "room", b.state("room").Recordings[0].ID)
			must(t, err)
			for _, way := range [][2]conference.ID{{"room", "other"}, {"other", "room"}} {
				pass(300 * time.Millisecond)
				must(t, b.focus.Move(t.Context(), way[0], b.find(string(way[0]), "bob").ID, way[1]))
				b.await("bob to arrive", func() bool { p := b.find(string(way[1]), "bob"); return p.Present() })
			}
			pass(5 * time.Second)
			bob.leave("room")
			alice.leave("room")
			b.await("the recording to be over", func() bool { return b.focus.Assurance()[0].EndedAt != nil })
			srs.setRefuse(0)
			b.await("the spool to be delivered", func() bool {
				s := b.focus.Stats()
				return s.SpooledFrames == s.DeliveredFrames && s.SpooledFrames > 50
			})
			if !srs.fed("bob", "1") {
				t.Error("no document says that bob feeds the stream")
			}
			srs.sound()
		})
	}
}
