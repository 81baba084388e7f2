package sipua

import (
	"sync"
	"time"
)

const (
	// holdGap is how long a request waits for those before it that may have been
	// overtaken on the way.
	holdGap = 20 * time.Millisecond
	// holdKnown is how long it waits for those that are known to have come.
	holdKnown = 500 * time.Millisecond
)

// cseqGate lets the requests of a peer within a dialog pass in the order of
// their sequence numbers (RFC 3261, section 12.2.2). The next number passes at
// once; a higher one waits for the missing ones, and passes after holdGap when
// they do not come, since gaps are allowed; a lower one is refused.
type cseqGate struct {
	mu        sync.Mutex
	last      uint32
	started   bool
	announced map[uint32]struct{} // received, but not here yet
	moved     chan struct{}       // closed and replaced when last changes
	tail      chan struct{}       // closed when the turn of the last admitted one is over
}

// newCSeqGate makes a gate; started tells that last is a number that was seen.
func newCSeqGate(last uint32, started bool) *cseqGate {
	tail := make(chan struct{})
	close(tail)
	return &cseqGate{
		last: last, started: started, announced: map[uint32]struct{}{}, moved: make(chan struct{}), tail: tail,
	}
}

// ticket is the place of an admitted request among the others.
type ticket struct {
	before <-chan struct{} // closed when it is its turn
	done   func()          // ends the turn; may be called several times
}

// maxAnnounced bounds what a peer can make a gate remember.
const maxAnnounced = 64

// announce notes a request that has been received and will be handled. It is
// called in the order in which requests come.
func (g *cseqGate) announce(seq uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if seq > g.last && len(g.announced) < maxAnnounced {
		g.announced[seq] = struct{}{}
	}
}

// missing reports whether a lower number than this was announced and has not
// come yet. It is called with the lock held.
func (g *cseqGate) missing(seq uint32) bool {
	for other := range g.announced {
		if other < seq && other > g.last {
			return true
		}
	}
	return false
}

// enter admits a request or refuses it because its number is used up.
func (g *cseqGate) enter(seq uint32) (ticket, bool) {
	start := time.Now()
	timer := time.NewTimer(holdGap)
	defer timer.Stop()
	for {
		g.mu.Lock()
		waited := time.Since(start)
		switch {
		case g.started && seq <= g.last:
			delete(g.announced, seq)
			g.mu.Unlock()
			return ticket{}, false
		case g.started && seq == g.last+1,
			waited >= holdGap && !g.missing(seq),
			waited >= holdKnown,
			!g.started && !g.missing(seq):
			return g.admit(seq), true
		}
		moved := g.moved
		g.mu.Unlock()
		select {
		case <-moved:
		case <-timer.C:
			timer.Reset(holdGap)
		}
	}
}

// admit is called with the lock held and releases it.
func (g *cseqGate) admit(seq uint32) ticket {
	g.last, g.started = seq, true
	for other := range g.announced {
		if other <= seq {
			delete(g.announced, other)
		}
	}
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
