package focus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// The server has died, and before anybody knows somebody writes and leaves: what he wrote since the last sign of life is with the next server, in a stream of his
// own that goes when it is sent. Where there is no other it counts as lost, each character once; what the server has answered after does not.
//
// Shows ME-RTT-34, RQ-005, SR-ERR-08.
func TestTextOfWhoLeftADeadServer(t *testing.T) {
	for name, n := range map[string]int{"the next": 2, "no other": 1} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			servers := []*recordingServer{newRecordingServer(t), newRecordingServer(t)}[:n]
			one, last := servers[0], servers[n-1]
			for _, s := range servers {
				s.set(func(s *recordingServer) { s.texts = true })
			}
			b := serversBench(t, servers, func(c *focus.Config) {
				c.Dynamic = false
				c.Defaults.Recording.Policy, c.Defaults.Recording.Modes = conference.Always, conference.Separate
				c.Conferences = []focus.ConferenceConfig{{ID: "room", Rules: conference.Rules{Text: true}, Recording: c.Defaults.Recording}}
			})
			ann, ben := b.texter("room", "ann", true, true), b.texter("room", "ben", true, true)
			b.recordable("ann")
			b.recordable("ben")
			b.await("the recorder to take text", func() bool { return len(one.textLabels()) == 2 })
			b.passed(ben, ann, "first.")
			b.await("it to be recorded", func() bool { return one.holding("first.") != "" })
			cat := b.texter("room", "cat", true, true)
			b.recordable("cat")
			b.await("the recorder to take text", func() bool { return len(one.textLabels()) == 3 })
			pass(time.Second)
			one.silent()
			b.passed(ben, ann, "last words.")
			ben.leave()
			if n == 1 {
				pass(time.Second)
				ann.leave()
				cat.leave()
				b.awaitLong("the verdict", func() bool { return b.focus.Assurance()[0].Verdict != "running" })
				pass(time.Second)
				if lost := b.logged.with("captured text is lost"); len(lost) != 1 || !strings.Contains(lost[0], "characters=11") {
					t.Errorf("lost: %q", lost)
				}
				return
			}
			b.awaitLong("what ben wrote", func() bool { return last.holding("last words.") != "" })
			label := last.holding("last words.")
			if !last.fed("ben", label) {
				t.Errorf("no document says that stream %s is of ben", label)
			}
			b.await("his line to be given up", func() bool { return last.closed(label) })
			if lost := b.logged.with("captured text is lost"); len(lost) > 0 {
				t.Error(lost)
			}
		})
	}
}
