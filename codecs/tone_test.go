package codecs

import (
	"errors"
	"math"
	"testing"
	"time"
)

// play reads a tone in frames of 20 ms.
func play(t *testing.T, tone Tone, rate int, d time.Duration) []int16 {
	t.Helper()
	g, err := NewToneGenerator(tone, rate)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]int16, int(d.Seconds()*float64(rate)))
	for rest := out; len(rest) > 0; {
		n := min(len(rest), rate/50)
		g.Read(rest[:n])
		rest = rest[n:]
	}

	return out
}

// A tone of 0 dBm0 is 3.14 dB below a sine of full scale, which is 3.01 dB below the overload point.
func TestToneLevel(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		for _, level := range []float64{3.14, 0, -10, -18, -40} {
			pcm := play(t, Tone{Frequencies: []float64{1000}, Level: level}, rate, time.Second)
			want := level - 3.14 - 3.01
			if got := decibel(power(pcm[rate/10:]), 32768*32768); math.Abs(got-want) > 0.1 {
				t.Errorf("%d Hz, %g dBm0: %.2f dBov, want %.2f", rate, level, got, want)
			}
		}
	}
}

func TestToneFrequencies(t *testing.T) {
	tone, ok := DTMFTone(11, -8) // #: 941 Hz and 1477 Hz
	if !ok {
		t.Fatal("no tone for #")
	}
	tone.Cadence = nil
	for _, rate := range []int{8000, 16000, 48000} {
		pcm := play(t, tone, rate, time.Second)
		f := make([]float32, len(pcm))
		for i, s := range pcm {
			f[i] = float32(s) / 32767
		}
		want := math.Pow(10, (-8-3.14)/20)
		for hz, a := range map[float64]float64{941: want, 1477: want, 697: 0, 1209: 0, 2418: 0} {
			if got := amplitudeOf(f, rate, hz); math.Abs(got-a) > 0.005 {
				t.Errorf("%d: %g Hz has amplitude %.3f, want %.3f", rate, hz, got, a)
			}
		}
	}
	if _, ok := DTMFTone(16, -8); ok {
		t.Error("a tone for flash")
	}
}

// The recording tone is 1400 Hz, 200 ms of every interval.
func TestRecordingTone(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		pcm := play(t, RecordingTone(2*time.Second), rate, 6*time.Second)
		for i := range 300 {
			part := pcm[i*rate/50 : (i+1)*rate/50]
			on := i%100 < 10
			if loud := power(part) > 1000; loud != on && i%100 != 10 {
				t.Errorf("%d Hz: at %d ms loud: %v", rate, 20*i, loud)
			}
		}
		if s := largestStep(pcm); s > 32767*math.Pow(10, -21.14/20)*2*math.Pi*1400/float64(rate)*1.05+1 {
			t.Errorf("%d Hz: clicks by %.0f", rate, s)
		}
	}
	if got := RecordingTone(0).Cadence; got[0]+got[1] != time.Second {
		t.Errorf("cadence %v", got)
	}
}

func TestToneOnce(t *testing.T) {
	g, err := NewToneGenerator(Tone{Frequencies: []float64{440}, Level: -10, Cadence: []time.Duration{ms(50)}, Once: true}, 8000)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		buf := noise(100, 800)
		n := g.Read(buf)
		if n < 400 || n > 440 || !g.Done() || power(buf[n:]) != 0 || power(buf[:n]) < 1000 {
			t.Errorf("%d samples, done %v", n, g.Done())
		}
		if n := g.Read(buf); n != 0 {
			t.Errorf("%d samples after the end", n)
		}
		g.Reset()
	}
}

func TestToneRefuses(t *testing.T) {
	good := []float64{440}
	for name, tone := range map[string]Tone{
		"no frequency":    {},
		"too many":        {Frequencies: []float64{1, 2, 3, 4, 5}},
		"too low":         {Frequencies: []float64{0}},
		"too high":        {Frequencies: []float64{5000}},
		"not a number":    {Frequencies: []float64{math.NaN()}},
		"too loud":        {Frequencies: good, Level: 4},
		"empty cadence":   {Frequencies: good, Cadence: []time.Duration{0}},
		"endless cadence": {Frequencies: good, Cadence: []time.Duration{ms(100), 2 * time.Hour}},
	} {
		if _, err := NewToneGenerator(tone, 8000); !errors.Is(err, ErrTone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewToneGenerator(Tone{Frequencies: good}, 32000); !errors.Is(err, ErrSampleRate) {
		t.Errorf("32 kHz: %v", err)
	}
}
