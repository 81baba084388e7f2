package mixer

import "github.com/parley-sip/parley/codecs"

// The lanes of an input: what it contributes to the mix, from which MaxSpeakers may keep it out, and what it contributes to
// those who hear only some members, from which it is never kept out.
const (
	mainLane = iota
	directLane
	keylessMainLane // what came in, without the frames in which there may be tones of keys
	keylessDirectLane
	cameMainLane // the main lane without what was made up for gaps
	laneCount
)

// The signals of an input, one of which goes into a lane.
const (
	mainSignal   = iota
	directSignal // as it came in
	cameSignal   // the main one without what was made up for gaps
	signalCount
)

// signalOf says which signal goes into a lane.
//
//nolint:gochecknoglobals // table
var signalOf = [laneCount]int{mainSignal, directSignal, cameSignal, directSignal, cameSignal}

// keyless reports whether a lane has no frames with the tones of keys.
func keyless(lane int) bool { return lane == keylessMainLane || lane == keylessDirectLane }

// lane is what an input contributes to buses: its frame with gain and ramps, at each rate in use. Exactly the samples that are
// added to a bus are subtracted again for who spoke them.
type lane struct {
	on       bool // contributed in the last tick
	sounding bool // contributes in this tick
	plain    bool // its contribution of this tick is the whole frame, without a ramp
	rate     int  // of the last contribution
	last     int32
	lacking  bool               // not all of the room that there is to be has been made
	needs    [rateCount]bool    // rates in use
	out      [rateCount][]int32 // nil: rate not in use, or nothing was contributed yet
	change   [rateCount][rateCount]*codecs.Resampler
	fed      [rateCount]bool // the resampler to this rate has had the last frame
}

// contribution says how the frame of this tick enters a lane.
type contribution struct {
	want bool // it shall be heard
	fade bool // it may be faded out: it is only crowded out, not forbidden
	gain float32
	used *[rateCount]bool // rates that are in use
}

// run makes the contribution of this tick. It returns whether there is one.
func (l *lane) run(rate int, in *signal, c contribution, w *scratch) bool {
	if !c.want && !l.on {
		l.sounding = false

		return false
	}
	if l.lacking {
		l.furnish()
	}
	if c.want {
		l.start(rate)
	}
	own := l.out[l.rate]
	if own == nil {
		own = w.own[:frameSamples(l.rate)]
	}
	l.plain = c.want && (l.on || !in.before)
	switch {
	case l.plain:
		scale(own, in.pcm[:len(own)], c.gain)
	case c.want:
		scale(own, in.pcm[:len(own)], c.gain)
		fadeIn(own[:fadeSamples(l.rate)])
	case in.present && c.fade && rate == l.rate:
		scale(own, in.pcm[:len(own)], c.gain)
		fadeOut(own, fadeSamples(l.rate))
	case in.present:
		// What may no longer be heard is not heard: the ramp is made of the last sample that was.
		hold(own, l.last, fadeSamples(l.rate))
	default:
		clear(own)
	}
	l.last = own[len(own)-1]
	for to := range l.out {
		if to == l.rate || l.out[to] == nil {
			continue
		}
		r := l.change[l.rate][to]
		if r == nil { // a rate that was not to come
			clear(l.out[to])
			continue
		}
		if c.used[to] {
			if !l.fed[to] {
				r.Reset()
			}
			r.ProcessInt32(l.out[to], own)
		}
		l.fed[to] = c.used[to]
	}
	l.on, l.sounding = c.want, true

	return true
}

// furnish makes the room for contributions, when there is the first: most members of a conference listen only (ADR 31).
func (l *lane) furnish() {
	for rate, needed := range l.needs {
		if needed && l.out[rate] == nil {
			l.out[rate] = make([]int32, frameSamples(rate))
		}
	}
	l.lacking = false
}

// start prepares for a contribution at a rate: the resamplers forget what was long ago, or at another rate.
func (l *lane) start(rate int) {
	if l.on && rate == l.rate {
		return
	}
	l.rate = rate
	l.fed = [rateCount]bool{}
}

// scale applies a gain; 1 keeps the samples.
func scale(dst []int32, src []int16, gain float32) {
	src = src[:len(dst)]
	if gain == 1 {
		for i, s := range src {
			dst[i] = int32(s)
		}

		return
	}
	for i, s := range src {
		dst[i] = round32(float32(s) * gain)
	}
}

// amplify applies a gain to sums.
func amplify(dst, src []int32, gain float32) {
	src = src[:len(dst)]
	for i, s := range src {
		dst[i] = round32(float32(s) * gain)
	}
}

// round32 rounds to the nearest integer; gains are bounded so that it fits.
func round32(x float32) int32 {
	if x >= 0 {
		return int32(x + 0.5)
	}

	return int32(x - 0.5)
}

// fadeIn raises the samples from nothing in a straight line.
func fadeIn(pcm []int32) {
	step := 1 / float32(len(pcm))
	for i, s := range pcm {
		pcm[i] = round32(float32(s) * float32(i) * step)
	}
}

// fadeOut lowers the first n samples to nothing in a straight line, and clears the others.
func fadeOut(pcm []int32, n int) {
	step := 1 / float32(n)
	for i, s := range pcm[:n] {
		pcm[i] = round32(float32(s) * float32(n-i) * step)
	}
	clear(pcm[n:])
}

// hold fills n samples with a straight line from a value down to nothing, and clears the others.
func hold(pcm []int32, from int32, n int) {
	step := float32(from) / float32(n+1)
	for i := range pcm[:n] {
		pcm[i] = round32(float32(n-i) * step)
	}
	clear(pcm[n:])
}
