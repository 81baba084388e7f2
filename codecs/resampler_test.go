package codecs

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// rates are those of the codecs.
var rates = []int{8000, 16000, 44100, 48000}

// spectrumPower returns the power of one frequency in a signal, relative to a sine of that amplitude.
func amplitudeOf(pcm []float32, rate int, hz float64) float64 {
	var re, im, weight float64
	for i, s := range pcm {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/float64(len(pcm)))
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / float64(rate))
		re += w * float64(s) * cos
		im += w * float64(s) * sin
		weight += w
	}

	return 2 * math.Hypot(re, im) / weight
}

// resampledSine returns a sine of amplitude 1 through the resampler, once that has settled.
func resampledSine(t *testing.T, from, to int, hz float64) []float32 {
	t.Helper()
	src := make([]float32, from)
	for i := range src {
		src[i] = float32(math.Sin(2 * math.Pi * hz * float64(i) / float64(from)))
	}
	dst := make([]float32, to)
	if n := newResampler(t, from, to).ProcessFloat32(dst, src); n != to {
		t.Fatalf("%d to %d: %d samples", from, to, n)
	}

	return dst[to/8:]
}

// The passband is flat to 85 % of the lower Nyquist frequency; images and aliases are at least 70 dB down for what lies within it.
func TestResamplerResponse(t *testing.T) {
	for _, from := range rates {
		for _, to := range rates {
			if from == to {
				continue
			}
			t.Run(fmt.Sprintf("%d-%d", from, to), func(t *testing.T) {
				nyquist := float64(min(from, to)) / 2
				for _, part := range []float64{0.01, 0.1, 0.25, 0.5, 0.7, 0.8, 0.85} {
					hz := part * nyquist
					out := resampledSine(t, from, to, hz)
					if db := 20 * math.Log10(amplitudeOf(out, to, hz)); math.Abs(db) > 0.2 {
						t.Errorf("%.0f Hz: %+.2f dB, want within 0.2", hz, db)
					}
					for image := float64(min(from, to)) - hz; to > from && image < float64(to)/2; image += float64(from) {
						for _, f := range []float64{image, image + 2*hz} {
							if db := 20 * math.Log10(amplitudeOf(out, to, f)); f < float64(to)/2 && db > -70 {
								t.Errorf("%.0f Hz: image at %.0f Hz of %.1f dB, want -70", hz, f, db)
							}
						}
					}
				}
				for part := 1.15; to < from && part*nyquist < float64(from)/2; part += 0.37 {
					hz := part * nyquist
					out := resampledSine(t, from, to, hz)
					sum := 0.0
					for _, s := range out {
						sum += float64(s) * float64(s)
					}
					if db := decibel(sum/float64(len(out)), 0.5); db > -70 {
						t.Errorf("%.0f Hz: alias of %.1f dB, want -70", hz, db)
					}
				}
			})
		}
	}
}

// A constant stays what it is, without any ripple at the images of 0 Hz; so do levels of speech, within 0.5 dB.
func TestResamplerLevel(t *testing.T) {
	for _, from := range rates {
		for _, to := range rates {
			src := make([]int16, from/10)
			for i := range src {
				src[i] = 10000
			}
			dst := make([]int16, to/10)
			newResampler(t, from, to).Process(dst, src)
			for i, s := range dst[len(dst)/2:] {
				if s < 9999 || s > 10001 {
					t.Fatalf("%d to %d: sample %d of a constant 10000 is %d", from, to, i, s)
				}
			}
			if from > 8000 && to > 8000 { // this speech has more than 4 kHz
				pcm := speech(t, "bob", from)
				out := make([]int16, len(pcm)*to/from+1)
				n := newResampler(t, from, to).Process(out, pcm)
				if d := decibel(power(out[:n]), power(pcm)); math.Abs(d) > 0.5 {
					t.Errorf("%d to %d: speech changed by %.2f dB", from, to, d)
				}
			}
		}
	}
}

// The delay is 16 samples of the lower rate, and the filter's phase linear: an impulse comes out symmetric.
func TestResamplerDelay(t *testing.T) {
	for _, from := range rates {
		for _, to := range rates {
			src, dst := make([]float32, from/100), make([]float32, to/100)
			src[0] = 1
			newResampler(t, from, to).ProcessFloat32(dst, src)
			var at, sum float64
			for i, s := range dst {
				at += float64(i) * float64(s)
				sum += float64(s)
			}
			delay := at / sum / float64(to) * float64(min(from, to)) // samples of the lower rate
			if from != to && math.Abs(delay-15.75) > 0.26 || from == to && delay != 0 {
				t.Errorf("%d to %d: delay of %.2f samples of the lower rate", from, to, delay)
			}
		}
	}
}

// However a signal is cut into calls, the same comes out; sums add up; 16 bits limit.
func TestResamplerProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := rapid.SampledFrom(rates).Draw(t, "from"), rapid.SampledFrom(rates).Draw(t, "to")
		pcm := rapid.SliceOfN(rapid.Int16(), 0, 2500).Draw(t, "pcm")
		whole, _ := NewResampler(from, to)
		parts, _ := NewResampler(from, to)
		want := make([]int16, whole.OutputSamples(len(pcm)))
		if n := whole.Process(want, pcm); n != len(want) {
			t.Fatalf("%d samples, want %d", n, len(want))
		}
		got := make([]int16, 0, len(want))
		for rest := pcm; len(rest) > 0; {
			k := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			buf := make([]int16, parts.OutputSamples(k))
			if n := parts.Process(buf, rest[:k]); n != len(buf) {
				t.Fatalf("%d samples, want %d", n, len(buf))
			}
			got = append(got, buf...)
			rest = rest[k:]
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("sample %d is %d in parts, %d in one", i, got[i], want[i])
			}
		}
	})
}

// What is linear may be added before or after: a bus of sums, less one's own, is the sum of the others.
func TestResamplerLinear(t *testing.T) {
	a, b := speech(t, "bob", 16000)[:16000], speech(t, "erin", 16000)[:16000]
	sum, own := make([]int32, len(a)), make([]int32, len(a))
	for i := range sum {
		own[i] = int32(a[i])
		sum[i] = 20*int32(b[i]) + own[i]
	}
	for _, to := range rates {
		n := len(a) * to / 16000
		both, one, other := make([]int32, n), make([]int32, n), make([]int32, n)
		newResampler(t, 16000, to).ProcessInt32(both, sum)
		newResampler(t, 16000, to).ProcessInt32(one, own)
		for i := range own {
			own[i] = sum[i] - own[i]
		}
		newResampler(t, 16000, to).ProcessInt32(other, own)
		for i := range both {
			if d := both[i] - one[i] - other[i]; d < -2 || d > 2 {
				t.Fatalf("to %d: sample %d is off by %d", to, i, d)
			}
		}
	}
}

func TestResamplerRefuses(t *testing.T) {
	for _, pair := range [][2]int{{8000, 22050}, {44100, 32000}, {0, 8000}, {16000, -1}, {32000, 16000}} {
		if _, err := NewResampler(pair[0], pair[1]); !errors.Is(err, ErrSampleRate) {
			t.Errorf("%v: %v", pair, err)
		}
	}
	r := newResampler(t, 8000, 48000)
	if n := r.Process(make([]int16, 959), make([]int16, 160)); n != 0 {
		t.Errorf("%d samples into a buffer that is too short", n)
	}
	loud := make([]int16, 320)
	for i := range loud {
		loud[i] = math.MaxInt16
		if i%16 > 7 {
			loud[i] = math.MinInt16
		}
	}
	out := make([]int16, 960)
	newResampler(t, 16000, 48000).Process(out, loud)
	if got := largestStep(out); got > 40000 {
		t.Errorf("a square wave wraps: step of %.0f", got)
	}
}
