package focus_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/mixer"
)

// standing is a member at which the mixer stands still in one tick, as it does on a machine that has no time for it.
type standing struct {
	stall time.Duration
	stood atomic.Bool
}

// Ingest implements [mixer.Input].
func (s *standing) Ingest([]int16) codecs.Frame {
	if !s.stood.Swap(true) {
		<-time.After(s.stall)
	}
	return codecs.Frame{Flags: codecs.Silent, Level: codecs.SilenceLevel}
}

// The recorder of a conference in which the mixer stands still for most of a second is told by the timestamps how much is missing, and not twice that; what is
// kept for one who does not answer yet is no different.
//
// Shows ME-RTP-06.
func TestStallIsCountedOnce(t *testing.T) {
	for name, late := range map[string]bool{"recorded": false, "kept meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			srs := newRecordingServer(t)
			slow := make(chan struct{})
			if late {
				srs.set(func(s *recordingServer) { s.slow = slow })
			}
			b := recordingBench(t, srs, func(c *focus.Config) {
				c.Defaults.Recording = conference.RecordingConfig{
					Policy: conference.Always, Modes: conference.Separate | conference.Mixed, Servers: []string{"srs"},
				}
			})
			b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true}).hum(600, 30*time.Second)
			if !late {
				b.await("packets", func() bool { return srs.stream("1").packets > 50 && srs.stream("2").packets > 50 })
			}
			before := b.missedTicks()
			still := &standing{stall: 700 * time.Millisecond}
			mix := b.mixer.NewMix(mixer.MixConfig{})
			_, err := mix.Apply(mixer.Layout{Members: []mixer.Member{{ID: 1, In: still, Speaks: true}}})
			must(t, err)
			b.await("ticks to be missed", func() bool { return still.stood.Load() && b.missedTicks() > before+15 })
			if late {
				close(slow)
			}
			n := [2]int{srs.stream("1").packets, srs.stream("2").packets}
			b.await("packets after it", func() bool { return srs.stream("1").packets > n[0]+100 && srs.stream("2").packets > n[1]+100 })
			missed := b.missedTicks()
			for _, label := range []string{"1", "2"} {
				if got := gaps(srs.stream(label).stamps); got > missed || got < 15 {
					t.Errorf("stream %s: %d packets are missing by the timestamps, of %d ticks", label, got, missed)
				}
			}
			<-mix.Close()
		})
	}
}
