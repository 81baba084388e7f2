package focus_test

import (
	"slices"
	"testing"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
)

// A recording of the policy fails for good while an operator has it paused. The one that begins with the next participant is paused from the beginning, and
// nobody is told anything else; it goes on when the operator says so.
//
// Shows RQ-011, RQ-004.
func TestPauseOutlastsABrokenRecording(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.Defaults.Recording = conference.RecordingConfig{Policy: conference.Always, Servers: []string{"srs"}}
	})
	b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	b.await("the recording", func() bool { return srs.stream("1").packets > 5 })
	first := b.state("room").Recordings[0].ID
	_, err := b.focus.PauseRecording(t.Context(), "room", first)
	must(t, err)
	srs.setRefuse(403)
	srs.mu.Lock()
	dialog := srs.dialog
	srs.mu.Unlock()
	must(t, dialog.Bye(t.Context()))
	b.await("the end of the recording", func() bool { return b.state("room").Recordings[0].Over() })
	srs.setRefuse(0)
	packets := srs.stream("1").packets
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	b.await("another recording", func() bool { return len(b.state("room").Recordings) > 1 })
	second := b.state("room").Recordings[1].ID
	b.awaitRecording("room", second, conference.RecordingPaused)
	if got := bob.Indications(); slices.Contains(got, sdp.RecordOn) {
		t.Errorf("bob was told %v", got)
	}
	if n := srs.stream("1").packets; n != packets {
		t.Errorf("%d packets in the pause", n-packets)
	}
	_, err = b.focus.ResumeRecording(t.Context(), "room", second)
	must(t, err)
	b.awaitRecording("room", second, conference.RecordingActive)
	b.await("packets again", func() bool { return srs.stream("1").packets > packets+5 })
}
