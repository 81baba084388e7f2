package focus_test

import (
	"testing"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// Where participants get comfort noise and gaps in place of silence, recorders get every packet all the same.
//
// Shows ME-CN-09.
func TestRecordedSilenceHasNoGaps(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) { c.ComfortNoise, c.OpusDTX = true, true })
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	b.awaitRecording("room", b.record("room", conference.Mixed), conference.RecordingActive)
	var h heardStream
	b.await("two seconds of silence", func() bool {
		h = srs.stream("1")
		return len(h.stamps) >= 100
	})
	for i := 1; i < len(h.stamps); i++ {
		if h.numbers[i] != h.numbers[i-1]+1 || h.stamps[i]-h.stamps[i-1] > 500*8 {
			t.Fatalf("packet %d has number %d, timestamp %d after %d, %d", i, h.numbers[i], h.stamps[i], h.numbers[i-1], h.stamps[i-1])
		}
	}
	if long := h.stamps[len(h.stamps)-1] - h.stamps[0]; long > uint32(2*160*len(h.stamps)) {
		t.Errorf("%d packets hold %d samples", len(h.stamps), long)
	}
}
