package sipua

import (
	"net/netip"
	"sync"
	"time"
)

// rateLimiter lets a number of events per second pass, with bursts of the same
// number. It is safe for concurrent use.
type rateLimiter struct {
	mu     sync.Mutex
	rate   float64
	tokens float64
	last   time.Time
}

// newRateLimiter makes a limiter; a rate of 0 lets everything pass.
func newRateLimiter(rate int) *rateLimiter {
	return &rateLimiter{rate: float64(rate), tokens: float64(rate)}
}

// allow takes one event at this time.
func (l *rateLimiter) allow(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate == 0 {
		return true
	}
	if !l.last.IsZero() {
		l.tokens = min(l.rate, l.tokens+now.Sub(l.last).Seconds()*l.rate)
	}
	l.last = now
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	return true
}

// set changes the rate.
func (l *rateLimiter) set(rate int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate == float64(rate) {
		return
	}
	l.rate, l.tokens = float64(rate), float64(rate)
}

// maxSources bounds the sources that are told apart; beyond it the oldest are
// forgotten.
const maxSources = 1 << 15

// sourceLimiter lets a number of events per second pass from each source. It is
// safe for concurrent use.
type sourceLimiter struct {
	mu    sync.Mutex
	rate  int
	young map[netip.Addr]*rateLimiter
	old   map[netip.Addr]*rateLimiter // those of the generation before
}

// newSourceLimiter makes a limiter; a rate of 0 lets everything pass.
func newSourceLimiter(rate int) *sourceLimiter {
	return &sourceLimiter{rate: rate, young: map[netip.Addr]*rateLimiter{}}
}

// allow takes one event of a source at this time.
func (l *sourceLimiter) allow(source netip.Addr, now time.Time) bool {
	l.mu.Lock()
	if l.rate == 0 {
		l.mu.Unlock()
		return true
	}
	limiter := l.young[source]
	if limiter == nil {
		if limiter = l.old[source]; limiter == nil {
			limiter = newRateLimiter(l.rate)
		}
		if len(l.young) >= maxSources/2 {
			l.old, l.young = l.young, map[netip.Addr]*rateLimiter{}
		}
		l.young[source] = limiter
	}
	l.mu.Unlock()
	return limiter.allow(now)
}

// set changes the rate of every source.
func (l *sourceLimiter) set(rate int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate != rate {
		l.rate, l.young, l.old = rate, map[netip.Addr]*rateLimiter{}, nil
	}
}
