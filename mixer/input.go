package mixer

import (
	"sync/atomic"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sole"
)

const (
	// floorHysteresis is how many dB below the floor a frame has to be to count as quiet.
	floorHysteresis = 5
	// floorHold is after how many quiet frames an input is no longer mixed: 200 ms.
	floorHold = 10
	// talkHold is after how many frames below the speaking level a member stops to speak: 300 ms.
	talkHold = 15
	// loudnessDecay is how many dB of loudness a talker loses per frame of silence when speakers are chosen.
	loudnessDecay = 1
)

// input is the state of one member's Input. It is owned by the media path, but for what is atomic.
type input struct {
	source   Input
	encoded  Encoded         // the same; nil: its frames do not come encoded
	receiver Receiver        // the same; nil: Ingest does it
	far      InputPrefetcher // the same; nil: there is nothing to ask for
	frame    codecs.Frame
	rate     int // index of the rate of the last good frame
	signals  [signalCount]signal
	active   bool // above the floor, with hang-over
	quiet    int
	talking  bool // above the speaking level, with hang-over
	still    int
	speaking bool   // talking and mixed, as published
	spoken   uint64 // ticks in which it spoke
	loudness float32
	selected bool    // among the loudest, in the last tick
	weight   float32 // how much it has spoken lately, in dB above silence
	identity identity
	called   atomic.Uint32 // alias of identity
	looped   atomic.Uint64 // frames that were not mixed because they had come from us
	state    atomic.Uint64
	buffer   []int16 // the last frame that was sound; of the highest rate that the source has had, nil: there has been none

	lanes [laneCount]lane

	// prepared: of each lane and each rate of a bus, the buffer (at the rate itself) and the resamplers from other rates are there, or
	// will be: owned by Apply.
	prepared [laneCount][rateCount][rateCount]bool
}

// newInput makes the state of an input.
func newInput(source Input) *input {
	in := &input{source: source}
	in.encoded, _ = source.(Encoded)
	in.far, _ = source.(InputPrefetcher)
	in.receiver, _ = source.(Receiver)
	in.state.Store(packInput(codecs.SilenceLevel, false, false, false))

	return in
}

// signal is the frame of an input as it goes into a lane.
type signal struct {
	pcm     []int16
	present bool // there is any sound in it
	upheld  bool // it is heard although the input is not active: the background of who dominates
	// before: the frame of the last tick could be heard, whether it was mixed or not.
	before bool
}

// prepare notes what a graft will have put in place.
func (in *input) prepare(g *graft) {
	have := &in.prepared[g.lane][g.rate]
	have[g.rate] = have[g.rate] || g.buffer
	for from, r := range g.change {
		have[from] = have[from] || r != nil
	}
}

// ingest takes the frame of this tick.
func (s *seat) ingest(cfg *MixConfig, w *scratch) {
	in := s.in
	in.remember()
	f := in.source.Ingest(w.frame[:])
	rate := rateIndexOf(f.Rate)
	silent := f.Flags.Has(codecs.Silent)
	if !silent && (rate < 0 || f.Samples != frameSamples(rate)) {
		w.badFrames.Add(1)
		silent = true
	}
	level := uint8(codecs.SilenceLevel)
	if !silent {
		in.rate = rate
		if level = f.Level; !f.Measured {
			level = codecs.Level(w.frame[:f.Samples])
		}
		if level < codecs.SilenceLevel {
			in.keep(w.frame[:f.Samples])
		}
	} else if f.Level > 0 {
		level = f.Level
	}
	f.Level = level
	in.frame = f
	present := !silent && level < codecs.SilenceLevel
	in.follow(cfg, level, present && !f.Flags.Has(codecs.ComfortNoise))
	pcm := in.kept()
	in.signals[directSignal].pcm, in.signals[directSignal].present = pcm, present
	if s.cond != nil && (present || !s.cond.settled()) {
		if !present {
			in.keep(noSound[:len(pcm)])
			pcm = in.kept()
		}
		speech := present && level <= cfg.SpeakingLevel && !f.Flags.Has(codecs.ComfortNoise)
		present = s.cond.process(&s.sound, in.rate, pcm, present, speech, w)
		pcm = s.cond.out[:len(pcm)]
	}
	for _, i := range [...]int{mainSignal, cameSignal} {
		in.signals[i].pcm, in.signals[i].present, in.signals[i].upheld = pcm, present, false
	}
}

// remember notes what could be heard in the last tick.
func (in *input) remember() {
	for i := range in.signals {
		in.signals[i].before = (in.active || in.signals[i].upheld) && in.signals[i].present
	}
}

// noSound is what those who were never heard have said last. It is not written to.
var noSound [codecs.MaxFrameSamples]int16 //nolint:gochecknoglobals // zeros

// kept returns what was kept last, of the length of a frame of now.
func (in *input) kept() []int16 {
	samples := frameSamples(in.rate)
	if samples > len(in.buffer) {
		return noSound[:samples]
	}

	return in.buffer[:samples]
}

// keep keeps a frame until it is mixed. The first sound of an input, and the first at a higher rate, makes the buffer: those who only listen
// have none.
func (in *input) keep(pcm []int16) {
	if len(pcm) > len(in.buffer) {
		in.buffer = make([]int16, len(pcm))
	}
	copy(in.buffer, pcm)
}

// follow updates what is known about the activity of the input. A frame that is not sound is silence, whatever its level.
func (in *input) follow(cfg *MixConfig, level uint8, sound bool) {
	switch {
	case sound && level <= cfg.Floor:
		in.active, in.quiet = true, 0
	case sound && int(level) <= int(cfg.Floor)+floorHysteresis:
		in.quiet = 0
	case in.active:
		if in.quiet++; in.quiet >= floorHold {
			in.active = false
		}
	}
	switch {
	case sound && level <= cfg.SpeakingLevel:
		in.talking, in.still = true, 0
	case in.talking:
		if in.still++; in.still >= talkHold {
			in.talking = false
		}
	}
	in.loudness -= loudnessDecay
	if sound {
		in.loudness = max(in.loudness, float32(codecs.SilenceLevel-level))
	}
	in.loudness = max(in.loudness, 0)
}

// publish makes the state of this tick known to other goroutines, and reports whether the member has begun or ceased to speak.
func (in *input) publish(mixed, speaks bool) bool {
	speaking := in.talking && speaks
	if speaking {
		in.spoken++
	}
	if word := packInput(in.frame.Level, speaking, in.talking, mixed) | in.spoken<<spokenShift; in.state.Load() != word {
		sole.Store(&in.state, word)
	}
	changed := speaking != in.speaking
	in.speaking = speaking

	return changed
}

const (
	speakingBit = 1 << (8 + iota)
	talkingBit
	mixedBit
)

// spokenShift is where in the word the ticks of speech are counted: 48 bits last longer than any call.
const spokenShift = 16

// packInput puts what others may know of an input into one word.
func packInput(level uint8, speaking, talking, mixed bool) uint64 {
	word := uint64(level)
	if speaking {
		word |= speakingBit
	}
	if talking {
		word |= talkingBit
	}
	if mixed {
		word |= mixedBit
	}

	return word
}
