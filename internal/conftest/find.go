package conftest

import "math"

// Found is where a piece of speech is in a longer recording.
type Found struct {
	At          float64 // seconds from the beginning of the recording
	Gain        float64 // dB against the piece
	Correlation float64 // 0 to 1; speech that went through any codec and a mixer comes out well above 0.7
}

// Find looks for a piece anywhere in a recording, both at AnalysisRate. It is for peers whose clock is not ours; Match is sharper.
func Find(recording, piece []float64) Found {
	const decimate = 4 // what bandpass leaves fits into 4 kHz
	y, x := bandpassed(recording, decimate), bandpassed(piece, decimate)
	xx := dot(x, x)
	best := Found{Gain: Silent}
	if xx == 0 || len(y) < len(x) {
		return best
	}
	yy := dot(y[:len(x)], y[:len(x)])
	for at := 0; ; at++ {
		if xy := dot(x, y[at:at+len(x)]); yy > 0 && xy > 0 {
			if c := xy / math.Sqrt(xx*yy); c > best.Correlation {
				best = Found{At: float64(at*decimate) / AnalysisRate, Correlation: c, Gain: max(Silent, 20*math.Log10(xy/xx))} //nolint:mnd // decibels
			}
		}
		if at+len(x) == len(y) {
			return best
		}
		yy += y[at+len(x)]*y[at+len(x)] - y[at]*y[at]
	}
}
