package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
)

// What somebody said between the death of a server and his own end, before anybody could know of it, is with the server that takes over; of whom the
// server has acknowledged that he left, nothing is sent again.
//
// Shows RQ-005, SR-ERR-08.
func TestFailoverOfWhoLeftADeadServer(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		one, two := newRecordingServer(t), newRecordingServer(t)
		b := serversBench(t, []*recordingServer{one, two}, func(c *focus.Config) {
			c.Defaults.Recording.Policy, c.Defaults.Recording.Modes = conference.Always, conference.Separate
		})
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
		dave := b.dial("room", conftest.PhoneConfig{Name: "dave", RecordAware: true})
		bob.hum(900, 10*time.Second)
		b.await("packets", func() bool { return one.stream("2").packets > 100 && one.stream("3").packets > 100 })
		dave.leave("room")
		pass(time.Second)
		one.die()
		died := time.Now()
		pass(400 * time.Millisecond)
		bob.leave("room")
		left := time.Now()
		b.await("the second server", func() bool { return two.stream("1").packets > 200 })
		pass(2 * time.Second)
		bobs := 0
		for _, h := range two.kept().streams {
			if two.fed("dave", h.label) {
				t.Errorf("stream %s is of dave", h.label)
			}
			if !two.fed("bob", h.label) {
				continue
			}
			bobs++
			want := int((left.Sub(died) + 3*time.Second) / codecs.FrameDuration)
			if least := int(left.Sub(died) / codecs.FrameDuration); h.packets < least || h.packets > want+2 || h.level(900, 300*time.Millisecond) < loud {
				t.Errorf("%d packets of bob, of %d to %d", h.packets, least, want)
			}
		}
		if bobs != 1 {
			t.Errorf("%d streams are of bob", bobs)
		}
		if at, _ := two.left("bob"); at.Sub(left).Abs() > accuracy {
			t.Errorf("bob left at %v, not %v", at, left)
		}
		if n := b.focus.Stats().UnrecordedFrames; n != 0 {
			t.Errorf("%d frames are lost", n)
		}
		two.sound()
	})
}

// The server dies, and before anybody can know of it all have left: the recording ends with a server that does not answer any more. What it was sent
// last goes to the spool, or is counted as lost.
//
// Shows RQ-005, SR-ERR-08, SR-PER-08.
func TestEndWithADeadServer(t *testing.T) {
	for name, spools := range map[string]bool{"spool": true, "none": false} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			b := spoolBench(t, srs, t.TempDir(), func(c *focus.Config) {
				c.Hold, c.Deliver = 0, time.Hour
				c.Defaults.Recording.Modes, c.Defaults.Recording.Spool = conference.Separate, spools
				c.Recorders[0].Retry = siprec.RetryPolicy{Attempts: 1}
			})
			alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
			b.await("packets", func() bool { return srs.stream("2").packets > 250 })
			srs.reported("1", 0, 0)
			pass(20 * time.Millisecond)
			srs.die()
			pass(300 * time.Millisecond)
			alice.leave("room")
			bob.leave("room")
			pass(4 * time.Minute) // as long as a request may take
			b.await("the verdict", func() bool { return b.focus.Assurance()[0].Verdict != "running" })
			a := b.focus.Assurance()[0]
			got, other, verdict := a.Copies[0].SpooledSeconds, a.Copies[0].LostSeconds, "pending"
			if !spools {
				got, other, verdict = other, got, "partial"
			}
			if got < 0.6 || got > 1.8 || other != 0 || a.Verdict != verdict {
				t.Errorf("%+v", a)
			}
		})
	}
}

// All have left before the server has answered, and then it refuses: the next one gets everything, with the times as they were, and so does the spool
// where there is no other.
//
// Shows RQ-005, SR-ERR-08.
func TestFailoverAtTheEnd(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		one, two := newRecordingServer(t), newRecordingServer(t)
		slow := one.slowed()
		b := serversBench(t, []*recordingServer{one, two}, func(c *focus.Config) {
			c.Defaults.Recording.Policy, c.Defaults.Recording.Modes = conference.Always, both
		})
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
		came := time.Now()
		bob.hum(900, 10*time.Second)
		pass(time.Second)
		alice.leave("room")
		bob.leave("room")
		gone := time.Now()
		pass(500 * time.Millisecond)
		one.set(func(s *recordingServer) { s.refuse = 503 })
		close(slow)
		<-two.ended
		if late := time.Since(gone); late > 3*time.Second {
			t.Errorf("the recording was over %v after the last had left", late)
		}
		pass(100 * time.Millisecond)
		for _, label := range []string{"1", "2", "3"} {
			two.whole(label, gone.Sub(came))
		}
		for _, name := range []string{"alice", "bob"} {
			if at, _ := two.left(name); at.Sub(gone).Abs() > accuracy {
				t.Errorf("%s left at %v, not %v", name, at, gone)
			}
		}
		b.nothingLost()
		two.sound()
	})
}

// Of two copies the server of one dies, and all have left before anybody can know of it: what that copy lacks the other has, and the operator is told
// so, and of no error.
//
// Shows RQ-005.
func TestEndWithADeadServerOfTwo(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		one, two := newRecordingServer(t), newRecordingServer(t)
		b := serversBench(t, []*recordingServer{one, two}, func(c *focus.Config) {
			c.Hold = 0
			c.Defaults.Recording.Policy, c.Defaults.Recording.Modes, c.Defaults.Recording.Copies = conference.Always, conference.Separate, 2
		})
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		b.await("packets", func() bool { return one.stream("1").packets > 250 && two.stream("1").packets > 250 })
		one.die()
		pass(300 * time.Millisecond)
		alice.leave("room")
		pass(4 * time.Minute)
		b.await("the verdict", func() bool { return b.focus.Assurance()[0].Verdict == "complete" })
		if warned, failed := b.logged.with("another copy has it"), b.logged.with("level=ERROR"); len(warned) == 0 || len(failed) > 0 {
			t.Errorf("warned of %q, errors %q", warned, failed)
		}
	})
}
