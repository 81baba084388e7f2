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
	away  map[uint16]portState // used or resting pairs that are not in the range any more
}

func newPorts(low, high uint16, rest time.Duration) *ports {
	p := &ports{rest: rest, away: map[uint16]portState{}}
	p.set(low, high)
	return p
}

// set changes the range. What is in use stays so, and rests when it is given back.
func (p *ports) set(low, high uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, state := range p.pairs {
		if state != (portState{}) {
			p.away[p.first+uint16(2*i)] = state
		}
	}
	p.first = evenUp(low)
	count := (int(high) - int(p.first) + 1) / 2
	p.pairs, p.at = make([]portState, count), rand.IntN(count) //nolint:gosec // no secret
	for i := range p.pairs {
		port := p.first + uint16(2*i)
		p.pairs[i] = p.away[port]
		delete(p.away, port)
	}
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
	rested := portState{ready: now + p.rest}
	i := (int(port) - int(p.first)) / 2
	if port < p.first || i >= len(p.pairs) {
		if p.away[port].used {
			p.used--
		}
		p.away[port] = rested
		for other, state := range p.away { // there are no more than were ever used
			if !state.used && state.ready <= now {
				delete(p.away, other)
			}
		}
		return
	}
	if p.pairs[i].used {
		p.used--
	}
	p.pairs[i] = rested
}

// size returns how many pairs there are.
func (p *ports) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pairs)
}

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
