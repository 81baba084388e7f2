package media

import "time"

const (
	leastPatience = time.Second // after the delay had to grow, what is too much is kept so long
	mostPatience  = time.Minute // and at most so long, where it had to grow again and again; in speech always
	relapse       = time.Minute // a delay that has to grow again so soon after it shrank has shrunk too soon
	// keptOnce is less than what is kept, keptAgain where the delay had to grow again and again: more goes at once, from speech, too.
	keptOnce, keptAgain = 2 * tick, 4 * tick
	otherPackets        = 4 * time.Millisecond // packets that come earlier by so much are no longer those for which the delay grew
)

// patience is for how long a delay that had to grow stays as it is, although by what packets were like of late less would do.
//
// What makes it grow are packets later than nearly all others: the two worst slots of the window do not count, so that an accident costs nobody anything
// for long. Where such packets come every few seconds, or the far end's just before the tick, the delay would grow and shrink all the time, and each
// time a frame be made up, and another left out. So it is kept for twice as long each time that it has to grow soon after it shrank, and
// what is left out is left out of pauses.
//
// That is so with one frame too much, not with what a burst has left: all of that goes at once, unless bursts come again and again.
type patience struct {
	grew   time.Duration // when the delay last grew; 0: it has not
	shrank time.Duration // when it last shrank
	lasts  time.Duration // how long it is kept; 0: that was never asked
	least  time.Duration // the least lag since it grew
	known  bool          // lasts and least are of this growth
	shrunk bool          // the delay has shrunk since the growth before
	burst  bool          // what is too much goes all
}

// grow notes that the delay had to grow, or is of a frame more from the beginning. It may as well be that the source was silent: nothing is too much after that, and nothing is
// asked.
func (p *patience) grow(now time.Duration) { p.grew, p.known = now, false }

// shrink notes that something was left out.
func (p *patience) shrink(now time.Duration) { p.shrank, p.shrunk = now, true }

// keeps tells whether a delay stays as it is that is too much by over, above 0, at this lag.
func (p *patience) keeps(now, over, lag time.Duration) bool {
	if over < tick+shrinkGuard {
		p.burst = false
	}
	switch {
	case p.grew == 0:
		return false
	case over < tick: // it is not a frame that would be left out
		return now-p.grew < leastPatience
	case !p.known:
		p.begin(lag)
	}
	if p.least = min(p.least, lag); lag-p.least >= otherPackets {
		p.lasts = leastPatience
	}
	if over >= p.most() {
		p.burst = p.lasts == leastPatience
		return false
	}
	return now-p.grew < p.lasts
}

// begin decides for how long the delay is kept.
func (p *patience) begin(lag time.Duration) {
	p.known, p.least = true, lag
	switch soon := p.grew-p.shrank < relapse; {
	case p.shrunk && soon:
		p.lasts = min(2*p.lasts, mostPatience)
	case p.shrunk, p.lasts == 0:
		p.lasts = leastPatience
	}
	p.shrunk = false
}

// most is by how much the delay may be too much and still be kept.
func (p *patience) most() time.Duration {
	if p.lasts <= leastPatience {
		return keptOnce
	}
	return keptAgain
}

// hurries tells whether what is too much is left out of speech, too, where nobody pauses.
func (p *patience) hurries(now, over time.Duration) bool {
	return p.grew == 0 || p.burst || over >= p.most() || now-p.grew >= mostPatience
}
