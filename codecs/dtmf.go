package codecs

import (
	"math"
	"time"
)

const (
	dtmfRate   = 8000
	dtmfWindow = 102 // samples: as long as half the shortest tone, so that a frequency 1.5 % off still shows
	dtmfHop    = 51
	// dtmfHits windows in a row begin a digit: a tone of 40 ms fills four, one of 23 ms at most three (ITU-T Q.24).
	dtmfHits = 4
	// dtmfMisses windows in a row end it: a break of 10 ms is not one, a pause of 40 ms is.
	dtmfMisses = 4
	// dtmfPurity is how much of the power has to be in the two tones. Speech has it in more.
	dtmfPurity = 0.6
	// dtmfMargin is how much stronger a tone must be than the other three of its group.
	dtmfMargin = 6.3
	// dtmfOff is how far, in parts of it, the frequency of a tone may be off, and be believed. Q.24 asks for 1.5 % at least and
	// 3.5 % at most.
	dtmfOff = 0.025
	// dtmfTwistLow and dtmfTwistHigh are how much stronger the low and the high tone may be than the other, as powers.
	dtmfTwistLow, dtmfTwistHigh = 10, 6.3
	// dtmfFloor is the least power of a window: -45 dBov.
	dtmfFloor = 32768 * 32768 / 31623
)

// dtmfTones are the frequencies of the low group and of the high group (ITU-T Q.23).
//
//nolint:gochecknoglobals // table of ITU-T Q.23
var dtmfTones = [8]float64{697, 770, 852, 941, 1209, 1336, 1477, 1633}

// DTMFDetector finds key presses in audio (ITU-T Q.23, Q.24), for senders that do not speak RFC 4733. Speech that sounds like a
// digit for a moment is told from one by its power at other frequencies, by the balance of the two tones and by their exact
// frequencies, which are measured by the turn of their phases. It is used by one goroutine at a time.
type DTMFDetector struct {
	rate    int
	partial float64 // the sum of a sample of 8 kHz that is not full
	count   int     // how much of it there is, of rate; each sample of the input is dtmfRate
	filled  int
	window  [dtmfWindow]float64
	phase   [8]complex128 // of the window before
	turn    [8]complex128 // by which a hop turns the phase of each frequency
	cosine  [8]float64    // twice
	key     byte          // of the last windows, 0: none
	hits    int
	misses  int
	pressed byte // reported, and not released
	suspect bool // a window that ended in the last samples has sounded like a key
}

// NewDTMFDetector returns a detector for audio at a rate in Hz, which has to be 8000, 16000, 44100 or 48000, else [ErrSampleRate].
func NewDTMFDetector(rate int) (*DTMFDetector, error) {
	if rate != 8000 && rate != 16000 && rate != oddRate && rate != 48000 {
		return nil, ErrSampleRate
	}
	d := &DTMFDetector{rate: rate}
	for i, hz := range dtmfTones {
		angle := 2 * math.Pi * hz / dtmfRate
		sin, cos := math.Sincos(angle * dtmfHop)
		d.cosine[i], d.turn[i] = 2*math.Cos(angle), complex(cos, -sin)
	}

	return d, nil
}

// Push looks at the next samples and returns the key that has begun to be pressed in them, 0 for none. It does not allocate.
func (d *DTMFDetector) Push(pcm []int16) (key byte) {
	d.suspect = false
	for _, s := range pcm {
		if d.count += dtmfRate; d.count < d.rate {
			d.partial += dtmfRate * float64(s)
			continue
		}
		d.count -= d.rate // at 44.1 kHz a part of it belongs to the next
		d.window[d.filled] = (d.partial + float64(dtmfRate-d.count)*float64(s)) / float64(d.rate)
		d.partial = float64(d.count) * float64(s)
		if d.filled++; d.filled < dtmfWindow {
			continue
		}
		if k := d.judge(d.look()); k != 0 {
			key = k
		}
		d.suspect = d.suspect || d.hits > 0
		d.filled = copy(d.window[:], d.window[dtmfHop:])
	}

	return key
}

// Sounding reports whether a key that was reported is still pressed.
func (d *DTMFDetector) Sounding() bool { return d.pressed != 0 }

// Suspects tells that the samples of the last Push may have the tones of a key in them: sooner than Sounding, and wrong now and then. Of a
// tone less than 20 ms have passed by then, too little for a key (ITU-T Q.24).
func (d *DTMFDetector) Suspects() bool { return d.suspect || d.pressed != 0 }

// DTMFLatency is how long a key has been pressed, about, when it is reported.
const DTMFLatency = (dtmfWindow + (dtmfHits-1)*dtmfHop) * time.Second / dtmfRate

// Reset forgets everything, as for a new sender or after a gap.
func (d *DTMFDetector) Reset() {
	d.partial, d.count, d.filled, d.key, d.hits, d.misses, d.pressed = 0, 0, 0, 0, 0, 0, 0
	d.phase, d.suspect = [8]complex128{}, false
}

// judge counts windows with the same key, and returns the key when there have been enough.
func (d *DTMFDetector) judge(key byte) byte {
	if key == 0 || key != d.key {
		d.hits = 0
	}
	d.key = key
	if key != 0 {
		d.hits++
	}
	if d.pressed != 0 {
		if key == d.pressed {
			d.misses = 0
		} else if d.misses++; d.misses >= dtmfMisses {
			d.pressed = 0
		}
	}
	if d.hits < dtmfHits || d.pressed == key {
		return 0
	}
	d.pressed, d.misses = key, 0

	return key
}

// look returns the key whose two tones the window holds, 0 for none.
func (d *DTMFDetector) look() byte {
	var total float64
	for _, x := range d.window {
		total += x * x
	}
	if total < dtmfFloor*dtmfWindow {
		d.phase = [8]complex128{}

		return 0
	}
	var power [8]float64
	var off [8]float64
	for i := range dtmfTones {
		at := d.transform(i)
		power[i] = real(at)*real(at) + imag(at)*imag(at)
		turned := at * complex(real(d.phase[i]), -imag(d.phase[i])) * d.turn[i]
		off[i] = math.Atan2(imag(turned), real(turned)) / (2 * math.Pi * dtmfHop / dtmfRate) / dtmfTones[i]
		if d.phase[i] == 0 { // not known yet
			off[i] = 0
		}
		d.phase[i] = at
	}
	low, high := strongest(power[:4]), strongest(power[4:])
	if low < 0 || high < 0 {
		return 0
	}
	l, h := power[low], power[4+high]
	switch {
	case 2*(l+h) < dtmfPurity*total*dtmfWindow, l > dtmfTwistLow*h, h > dtmfTwistHigh*l:
		return 0
	case math.Abs(off[low]) > dtmfOff, math.Abs(off[4+high]) > dtmfOff:
		return 0
	}

	return "123A456B789C*0#D"[4*low+high]
}

// transform is the component of the window at a frequency (Goertzel's algorithm), with the phase at the window's end.
func (d *DTMFDetector) transform(tone int) complex128 {
	var s1, s2 float64
	for _, x := range d.window {
		s1, s2 = x+d.cosine[tone]*s1-s2, s1
	}
	cos := d.cosine[tone] / 2

	return complex(s1-cos*s2, math.Sqrt(1-cos*cos)*s2)
}

// strongest returns which of a group stands out, -1 for none.
func strongest(group []float64) int {
	best := 0
	for i, p := range group {
		if p > group[best] {
			best = i
		}
	}
	for i, p := range group {
		if i != best && p*dtmfMargin > group[best] {
			return -1
		}
	}

	return best
}
