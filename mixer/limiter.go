package mixer

const (
	// limiterBlocks is the number of steps of the gain in one frame: one each 2.5 ms, which is also how far it looks ahead.
	limiterBlocks = 8
	// limiterHold is for how many blocks a gain is kept before it rises: 50 ms, longer than half a period of any tone, so that
	// the gain does not follow the wave form.
	limiterHold = 20
	// limiterRelease is the part of the way back that is gone in one block: a time constant of 200 ms.
	limiterRelease = 0.0124
	// limiterDrag is how many times slower the gain rises under a load of one: a single shout is over soon, while under a
	// constant overload a gain that followed the beats of the talkers would be heard as distortion.
	limiterDrag = 50
	// limiterLoad is the part of the way that the load goes in one block: a time constant of 300 ms.
	limiterLoad = 0.0083
	// limiterSnap is how close to unity the gain counts as unity.
	limiterSnap = 3e-3
	fullScale   = 32767
)

// limiter turns down what does not fit into 16 bits. What fits leaves it as it is. It adds no delay: within a frame the gain
// falls before the peak; a peak in the first block of a frame is met by a fall that follows the signal. Copying it forks it.
type limiter struct {
	gain float32 // at the end of the last block, 1 and below
	load float32 // how often it has been needed lately, 0 to 1
	calm int     // blocks since the last that needed less than unity, up to limiterHold
	at   int
	low  [limiterHold]float32
}

func newLimiter() limiter {
	l := limiter{gain: 1, calm: limiterHold}
	for i := range l.low {
		l.low[i] = 1
	}

	return l
}

// magnitude is how much of full scale a sample takes; -32768 fits.
func magnitude(x int32) int32 {
	if x < 0 {
		return ^x
	}

	return x
}

// idle reports that the limiter passes on what fits.
func (l *limiter) idle() bool { return l.gain == 1 && l.calm >= limiterHold }

// process writes one frame. dst and src have the same length, and need not be a multiple of limiterBlocks. after is the highest gain with which the block
// fits that will follow, as far as it is known, else 1.
func (l *limiter) process(dst []int16, src []int32, after float32) {
	src = src[:len(dst)]
	if l.idle() && after == 1 {
		l.load = 0
		if copyFitting(dst, src) {
			return
		}
	}
	var target [limiterBlocks + 1]float32
	for b := range limiterBlocks {
		target[b] = blockTarget(src[blockStart(len(src), b):blockStart(len(src), b+1)])
	}
	target[limiterBlocks] = after
	for b := range limiterBlocks {
		from, to := blockStart(len(src), b), blockStart(len(src), b+1)
		block, out := src[from:to], dst[from:to]
		end := l.next(target[b], target[b+1])
		if b == 0 && l.gain > target[0] {
			attack(out, block, l.gain, end)
		} else {
			ramp(out, block, l.gain, end)
		}
		l.gain = end
	}
}

// blockStart is where a block of a frame begins: at 44.1 kHz they are not all of one length.
func blockStart(samples, block int) int { return block * samples / limiterBlocks }

// delay is what makes a limiter look ahead beyond the frame: it keeps the last block of each until the next.
type delay struct {
	kept  []int32 // nil: there is no delay
	empty bool    // nothing but silence in it
}

// shift returns a frame that is a block older than the one it is given, and the highest gain with which what it keeps fits.
func (d *delay) shift(src []int32, w *scratch) (late []int32, after float32) {
	late = w.shifted[:len(src)]
	kept := d.kept[:len(src)/limiterBlocks]
	rest := len(src) - len(kept)
	copy(late, kept)
	copy(late[len(kept):], src[:rest])
	copy(kept, src[rest:])
	var all int32
	for _, x := range kept {
		all |= x
	}
	d.empty = all == 0

	return late, blockTarget(kept)
}

// copyFitting copies a frame and reports true if every sample fits.
func copyFitting(dst []int16, src []int32) bool {
	var over int32
	for i, x := range src {
		over |= magnitude(x) &^ fullScale
		dst[i] = int16(x)
	}

	return over == 0
}

// blockTarget is the highest gain with which a block fits.
func blockTarget(src []int32) float32 {
	var peak int32
	for _, x := range src {
		peak = max(peak, magnitude(x))
	}
	if peak <= fullScale {
		return 1
	}

	return fullScale / float32(peak)
}

// next returns the gain for the end of a block: low enough for it and for the block after it, and rising slowly.
func (l *limiter) next(now, after float32) float32 {
	l.low[l.at] = now
	l.at = (l.at + 1) % limiterHold
	if now < 1 {
		l.calm = 0
		l.load += (1 - l.load) * limiterLoad
	} else {
		l.calm = min(l.calm+1, limiterHold)
		l.load -= l.load * limiterLoad
	}
	held := after
	for _, g := range l.low {
		held = min(held, g)
	}
	if held <= l.gain {
		return held
	}
	rising := l.gain + (held-l.gain)*limiterRelease/(1+limiterDrag*l.load)
	if held == 1 && rising > 1-limiterSnap {
		return 1
	}

	return rising
}

// ramp applies a gain that goes in a straight line from one value to another.
func ramp(dst []int16, src []int32, from, to float32) {
	step := (to - from) / float32(len(src))
	for i, x := range src {
		from += step
		dst[i] = round16(float32(x) * from)
	}
}

// attack is ramp for a block that is too loud from its beginning: the line ends at the peak, and never exceeds what the sample
// at hand allows.
func attack(dst []int16, src []int32, from, to float32) {
	top := 0
	for i, x := range src {
		if magnitude(x) > magnitude(src[top]) {
			top = i
		}
	}
	step := (to - from) / float32(top+1)
	for i, x := range src {
		if i <= top {
			from += step
		}
		g := from
		if m := float32(magnitude(x)); m*g > fullScale {
			g = fullScale / m
		}
		dst[i] = round16(float32(x) * g)
	}
}

// round16 rounds to the nearest integer of 16 bits.
func round16(x float32) int16 {
	switch {
	case x >= fullScale:
		return fullScale
	case x <= -fullScale-1:
		return -fullScale - 1
	case x >= 0:
		return int16(x + 0.5)
	default:
		return int16(x - 0.5)
	}
}
