package focus

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/mixer"
)

// A feed gives the frames of a conference in their order, one tick later, with its sources; what is too much at once falls out at the old end, what
// is missing is silence. It does not allocate.
func TestFeed(t *testing.T) {
	decoder, err := codecs.NewDecoder(codecs.PCMU)
	if err != nil {
		t.Fatal(err)
	}
	f := &feed{codec: codecs.PCMU, decoder: decoder}
	dst := make([]int16, codecs.MaxFrameSamples)
	payload := make([]byte, 160)
	emit := func(mark byte) {
		payload[0] = mark
		f.Emit(&codecs.Packet{Payload: payload, Samples: 160, CSRC: []uint32{7, 9}})
	}
	take := func() (mark byte, silent bool) {
		frame := f.Ingest(dst)
		if _, encoded := f.Encoded(); len(encoded) > 0 {
			if frame.Samples != 160 || frame.CSRCCount != 2 || frame.CSRC[1] != 9 {
				t.Errorf("frame %+v", frame)
			}
			return encoded[0], false
		}
		return 0, frame.Flags.Has(codecs.Silent)
	}
	want := func(mark byte) {
		t.Helper()
		if got, silent := take(); got != mark || silent != (mark == 0) {
			t.Errorf("frame %d, silent %t, want %d", got, silent, mark)
		}
	}
	want(0)
	emit(1)
	want(0) // one is kept back
	emit(2)
	want(1)
	want(2) // the next one is late, and that is what it is kept back for
	want(0)
	for mark := byte(1); mark <= 20; mark++ {
		emit(mark)
	}
	want(6)
	want(7)
	want(0)
	if n := f.lost.Load(); n != 18 {
		t.Errorf("%d frames are lost, want 18: those that did not fit, and those that were too late", n)
	}
	if n := testing.AllocsPerRun(100, func() { emit(1); take() }); n > 0 {
		t.Errorf("%v allocations in a tick", n)
	}
}

// A frame of L16 that comes in two packets is one in the mix. What has no room is lost as a whole.
func TestFeedOfHalves(t *testing.T) {
	decoder, err := codecs.NewDecoder(codecs.L16At48000)
	if err != nil {
		t.Fatal(err)
	}
	f := &feed{codec: codecs.L16At48000, decoder: decoder}
	dst := make([]int16, codecs.MaxFrameSamples)
	payload, csrc := make([]byte, 960), []uint32{7}
	half := func(mark byte, level uint8) {
		for i := range payload {
			payload[i] = mark
		}
		f.Emit(&codecs.Packet{Payload: payload, Samples: 480, Level: level, CSRC: csrc})
	}
	half(1, 40)
	f.Ingest(dst)
	half(2, 30)
	half(3, 20)
	half(4, 50)
	for _, want := range [][2]int16{{0x0101, 0x0202}, {0x0303, 0x0404}} {
		frame := f.Ingest(dst)
		if frame.Flags.Has(codecs.Silent) || frame.Samples != 960 || dst[0] != want[0] || dst[479] != want[0] || dst[480] != want[1] || dst[959] != want[1] {
			t.Errorf("frame %+v of %#x and %#x, want %#x", frame, dst[0], dst[959], want)
		}
		if frame.CSRCCount != 1 || frame.Level > 30 {
			t.Errorf("frame at -%d dBov with %d sources", frame.Level, frame.CSRCCount)
		}
	}
	for mark := byte(1); mark <= 20; mark++ {
		half(mark, 40)
		half(mark, 40)
	}
	if got := f.lost.Load(); got != 13 {
		t.Errorf("%d frames are lost of 20, with room for 7", got)
	}
	half(21, 40)
	if n := testing.AllocsPerRun(100, func() { half(1, 40); half(2, 40); f.Ingest(dst) }); n > 0 {
		t.Errorf("%v allocations in a tick", n)
	}
}

// sharing is a line that conferences share, with one feed, and a mix that ticks or does not.
func sharing(t *testing.T, ticks bool) (*merged, *feed) {
	t.Helper()
	engine, err := mixer.New(mixer.Config{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	h := &persistent{focus: &Focus{mixer: engine, log: slog.New(slog.DiscardHandler)}, over: make(chan struct{})}
	h.merged = h.newMerged(&line{}, codecs.PCMU)
	f, err := h.merged.add(&lease{session: h})
	if err != nil {
		t.Fatal(err)
	}
	f.account = &copyAccount{sent: map[string]uint64{}}
	if ticks {
		ticker := time.NewTicker(mixer.TickPeriod)
		t.Cleanup(ticker.Stop)
		if err := engine.Drive(ticker.C); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return h.merged, f
}

// What a feed keeps back is in the mix before its conference is out of it, and before anybody is told that the conference pauses. What a mix that hangs does
// not take is counted, for that conference.
//
// Shows SR-PER-06.
func TestFeedDrains(t *testing.T) {
	last := func(g *merged) (n int, mark byte) {
		for {
			p, _, ok := g.capture.kept.pop()
			if !ok {
				return n, mark
			}
			if p.Level < codecs.SilenceLevel {
				n, mark = n+1, p.Payload[0]
			}
		}
	}
	for name, end := range map[string]func(*testing.T, *feed){
		"left": func(t *testing.T, f *feed) {
			t.Helper()
			f.close(t.Context())
			if f.into.owner.sending() {
				t.Error("the feed is still in the mix")
			}
		},
		"paused": func(t *testing.T, f *feed) { t.Helper(); f.drain(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, f := sharing(t, true)
				<-time.After(5 * mixer.TickPeriod)
				f.Emit(&codecs.Packet{Payload: append([]byte{7}, make([]byte, 159)...), Samples: 160, Level: 20})
				<-time.After(5 * mixer.TickPeriod)
				if f.left() != 1 || !g.owner.sending() {
					t.Fatalf("%d frames are kept back", f.left())
				}
				end(t, f)
				if n, mark := last(g); n != 1 || mark != 7 || f.left() != 0 {
					t.Errorf("%d frames have come, the last of them %d; %d are left", n, mark, f.left())
				}
				if n := g.owner.focus.unrecorded.Load(); n != 0 || f.account.lost != 0 || f.ends.Load() {
					t.Errorf("%d frames are lost, %d of the conference; the feed ends: %t", n, f.account.lost, f.ends.Load())
				}
			})
		})
	}
	t.Run("hangs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g, f := sharing(t, false)
			f.Emit(&codecs.Packet{Payload: make([]byte, 160), Samples: 160, Level: 20})
			over := make(chan struct{})
			go func() {
				f.close(t.Context())
				close(over)
			}()
			<-time.After(drainTicks * mixer.TickPeriod)
			close(g.owner.over) // nobody waits for a layout any more
			<-over
			if n := g.owner.focus.unrecorded.Load(); n != 1 || f.account.lost != 1 {
				t.Errorf("%d frames are lost, %d of the conference", n, f.account.lost)
			}
		})
	})
}
