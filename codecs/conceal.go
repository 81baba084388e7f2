package codecs

import "math"

const (
	// concealBlocks is the number of 10 ms blocks after which the repeated speech has faded out.
	concealBlocks = 6
	// concealMaxFloor bounds what is taken for background noise: -55 dBov.
	concealMaxFloor = 3395
	// concealSeed chooses the sequence of the noise; any will do.
	concealSeed = 0x5eed
)

// concealer makes up for lost packets of a codec that cannot do it by itself, in the manner of G.711 Appendix I: it repeats
// the last pitch period, then two, then three, fades them out to the background noise from 10 ms to 60 ms, and blends into what
// comes then. Unlike there, good audio is not delayed by 3.75 ms to be blended into the first repetition; instead, the step
// where the two meet is taken out of the repetition, within a quarter of a period.
type concealer struct {
	rate     int
	overlap  int     // samples of a quarter of the pitch period
	pitch    int     // samples of the pitch period
	periods  int     // how many are repeated
	offset   int     // where in them the next sample is
	blocks   int     // of 10 ms, made in this loss; 0 if there is none
	position int     // in block, of the next sample to hand out
	step     float32 // between the last good sample and the one before the repetition
	floor    float64 // power of the background noise
	flat     int     // samples at the end of the history that still has added
	noise    NoiseGenerator
	block    []float32
	source   []float32 // the history when the loss began
	history  []int16   // what was played last; nil: nothing, and then flat samples of the value of rest
	rest     int16
}

// init prepares for a rate in Hz, 8000 or more.
func (c *concealer) init(rate int) {
	c.rate = rate
	c.reset()
}

// length is how many samples of the past are kept: 48.75 ms, three and a quarter of the longest pitch period (G.711 Appendix I).
func (c *concealer) length() int { return c.rate * 195 / 4000 }

// reset forgets the past.
func (c *concealer) reset() {
	*c = concealer{
		rate: c.rate, floor: concealMaxFloor, noise: NoiseGenerator{seed: concealSeed}, block: c.block, source: c.source, history: c.history,
	}
	clear(c.history)
}

// past returns the samples that were played last, the newest at the end. Who has been muted from the beginning has no memory for them.
func (c *concealer) past() []int16 {
	if c.history == nil {
		c.history = make([]int16, c.length())
		for i := c.length() - min(c.flat, c.length()); i < len(c.history); i++ {
			c.history[i] = c.rest
		}
	}

	return c.history
}

// remember adds to what was played.
func (c *concealer) remember(pcm []int16) {
	past := c.past()
	c.flat = 0
	if len(pcm) >= len(past) {
		copy(past, pcm[len(pcm)-len(past):])

		return
	}
	copy(past, past[len(pcm):])
	copy(past[len(past)-len(pcm):], pcm)
}

// active reports whether the last audio was made up.
func (c *concealer) active() bool { return c.blocks > 0 }

// good takes decoded audio; after a loss it blends what was made up into its beginning.
func (c *concealer) good(pcm []int16) {
	if len(pcm) == 0 {
		return
	}
	if c.active() {
		// 4 ms more for every 10 ms lost, as the two are then less alike.
		n := min(c.overlap+(c.blocks-1)*c.rate/250, c.rate/100, len(pcm))
		for i := range n {
			w := float32(i+1) / float32(n+1)
			pcm[i] = clampFloat(w*float32(pcm[i]) + (1-w)*c.next())
		}
		c.blocks = 0
	} else {
		c.trackFloor(pcm)
	}
	c.remember(pcm)
}

// still is good for samples that are all the same, always the same for one codec. What such a frame leaves behind is known.
func (c *concealer) still(pcm []int16, value int16) {
	if c.active() || len(pcm) == 0 {
		c.good(pcm)

		return
	}
	c.follow(float64(value)*float64(value), len(pcm))
	if c.flat >= c.length() {
		return
	}
	if c.history == nil {
		c.rest = value
		c.flat += len(pcm)

		return
	}
	flat := c.flat + len(pcm)
	c.remember(pcm)
	c.flat = flat
}

// trackFloor follows the lowest power of late, and rises from it by 2 dB in a second.
func (c *concealer) trackFloor(pcm []int16) {
	c.follow(float64(sumSquares(pcm))/float64(len(pcm)), len(pcm))
}

// follow is trackFloor for so many samples of a power.
func (c *concealer) follow(power float64, samples int) {
	rise := 1 + 50*float64(samples)/float64(100*c.rate)
	c.floor = min(max(power, 1), c.floor*rise, concealMaxFloor)
}

// conceal fills dst with what was lost.
func (c *concealer) conceal(dst []int16) {
	if len(dst) == 0 {
		return
	}
	if !c.active() {
		c.begin()
	}
	for i := range dst {
		dst[i] = clampFloat(c.next())
	}
	c.remember(dst)
}

// next returns the next sample made up, and makes the next block when there is none.
func (c *concealer) next() float32 {
	if c.position >= c.rate/100 {
		c.synthesize()
	}
	x := c.block[c.position]
	c.position++

	return x
}

// begin looks at the past to find what to repeat.
func (c *concealer) begin() {
	past := c.past()
	if c.source == nil { // the first loss: many calls never have one
		c.block, c.source = make([]float32, c.rate/100), make([]float32, len(past))
	}
	for i, s := range past {
		c.source[i] = float32(s)
	}
	c.pitch = c.findPitch(c.source[:len(past)])
	c.overlap = c.pitch / 4
	c.periods = 1
	c.offset = 0
	c.step = c.source[len(past)-1] - c.source[len(past)-1-c.pitch]
	c.synthesize()
}

// synthesize makes the next 10 ms.
func (c *concealer) synthesize() {
	out := c.block[:c.rate/100]
	c.position = 0
	if c.blocks >= concealBlocks {
		c.addNoise(out, 0, 0)

		return
	}
	if c.blocks == 1 || c.blocks == 2 {
		c.lengthen(out)
	} else {
		c.repeat(out)
	}
	if c.blocks == 0 {
		for i := range min(c.overlap, len(out)) {
			phase := math.Pi * float64(i+1) / float64(c.overlap+1)
			out[i] += c.step * float32(0.5+0.5*math.Cos(phase))
		}
		c.blocks++

		return
	}
	// From 1 to 0 in the blocks after the first.
	from := 1 - float32(c.blocks-1)/(concealBlocks-1)
	to := 1 - float32(c.blocks)/(concealBlocks-1)
	c.addNoise(out, from, to)
	c.blocks++
}

// addNoise scales the block by a gain that moves from one value to another, and fills it up with background noise.
func (c *concealer) addNoise(out []float32, from, to float32) {
	amplitude := float32(0)
	if c.floor > 1 {
		amplitude = float32(math.Sqrt(3 * c.floor))
	}
	slope := (to - from) / float32(len(out))
	for i := range out {
		gain := from + slope*float32(i)
		if gain > 0 {
			out[i] *= gain
		} else {
			out[i] = 0
		}
		out[i] += (1 - gain) * amplitude * c.noise.white()
	}
}

// repeat goes on in the periods that are repeated.
func (c *concealer) repeat(out []float32) {
	length := c.periods * c.pitch
	for i := range out {
		out[i] = c.at(c.offset, length)
		c.offset++
		if c.offset >= length {
			c.offset = 0
		}
	}
}

// lengthen repeats one period more from now on, which makes a steady tone of what is none less likely; the old repetition is
// blended into the new one.
func (c *concealer) lengthen(out []float32) {
	old, oldLength := c.offset, c.periods*c.pitch
	c.offset %= c.pitch
	c.periods++
	c.repeat(out)
	n := min(c.overlap, len(out))
	for i := range n {
		w := float32(i+1) / float32(n+1)
		out[i] = w*out[i] + (1-w)*c.at((old+i)%oldLength, oldLength)
	}
}

// at returns a sample of the last length samples of the source as a loop without a seam: the last quarter period is blended
// into what comes before the loop.
func (c *concealer) at(offset, length int) float32 {
	end := c.length()
	x := c.source[end-length+offset]
	if i := offset - (length - c.overlap); i >= 0 {
		w := float32(i+1) / float32(c.overlap+1)
		x = (1-w)*x + w*c.source[end-2*length+offset]
	}

	return x
}

// findPitch returns the period between 5 ms and 15 ms after which the last 20 ms are most like what they were, first on every
// second or fourth sample, then exactly around the best.
func (c *concealer) findPitch(source []float32) int {
	shortest, longest, window := c.rate/200, c.rate*3/200, c.rate/50
	decimate := c.rate / 4000
	best, bestScore := longest, float32(-1)
	for lag := shortest; lag <= longest; lag += decimate {
		if score := likeness(source, lag, window, decimate); score > bestScore {
			best, bestScore = lag, score
		}
	}
	coarse := best
	bestScore = -1
	for lag := max(shortest, coarse-decimate+1); lag <= min(longest, coarse+decimate-1); lag++ {
		if score := likeness(source, lag, window, 1); score > bestScore {
			best, bestScore = lag, score
		}
	}

	return best
}

// likeness is the correlation of the last window samples with those lag samples before, against the energy of the latter.
func likeness(source []float32, lag, window, decimate int) float32 {
	now := source[len(source)-window:]
	before := source[len(source)-window-lag : len(source)-lag]
	var correlation, energy float32
	for i := 0; i < len(now) && i < len(before); i += decimate {
		correlation += now[i] * before[i]
		energy += before[i] * before[i]
	}

	return correlation / float32(math.Sqrt(float64(max(energy, 250))))
}
