package mixer

import (
	"math"

	"github.com/parley-sip/parley/codecs"
)

const (
	// quietestBackground and loudestBackground in -dBov bound what is taken for the background between words: what is fainter nobody misses,
	// what is louder is speech that never pauses.
	quietestBackground = 90
	loudestBackground  = 50
	// backgroundFrames is how many frames have to be heard before the faintest of them is believed to be the background: a fifth of a second.
	backgroundFrames = 10
	// backgroundRise is by how much the estimate rises in a frame that is louder, as a part of it: 1 dB in a second.
	backgroundRise = 1.0046
	// backgroundFall is the part of the way that it falls to a frame that is fainter, so that a single one does not decide.
	backgroundFall = 0.5
	// backgroundNear is how much louder than the estimate a frame may be, as a power, to tell how the background sounds.
	backgroundNear = 2
	// backgroundBlend is the part of the way that the sound goes in such a frame.
	backgroundBlend = 0.2
)

// background is what is known of the sound between the words of an input, and noise like it. It is owned by the media path.
type background struct {
	rate   int
	power  float64    // mean square; 0: nothing was heard
	heard  int        // frames, up to backgroundFrames
	likes  [2]float64 // correlation with one and two samples before, as a part of the power
	filled bool       // the last frame was noise
	noise  codecs.NoiseGenerator
	out    [codecs.MaxFrameSamples]int16
}

func newBackground(seed uint32) *background {
	return &background{noise: *codecs.NewNoiseGenerator(seed)}
}

// learn looks at a frame that has come.
func (g *background) learn(rate int, pcm []int16) {
	if rate != g.rate {
		g.rate, g.power, g.heard, g.likes = rate, 0, 0, [2]float64{}
	}
	var own, one, two float64
	for i, s := range pcm {
		x := float64(s)
		own += x * x
		if i > 1 {
			one += x * float64(pcm[i-1])
			two += x * float64(pcm[i-2])
		}
	}
	power := own / float64(len(pcm))
	switch {
	case g.power == 0:
		g.power = power
	case power < g.power:
		g.power += (power - g.power) * backgroundFall
	default:
		g.power = min(g.power*backgroundRise, power)
	}
	g.heard = min(g.heard+1, backgroundFrames)
	if own > 0 && power < backgroundNear*g.power {
		g.likes[0] += (one/own - g.likes[0]) * backgroundBlend
		g.likes[1] += (two/own - g.likes[1]) * backgroundBlend
	}
}

// fill makes a frame of noise; nil if it is not known how the background sounds.
func (g *background) fill(rate int) []int16 {
	level := codecs.LevelOfPower(g.power)
	if rate != g.rate || g.heard < backgroundFrames || level > quietestBackground || level < loudestBackground {
		return nil
	}
	if !g.filled {
		g.noise.Set(g.describe(level))
	}
	pcm := g.out[:frameSamples(rate)]
	g.noise.Read(pcm)

	return pcm
}

// describe says how it sounds: a filter of the second order by the recursion of Levinson and Durbin.
func (g *background) describe(level uint8) codecs.CN {
	first := -g.likes[0]
	second := 0.0
	if rest := 1 - first*first; rest > 0 {
		second = -(g.likes[1] + first*g.likes[0]) / rest
	}
	cn := codecs.CN{Level: level, Order: 2}
	for i, k := range [...]float64{first, second} {
		cn.Reflection[i] = uint8(127 + math.Round(127*min(max(k, -0.99), 0.99)))
	}

	return cn
}

// uphold keeps up the background of who dominates.
func (s *seat) uphold(dominates bool) {
	in, g, main := s.in, s.gap, &s.in.signals[mainSignal]
	const made = codecs.Concealed | codecs.ComfortNoise | codecs.Silent
	if main.present && in.frame.Flags&made == 0 {
		g.learn(in.rate, main.pcm)
	}
	filled := false
	if dominates && !main.present && in.frame.Flags.Has(codecs.Absent) {
		if pcm := g.fill(in.rate); pcm != nil {
			main.pcm, main.present, filled = pcm, true, true
		}
	}
	g.filled = filled
	main.upheld = dominates && main.present
}
