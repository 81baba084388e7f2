package focus_test

import (
	"context"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// burst is the most packets of a stream that have come at the same time.
func (h *heardStream) burst() (most int) {
	for i, n := 0, 0; i < len(h.came); i++ {
		if i > 0 && !h.came[i].Equal(h.came[i-1]) {
			n = 0
		}
		n++
		most = max(most, n)
	}
	return most
}

// Somebody leaves while no recorder has answered yet, and the conference ends longer after that than a recorder has time at the end: he has as much
// time as the others from then on. What is kept of him goes out as theirs, and not all at once when nobody looks any more, which may be more than there is
// room for where it is received.
//
// Shows RQ-005, SR-ERR-08.
func TestWhoLeftLongBeforeTheEnd(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		one, two := newRecordingServer(t), newRecordingServer(t)
		b := serversBench(t, []*recordingServer{one, two}, func(c *focus.Config) { c.Hold = 25 * time.Second })
		one.setMute()
		slow := two.slowed()
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
		b.record("room", conference.Separate)
		b.await("both to be told", func() bool {
			p, q := b.find("room", "alice"), b.find("room", "bob")
			return p.Recordable() && q.Recordable()
		})
		told := time.Now()
		pass(3 * time.Second)
		bob.leave("room")
		left := time.Now()
		pass(8500 * time.Millisecond) // meanwhile the first has not answered
		alice.leave("room")
		pass(500 * time.Millisecond)
		two.prompt()
		close(slow)
		b.nothingLost()
		two.whole("2", left.Sub(told))
		if got := two.stream("2"); got.burst() > 8 {
			t.Errorf("%d packets have come at once", got.burst())
		}
	})
}

// A recording in a persistent session has failed once, and goes on. The recorder takes its time to agree to a pause that is over by then: nobody is told in that
// time that nothing is recorded, and all that is said comes when it has agreed.
//
// Shows RQ-004, RQ-011, SR-ERR-08.
func TestResumeOfALineThatHasFailedBefore(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := persistentBench(t, srs, 1, nil)
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		id := b.record("room", conference.Separate)
		b.awaitRecording("room", id, conference.RecordingActive)
		srs.setRefuse(503)
		srs.mu.Lock()
		dialog := srs.dialog
		srs.mu.Unlock()
		must(t, dialog.Bye(t.Context()))
		b.awaitRecording("room", id, conference.RecordingFailed)
		srs.setRefuse(0)
		b.awaitRecording("room", id, conference.RecordingActive)
		b.await("alice to be told", func() bool { p := b.find("room", "alice"); return p.Recordable() })
		pass(time.Second)

		pausing, resuming := srs.slowed(), make(chan struct{})
		done := make(chan error, 2)
		go func() {
			_, err := b.focus.PauseRecording(context.Background(), "room", id)
			done <- err
		}()
		pass(300 * time.Millisecond) // the request is on its way
		go func() {
			_, err := b.focus.ResumeRecording(context.Background(), "room", id)
			done <- err
		}()
		b.await("alice to be told", func() bool { p := b.find("room", "alice"); return p.Recordable() })
		resumed, before := time.Now(), srs.lines()
		srs.set(func(s *recordingServer) { s.slow = resuming })
		close(pausing)
		for range 50 {
			pass(10 * time.Millisecond)
			if p := b.find("room", "alice"); !p.Recordable() {
				t.Errorf("%v after the resumption alice is told %v", time.Since(resumed), p.Recording)
				break
			}
		}
		srs.prompt()
		close(resuming)
		must(t, <-done)
		must(t, <-done)
		pass(time.Second)
		if got, want := srs.lines()-before, int(time.Since(resumed)/codecs.FrameDuration); got < want-3 || got > want+3 {
			t.Errorf("%d packets instead of %d since the resumption", got, want)
		}
		alice.leave("room")
	})
}

// lines is how many packets have come in all.
func (s *recordingServer) lines() (packets int) {
	for _, h := range s.kept().streams {
		packets += h.packets
	}
	return packets
}

// A server that is kept up has been dead for a while when a conference begins, and another takes over: what the first was sent is in doubt since before that, and
// the recording began with the conference all the same.
//
// Shows SR-ERR-08.
func TestInDoubtSinceBeforeItBegan(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		one, two := newRecordingServer(t), newRecordingServer(t)
		b := serversBench(t, []*recordingServer{one, two}, func(c *focus.Config) { c.Recorders[0].Persistent = 1 })
		b.await("the session that is kept up", func() bool { return len(one.kept().offers) > 0 })
		pass(5 * time.Second)
		one.die()
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		b.record("room", conference.Separate)
		b.await("the second server", func() bool { return two.stream("1").packets > 100 })
		two.mu.Lock()
		defer two.mu.Unlock()
		first := two.documents[0]
		if len(first.Sessions) != 1 || len(first.SessionRecordings) != 1 || first.SessionRecordings[0].Associate.Before(first.Sessions[0].Start) {
			t.Errorf("recorded since %+v, in %+v", first.SessionRecordings, first.Sessions)
		}
	})
}
