package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
)

// What is said from the end of a pause on is recorded, also when the recorder takes seconds to agree that it goes on, and when there is another pause before it
// does. What is said in the pauses is not.
//
// Shows RQ-005, SR-UPD-02, SR-UPD-09.
func TestResumedBeforeTheRecorderAgrees(t *testing.T) {
	for name, lines := range map[string]int{"own session": 0, "persistent session": 3} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			resumedBeforeTheRecorderAgrees(t, lines)
		})
	}
}

func resumedBeforeTheRecorderAgrees(t *testing.T, lines int) {
	t.Helper()
	srs := newRecordingServer(t)
	b := serversBench(t, []*recordingServer{srs}, func(c *focus.Config) { c.Recorders[0].Persistent, c.Hold = lines, 10*time.Second })
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	alice.hum(500, time.Minute)
	id := b.record("room", conference.Separate)
	b.await("alice to be told", func() bool { return lastOf(alice.Indications()) == sdp.RecordOn })
	b.awaitRecording("room", id, conference.RecordingActive)
	pass(time.Second)
	count := func() int {
		n := 0
		for _, h := range srs.kept().streams {
			for at := 0; at+160 <= len(h.pcm); at += 160 {
				if frame := (heardStream{pcm: h.pcm[at : at+160]}); frame.level(500, codecs.FrameDuration) > loud {
					n++
				}
			}
		}
		return n
	}
	pause := func() {
		t.Helper()
		_, err := b.focus.PauseRecording(t.Context(), "room", id)
		must(t, err)
	}
	pause()
	pass(time.Second)
	before, slow := count(), srs.slowed()
	var said time.Duration
	for range 2 {
		resumed := make(chan error, 1)
		from := time.Now()
		go func() {
			_, err := b.focus.ResumeRecording(t.Context(), "room", id)
			resumed <- err
		}()
		pass(time.Second)
		said += time.Since(from)
		pause()
		must(t, <-resumed)
	}
	srs.prompt()
	close(slow)
	pass(time.Second)
	from := time.Now()
	_, err := b.focus.ResumeRecording(t.Context(), "room", id)
	must(t, err)
	pass(2 * time.Second)
	said += time.Since(from)
	if n, want := count()-before, int(said/codecs.FrameDuration); n < want-6 || n > want+6 {
		t.Errorf("%d frames since the first pause, said while there was none were %d", n, want)
	}
	alice.leave("room")
	b.nothingLost()
}
