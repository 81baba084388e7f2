package conftest

import (
	"math"
	"slices"
	"sync"
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
	Gain  float64       // dB against what was said, in the best quarter of the window; Silent when nothing of it was found
	Usual float64       // the same in the middle of the window: what really is there is there all the time
	Delay time.Duration // of the best match; meaningless below about -20 dB
	Level float64       // of what was said in this window, dB of full scale
}

const (
	maxDelay     = 600 * time.Millisecond // mouth to ear, with room for a test machine that is busy
	stretch      = 0.6                    // seconds that are matched at once: the delay may change between stretches, as a jitter buffer adapts
	quietSpeaker = -45.0                  // who says less than this in a stretch is not looked for in it
	maxLag       = int(maxDelay * AnalysisRate / time.Second)
)

// Match finds every reference in what was heard between two times in seconds. Stretch by stretch it looks for the delay of the
// strongest voice by correlation, takes it out, looks for the next in what is left, and solves for all gains at once by least squares, so
// that who talks at the same time does not pass for somebody else. A jitter buffer that adapts within a stretch spoils it, hence the gain of
// the best quarter beside the usual one; the delay is the median. The result is in the order of the references; those
// that were silent all the time are left out.
func Match(heard []float64, references []Reference, from, to float64) []Heard {
	stretches := make([][]*candidate, max(0, int((to-from)/stretch)))
	var all sync.WaitGroup
	for i := range stretches {
		all.Go(func() {
			at := from + float64(i)*stretch
			stretches[i] = matchStretch(heard, references, int(at*AnalysisRate), int((at+stretch)*AnalysisRate))
		})
	}
	all.Wait()
	var out []Heard
	for i, reference := range references {
		t := tally{name: reference.Name}
		for _, voices := range stretches {
			t.add(i, voices)
		}
		if len(t.gains) > 0 {
			out = append(out, t.sum())
		}
	}
	return out
}

// candidate is a voice that may be in a stretch.
type candidate struct {
	reference int
	x         []float64 // begins maxLag samples before the stretch
	level     float64
	lag       int
	gain      float64 // dB
}

func (c *candidate) column(n int) []float64 { return c.x[maxLag-c.lag:][:n] }

// tally is what was found of a voice in all stretches.
type tally struct {
	name                  string
	gains, delays, levels []float64
}

// add takes what was found of a reference in a stretch, if it spoke.
func (t *tally) add(reference int, voices []*candidate) {
	for _, c := range voices {
		if c.reference == reference {
			t.gains, t.delays, t.levels = append(t.gains, c.gain), append(t.delays, float64(c.lag)), append(t.levels, c.level)
		}
	}
}

// sum sums the stretches up. A gain counts only where the delay is about the usual one: what merely resembles a voice does so
// at any delay.
func (t *tally) sum() Heard {
	const steady = 0.06 * AnalysisRate // more than any jitter buffer moves within a few seconds
	usual := middle(t.delays)
	gains := slices.Clone(t.gains)
	for i, delay := range t.delays {
		if math.Abs(delay-usual) > steady {
			gains[i] = Silent
		}
	}
	return Heard{
		Name: t.name, Gain: quantile(gains, 0.75), Usual: middle(gains), Level: middle(t.levels), Delay: time.Duration(usual / AnalysisRate * float64(time.Second)),
	}
}

func middle(values []float64) float64 { return quantile(values, 0.5) }

func quantile(values []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

// matchStretch finds the references that spoke in samples first to last of what was heard, the strongest first.
func matchStretch(heard []float64, references []Reference, first, last int) []*candidate {
	y := bandpass(cut(heard, first, last))
	var left, taken []*candidate
	for i, reference := range references {
		if level := Level(cut(reference.Samples, first, last)); level >= quietSpeaker {
			// The reference begins early, so that a delayed copy is complete.
			left = append(left, &candidate{reference: i, x: bandpass(cut(reference.Samples, first-maxLag, last)), level: level})
		}
	}
	residual := slices.Clone(y)
	for len(left) > 0 {
		best, explained := 0, -1.0
		for i, c := range left {
			var e float64
			if c.lag, e = bestLag(residual, c.x); e > explained {
				best, explained = i, e
			}
		}
		taken = append(taken, left[best])
		left = slices.Delete(left, best, best+1)
		takeOut(taken, y, residual)
	}
	return taken
}

// takeOut solves for the gains of the voices in y, and leaves in residual what they do not explain.
func takeOut(voices []*candidate, y, residual []float64) {
	columns := make([][]float64, len(voices))
	for i, c := range voices {
		columns[i] = c.column(len(y))
	}
	gains := leastSquares(columns, y)
	copy(residual, y)
	for i, column := range columns {
		for k, v := range column {
			residual[k] -= gains[i] * v
		}
		voices[i].gain = Silent
		if gains[i] != 0 {
			voices[i].gain = max(Silent, 20*math.Log10(math.Abs(gains[i]))) //nolint:mnd // decibels
		}
	}
}

// bestLag is the delay in samples at which y correlates best with x, which begins maxLag samples before y, and the energy that
// this explains.
func bestLag(y, x []float64) (best int, explained float64) {
	const coarse = 8 // up to 900 Hz a delay can be searched for in steps of half a millisecond
	for lag := 0; lag <= maxLag; lag += coarse {
		if v := correlation(y, x, lag, coarse); v > explained {
			best, explained = lag, v
		}
	}
	center := best
	explained = 0
	for lag := max(0, center-coarse); lag <= min(maxLag, center+coarse); lag++ {
		if v := correlation(y, x, lag, 1); v > explained {
			best, explained = lag, v
		}
	}
	return best, explained
}

// correlation is the energy of y that x explains at a delay, by every step-th sample; see bandpassed.
//
//go:norace
func correlation(y, x []float64, lag, step int) float64 {
	var xy, xx float64
	for i := 0; i < len(y); i += step {
		v := x[maxLag-lag+i]
		xy += y[i] * v
		xx += v * v
	}
	if xx == 0 || xy <= 0 {
		return 0
	}
	return xy * xy / xx
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

// dot is the scalar product of what only the caller has; see bandpassed.
//
//go:norace
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
	sorted := slices.Sorted(slices.Values(values))
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
