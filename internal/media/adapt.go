package media

import (
	"math"
	"time"

	"github.com/parley-sip/parley/codecs"
)

const (
	minPeriod = 2500 * time.Microsecond // of a voice: 400 Hz
	maxPeriod = 15 * time.Millisecond   // 67 Hz
)

// adapt brings the delay nearer to what the jitter needs, best where nobody hears it. It returns true if this tick is to be
// filled with silence, so that the delay grows.
func (p *player) adapt(out []int16, now time.Duration) bool {
	over := p.jitter.surplus(now)
	if over == 0 {
		return false
	}
	quiet := p.last >= quietLevel
	rest := p.jitter.duration(int64(p.queued() % max(p.jitter.grain, 1)))
	switch {
	case quiet && over < growGuard:
		p.jitter.moved(-p.codec.SamplesToUnits(len(out)))
		p.jitter.grownAt = now
		return true
	case quiet && over >= tick+shrinkGuard && p.jitter.ready():
		var left codecs.Frame
		p.fill(out, now, &left)
		p.jitter.moved(p.codec.SamplesToUnits(len(out)))
	case quiet && rest > 0 && over >= rest:
		units := int(p.jitter.units(rest))
		p.head = min(p.head+p.codec.UnitsToSamples(units), p.tail)
		p.jitter.moved(units)
	case over >= tick+shrinkGuard:
		p.accelerate(len(out), maxPeriod, now)
	case rest >= minPeriod && over >= rest: // what is queued between two packets is of no use
		p.accelerate(len(out), min(rest, maxPeriod), now)
	}
	return false
}

// accelerate shortens what is about to be played by one period of its pitch, found where it resembles itself best, with a
// cross-fade: the ear does not notice, and the delay is less by so much.
func (p *player) accelerate(frame int, most time.Duration, now time.Duration) {
	longest := int(most * time.Duration(p.rate) / time.Second)
	for p.tail-p.head < frame+longest && p.jitter.ready() {
		s := p.jitter.step(now, 0, p.scratch)
		if s.kind != stepPacket || s.units == 0 {
			return
		}
		if codec := p.formats[s.packet.payloadType].codec; codec != p.codec {
			p.change(codec)
			p.decode(s, nil)
			return
		}
		p.decode(s, nil)
	}
	x := p.pcm[p.head:p.tail]
	longest = min(longest, len(x)-frame)
	if longest < int(minPeriod*time.Duration(p.rate)/time.Second) {
		return
	}
	period := bestPeriod(x, longest, p.rate)
	for i := range period { // from the present to what is one period later
		x[i] = int16((int(x[i])*(period-i) + int(x[i+period])*i) / period)
	}
	copy(x[period:], x[2*period:])
	p.tail -= period
	p.jitter.moved(p.codec.SamplesToUnits(period))
}

// bestPeriod returns the lag up to longest, in samples, at which the beginning of x resembles its continuation most. It looks
// at 8000 samples a second only, whatever the rate is.
func bestPeriod(x []int16, longest, rate int) int {
	stride := rate / 8000
	least, window := int(minPeriod*8000/time.Second), 80 // in samples at 8 kHz
	best, bestScore := longest/stride, math.Inf(-1)
	for lag := least; lag <= longest/stride; lag++ {
		var cross, energy float64
		for i := range window {
			a, b := float64(x[i*stride]), float64(x[(i+lag)*stride])
			cross += a * b
			energy += b * b
		}
		if score := cross / math.Sqrt(energy+1); score > bestScore {
			best, bestScore = lag, score
		}
	}
	return best * stride
}

// ready reports whether the next packet of the timeline is here.
func (b *jitterBuffer) ready() bool {
	if !b.playing || b.starved {
		return false
	}
	p := b.first()
	return p != nil && p.units > 0 && p.timestamp <= b.next
}
