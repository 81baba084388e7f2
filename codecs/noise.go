package codecs

import "math"

// NoiseGenerator makes the background noise that a [CN] describes: white noise through the lattice filter of its
// reflection coefficients (RFC 3389, section 3.2). The noise is a fixed sequence of the seed. It is used by one goroutine at a
// time.
type NoiseGenerator struct {
	seed   uint32
	order  int
	gain   float32
	target float32
	k      [MaxNoiseOrder]float32
	state  [MaxNoiseOrder + 1]float32
}

// NewNoiseGenerator returns a generator of silence, whose sequence the seed chooses; see [NoiseGenerator.Set].
func NewNoiseGenerator(seed uint32) *NoiseGenerator { return &NoiseGenerator{seed: seed} }

// Set makes the noise sound as described, from the next sample on; the loudness moves there within a few milliseconds.
func (g *NoiseGenerator) Set(cn CN) {
	g.order = min(int(cn.Order), MaxNoiseOrder)
	// The filter raises the power by 1/(1-k²) for every coefficient; the excitation has that much less, and uniform noise
	// between -1 and 1 a power of a third.
	power := 3 * PowerOfLevel(cn.Level)
	for i := range g.order {
		k := cn.coefficient(i)
		g.k[i] = k
		power *= 1 - float64(k)*float64(k)
	}
	g.target = float32(math.Sqrt(power))
}

// Read fills dst with noise and returns len(dst). It does not allocate.
func (g *NoiseGenerator) Read(dst []int16) int {
	for i := range dst {
		g.gain += (g.target - g.gain) * (1.0 / 64)
		dst[i] = clampFloat(g.filter(g.gain * g.white()))
	}

	return len(dst)
}

// white returns the next of a uniform sequence between -1 and 1.
func (g *NoiseGenerator) white() float32 {
	g.seed = g.seed*1664525 + 1013904223

	return float32(int32(g.seed)) * (1.0 / (1 << 31))
}

// filter is one step of an all-pole lattice.
func (g *NoiseGenerator) filter(x float32) float32 {
	for i := g.order - 1; i >= 0; i-- {
		x -= g.k[i] * g.state[i]
		g.state[i+1] = g.state[i] + g.k[i]*x
	}
	g.state[0] = x

	return x
}

// clampFloat rounds to the nearest sample value, limited to 16 bits.
func clampFloat(x float32) int16 {
	switch {
	case x >= math.MaxInt16:
		return math.MaxInt16
	case x <= math.MinInt16:
		return math.MinInt16
	case x >= 0:
		return int16(x + 0.5)
	default:
		return int16(x - 0.5)
	}
}
