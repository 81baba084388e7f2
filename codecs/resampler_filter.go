package codecs

import "math"

const (
	// tapsPerSample is the length of the filters in samples of the lower rate.
	tapsPerSample = 32
	// filterCutoff is where the filters are 6 dB down, as a part of the lower Nyquist frequency: low enough to keep the
	// images of the telephone band out, high enough to be flat to 85 %.
	filterCutoff = 0.955
	// kaiserBeta gives 75 dB of attenuation.
	kaiserBeta = 7.2
)

// polyphase is a filter for one pair of rates. Only one of up and down is above 1. Each phase yields one output sample of each
// run of taps input samples; taps is 0 if there is nothing to filter.
type polyphase struct {
	up, down, taps int
	phases         [6][]float32
}

// resamplerFilters are the filters for all pairs of rates, by the rates' indices.
//
//nolint:gochecknoglobals // table, read only
var resamplerFilters = newFilters()

// rateIndex numbers the rates of the table.
func rateIndex(hz int) (int, bool) {
	switch hz {
	case 8000:
		return 0, true
	case 16000:
		return 1, true
	case 48000:
		return 2, true
	default:
		return 0, false
	}
}

// filterFor returns the filter between two rates.
func filterFor(from, to int) (*polyphase, bool) {
	i, ok1 := rateIndex(from)
	j, ok2 := rateIndex(to)

	return &resamplerFilters[i][j], ok1 && ok2
}

// newFilters designs all filters.
func newFilters() (table [3][3]polyphase) {
	rates := [3]int{8000, 16000, 48000}
	for i, from := range rates {
		for j, to := range rates {
			switch {
			case to > from:
				table[i][j] = upFilter(to / from)
			case to < from:
				table[i][j] = downFilter(from / to)
			default:
				table[i][j] = polyphase{up: 1, down: 1}
			}
		}
	}

	return table
}

// upFilter splits the low-pass of a ratio into its phases, reversed, as the newest sample comes last.
func upFilter(ratio int) polyphase {
	f := polyphase{up: ratio, down: 1, taps: tapsPerSample}
	low := lowPass(ratio)
	for p := range ratio {
		phase := make([]float64, tapsPerSample)
		for k := range phase {
			phase[tapsPerSample-1-k] = low[k*ratio+p]
		}
		f.phases[p] = unityGain(phase)
	}

	return f
}

// downFilter uses the low-pass of a ratio as it is: it is symmetric.
func downFilter(ratio int) polyphase {
	f := polyphase{up: 1, down: ratio, taps: tapsPerSample * ratio}
	f.phases[0] = unityGain(lowPass(ratio))

	return f
}

// unityGain scales a phase to pass a constant unchanged; the phases of one filter then agree at 0 Hz, and make no image of it.
func unityGain(phase []float64) []float32 {
	sum := 0.0
	for _, x := range phase {
		sum += x
	}
	out := make([]float32, len(phase))
	for i, x := range phase {
		out[i] = float32(x / sum)
	}

	return out
}

// lowPass is a windowed sinc at the higher rate of a ratio.
func lowPass(ratio int) []float64 {
	taps := make([]float64, tapsPerSample*ratio)
	centre := float64(len(taps)-1) / 2
	for i := range taps {
		t := (float64(i) - centre) / float64(ratio) // in samples of the lower rate
		taps[i] = sinc(filterCutoff*t) * kaiser((float64(i)-centre)/(centre+0.5))
	}

	return taps
}

// kaiser is the window of the filters at a place between -1 and 1, and 0 beyond.
func kaiser(x float64) float64 {
	if x < -1 || x > 1 {
		return 0
	}

	return bessel0(kaiserBeta*math.Sqrt(1-square(x))) / bessel0(kaiserBeta)
}

// windowedSinc is the low-pass of the resamplers at a place in samples of the lower rate.
func windowedSinc(t float64) float64 {
	return sinc(filterCutoff*t) * kaiser(t/(tapsPerSample/2))
}

// sinc is sin(πx)/(πx).
func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}

	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel0 is the modified Bessel function of the first kind and order 0, by its power series.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= square(x / (2 * k))
		sum += term
	}

	return sum
}

func square(x float64) float64 { return x * x }
