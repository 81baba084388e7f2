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

// mergedRest is a focus whose conferences share a line, and a conference that was there for a second before the server has answered.
func mergedRest(t *testing.T) (b *bench, srs *recordingServer, slow chan struct{}, said time.Duration) {
	t.Helper()
	srs = newRecordingServer(t)
	slow = srs.slowed()
	b = persistentBench(t, srs, 1, func(c *focus.Config) {
		c.Recorders[0].Merge = true
		c.Defaults.Recording.Policy, c.Defaults.Recording.Modes, c.Defaults.Recording.Servers = conference.Always, conference.Mixed, []string{"srs"}
	})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	came := time.Now()
	alice.hum(500, 10*time.Second)
	pass(time.Second)
	alice.leave("room")
	said = time.Since(came)
	pass(500 * time.Millisecond)
	return b, srs, slow, said
}

// frames counts those of a stream that have a tone in them.
func (h *heardStream) frames(hz float64) (n int) {
	for _, level := range h.packetLevels(hz) {
		if level > loud {
			n++
		}
	}
	return n
}

// A conference has gone before the server takes the line that conferences share: what is kept of it is sent at once, in order and with the times at
// which it was captured, and not when the next one comes. Also if the session ends then.
//
// Shows RQ-005, SR-PER-07.
func TestRestOfTheSharedLine(t *testing.T) {
	for name, ends := range map[string]bool{"goes on": false, "ends": true} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			b, srs, slow, said := mergedRest(t)
			srs.prompt()
			close(slow)
			b.await("the line", func() bool { return srs.stream("1").packets > 0 })
			if ends {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				must(t, b.focus.Shutdown(ctx))
				<-srs.ended
			}
			pass(2 * time.Second)
			h := srs.stream("1")
			if n, want := h.frames(500), int(said/codecs.FrameDuration); n < want-10 || n > want {
				t.Errorf("%d frames of %d have come", n, want)
			}
			for i := 1; i < h.packets; i++ {
				if h.numbers[i] != h.numbers[i-1]+1 || h.stamps[i] != h.stamps[i-1]+160 {
					t.Fatalf("packet %d after %d, %d after %d", h.numbers[i], h.numbers[i-1], h.stamps[i], h.stamps[i-1])
				}
			}
			if n := b.focus.Stats().UnrecordedFrames; n != 0 {
				t.Errorf("%d frames are lost", n)
			}
			if !ends {
				pass(20 * time.Second)
				if late := srs.stream("1").packets - h.packets; late < 1 || late > 2 {
					t.Errorf("%d packets keep the line open", late)
				}
			}
		})
	}
}

// What no server has taken when a session ends for good is counted as lost, where it was captured as well.
func TestSharedLineThatIsGivenUp(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		b, srs, slow, said := mergedRest(t)
		srs.setMute()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		must(t, b.focus.Shutdown(ctx))
		close(slow)
		want := int(said / codecs.FrameDuration)
		if n := int(b.focus.Stats().UnrecordedFrames); n < want-10 || n > want+5 {
			t.Errorf("%d frames of %d are said to be lost", n, want)
		}
		if a := b.focus.Assurance()[0]; a.Verdict != "missing" && a.Verdict != "partial" || a.Copies[0].LostSeconds < said.Seconds()-0.2 {
			t.Errorf("%+v", a)
		}
	})
}

// A session in which nothing is recorded does not hold up the end of the program: not with a server that is there, nor with one that answers no change,
// nor while it is called.
//
// Shows SR-PER-02.
func TestDrainOfAnIdleSession(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*recordingServer)
		ready  bool
		limit  time.Duration
	}{
		"there":  {func(*recordingServer) {}, true, 500 * time.Millisecond},
		"dead":   {func(s *recordingServer) { s.die() }, true, 3500 * time.Millisecond},
		"called": {func(*recordingServer) {}, false, 3500 * time.Millisecond},
	} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			if !c.ready {
				slow := srs.slowed()
				t.Cleanup(func() { close(slow) })
			}
			b := persistentBench(t, srs, 2, nil)
			if c.ready {
				b.ready(srs, 2)
			}
			pass(time.Second)
			c.change(srs)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			must(t, b.focus.Shutdown(ctx))
			if took := time.Since(began); took > c.limit {
				t.Errorf("it took %v", took)
			}
		})
	}
}
