package focus_test

import (
	"testing"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

// A key that is pressed when a recording is paused does not come into it after the pause, neither as an event nor as tones: it was said before,
// and what was not sent of it by then is nobody's.
func TestKeyBeforePause(t *testing.T) {
	srs := newRecordingServer(t)
	srs.set(func(s *recordingServer) { s.events = true })
	b := keyEventBench(t, srs, siprec.Profile{Events: true})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	id := b.record("room", conference.Separate)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.await("packets", func() bool { return srs.stream("1").packets > 20 })
	for _, key := range []byte("5678") { // the last ones wait for the first
		alice.Press(key)
	}
	b.await("the first key", func() bool { return len(srs.stream("1").events) > 0 })
	_, err := b.focus.PauseRecording(t.Context(), "room", id)
	must(t, err)
	b.told(alice, sdp.RecordPaused)
	b.awaitRecording("room", id, conference.RecordingPaused)
	<-alice.Press('9') // in the pause; the last one is over before that
	before := srs.stream("1")
	_, err = b.focus.ResumeRecording(t.Context(), "room", id)
	must(t, err)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.await("packets after the pause", func() bool { return srs.stream("1").packets > before.packets+40 })
	after := srs.stream("1")
	for _, e := range after.events[len(before.events):] {
		t.Errorf("after the pause comes event %+v", e)
	}
	<-alice.Press('1')
	b.await("a key after the pause", func() bool {
		events := srs.stream("1").events
		return len(events) > len(before.events) && events[len(events)-1].Code == 1
	})
}
