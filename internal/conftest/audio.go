package conftest

import (
	"fmt"
	"math"

	"github.com/parley-sip/parley/codecs"
)

// AnalysisRate is the sample rate in Hz at which audio is compared.
const AnalysisRate = 16000

// Silent is the level in dB of full scale below which there is nothing to hear.
const Silent = -120.0

// Level is the root mean square of samples in dB relative to full scale, Silent for none.
func Level(samples []float64) float64 {
	var sum float64
	for _, s := range samples {
		sum += s * s
	}
	if len(samples) == 0 || sum == 0 {
		return Silent
	}
	return max(Silent, 10*math.Log10(sum/float64(len(samples)))) //nolint:mnd // decibels
}

// Window cuts the part between two times, in seconds from the beginning of a time line at AnalysisRate; what lies outside of the
// samples is silence.
func Window(samples []float64, from, to float64) []float64 {
	return cut(samples, int(from*AnalysisRate), int(to*AnalysisRate))
}

// cut is samples first to last; what lies outside is silence.
func cut(samples []float64, first, last int) []float64 {
	out := make([]float64, max(0, last-first))
	for i := range out {
		if at := first + i; at >= 0 && at < len(samples) {
			out[i] = samples[at]
		}
	}
	return out
}

// Resample converts 16-bit samples at a rate of 8, 16 or 48 kHz to AnalysisRate, full scale 1.
func Resample(samples []int16, rate int) ([]float64, error) {
	if rate != AnalysisRate {
		converted, err := ResamplePCM(samples, rate, AnalysisRate)
		if err != nil {
			return nil, err
		}
		samples = converted
	}
	out := make([]float64, len(samples))
	for i, s := range samples {
		out[i] = float64(s) / (math.MaxInt16 + 1)
	}
	return out, nil
}

// ResamplePCM converts between 8, 16 and 48 kHz and takes out the filter's delay.
func ResamplePCM(samples []int16, from, to int) ([]int16, error) {
	if from == to {
		return samples, nil
	}
	r, err := codecs.NewResampler(from, to)
	if err != nil {
		return nil, fmt.Errorf("%d Hz to %d Hz: %w", from, to, err)
	}
	const delay = 16 // samples of the lower rate
	padded := make([]int16, (len(samples)+2*delay*max(1, from/to)+from/100)/(from/100)*(from/100))
	copy(padded, samples)
	out := make([]int16, r.OutputSamples(len(padded)))
	n := r.Process(out, padded)
	skip := delay * max(1, to/from)
	wanted := len(samples) * to / from
	return out[min(skip, n):min(skip+wanted, n)], nil
}

// bandpass keeps what matters of speech for a comparison and is little touched by codecs: 150 to 900 Hz, linear phase, zero delay.
func bandpass(samples []float64) []float64 { return bandpassed(samples, 1) }

// bandpassed is every by-th sample of bandpass. It looks at what only the caller has, millions of times: what it costs under the race
// detector would be missing elsewhere, in a test that plays calls in real time.
//
//go:norace
func bandpassed(samples []float64, by int) []float64 {
	const (
		taps     = 257
		half     = taps / 2
		low, top = 150.0 / AnalysisRate, 900.0 / AnalysisRate
	)
	var h [taps]float64
	for i := range h {
		n := float64(i - half)
		window := 0.5 + 0.5*math.Cos(2*math.Pi*n/taps)
		if n == 0 {
			h[i] = 2 * (top - low)
			continue
		}
		h[i] = window * (math.Sin(2*math.Pi*top*n) - math.Sin(2*math.Pi*low*n)) / (math.Pi * n)
	}
	out := make([]float64, (len(samples)+by-1)/by)
	for o := range out {
		var sum float64
		i := o * by
		for k := max(0, i+half-len(samples)+1); k < taps && k <= i+half; k++ {
			sum += h[k] * samples[i+half-k]
		}
		out[o] = sum
	}
	return out
}
