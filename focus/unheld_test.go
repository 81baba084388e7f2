package focus_test

import (
	"math"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// While the only server does not record, and there is no spool, what is said is counted as lost, for each stream as long as there would be something in
// it: not in pauses, and not of who is masked, left out of recordings or gone. The recording is not whole in the end, also when all of it that was
// captured has arrived.
//
// Shows SR-ERR-07, RQ-021.
func TestFailedRecordingLacksTime(t *testing.T) {
	const outage = time.Minute
	seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
	for name, c := range map[string]struct {
		modes     conference.Mode
		meanwhile func(t *testing.T, b *bench, id conference.RecordingID) time.Duration // which it takes
		lost      time.Duration                                                         // of all streams together
	}{
		"separate": {conference.Separate, nil, outage},
		"mixed":    {conference.Mixed, nil, outage},
		"both":     {conference.Separate | conference.Mixed, nil, 2 * outage},
		"somebody comes and goes": {conference.Separate, func(_ *testing.T, b *bench, _ conference.RecordingID) time.Duration {
			bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
			pass(seconds(20))
			bob.leave("room")
			return seconds(20)
		}, outage + 20*time.Second},
		"a pause": {conference.Separate, func(t *testing.T, b *bench, id conference.RecordingID) time.Duration {
			t.Helper()
			_, err := b.focus.PauseRecording(t.Context(), "room", id)
			must(t, err)
			pass(seconds(15))
			_, err = b.focus.ResumeRecording(t.Context(), "room", id)
			must(t, err)
			return seconds(15)
		}, outage - 15*time.Second},
		"changes all the time": {conference.Separate, func(_ *testing.T, b *bench, _ conference.RecordingID) time.Duration {
			began := time.Now()
			for n := range 100 {
				muted := n%2 == 0
				b.change("alice", focus.ParticipantChange{Muted: &muted})
				pass(100 * time.Millisecond)
			}
			return time.Since(began)
		}, outage},
		"a mask": {conference.Separate, func(t *testing.T, b *bench, _ conference.RecordingID) time.Duration {
			t.Helper()
			b.setMask("alice", true)
			pass(seconds(15))
			b.setMask("alice", false)
			return seconds(15)
		}, outage - 15*time.Second},
	} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			b := patientBench(t, focus.Deps{}, func(cfg *focus.Config) { cfg.Hold = 5 * time.Second }, srs)
			b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true}).hum(700, 3*time.Minute)
			id := b.record("room", c.modes)
			b.awaitRecording("room", id, conference.RecordingActive)
			pass(10 * time.Second)
			srs.setRefuse(503)
			must(t, srs.open().Bye(t.Context()))
			b.awaitRecording("room", id, conference.RecordingFailed)
			rest := outage
			if c.meanwhile != nil {
				rest -= c.meanwhile(t, b, id)
			}
			pass(rest)
			srs.setRefuse(0)
			at := time.Now()
			b.awaitLong("the server", func() bool { return b.state("room").Recordings[0].State == conference.RecordingActive })
			want := c.lost + time.Since(at)
			if c.modes == conference.Separate|conference.Mixed {
				want += time.Since(at)
			}
			pass(10 * time.Second)
			lost := time.Duration(b.focus.Stats().UnrecordedFrames) * 20 * time.Millisecond
			if (lost - want).Abs() > 500*time.Millisecond {
				t.Errorf("lost %v, want %v", lost, want)
			}
			must(t, b.focus.End(t.Context(), "room"))
			pass(time.Minute)
			if a := b.focus.Assurance()[0]; a.Verdict != "partial" || math.Abs(a.Copies[0].LostSeconds-lost.Seconds()) > 1e-6 {
				t.Errorf("%+v", a)
			}
		})
	}
}

// open is the dialog that was begun last.
func (s *recordingServer) open() (dialog *sipua.Dialog) {
	s.set(func(s *recordingServer) { dialog = s.dialog })
	return dialog
}

// While another recording goes on, everybody is told that he is recorded, and what the failed one has not is kept for it, and counted once when it gives
// way.
//
// Shows SR-ERR-07.
func TestFailedRecordingBesideAnother(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		one, two := newRecordingServer(t), newRecordingServer(t)
		b := patientBench(t, focus.Deps{}, func(cfg *focus.Config) { cfg.Hold = 5 * time.Second }, one, two)
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true}).hum(700, 3*time.Minute)
		for _, name := range []string{"one", "two"} {
			info, err := b.focus.StartRecording(t.Context(), "room", focus.RecordingRequest{Modes: conference.Mixed, Servers: []string{name}})
			must(t, err)
			b.awaitRecording("room", info.ID, conference.RecordingActive)
		}
		pass(10 * time.Second)
		one.setRefuse(503)
		must(t, one.open().Bye(t.Context()))
		pass(time.Minute)
		must(t, b.focus.End(t.Context(), "room"))
		pass(time.Minute)
		if lost := time.Duration(b.focus.Stats().UnrecordedFrames) * 20 * time.Millisecond; lost < 55*time.Second || lost > 62*time.Second {
			t.Errorf("lost %v", lost)
		}
	})
}
