package focus

import (
	"math"
	"sync/atomic"
	"time"
)

// keptPauses is how many pauses are told apart in what is kept.
const keptPauses = 8

// pause is when a stream was paused, by the time of its frames. It goes on while its end is not after its beginning.
type pause struct{ from, to atomic.Int64 }

func (p *pause) goesOn() bool { return p.from.Load() > 0 && p.to.Load() <= p.from.Load() }

// has tells whether a time is in it.
func (p *pause) has(at time.Duration) bool {
	from := p.from.Load()
	return from > 0 && int64(at) >= from && (int64(at) < p.to.Load() || p.goesOn())
}

// pause holds until the mix has let go of the stream. What comes from now on is nobody's (RFC 6341, section 3: what is said in a pause is discarded,
// not kept); what was captured before is sent when the stream flows again.
func (c *capture) pause() {
	last := &c.pauses[c.paused%keptPauses]
	if last.goesOn() {
		return
	}
	if c.holding.Load() { // what has begun a packet is for whoever is next: only what this pause keeps from becoming full is given up
		c.opened.Store(math.MaxInt64)
	}
	c.keep()
	if c.kept == nil {
		return
	}
	next := &c.pauses[(c.paused+1)%keptPauses]
	if at, waits := c.kept.next(); waits && int64(at) < next.to.Load() { // what is kept has frames of that one: what came since the last is given up
		c.lost.Add(c.since(time.Duration(last.to.Load())))
		last.to.Store(0)
		return
	}
	c.paused++
	next.to.Store(0)
	next.from.Store(max(1, int64(time.Since(c.epoch)), last.to.Load()))
	c.forgo()
}

// resume ends the pause, if there is one.
func (c *capture) resume() {
	if last := &c.pauses[c.paused%keptPauses]; last.goesOn() {
		last.to.Store(max(int64(time.Since(c.epoch)), last.from.Load()+1))
	}
}

// nobodys reports whether a frame came in a pause, before the mix had let go of the stream: it is neither kept nor lost. May be asked by anybody.
func (c *capture) nobodys(at time.Duration) bool {
	for i := range c.pauses {
		if c.pauses[i].has(at) {
			return true
		}
	}
	return false
}

// idle tells whether the stream is paused, and nothing of before is left.
func (c *capture) idle() bool {
	c.forgo()
	return c.pauses[c.paused%keptPauses].goesOn() && !c.owed()
}

// since counts the frames that are kept from a time on.
func (c *capture) since(from time.Duration) (frames uint64) {
	for at := range c.kept.times() {
		if at >= from {
			frames++
		}
	}
	return frames
}

// oldest is when the first was captured of what is kept and is to be sent, as far as that is known before it is taken back; zero: nothing is. It holds.
func (c *capture) oldest() (first time.Time) {
	if c.kept == nil {
		return first
	}
	if at, waits := c.kept.next(); waits {
		first = c.epoch.Add(at)
	}
	if r := c.again.Load(); r != nil {
		first = earliest(first, c.epoch.Add(r.captured))
	}
	return first
}

// owed tells whether anything that is kept is to be sent. It holds, or the mix has let go of it.
func (c *capture) owed() bool {
	if c.again.Load() != nil { // as far as is known before that is taken back
		return true
	}
	for at := range c.kept.times() {
		if !c.nobodys(at) {
			return true
		}
	}
	return false
}
