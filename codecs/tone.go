package codecs

import (
	"fmt"
	"math"
	"slices"
	"time"
)

const (
	// maxToneFrequencies is enough for every tone of ITU-T E.180 and for DTMF.
	maxToneFrequencies = 4
	// toneRamp is how long a tone takes to begin and to end, so that it does not click.
	toneRamp = 4 * time.Millisecond
	// dBm0OfFullScaleSine is the level of a sine whose peaks just reach full scale (ITU-T G.711, section 4: 3.14 dBm0 for
	// A-law, 3.17 dBm0 for mu-law).
	dBm0OfFullScaleSine = 3.14
)

// Tone describes a signal of one or more frequencies that is switched on and off.
type Tone struct {
	// Frequencies in Hz, one to four, each between 20 Hz and 3800 Hz.
	Frequencies []float64
	// Level of each frequency in dBm0, at most 3.14, which is a sine of full scale.
	Level float64
	// Cadence is how long the tone is on, off, on, off, ..., over and over; empty for a tone without end.
	Cadence []time.Duration
	// Once ends the tone after one pass of the cadence.
	Once bool
}

// RecordingTone returns the tone that tells people they are recorded: 1400 Hz for 200 ms, every interval of at least 1 s;
// shorter ones are taken as 1 s.
func RecordingTone(interval time.Duration) Tone {
	const on = 200 * time.Millisecond
	interval = max(interval, time.Second)

	return Tone{Frequencies: []float64{1400}, Level: -18, Cadence: []time.Duration{on, interval - on}}
}

// DTMFTone returns the double tone of a DTMF code (ITU-T Q.23), 100 ms long, and false if the code has none. The level is of
// each of the two frequencies, in dBm0.
func DTMFTone(code uint8, level float64) (Tone, bool) {
	digit, ok := EventDigit(code)
	if !ok {
		return Tone{}, false
	}
	low := [...]float64{697, 770, 852, 941}
	high := [...]float64{1209, 1336, 1477, 1633}
	at := slices.Index([]byte("123A456B789C*0#D"), digit)

	return Tone{
		Frequencies: []float64{low[at/4], high[at%4]},
		Level:       level,
		Cadence:     []time.Duration{100 * time.Millisecond},
		Once:        true,
	}, true
}

// ToneGenerator plays a [Tone]. It is used by one goroutine at a time.
type ToneGenerator struct {
	osc      [maxToneFrequencies]oscillator
	count    int
	cadence  []int // samples of each part; empty for a tone without end
	part     int
	position int
	gain     float64
	step     float64
	once     bool
	done     bool
}

// oscillator is a phasor that turns by a fixed angle per sample.
type oscillator struct{ re, im, cos, sin, amplitude float64 }

// NewToneGenerator returns a generator of the tone at a rate in Hz, which has to be 8000, 16000, 44100 or 48000, else
// [ErrSampleRate]. A tone outside of what [Tone] allows is [ErrTone].
func NewToneGenerator(t Tone, rate int) (*ToneGenerator, error) {
	if rate != 8000 && rate != 16000 && rate != oddRate && rate != 48000 {
		return nil, fmt.Errorf("%w: %d Hz", ErrSampleRate, rate)
	}
	if err := t.validate(); err != nil {
		return nil, err
	}
	g := &ToneGenerator{count: len(t.Frequencies), once: t.Once && len(t.Cadence) > 0}
	g.step = 1 / (toneRamp.Seconds() * float64(rate))
	amplitude := 32767 * math.Pow(10, (t.Level-dBm0OfFullScaleSine)/20)
	for i, f := range t.Frequencies {
		sin, cos := math.Sincos(2 * math.Pi * f / float64(rate))
		g.osc[i] = oscillator{re: 1, cos: cos, sin: sin, amplitude: amplitude}
	}
	for _, d := range t.Cadence {
		g.cadence = append(g.cadence, int(int64(d)*int64(rate)/int64(time.Second)))
	}

	return g, nil
}

// validate holds the ranges of a tone's fields.
func (t Tone) validate() error {
	if n := len(t.Frequencies); n == 0 || n > maxToneFrequencies {
		return fmt.Errorf("%w: %d frequencies", ErrTone, n)
	}
	for _, f := range t.Frequencies {
		if !(f >= 20 && f <= 3800) {
			return fmt.Errorf("%w: %g Hz", ErrTone, f)
		}
	}
	if !(t.Level <= dBm0OfFullScaleSine) {
		return fmt.Errorf("%w: %g dBm0", ErrTone, t.Level)
	}
	for _, d := range t.Cadence {
		if d < time.Millisecond || d > time.Hour {
			return fmt.Errorf("%w: cadence of %s", ErrTone, d)
		}
	}

	return nil
}

// Read fills dst with the tone and the silences of its cadence, and returns how many samples belong to the tone: len(dst)
// unless a tone that plays once has ended; the rest is zero then. It does not allocate.
func (g *ToneGenerator) Read(dst []int16) int {
	n := len(dst)
	for i := range dst {
		on := g.advance()
		if g.done && g.gain == 0 {
			clear(dst[i:])
			n = i

			break
		}
		if on {
			g.gain = min(1, g.gain+g.step)
		} else {
			g.gain = max(0, g.gain-g.step)
		}
		dst[i] = g.sample()
	}
	for i := range g.osc[:g.count] {
		g.osc[i].normalize()
	}

	return n
}

// Done reports whether a tone that plays once is over.
func (g *ToneGenerator) Done() bool { return g.done && g.gain == 0 }

// Reset starts the tone from its beginning.
func (g *ToneGenerator) Reset() { g.part, g.position, g.gain, g.done = 0, 0, 0, false }

// advance moves one sample on in the cadence and reports whether the tone is on.
func (g *ToneGenerator) advance() bool {
	if len(g.cadence) == 0 {
		return true
	}
	if g.done {
		return false
	}
	if g.position >= g.cadence[g.part] {
		g.position = 0
		g.part++
		if g.part == len(g.cadence) {
			g.part = 0
			g.done = g.once
		}
	}
	g.position++

	return !g.done && g.part%2 == 0
}

// sample turns the oscillators by one sample.
func (g *ToneGenerator) sample() int16 {
	if g.gain == 0 {
		return 0
	}
	var sum float64
	for i := range g.osc[:g.count] {
		o := &g.osc[i]
		o.re, o.im = o.re*o.cos-o.im*o.sin, o.re*o.sin+o.im*o.cos
		sum += o.amplitude * o.im
	}

	return clampFloat(float32(g.gain * sum))
}

// normalize takes out what rounding has added to the length of the phasor.
func (o *oscillator) normalize() {
	scale := 1.5 - 0.5*(o.re*o.re+o.im*o.im)
	o.re *= scale
	o.im *= scale
}
