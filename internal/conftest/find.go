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
	y, x := thin(bandpass(recording), decimate), thin(bandpass(piece), decimate)
	var xx float64
	for _, v := range x {
		xx += v * v
	}
	best := Found{Gain: Silent}
	if xx == 0 {
		return best
	}
	for at := 0; at+len(x) <= len(y); at++ {
		var xy, yy float64
		for i, v := range x {
			xy += v * y[at+i]
			yy += y[at+i] * y[at+i]
		}
		if yy == 0 {
			continue
		}
		if c := xy / math.Sqrt(xx*yy); c > best.Correlation {
			best = Found{At: float64(at*decimate) / AnalysisRate, Correlation: c, Gain: max(Silent, 20*math.Log10(xy/xx))} //nolint:mnd // decibels
		}
	}
	return best
}

func thin(samples []float64, by int) []float64 {
	out := make([]float64, 0, len(samples)/by+1)
	for i := 0; i < len(samples); i += by {
		out = append(out, samples[i])
	}
	return out
}
