package focus_test

import (
	"math"
	"math/bits"
	"slices"
)

// Voices of a storm say in each frame of 20 ms whose it is and which: a set of tones that are orthogonal in a frame, the first of which is always
// there, the others the bits of the number of the frame. So it is known of a frame of a mix who is in it, and when each has said that.
const (
	stormVoices    = 5
	stormFrame     = 160 // samples, at 8 kHz
	stormBits      = 11  // of the number, and so 40 s
	stormTones     = stormBits + 2
	stormFirst     = 3   // times 50 Hz
	stormAmplitude = 450 // of each tone: all voices together are not limited, whatever they say
)

// stormWaves are the tones, of a voice one after the other.
var stormWaves = func() (waves [stormVoices * stormTones][2][stormFrame]float64) {
	for tone := range waves {
		phase := float64(tone*tone) * 2.399963
		for i := range stormFrame {
			sin, cos := math.Sincos(2*math.Pi*float64(stormFirst+tone)*float64(i)/stormFrame + phase)
			waves[tone][0][i], waves[tone][1][i] = sin, cos
		}
	}
	return waves
}()

// stormWord are the tones of a frame, the one that is always there first, and last one that makes their number even.
func stormWord(n int) uint {
	word := uint(n)<<1 | 1
	return word | uint(bits.OnesCount(word)&1)<<(stormTones-1)
}

// stormSay is the frame of a number of a voice.
func stormSay(voice, n int) []int16 {
	word, out := stormWord(n), make([]int16, stormFrame)
	for i := range out {
		v := 0.0
		for tone := range stormTones {
			if word>>tone&1 != 0 {
				v += stormAmplitude * stormWaves[voice*stormTones+tone][0][i]
			}
		}
		out[i] = int16(v)
	}
	return out
}

// stormPart is what is in a frame of a voice.
type stormPart struct {
	voice, n int // n is negative of what cannot be read: something made up, or of two frames
}

// stormHear tells who is in a frame.
//
//go:norace
func stormHear(pcm []float64) (parts []stormPart) {
	var level [stormVoices * stormTones]float64
	for tone := range level {
		var sin, cos float64
		wave := &stormWaves[tone]
		for i, v := range pcm {
			sin += v * wave[0][i]
			cos += v * wave[1][i]
		}
		level[tone] = math.Hypot(sin, cos) * 2 / stormFrame
	}
	const faint = stormAmplitude / 32768.0 / 10 // 20 dB down
	for voice := range stormVoices {
		own := level[voice*stormTones:][:stormTones]
		there := own[0]
		if there < faint && slices.Max(own) < 2*faint {
			continue
		}
		word, plain := uint(0), there >= faint // else something else is on top of it: somebody who has been cut off, say
		for tone, l := range own {
			if l > there/2 {
				word |= 1 << tone
			}
			plain = plain && (l < 0.3*there || l > 0.7*there && l < 1.4*there)
		}
		part := stormPart{voice: voice, n: int(word>>1) & (1<<stormBits - 1)}
		if !plain || bits.OnesCount(word)&1 != 0 {
			part.n = -1
		}
		parts = append(parts, part)
	}
	return parts
}
