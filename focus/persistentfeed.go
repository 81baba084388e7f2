package focus

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/mixer"
)

// feed brings the mixed stream of a conference into the mix of all. The tick of the conference writes, that of the mix reads; neither waits. One
// frame is kept back, so that a tick that is late by less than its length leaves no gap.
type feed struct {
	into    *merged
	lease   *lease
	account *copyAccount
	seal    *feedSeal // in the present dialog; nil: nothing is sealed
	apart   bool      // what the server does not take is kept by the conference, and not in the line; see apart
	open    bool      // as far as that goes: it is in the line
	shut    time.Time // when that has ended; zero: it has not been
	closing sync.Once
	member  mixer.MemberID
	codec   codecs.Codec
	decoder codecs.Decoder

	frames [feedFrames]fedFrame
	tail   atomic.Uint64 // the writer's
	head   atomic.Uint64 // the reader's
	taken  atomic.Uint64 // frames that have been in the mix
	lost   atomic.Uint64 // frames that have not been, as one of both ticks was too late, and have not been counted yet
	ends   atomic.Bool   // nobody writes any more: what is kept back goes as well

	part    int       // the writer's: RTP units of the frame that is not whole yet
	late    bool      // the writer's: there was no room for its beginning
	flows   bool      // the reader's: it has begun
	current *fedFrame // the reader's: the last one
}

// feedBitrate is that of Opus on the way into the mix, in bit/s: it is encoded twice.
const feedBitrate = 128000

// feedFrames bounds what waits: a mix that hangs loses frames, rather than being late for ever.
const feedFrames = 8

// maxFed is the most octets of a frame: 20 ms of L16 at 48 kHz, which come in two packets.
const maxFed = 1920

type fedFrame struct {
	payload [maxFed]byte
	size    int
	level   uint8
	voice   bool
	csrc    [codecs.MaxCSRC]uint32
	sources int
}

// Emit implements [mixer.Output].
func (f *feed) Emit(p *codecs.Packet) {
	tail, whole := f.tail.Load(), f.codec.TimestampUnits(codecs.FrameDuration)
	if f.part == 0 {
		f.late = tail-f.head.Load() >= feedFrames-1 // one is being read
	}
	frame := &f.frames[tail%feedFrames]
	begun := f.part > 0
	if f.part += p.Samples; f.part >= whole {
		f.part = 0
	}
	switch {
	case f.late:
		if f.part == 0 {
			f.lost.Add(1)
		}
		return
	case !begun:
		frame.size, frame.sources = 0, 0
		frame.level, frame.voice = codecs.SilenceLevel, false
	}
	frame.size += copy(frame.payload[frame.size:], p.Payload)
	frame.level, frame.voice = min(frame.level, p.Level), frame.voice || p.Voice
	frame.sources = max(frame.sources, copy(frame.csrc[:], p.CSRC))
	if f.part == 0 {
		f.tail.Store(tail + 1)
	}
}

// cut forgets the beginning of a frame the rest of which does not come. It belongs to the tick of the conference.
func (f *feed) cut() { f.part = 0 }

// Ingest implements [mixer.Input].
func (f *feed) Ingest(dst []int16) codecs.Frame {
	rate := f.codec.SampleRate()
	silent := codecs.Frame{Rate: rate, Samples: rate / 50, Level: codecs.SilenceLevel, Flags: codecs.Silent} //nolint:mnd // ticks in a second
	head, tail := f.head.Load(), f.tail.Load()
	f.current = nil
	if tail == head {
		f.flows = false
		return silent
	}
	if f.flows = f.flows || tail-head > 1 || f.ends.Load(); !f.flows {
		return silent
	}
	if tail-head > feedFrames/2 { // what was late is not made up for by being late for ever
		f.lost.Add(tail - 2 - head)
		head = tail - 2
	}
	frame := &f.frames[head%feedFrames]
	defer f.head.Store(head + 1)
	f.taken.Add(1)
	if frame.size == 0 {
		return silent
	}
	n, err := f.decoder.Decode(dst, frame.payload[:frame.size])
	if err != nil || n != silent.Samples {
		return silent
	}
	f.current = frame
	out := codecs.Frame{Rate: rate, Samples: n, Level: frame.level, Voice: frame.voice, CSRCCount: uint8(frame.sources)} //nolint:gosec // at most MaxCSRC
	out.CSRC = frame.csrc
	return out
}

// Encoded implements [mixer.Encoded]: while there is one conference its stream goes on as it came.
func (f *feed) Encoded() (codecs.Codec, []byte) {
	if f.current == nil {
		return codecs.None, nil
	}
	return f.codec, f.current.payload[:f.current.size]
}

// drainTicks is how long the mix of all may take for what has come last: as much as the feed has room for, and some that are late.
const drainTicks = 2 * feedFrames

// drain has the mix take what is left, when nobody writes any more. It returns when that has gone through; what a mix that hangs has not taken by then
// stays.
func (f *feed) drain(ctx context.Context) {
	g := f.into
	f.ends.Store(true)
	defer f.ends.Store(false) // after a pause it goes on
	ticker := time.NewTicker(codecs.FrameDuration)
	defer ticker.Stop()
	for n := 0; f.left() > 0 && n < drainTicks; n++ {
		if !waitFor(ctx, g, ticker.C) {
			return
		}
	}
	g.owner.mu.Lock()
	applied := g.apply() // the tick that has taken the last of it has sent it, too
	g.owner.mu.Unlock()
	waitFor(ctx, g, applied)
}

// waitFor waits for something as long as there is a session. It reports false if there is none any more.
func waitFor[T any](ctx context.Context, g *merged, what <-chan T) bool {
	select {
	case <-what:
		return true
	case <-g.owner.over:
	case <-ctx.Done():
	}
	return false
}

// left is how many frames have not been in the mix yet.
func (f *feed) left() uint64 { return f.tail.Load() - f.head.Load() }

// close takes a feed out of the mix, when nobody writes into it any more, and all of it is in the mix. It does so once.
func (f *feed) close(ctx context.Context) { f.closing.Do(func() { f.leave(ctx) }) }

func (f *feed) leave(ctx context.Context) {
	f.drain(ctx)
	h := f.into.owner
	h.mu.Lock()
	defer h.mu.Unlock()
	f.lost.Add(f.left())
	f.into.weigh()
	f.into.leave(f)
	f.into.apply()
	f.into.finishLater()
	f.into.sealLater(f)
	h.desire()
}

var (
	_ mixer.Input   = (*feed)(nil)
	_ mixer.Output  = (*feed)(nil)
	_ mixer.Encoded = (*feed)(nil)
)
