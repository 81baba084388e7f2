package focus

import (
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

// The loss that a receiver reports decides how Opus is encoded for it: up at once, down slowly and only when the loss is well below.
//
// Shows ME-OPU-07, ME-OPU-08, ME-OPU-10, ME-RCP-24.
func TestEncodingFollowsLoss(t *testing.T) {
	c := &controller{focus: &Focus{}}
	c.focus.settings.Store(&Config{OpusBitrate: 32000, OpusDTX: true})
	peer := sdp.Stream{Codec: codecs.Opus, Opus: sdp.OpusParameters{FEC: true}}
	w := newLossWatch()
	if f := c.encoding(peer, &w); !f.FEC || f.LossPercent != 10 || f.Bitrate != 32000 || f.DTX {
		t.Errorf("before any report: %+v", f)
	}
	var reports uint64
	for i, step := range []struct {
		loss    float64
		changed bool
		percent uint8
		bitrate int
	}{
		{0, true, 0, 32000},
		{0.008, false, 0, 32000},
		{0.012, true, 5, 32000},
		{0.008, false, 5, 32000}, // hysteresis
		{0.3, true, 30, 16000},
		{0, false, 30, 16000}, // 0.2
		{0, false, 30, 16000}, // 0.13
		{0, true, 20, 24000},  // 0.09
		{0, true, 10, 32000},  // 0.06
		{0, false, 10, 32000}, // 0.04
		{0, false, 10, 32000}, // 0.026
		{0, true, 5, 32000},   // 0.018
		{0, false, 5, 32000},
		{0, false, 5, 32000},
		{0, false, 5, 32000},
		{0, true, 0, 32000},
	} {
		reports++
		if changed := w.report(reports, step.loss); changed != step.changed {
			t.Errorf("report %d of %v: changed %t (loss %.4f, step %d)", i, step.loss, changed, w.loss, w.step)
		}
		if want := map[uint8]int{0: 0, 5: 1, 10: 1, 20: 2, 30: 1}[step.percent]; w.copies() != want {
			t.Errorf("after report %d of %v: %d copies, want %d", i, step.loss, w.copies(), want)
		}
		if w.report(reports, 1) {
			t.Fatal("the same report counts twice")
		}
		f := c.encoding(peer, &w)
		if f.LossPercent != step.percent || f.FEC != (step.percent > 0) || f.Bitrate != step.bitrate {
			t.Errorf("after report %d of %v: %+v, want %d %% and %d bit/s", i, step.loss, f, step.percent, step.bitrate)
		}
	}
	w.report(reports+1, 0.2)
	peer.Opus = sdp.OpusParameters{DTX: true, MaxPlaybackRate: 16000}
	peer.MaxBitrate = 20000
	if f := c.encoding(peer, &w); f.FEC || !f.DTX || f.Bitrate != 20000 || f.MaxBandwidth != 16000 {
		t.Errorf("against the wishes of the receiver: %+v", f)
	}
	c.focus.settings.Store(&Config{OpusBitrate: 10000})
	if f := c.encoding(sdp.Stream{Codec: codecs.Opus}, &w); f.Bitrate != 10000 {
		t.Errorf("a low bit rate became %d", f.Bitrate)
	}
}
