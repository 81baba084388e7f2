package conftest_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/conftest"
)

// babble is noise with the spectrum and the rhythm of speech, roughly; different seeds are different speakers.
func babble(seed uint64, seconds float64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]float64, int(seconds*conftest.AnalysisRate))
	var low float64
	for i := range out {
		low += 0.2 * (r.NormFloat64() - low)
		syllable := 0.5 + 0.5*math.Sin(2*math.Pi*float64(i)*(3+float64(seed%3))/conftest.AnalysisRate)
		out[i] = 0.2 * low * syllable
	}
	return out
}

func delayed(samples []float64, delay time.Duration, gain float64) []float64 {
	lag := int(delay * conftest.AnalysisRate / time.Second)
	out := make([]float64, len(samples))
	for i := lag; i < len(out); i++ {
		out[i] = gain * samples[i-lag]
	}
	return out
}

func TestMatchFindsWhoIsHeardHowLoudAndHowLate(t *testing.T) {
	a, b, c := babble(1, 6), babble(2, 6), babble(3, 6)
	heard := make([]float64, len(a))
	late, half := delayed(a, 33*time.Millisecond, 1), delayed(b, 81*time.Millisecond, 0.5)
	for i := range heard {
		heard[i] = late[i] + half[i]
	}
	got := conftest.Match(heard, []conftest.Reference{{"a", a}, {"b", b}, {"c", c}, {"silent", make([]float64, len(a))}}, 1, 5)
	if len(got) != 3 {
		t.Fatalf("got %v, want a, b and c without the one who was silent", got)
	}
	for i, want := range []struct {
		gain  float64
		delay time.Duration
	}{{0, 33 * time.Millisecond}, {-6, 81 * time.Millisecond}} {
		if math.Abs(got[i].Gain-want.gain) > 0.5 || (got[i].Delay-want.delay).Abs() > time.Millisecond {
			t.Errorf("%s: %+v, want %.1f dB after %v", got[i].Name, got[i], want.gain, want.delay)
		}
	}
	if got[2].Usual > -20 {
		t.Errorf("c was not in it, found at %.1f dB", got[2].Usual)
	}
}

func TestMatchOfSilenceFindsNobody(t *testing.T) {
	a := babble(1, 3)
	if got := conftest.Match(make([]float64, len(a)), []conftest.Reference{{"a", a}}, 1, 2); len(got) != 1 || got[0].Gain != conftest.Silent {
		t.Errorf("got %v", got)
	}
}

func TestLevelAndGoertzel(t *testing.T) {
	tone := make([]float64, conftest.AnalysisRate)
	for i := range tone {
		tone[i] = 0.1 * math.Sin(2*math.Pi*1000*float64(i)/conftest.AnalysisRate)
	}
	if got := conftest.Level(tone); math.Abs(got+23.01) > 0.05 {
		t.Errorf("level %.2f, want -23.01", got)
	}
	if got := conftest.Goertzel(tone, 1000); math.Abs(got+20) > 0.1 {
		t.Errorf("1000 Hz at %.2f, want -20", got)
	}
	if got := conftest.Goertzel(tone, 1400); got > -80 {
		t.Errorf("1400 Hz at %.2f", got)
	}
	if conftest.Level(nil) != conftest.Silent || conftest.Goertzel(nil, 1) != conftest.Silent {
		t.Error("nothing must be silent")
	}
}

func TestResamplingKeepsPlaceAndLevel(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		pcm := make([]int16, rate)
		for i := range pcm {
			pcm[i] = int16(8000 * math.Sin(2*math.Pi*500*float64(i)/float64(rate)))
		}
		got, err := conftest.Resample(pcm, rate)
		if err != nil || len(got) != conftest.AnalysisRate {
			t.Fatalf("%d Hz: %d samples, %v", rate, len(got), err)
		}
		for i := 2000; i < 14000; i++ {
			if want := 8000.0 / 32768 * math.Sin(2*math.Pi*500*float64(i)/conftest.AnalysisRate); math.Abs(got[i]-want) > 0.03 { // half a sample of the higher rate remains
				t.Fatalf("%d Hz: sample %d is %f, want %f: delay or level is off", rate, i, got[i], want)
			}
		}
	}
	if _, err := conftest.Resample([]int16{1}, 11025); err == nil {
		t.Error("11.025 kHz must be refused")
	}
}

func TestWAVRoundTrip(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.wav")
	want := []int16{0, 1, -1, math.MaxInt16, math.MinInt16}
	if err := conftest.WriteWAV(name, 16000, want); err != nil {
		t.Fatal(err)
	}
	got, err := conftest.ReadWAV(name)
	if err != nil || got.Rate != 16000 || got.Channels != 1 || !slices.Equal(got.Samples, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := conftest.ParseWAV([]byte("RIFFxxxxWAVE")); !errors.Is(err, conftest.ErrWAV) {
		t.Errorf("got %v", err)
	}
}

func FuzzParseWAV(f *testing.F) {
	f.Add([]byte("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x02\x00\x00\x00\x01\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if wav, err := conftest.ParseWAV(data); err == nil && len(wav.Samples)*2 > len(data) {
			t.Error("more samples than there are bytes")
		}
	})
}

func TestPercentile(t *testing.T) {
	if got := conftest.Percentile([]time.Duration{5, 1, 3}, 0.5); got != 3 {
		t.Errorf("median %v", got)
	}
	if got := conftest.Percentile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestFindLocatesAPiece(t *testing.T) {
	long := babble(5, 5)
	piece := long[2*conftest.AnalysisRate : 3*conftest.AnalysisRate]
	quiet := make([]float64, len(long))
	for i, s := range long {
		quiet[i] = s / 2
	}
	got := conftest.Find(quiet, piece)
	if math.Abs(got.At-2) > 0.001 || math.Abs(got.Gain+6) > 0.2 || got.Correlation < 0.95 {
		t.Errorf("got %+v, want it at 2 s with -6 dB", got)
	}
	if other := conftest.Find(babble(6, 3), piece); other.Correlation > 0.5 {
		t.Errorf("found %+v in something else", other)
	}
}
