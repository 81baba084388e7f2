package sipua

import (
	"sync"
	"time"
)

// expirySpace is the time between two subscriptions that run out in the same moment, as thousands do that were made in the same moment: all at once
// they would be in line for the processors before who calls.
const expirySpace = time.Millisecond

// spaced gives each of many that want to begin at once a moment of its own. It is safe for concurrent use; its zero value is ready.
type spaced struct {
	mu   sync.Mutex
	last time.Time // the moment that was given last
}

// wait is how long until the next moment, which is taken.
func (s *spaced) wait(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.last.Add(expirySpace)
	if at.Before(now) {
		at = now
	}
	s.last = at
	return at.Sub(now)
}

// expired ends a subscription whose time has run out, when it is its turn among those whose time runs out in the same moment. One that is refreshed until then goes on.
func (n *NotifierDialog) expired() {
	wait := n.state.agent.expiries.wait(time.Now())
	if wait == 0 {
		n.lapse()
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if time.Until(n.until) <= 0 && !n.hasEnded() {
		n.expiry = time.AfterFunc(wait, n.lapse)
	}
}

// lapse ends a subscription whose time has run out.
func (n *NotifierDialog) lapse() {
	if n.Expires() > 0 {
		return // it was extended at the last moment
	}
	n.state.agent.spawn(func() {
		ctx, cancel := n.state.agent.lifetime(64 * n.state.agent.config.Timers.T1)
		defer cancel()
		n.terminate(ctx, "timeout", EndReason{Cause: EndRemote, Err: ErrExpired})
	})
}
