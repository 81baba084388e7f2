package sipua

import "time"

// retransmission is the schedule by which a 2xx to an INVITE is repeated: the
// interval starts at T1 and doubles up to T2, and 64*T1 after the first one it
// is over (RFC 3261, section 13.3.1.4). It knows no clock: its owner waits.
type retransmission struct {
	interval time.Duration // until the next repetition
	longest  time.Duration // T2
	left     time.Duration // until the end
}

// newRetransmission starts a schedule at the moment of the first sending.
func newRetransmission(timers Timers) retransmission {
	return retransmission{interval: timers.T1, longest: timers.T2, left: 64 * timers.T1}
}

// next returns how long to wait from the last call, and whether the message is
// to be repeated then; when it is not, the time is up then.
func (r *retransmission) next() (wait time.Duration, again bool) {
	if r.interval >= r.left {
		wait, r.left = r.left, 0
		return wait, false
	}
	wait = r.interval
	r.left -= wait
	r.interval = min(2*r.interval, r.longest)
	return wait, true
}
