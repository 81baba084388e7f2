package sipua

import (
	"sync"
	"time"
)

// holdGap is how long a request waits for those before it that have been
// overtaken on the way through the transport.
const holdGap = 20 * time.Millisecond

// cseqGate lets the requests of a peer within a dialog pass in the order of
// their sequence numbers (RFC 3261, section 12.2.2). The next number passes at
// once; a higher one waits for the missing ones, and passes after holdGap when
// they do not come, since gaps are allowed; a lower one is refused.
type cseqGate struct {
	mu      sync.Mutex
	last    uint32
	started bool
	moved   chan struct{} // closed and replaced when last changes
	tail    chan struct{} // closed when the turn of the last admitted one is over
}

// newCSeqGate makes a gate; started tells that last is a number that was seen.
func newCSeqGate(last uint32, started bool) *cseqGate {
	tail := make(chan struct{})
	close(tail)
	return &cseqGate{last: last, started: started, moved: make(chan struct{}), tail: tail}
}

// ticket is the place of an admitted request among the others.
type ticket struct {
	before <-chan struct{} // closed when it is its turn
	done   func()          // ends the turn; may be called several times
}

// enter admits a request or refuses it because its number is used up.
func (g *cseqGate) enter(seq uint32) (ticket, bool) {
	var timeout <-chan time.Time
	for {
		g.mu.Lock()
		if g.started && seq <= g.last {
			g.mu.Unlock()
			return ticket{}, false
		}
		if !g.started || seq == g.last+1 {
			return g.admit(seq), true
		}
		moved := g.moved
		g.mu.Unlock()
		if timeout == nil {
			timer := time.NewTimer(holdGap)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-moved:
		case <-timeout:
			g.mu.Lock()
			if seq <= g.last {
				g.mu.Unlock()
				return ticket{}, false
			}
			return g.admit(seq), true
		}
	}
}

// admit is called with the lock held and releases it.
func (g *cseqGate) admit(seq uint32) ticket {
	g.last, g.started = seq, true
	close(g.moved)
	g.moved = make(chan struct{})
	before, own := g.tail, make(chan struct{})
	g.tail = own
	g.mu.Unlock()
	return ticket{before: before, done: sync.OnceFunc(func() {
		select {
		case <-before:
			close(own)
		default:
			// The next one waits for this one, and this one for those before.
			go func() {
				<-before
				close(own)
			}()
		}
	})}
}
