package media

import (
	"math/rand/v2"
	"sync"
	"time"
)

// portState is what is known about one pair of ports.
type portState struct {
	used  bool
	ready time.Duration // when it has rested
}

// ports hands out pairs of ports: an even one for RTP and the next one for RTCP (RFC 3550, section 11). It starts at a random
// pair, so that the ports of a call cannot be guessed from a restart, and goes round, so that a pair rests as long as possible.
type ports struct {
	mu    sync.Mutex
	first uint16
	pairs []portState
	at    int // where to look next
	used  int
	rest  time.Duration
}

func newPorts(low, high uint16, rest time.Duration) *ports {
	first := evenUp(low)
	count := (int(high) - int(first) + 1) / 2
	return &ports{first: first, pairs: make([]portState, count), at: rand.IntN(count), rest: rest} //nolint:gosec // no secret
}

// take returns the RTP port of a pair that is free at now, or false. It must be given back.
func (p *ports) take(now time.Duration) (uint16, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range p.pairs {
		i := p.at
		p.at = (p.at + 1) % len(p.pairs)
		if state := &p.pairs[i]; !state.used && state.ready <= now {
			state.used = true
			p.used++
			return p.first + uint16(2*i), true
		}
	}
	return 0, false
}

// give returns a pair, which rests from now on.
func (p *ports) give(port uint16, now time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	state := &p.pairs[(port-p.first)/2]
	if state.used {
		p.used--
	}
	state.used, state.ready = false, now+p.rest
}

// size returns how many pairs there are.
func (p *ports) size() int { return len(p.pairs) }

// free returns how many pairs could be taken at now.
func (p *ports) free(now time.Duration) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for i := range p.pairs {
		if !p.pairs[i].used && p.pairs[i].ready <= now {
			n++
		}
	}
	return n
}
