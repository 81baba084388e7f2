package media

import "time"

// TickClock tells on a clock of its own when the ticks of a mixer were due. It stands still in the middle of a tick that takes long, and in one that is made
// up for it runs as if that were in time: the mixer says itself which ticks it has left out. It belongs to the tick.
type TickClock struct {
	apart time.Duration // of the two clocks: as far as in the tick that was least late; 0: no tick has come
}

// At is when a tick was due that is under way now; if that is not known, which a due of 0 says, it is now.
func (c *TickClock) At(now, due time.Duration) time.Duration {
	if due == 0 {
		return now
	}
	if apart := now - due; c.apart == 0 || apart < c.apart {
		c.apart = apart
	}
	return due + c.apart
}
