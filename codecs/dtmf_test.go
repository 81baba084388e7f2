package codecs

import (
	"math"
	"testing"
)

// dtmfSignal is both tones of a code for a duration in milliseconds, then silence; off is the error of the frequencies, twist the
// level of the high tone above the low one in dB.
func dtmfSignal(tb testing.TB, rate int, code uint8, ms int, off, twist, level float64) []int16 {
	tb.Helper()
	tone, ok := DTMFTone(code, level)
	if !ok {
		tb.Fatal(code)
	}
	n := rate * ms / 1000
	amplitude := 32767 * math.Pow(10, level/20)
	low := sine(rate, tone.Frequencies[0]*(1+off), amplitude*math.Pow(10, -twist/40), n)
	high := sine(rate, tone.Frequencies[1]*(1+off), amplitude*math.Pow(10, twist/40), n)
	for i := range low {
		low[i] += high[i]
	}

	return append(low, make([]int16, rate*60/1000)...)
}

// detected pushes audio in frames and returns the keys.
func detected(tb testing.TB, rate int, pcm []int16) string {
	tb.Helper()
	d, err := NewDTMFDetector(rate)
	if err != nil {
		tb.Fatal(err)
	}
	var keys []byte
	for frame := rate / 50; len(pcm) > 0; {
		n := min(frame, len(pcm))
		if key := d.Push(pcm[:n]); key != 0 {
			keys = append(keys, key)
		}
		pcm = pcm[n:]
	}

	return string(keys)
}

// Shows ME-DTM-20.
func TestDTMFDetectorHearsEveryKey(t *testing.T) {
	for _, rate := range []int{8000, 16000, 44100, 48000} {
		var all []int16
		want := make([]byte, 0, 48)
		for code := range uint8(16) {
			for _, twist := range []float64{-6, 0, 3} {
				pcm := dtmfSignal(t, rate, code, 50, 0.012, twist, -20)
				all = append(all, pcm...)
				digit, _ := EventDigit(code)
				want = append(want, digit)
			}
		}
		if got := detected(t, rate, all); got != string(want) {
			t.Errorf("%d Hz: heard %q, want %q", rate, got, want)
		}
	}
}

// ITU-T Q.24: what is too short, too far off or too faint is none; a short break does not make two of one; noise does not hide one.
func TestDTMFDetectorLimits(t *testing.T) {
	const rate = 8000
	broken := dtmfSignal(t, rate, 5, 120, 0, 0, -15)
	clear(broken[480:560]) // 10 ms
	noisy := dtmfSignal(t, rate, 5, 60, 0, 0, -15)
	for i, x := range noise(1500, len(noisy)) {
		noisy[i] += x
	}
	tests := map[string]struct {
		pcm  []int16
		want string
	}{
		"40 ms":            {dtmfSignal(t, rate, 5, 40, 0, 0, -15), "5"},
		"23 ms":            {dtmfSignal(t, rate, 5, 23, 0, 0, -15), ""},
		"1.5 % off":        {dtmfSignal(t, rate, 5, 60, 0.015, 0, -15), "5"},
		"1.5 % below":      {dtmfSignal(t, rate, 15, 60, -0.015, 0, -15), "D"},
		"3.5 % off":        {dtmfSignal(t, rate, 5, 200, 0.035, 0, -15), ""},
		"faint":            {dtmfSignal(t, rate, 5, 60, 0, 0, -60), ""},
		"one tone only":    {sine(rate, 770, 8000, rate/5), ""},
		"break of 10 ms":   {broken, "5"},
		"noise at 15 dB":   {noisy, "5"},
		"long":             {dtmfSignal(t, rate, 11, 3000, 0, 0, -15), "#"},
		"twist of 12 dB":   {dtmfSignal(t, rate, 5, 100, 0, 12, -20), ""},
		"dial tone":        {append(sine(rate, 350, 4000, 4000), sine(rate, 440, 4000, 4000)...), ""},
		"silence":          {make([]int16, rate), ""},
		"a digit repeated": {append(dtmfSignal(t, rate, 5, 60, 0, 0, -15), dtmfSignal(t, rate, 5, 60, 0, 0, -15)...), "55"},
	}
	for name, test := range tests {
		if got := detected(t, rate, test.pcm); got != test.want {
			t.Errorf("%s: heard %q, want %q", name, got, test.want)
		}
	}
}

// Speech, and the mix of two talkers, presses no keys.
func TestDTMFDetectorIsNotTalkedOff(t *testing.T) {
	for _, name := range speechNames {
		for _, rate := range []int{8000, 44100, 48000} {
			pcm := speech(t, name, rate)
			if got := detected(t, rate, pcm); got != "" {
				t.Errorf("%s at %d Hz pressed %q", name, rate, got)
			}
			for i := range pcm {
				pcm[i] = pcm[i]/2 + pcm[len(pcm)-1-i]/2
			}
			if got := detected(t, rate, pcm); got != "" {
				t.Errorf("%s forwards and backwards at %d Hz pressed %q", name, rate, got)
			}
		}
	}
	if got := detected(t, 8000, noise(20000, 8000*60)); got != "" {
		t.Errorf("noise pressed %q", got)
	}
}

func TestDTMFDetectorDoesNotAllocate(t *testing.T) {
	d, err := NewDTMFDetector(8000)
	if err != nil {
		t.Fatal(err)
	}
	pcm := dtmfSignal(t, 8000, 1, 100, 0, 0, -15)
	if n := testing.AllocsPerRun(20, func() { d.Push(pcm) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if _, err := NewDTMFDetector(32000); err == nil {
		t.Error("a rate that is none")
	}
}

func BenchmarkDTMFDetector(b *testing.B) {
	d, err := NewDTMFDetector(8000)
	if err != nil {
		b.Fatal(err)
	}
	pcm := noise(8000, 160)
	for b.Loop() {
		d.Push(pcm)
	}
}

// Wherever a tone begins within frames, what has passed of it before a frame is suspect is too short for a key (ITU-T Q.24: 23 ms), and every
// frame after that is suspect to its end. Speech is hardly ever.
func TestDTMFDetectorSuspects(t *testing.T) {
	for _, rate := range []int{8000, 16000, 44100, 48000} {
		frame := rate / 50
		for code := range uint8(16) {
			for begin := 0; begin < frame; begin += frame / 16 {
				if ms := unsuspected(t, rate, code, begin); ms > 22 {
					t.Errorf("%d Hz, key %d, %d samples into a frame: %d ms are not suspect", rate, code, begin, ms)
				}
			}
		}
	}
	suspect, frames := 0, 0
	for _, name := range speechNames {
		d, err := NewDTMFDetector(8000)
		if err != nil {
			t.Fatal(err)
		}
		for pcm := speech(t, name, 8000); len(pcm) >= 160; pcm = pcm[160:] {
			d.Push(pcm[:160])
			frames++
			if d.Suspects() {
				suspect++
			}
		}
	}
	if suspect*200 > frames {
		t.Errorf("%d of %d frames of speech are suspect", suspect, frames)
	}
}

// unsuspected is how many milliseconds of a tone of 60 ms are in frames that are not suspect.
func unsuspected(t *testing.T, rate int, code uint8, begin int) int {
	t.Helper()
	frame := rate / 50
	pcm := append(make([]int16, frame+begin), dtmfSignal(t, rate, code, 60, 0.01, 2, -12)...)
	end := frame + begin + rate*60/1000
	d, err := NewDTMFDetector(rate)
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	for at := 0; at+frame <= len(pcm) && at < end; at += frame {
		d.Push(pcm[at : at+frame])
		if !d.Suspects() {
			passed += max(0, min(at+frame, end)-max(at, frame+begin))
		}
	}
	return passed * 1000 / rate
}
