package sipua

import (
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// schedule plans the next refresh from the Expires of a 2xx, which is at most
// what was asked for.
func (s *Subscriber) schedule(response *Response) {
	if n, err := strconv.ParseUint(response.Headers.Get("Expires"), 10, 31); err == nil {
		s.refreshIn(time.Duration(n) * time.Second)
		return
	}
	s.refreshIn(s.wanted.Expires)
}

// refreshIn plans the refresh before a subscription of this duration ends. One
// that is close to its end already is not touched.
func (s *Subscriber) refreshIn(left time.Duration) {
	if left <= 0 || s.wanted.Expires == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hasEnded() {
		return
	}
	s.until = time.Now().Add(left)
	s.wake(left-min(left/5, 30*time.Second), s.refreshNow)
}

// wake does something in a while, instead of what was to be done before. s.mu is held.
func (s *Subscriber) wake(wait time.Duration, do func()) {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = time.AfterFunc(wait, func() { s.agent.spawn(do) })
}

// refreshNow refreshes, and tries again as long as the subscription lasts.
func (s *Subscriber) refreshNow() {
	ctx, cancel := s.agent.lifetime(64 * s.agent.config.Timers.T1)
	defer cancel()
	err := s.Refresh(ctx, s.wanted.Expires)
	if err == nil {
		return
	}
	s.agent.log.Debug("cannot refresh a subscription", slog.String("event", s.wanted.Event), slog.Any("error", err))
	if !s.retryIn(err) {
		s.end(EndReason{Cause: EndRefused, Err: err})
	}
}

// retryIn plans another refresh, no sooner than the notifier asks, unless the time
// is over before.
func (s *Subscriber) retryIn(failure error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := time.Until(s.until)
	wait := max(left/2, 4*s.agent.config.Timers.T1)
	if refused, ok := errors.AsType[*StatusError](failure); ok {
		if after, given := RetryAfter(refused.Response); given {
			wait = after
		}
	}
	if s.hasEnded() || wait >= left {
		return false
	}
	s.wake(wait, s.refreshNow)
	return true
}

// renewPause is how long to wait after "probation" and "giveup" without
// retry-after, which leave it to the subscriber (RFC 6665, section 4.1.3).
const renewPause = time.Minute

// renewal tells whether a subscription that has ended may be made anew, and in how
// long, by the parameters of Subscription-State (RFC 6665, section 4.1.3).
func renewal(params Params) (wait time.Duration, again bool) {
	value, _ := params.Get("retry-after")
	after, err := strconv.ParseUint(value, 10, 31)
	wait = time.Duration(after) * time.Second
	switch reason, _ := params.Get("reason"); strings.ToLower(reason) {
	case "deactivated", "timeout":
		return 0, true
	case "probation", "giveup":
		if err != nil {
			wait = renewPause
		}
		return wait, true
	case "rejected", "noresource", "invariant":
		return 0, false
	default: // unknown ones are as none
		return wait, true
	}
}

// renewIn lets a new subscription follow one that the notifier has ended. It
// returns false if none is wanted.
func (s *Subscriber) renewIn(wait time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.wanted.Renew || s.wanted.Expires == 0 || s.leaving || s.hasEnded() {
		return false
	}
	s.renewing = true // the dialog stays known, so that Shutdown finds it
	s.wake(wait, s.renew)
	return true
}

// renew subscribes anew.
func (s *Subscriber) renew() {
	ctx, cancel := s.agent.lifetime(64 * s.agent.config.Timers.T1)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-s.done:
		return
	}
	s.mu.Lock()
	if s.hasEnded() {
		s.mu.Unlock()
		return
	}
	s.agent.unregister(s.state.id)
	s.begin()
	s.renewing = false
	s.mu.Unlock()
	response, err := s.open(ctx)
	if err != nil {
		s.end(EndReason{Cause: EndRefused, Err: err})
		return
	}
	s.schedule(response)
}
