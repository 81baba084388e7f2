package conftest

import (
	"math"
	"sort"
	"time"
)

// Reference is what somebody said, on the same time line as what was heard.
type Reference struct {
	Name    string
	Samples []float64 // at AnalysisRate
}

// Heard tells how much of a reference is in a piece of audio.
type Heard struct {
	Name  string
	Gain  float64       // dB against what was said; Silent when nothing of it was found
	Delay time.Duration // of the best match; meaningless below about -20 dB
	Level float64       // of what was said in this window, dB of full scale
}

const (
	maxDelay     = 400 * time.Millisecond // mouth to ear, with room for a test machine that is busy
	earlyMargin  = 2 * time.Millisecond
	quietSpeaker = -50.0 // who says less than this in the window is not looked for
)

// Match finds every reference in what was heard between two times in seconds. It looks for the delay of each by correlation and
// then for all gains at once by least squares, so that who talks at the same time does not pass for somebody else.
// References that were silent in the window are left out. The result is in the order of the references.
func Match(heard []float64, references []Reference, from, to float64) []Heard {
	y := bandpass(Window(heard, from, to))
	var found []Heard
	var columns [][]float64
	for _, reference := range references {
		level := Level(Window(reference.Samples, from, to))
		if level < quietSpeaker {
			continue
		}
		// The window of the reference begins early, so that a delayed copy is complete.
		x := bandpass(Window(reference.Samples, from-maxDelay.Seconds(), to))
		lag := bestLag(y, x)
		column := x[maxLag-lag:]
		columns = append(columns, column[:len(y)])
		delay := time.Duration(float64(lag) / AnalysisRate * float64(time.Second))
		found = append(found, Heard{Name: reference.Name, Delay: delay, Level: level})
	}
	for i, gain := range leastSquares(columns, y) {
		found[i].Gain = Silent
		if gain != 0 {
			found[i].Gain = max(Silent, 20*math.Log10(math.Abs(gain))) //nolint:mnd // decibels
		}
	}
	return found
}

const maxLag = int(maxDelay * AnalysisRate / time.Second)

// bestLag is the delay in samples at which y correlates best with x, which begins maxLag samples before y.
func bestLag(y, x []float64) int {
	const coarse = 4 // 150 to 1500 Hz can be searched in steps of a quarter of a millisecond
	correlation := func(lag, step int) float64 {
		var xy, xx float64
		for i := 0; i < len(y); i += step {
			v := x[maxLag-lag+i]
			xy += y[i] * v
			xx += v * v
		}
		if xx == 0 {
			return 0
		}
		return xy / math.Sqrt(xx)
	}
	best, value := 0, math.Inf(-1)
	for lag := -int(earlyMargin * AnalysisRate / time.Second); lag <= maxLag; lag += coarse {
		if lag < 0 {
			continue
		}
		if v := correlation(lag, coarse); v > value {
			best, value = lag, v
		}
	}
	center, value := best, math.Inf(-1)
	for lag := max(0, center-coarse); lag <= min(maxLag, center+coarse); lag++ {
		if v := correlation(lag, 1); v > value {
			best, value = lag, v
		}
	}
	return best
}

// leastSquares solves for the gains that explain y best by the columns.
func leastSquares(columns [][]float64, y []float64) []float64 {
	n := len(columns)
	a := make([][]float64, n)
	for i := range a {
		a[i] = make([]float64, n+1)
		for j := range columns {
			a[i][j] = dot(columns[i], columns[j])
		}
		a[i][n] = dot(columns[i], y)
	}
	for i := range a { // Gauss-Jordan; the matrix is positive definite as long as nobody repeats somebody else
		pivot := a[i][i]
		if pivot < 1e-12 {
			continue
		}
		for j := i; j <= n; j++ {
			a[i][j] /= pivot
		}
		for k := range a {
			factor := a[k][i]
			if k == i || factor == 0 {
				continue
			}
			for j := i; j <= n; j++ {
				a[k][j] -= factor * a[i][j]
			}
		}
	}
	gains := make([]float64, n)
	for i := range a {
		gains[i] = a[i][n]
	}
	return gains
}

func dot(a, b []float64) float64 {
	var sum float64
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// Percentile is the value below which a share (0 to 1) of the values lie; 0 for none.
func Percentile(values []time.Duration, share float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := append([]time.Duration(nil), values...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i] < sorted[j] })
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

// Goertzel is the level of one frequency in Hz in dB of a full-scale sine.
func Goertzel(samples []float64, frequency float64) float64 {
	if len(samples) == 0 {
		return Silent
	}
	var re, im float64
	step := 2 * math.Pi * frequency / AnalysisRate
	for i, s := range samples {
		window := 1 - math.Cos(2*math.Pi*(float64(i)+0.5)/float64(len(samples))) // Hann with mean 1
		re += window * s * math.Cos(step*float64(i))
		im += window * s * math.Sin(step*float64(i))
	}
	amplitude := 2 * math.Hypot(re, im) / float64(len(samples))
	if amplitude == 0 {
		return Silent
	}
	return max(Silent, 20*math.Log10(amplitude)) //nolint:mnd // decibels
}
