package media

import (
	"sync/atomic"
	"time"
)

// tickClock tells on the clock of a transport when the ticks of its mixer were due. It stands still in the middle of a tick that takes long, and in one that
// is made up for it runs as if that were in time: the mixer says itself which ticks it has left out. All sessions have the same, so that their times agree
// to the sample, also of one whose first tick is late. Any tick may use it.
type tickClock struct {
	apart atomic.Int64 // of the two clocks: as far as in the tick that was least late; 0: no tick has come
}

// at is when a tick was due that is under way now; if that is not known, which a due of 0 says, it is now.
func (c *tickClock) at(now, due time.Duration) time.Duration {
	if due == 0 {
		return now
	}
	for apart := int64(now - due); ; {
		least := c.apart.Load()
		if least != 0 && least <= apart {
			return due + time.Duration(least)
		}
		c.apart.CompareAndSwap(least, apart)
	}
}

// TickAt is when a tick was due that is under way now, by the clock of the session ([Session.At]); due is what packets say ([codecs.Packet]), 0: now.
func (s *Session) TickAt(now, due time.Duration) time.Duration { return s.transport.ticks.at(now, due) }
