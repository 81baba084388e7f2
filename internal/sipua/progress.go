package sipua

import "time"

// progressT1 is how many T1 a callee may take that says more than 100: three minutes, as proxies wait (timer C; RFC 3261, section 16.6).
const progressT1 = 360

// progressLimit is how long the final response to an INVITE is waited for of whom nobody waits for without end: until the first response for as long
// as there is patience, then 64*T1 for one that says 100, which any stack says before anybody has looked at the request, and three minutes for one that
// says more. Later provisional responses prolong nothing: one that repeats them every minute (section 13.3.1.1) would never be given up.
type progressLimit struct {
	timer   *time.Timer
	t1      time.Duration
	reached int // the highest step: 1 after 100, 2 after more
}

func newProgressLimit(patience, t1 time.Duration) *progressLimit {
	return &progressLimit{timer: time.NewTimer(patience), t1: t1}
}

func (l *progressLimit) stop() { l.timer.Stop() }

// progressed takes a provisional response.
func (l *progressLimit) progressed(status int) {
	switch {
	case status > 100 && l.reached < 2:
		l.reached = 2
		l.timer.Reset(progressT1 * l.t1)
	case l.reached < 1:
		l.reached = 1
		l.timer.Reset(64 * l.t1)
	}
}
