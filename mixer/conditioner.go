package mixer

import (
	"math"

	"github.com/parley-sip/parley/codecs"
)

const (
	// blocks is the number of steps in which a frame is judged by the gate: one each 2.5 ms, those of the limiter.
	blocks = limiterBlocks
	// lookBack is how many of them the gate looks back: 10 ms, longer than any onset takes to be as loud as its threshold.
	lookBack = blocks / 2
	// gateHysteresis is how many dB below its threshold the gate begins to close.
	gateHysteresis = 6
	// gateHold is for how many blocks it stays open then: 200 ms, the pauses within words.
	gateHold = 80
	// gateRelease is by how much it closes in a block: 100 ms in all.
	gateRelease = 1.0 / 40
	// cutoff of the filter against an offset, in Hz: below all speech and music.
	cutoff = 20
	// loudnessFrames is over how many frames of speech the loudness is averaged: 1.5 s, some words.
	loudnessFrames = 75
	// autoFall is how much faster the automatic gain falls than it rises: who is too loud hurts more than who is too soft.
	autoFall = 4
)

// conditioner is what a [Sound] has to remember of one input. It is owned by the media path.
type conditioner struct {
	rate int
	out  [codecs.MaxFrameSamples]int16

	dcIn, dcOut float32

	line  [codecs.MaxFrameSamples / blocks * lookBack]float32 // of the gate: what is not out yet
	open  float32                                             // gain of the gate at the end of the last block
	quiet int                                                 // blocks below the level at which it closes
	still int                                                 // blocks without a sound that came in, in a row

	power   float64 // mean square of speech
	heard   int     // frames of speech in it, up to loudnessFrames
	gain    float32 // automatic gain at the end of the last frame
	gainDB  float64
	limiter limiter
}

func newConditioner() *conditioner {
	return &conditioner{gain: 1, limiter: newLimiter(), quiet: gateHold, still: lookBack}
}

// settled reports that silence would come out of silence.
func (c *conditioner) settled() bool { return c.still >= lookBack && c.limiter.idle() }

// process makes the frame that is mixed out of the one that came in, and reports whether there is any sound in it. present:
// there was any in what came in; speech: the automatic gain shall follow it.
func (c *conditioner) process(s *Sound, rate int, pcm []int16, present, speech bool, w *scratch) bool {
	if rate != c.rate {
		c.rate, c.dcIn, c.dcOut = rate, 0, 0
		clear(c.line[:])
	}
	x := w.float[:len(pcm)]
	for i, v := range pcm {
		x[i] = float32(v)
	}
	if s.RemoveDC {
		c.removeDC(x)
	}
	if s.Gate.Threshold > 0 {
		c.gate(x, s.Gate.Threshold, w)
	} else {
		c.open = 1
	}
	from := c.gain
	if s.Gain.Target > 0 {
		c.follow(x, &s.Gain, speech)
	} else {
		c.gain, c.gainDB = 1, 0
	}
	mixed := w.sum[:len(x)]
	step := (c.gain - from) / float32(len(x))
	var all int32
	for i, v := range x {
		from += step
		mixed[i] = round32(v * from)
		all |= mixed[i]
	}
	if present {
		c.still = 0
	} else {
		c.still = min(c.still+blocks, 2*lookBack)
	}
	c.limiter.process(c.out[:len(x)], mixed, 1)

	return all != 0 || !c.limiter.idle()
}

// removeDC is a high-pass of the first order.
func (c *conditioner) removeDC(x []float32) {
	r := 1 - 2*math.Pi*cutoff/float32(rates[c.rate])
	in, out := c.dcIn, c.dcOut
	for i, v := range x {
		out = v - in + r*out
		in = v
		x[i] = out
	}
	// What nobody can hear must not go on for ever: small numbers are slow to reckon with.
	if out < 1e-3 && out > -1e-3 {
		out = 0
	}
	c.dcIn, c.dcOut = in, out
}

// gate closes over what stays below the threshold. What it lets out is as much older as it looks back.
func (c *conditioner) gate(x []float32, threshold uint8, w *scratch) {
	opens, closes := powerOf(float64(threshold)), powerOf(float64(threshold)+gateHysteresis)
	from := c.open
	var gains [blocks]float32
	for b := range blocks {
		level := meanSquare(x[blockStart(len(x), b):blockStart(len(x), b+1)])
		if level >= opens || level >= closes && c.quiet < gateHold {
			c.quiet = 0
		} else {
			c.quiet = min(c.quiet+1, gateHold)
		}
		if c.quiet < gateHold {
			c.open = 1
		} else {
			c.open = max(c.open-gateRelease, 0)
		}
		gains[b] = c.open
	}
	late := blockStart(len(x), lookBack)
	kept := w.late[:late]
	copy(kept, x[len(x)-late:])
	copy(x[late:], x[:len(x)-late])
	copy(x, c.line[:late])
	copy(c.line[:], kept)
	for b, to := range gains {
		block := x[blockStart(len(x), b):blockStart(len(x), b+1)]
		slope := (to - from) / float32(len(block))
		for i := range block {
			from += slope
			block[i] *= from
		}
		from = to
	}
}

// follow moves the automatic gain of one frame.
func (c *conditioner) follow(x []float32, g *AutoGain, speech bool) {
	if !speech {
		return
	}
	power := meanSquare(x)
	if power == 0 {
		return
	}
	c.heard = min(c.heard+1, loudnessFrames)
	c.power += (power - c.power) / float64(c.heard)
	level := 10 * math.Log10(c.power/powerOf(0))
	want := min(max(-float64(g.Target)-level, -g.MaxDB), g.MaxDB)
	most := g.RateDB * codecs.FrameDuration.Seconds()
	c.gainDB += min(max(want-c.gainDB, -autoFall*most), most)
	c.gain = factor(c.gainDB)
}

// powerOf is the mean square at a level in -dBov: a full-scale square wave has 0 (RFC 6464, section 3).
func powerOf(level float64) float64 { return fullScale * fullScale * math.Pow(10, -level/10) }

func meanSquare(x []float32) float64 {
	var sum float32
	for _, v := range x {
		sum += v * v
	}

	return float64(sum) / float64(len(x))
}
