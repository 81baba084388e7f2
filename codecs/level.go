package codecs

import "math"

// SilenceLevel is the level of digital silence (RFC 6464, section 3).
const SilenceLevel = 127

// Level returns the level of the samples in -dBov, 0 to 127: the root of their mean square against that of a square wave of
// full scale, so that a sine of full scale has 3 (RFC 6464, section 3). It looks at these samples only. Digital silence and no
// samples give 127. It does not allocate.
func Level(pcm []int16) uint8 {
	if len(pcm) == 0 {
		return SilenceLevel
	}

	return LevelOfPower(float64(sumSquares(pcm)) / float64(len(pcm)))
}

// LevelOfPower returns the level in -dBov, 0 to 127, of audio whose mean square, in squares of 16-bit sample values, is power.
func LevelOfPower(power float64) uint8 {
	if !(power > 0) {
		return SilenceLevel
	}
	db := -10 * math.Log10(power/(32768*32768))
	switch {
	case db <= 0:
		return 0
	case db >= SilenceLevel:
		return SilenceLevel
	default:
		return uint8(db + 0.5)
	}
}

// PowerOfLevel returns the mean square, in squares of 16-bit sample values, of audio at the level in -dBov; 0 for a level of
// 127 or more.
func PowerOfLevel(level uint8) float64 {
	if level >= SilenceLevel {
		return 0
	}

	return 32768 * 32768 * math.Pow(10, -float64(level)/10)
}

// sumSquares adds up in 64 bits: four sums, so that the additions do not wait for each other.
func sumSquares(pcm []int16) int64 {
	var a, b, c, d int64
	for len(pcm) >= 4 {
		s := pcm[:4:4]
		a += int64(s[0]) * int64(s[0])
		b += int64(s[1]) * int64(s[1])
		c += int64(s[2]) * int64(s[2])
		d += int64(s[3]) * int64(s[3])
		pcm = pcm[4:]
	}
	for _, s := range pcm {
		a += int64(s) * int64(s)
	}

	return a + b + c + d
}
