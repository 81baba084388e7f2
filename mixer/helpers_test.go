package mixer

import (
	"math"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// fakeInput yields what its function writes.
type fakeInput struct {
	rate  int
	ssrc  uint32
	tick  int
	flags codecs.FrameFlags
	csrc  []uint32
	read  func(tick int, dst []int16)
}

func (f *fakeInput) Ingest(dst []int16) codecs.Frame {
	n := f.rate / 50
	frame := codecs.Frame{Rate: f.rate, Samples: n, SSRC: f.ssrc, Flags: f.flags}
	frame.CSRCCount = uint8(copy(frame.CSRC[:], f.csrc))
	if !f.flags.Has(codecs.Silent) {
		f.read(f.tick, dst[:n])
		frame.Level = codecs.Level(dst[:n])
	} else {
		frame.Level = codecs.SilenceLevel
	}
	f.tick++

	return frame
}

// packet is a copy of one that was emitted.
type packet struct {
	payload []byte
	samples int
	csrc    []uint32
	levels  []uint8
	level   uint8
	marker  bool
	voice   bool
}

// fakeOutput keeps what it is given.
type fakeOutput struct {
	packets []packet
}

func (f *fakeOutput) Emit(p *codecs.Packet) {
	f.packets = append(f.packets, packet{
		payload: append([]byte(nil), p.Payload...), samples: p.Samples, csrc: append([]uint32(nil), p.CSRC...),
		levels: append([]uint8(nil), p.CSRCLevel...), level: p.Level, marker: p.Marker, voice: p.Voice,
	})
}

// countingOutput allocates nothing.
type countingOutput struct{ packets, octets, units int }

func (c *countingOutput) Emit(p *codecs.Packet) {
	c.packets++
	c.octets += len(p.Payload)
	c.units += p.Samples
}

// tone is an input with a continuous sine.
func tone(rate int, hz, amplitude float64) *fakeInput {
	return &fakeInput{rate: rate, ssrc: uint32(hz), read: func(tick int, dst []int16) {
		for i := range dst {
			t := float64(tick*len(dst)+i) / float64(rate)
			dst[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz*t)))
		}
	}}
}

// quiet is an input with digital silence.
func quiet(rate int) *fakeInput {
	return &fakeInput{rate: rate, ssrc: 9, read: func(_ int, dst []int16) { clear(dst) }}
}

func format(c codecs.Codec) codecs.Format { return codecs.Format{Codec: c} }

func everyone() Hearing { return Hearing{Mode: Everyone} }

func party(id MemberID, in Input, out Output, c codecs.Codec) Member {
	return Member{ID: id, In: in, Out: out, Format: format(c), Speaks: true, Hears: everyone()}
}

// bench is a mix that is stepped by hand.
type bench struct {
	tb  testing.TB
	mix *Mix
	w   scratch
}

func newBench(tb testing.TB, cfg MixConfig) *bench {
	tb.Helper()
	e, err := New(Config{Workers: 1})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = e.Close() })

	return &bench{tb: tb, mix: e.NewMix(cfg)}
}

func (b *bench) apply(members ...Member) {
	b.tb.Helper()
	if _, err := b.mix.Apply(Layout{Members: members}); err != nil {
		b.tb.Fatal(err)
	}
}

func (b *bench) step() { b.mix.step(&b.w) }

// heard returns the samples that a member was given in the last tick, before the encoder.
func (b *bench) heard(id MemberID) []int16 {
	b.tb.Helper()
	s := b.mix.live.Load().seat(id)
	if s == nil || s.out == nil {
		b.tb.Fatalf("member %d hears nothing", id)
	}
	if s.out.apart {
		return s.out.private.pcm
	}

	return s.group.stream.pcm
}

func (b *bench) stats(id MemberID) MemberStats {
	b.tb.Helper()
	s, err := b.mix.MemberStats(id)
	if err != nil {
		b.tb.Fatal(err)
	}

	return s
}

func energy(pcm []int16) (sum int64) {
	for _, s := range pcm {
		sum += int64(s) * int64(s)
	}

	return sum
}

// patience is how long is waited for what is sure to come, however little of a machine is left for it: 400 members under the race detector need many times what they
// need elsewhere.
const patience = 2 * time.Minute

// await fails the test if a channel is not closed at all.
func await(tb testing.TB, what string, c <-chan struct{}) {
	tb.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		tb.Fatalf("%s: still waiting after %v", what, patience)
	}
}
