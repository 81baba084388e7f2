package media

import (
	"math"
	"time"

	"github.com/parley-sip/parley/codecs"
)

const (
	minPeriod = 2500 * time.Microsecond // of a voice: 400 Hz
	slowClock = 5e-6                    // parts of one; a sender's clock that is slower by less is as good as ours
	maxPeriod = 15 * time.Millisecond   // 67 Hz
)

// adaptation says what has become of a tick while the delay was adapted.
type adaptation uint8

const (
	adaptNothing adaptation = iota // it is to be filled
	adaptStretch                   // it is to be silence, so that the delay grows
	adaptFilled                    // it is filled
)

// adapt brings the delay nearer to what the jitter needs, best where nobody hears it: what is left out is quiet itself, and not only what came before
// it, since a word may begin with it. If it fills out, it says so in the frame as well.
func (p *player) adapt(out []int16, now time.Duration, f *codecs.Frame) adaptation {
	over := p.jitter.surplus(now)
	if over == 0 {
		return adaptNothing
	}
	quiet := p.last >= quietLevel
	if quiet {
		p.growing, p.grown = false, 0
	}
	rest := p.jitter.duration(int64(p.queued() % max(p.jitter.grain, 1)))
	switch {
	case quiet && over < growGuard:
		p.jitter.inserted(p.codec.SamplesToUnits(len(out)))
		p.jitter.patience.grow(now)
		return adaptStretch
	case quiet && over >= tick+shrinkGuard && p.jitter.ready():
		left := *f
		left.Flags = p.fill(out, now, &left)
		if left.Samples > 0 && codecs.Level(out) < quietLevel {
			*f = left
			return adaptFilled
		}
		p.jitter.leftOut(p.codec.SamplesToUnits(len(out)), now)
	case quiet && rest > 0 && over >= rest && p.restQuiet(rest):
		units := int(p.jitter.units(rest))
		p.head = min(p.head+p.codec.UnitsToSamples(units), p.tail)
		p.jitter.leftOut(units, now)
	case !quiet && (p.growing || over < growGuard && p.jitter.drift.value < -slowClock):
		p.slow(len(out), now)
	case over >= tick+shrinkGuard && p.jitter.patience.hurries(now, over):
		p.accelerate(len(out), maxPeriod, now)
	case rest >= minPeriod && over >= rest: // what is queued between two packets is of no use
		p.accelerate(len(out), min(rest, maxPeriod), now)
	}
	return adaptNothing
}

// restQuiet tells whether the beginning of what is queued is quiet.
func (p *player) restQuiet(rest time.Duration) bool {
	samples := p.codec.UnitsToSamples(int(p.jitter.units(rest)))
	return codecs.Level(p.pcm[p.head:min(p.head+samples, p.tail)]) >= quietLevel
}

// accelerate shortens what is about to be played by one period of its pitch, found where it resembles itself best, with a
// cross-fade: the ear does not notice, and the delay is less by so much.
func (p *player) accelerate(frame int, most time.Duration, now time.Duration) {
	longest := int(most * time.Duration(p.rate) / time.Second)
	if !p.fetch(frame+longest, now) {
		return
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
	p.jitter.leftOut(p.codec.SamplesToUnits(period), now)
}

// slow lengthens what is about to be played by one period of its pitch, for a sender whose clock is slower than ours and who does not
// pause. Less than a tick gained is no use: the next packet would be needed in the same tick as before. So it goes on with the ticks
// that follow until it is one.
func (p *player) slow(frame int, now time.Duration) {
	if !p.fetch(frame, now) {
		return
	}
	x := p.pcm[p.head:p.tail]
	if len(x) < frame || len(p.pcm)-len(x) < frame/2 {
		return
	}
	p.growing = true
	period := bestPeriod(x, frame/2, p.rate)
	if p.tail+period > len(p.pcm) {
		p.tail = copy(p.pcm, x)
		p.head = 0
	}
	x = p.pcm[p.head : p.tail+period]
	copy(x[2*period:], x[period:])
	for i := range period { // from the present to what was one period before
		x[period+i] = int16((int(x[2*period+i])*(period-i) + int(x[i])*i) / period)
	}
	p.tail += period
	p.jitter.inserted(p.codec.SamplesToUnits(period))
	if p.grown += period; p.grown >= frame {
		p.growing, p.grown = false, 0
		p.jitter.patience.grow(now)
	}
}

// fetch decodes what is here until so many samples are queued. It returns false if something else is to be done with it.
func (p *player) fetch(samples int, now time.Duration) bool {
	for p.tail-p.head < samples && p.jitter.ready() {
		s := p.jitter.step(now, 0)
		if s.kind != stepPacket || s.units == 0 {
			return false
		}
		if codec := s.packet.codec; codec != p.codec {
			p.change(codec)
			p.decode(s, nil)
			return false
		}
		p.decode(s, nil)
	}
	return true
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
