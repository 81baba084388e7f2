package focus_test

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// A server takes longer for a change than it is waited for, and shows by its reports that it records meanwhile: the session goes on, the change is taken back and
// tried again, and nothing is recorded twice. That is done once: the second time the session is left, as that of a server that shows nothing is.
//
// Shows SR-ERR-07, SR-ERR-09, SR-RTP-10.
func TestChangeOfAServerThatReports(t *testing.T) {
	for name, c := range map[string]struct {
		persistent, reports, recovers bool
		sessions                      int
	}{
		"recovers": {reports: true, recovers: true, sessions: 1}, "reports for ever": {reports: true, sessions: 2},
		"shows nothing": {recovers: true, sessions: 2}, "persistent": {persistent: true, reports: true, recovers: true, sessions: 1},
		"persistent, shows nothing": {persistent: true, recovers: true, sessions: 2},
	} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			b := patientBench(t, focus.Deps{}, func(f *focus.Config) {
				f.Hold = 5 * time.Second
				if c.persistent {
					f.Recorders[0].Persistent = 4
				}
			}, srs)
			b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			id := b.record("room", conference.Separate)
			b.awaitRecording("room", id, conference.RecordingActive)
			labelOf := func(name string) string {
				labels := []string{"1", "2", "3", "4"}
				return append(slices.DeleteFunc(labels, func(l string) bool { return !srs.fed(name, l) }), "")[0]
			}
			b.await("her stream", func() bool { return srs.stream(labelOf("alice")).packets > 50 })
			her := labelOf("alice")
			spend := func(d time.Duration) {
				for range d / (5 * time.Second) {
					if pass(5 * time.Second); c.reports {
						srs.reported(her, 0, 0)
					}
				}
			}
			spend(10 * time.Second)
			slow := srs.slowed()
			srs.set(func(s *recordingServer) {
				s.respond = func(*sipua.Request) *sipua.Response { return sipua.NewResponse(487) } // to what has been taken back
			})
			b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
			spend(30 * time.Second)
			if c.recovers {
				srs.prompt()
				srs.set(func(s *recordingServer) { s.respond = nil })
			}
			spend(5 * time.Second)
			close(slow) // it has let go of what was taken back
			if !c.recovers {
				again := srs.slowed()
				t.Cleanup(func() { close(again) })
			}
			spend(60 * time.Second)
			if n := begun(srs); n != c.sessions {
				t.Fatalf("%d sessions, want %d", n, c.sessions)
			}
			if c.sessions > 1 {
				return
			}
			if srs.lastBye() != nil || len(b.logged.with("alarm=lost")) > 0 {
				t.Error("the session was left")
			}
			seen := map[uint32]bool{}
			for _, stamp := range srs.stream(her).stamps {
				if seen[stamp] {
					t.Fatalf("timestamp %d twice", stamp)
				}
				seen[stamp] = true
			}
			if srs.stream(labelOf("bob")).packets < 500 {
				t.Error("the change has not been made")
			}
		})
	}
}
