package siprec

import "time"

// HealthConfig says when a recorder is taken for dead or alive. Zero values take the defaults named.
type HealthConfig struct {
	DownAfter  int           // probes without answer in a row until a recorder is down; 2
	UpAfter    int           // answered probes in a row until one that was down is up again; 2
	BreakAfter int           // failed attempts to begin in a row until none is made for a while; 3
	Cooldown   time.Duration // that while; doubled with each further failure; 5 s
	MaxCool    time.Duration // at most; 2 min
}

// HealthState is what is known of a recorder.
type HealthState uint8

// The states of a recorder.
const (
	HealthUnknown HealthState = iota // nothing has been heard yet: it is tried
	HealthUp                         // it has answered
	HealthDown                       // it does not answer probes
	HealthOpen                       // it has failed too often, or asked to be left alone for a while: the circuit is open
)

// String returns the word of the control interface.
func (s HealthState) String() string {
	switch s {
	case HealthUnknown:
		return "unknown"
	case HealthUp:
		return "up"
	case HealthDown:
		return "down"
	case HealthOpen:
		return "resting"
	default:
		return "invalid"
	}
}

// Health keeps what probes (OPTIONS) and recording sessions tell of one recorder, with hysteresis: one lost probe is no
// failure, one answered probe no recovery. After failures in a row a circuit breaker lets the recorder rest, longer each
// time; then one session is let through as a trial, and its outcome decides. It belongs to one goroutine at a time.
//
//	unknown ──answer──▶ up ──DownAfter probes lost──▶ down ──UpAfter answered──▶ up
//	                     │ BreakAfter sessions failed, or Retry-After
//	                     └──▶ open ──cooled down──▶ trial ──▶ up, or open for longer
type Health struct {
	config   HealthConfig
	probed   HealthState // unknown, up or down, by probes and sessions
	answered int         // probes in a row
	lost     int         // probes in a row
	failed   int         // sessions in a row
	until    time.Time   // the circuit is open
	trial    time.Time   // one session is let through, and none beside it until then; zero: none is
	since    time.Time   // of the last change of the state
	state    HealthState
}

// NewHealth returns the state of a recorder nobody has heard of.
func NewHealth(c HealthConfig, now time.Time) *Health {
	orElse(&c.DownAfter, 2)
	orElse(&c.UpAfter, 2)
	orElse(&c.BreakAfter, 3)
	orElse(&c.Cooldown, 5*time.Second)
	orElse(&c.MaxCool, 2*time.Minute)
	return &Health{config: c, since: now}
}

func orElse[T int | time.Duration](v *T, standard T) {
	if *v <= 0 {
		*v = standard
	}
}

// Probed takes the outcome of a probe. Any response is an answer, but for those that say that nobody is there
// (RFC 3261, section 11.2, lets the status be that of an INVITE).
func (h *Health) Probed(answered bool, now time.Time) {
	if answered {
		h.answered, h.lost = h.answered+1, 0
		if h.probed != HealthDown || h.answered >= h.config.UpAfter {
			h.probed = HealthUp
		}
	} else {
		h.answered, h.lost = 0, h.lost+1
		if h.lost >= h.config.DownAfter {
			h.probed = HealthDown
		}
	}
	h.settle(now)
}

// Began says that a session has begun: the recorder is there.
func (h *Health) Began(now time.Time) {
	h.failed, h.trial, h.until, h.lost = 0, time.Time{}, time.Time{}, 0
	h.probed = HealthUp
	h.settle(now)
}

// Failed says that a session could not begin or was lost, and for how long the recorder asked not to be tried again
// (Retry-After; 0: it did not).
func (h *Health) Failed(after time.Duration, now time.Time) {
	h.failed++
	h.trial = time.Time{}
	if n := h.failed - h.config.BreakAfter; n >= 0 {
		cool := h.config.MaxCool
		if n < 16 {
			cool = min(cool, h.config.Cooldown<<n)
		}
		after = max(after, cool)
	}
	if end := now.Add(after); after > 0 && end.After(h.until) {
		h.until = end
	}
	h.settle(now)
}

// Released says that a session for which Take was asked was taken back before it had an outcome: another may be the trial.
func (h *Health) Released() { h.trial = time.Time{} }

// Take tells whether a session may begin now. After a rest it lets one through and the next only after its outcome, or after MaxCool: none
// takes longer than that to be refused, but who asked may never have made it.
func (h *Health) Take(now time.Time) bool {
	switch h.State(now) {
	case HealthDown, HealthOpen:
		return false
	case HealthUnknown, HealthUp:
	}
	if h.failed >= h.config.BreakAfter {
		if now.Before(h.trial) {
			return false
		}
		h.trial = now.Add(h.config.MaxCool)
	}
	return true
}

// State returns the state at a time.
func (h *Health) State(now time.Time) HealthState {
	h.settle(now)
	return h.state
}

// Since returns when the state was last seen to change.
func (h *Health) Since() time.Time { return h.since }

// RestsUntil returns when the circuit closes, zero when it is closed.
func (h *Health) RestsUntil() time.Time { return h.until }

// Failures returns how many sessions have failed in a row.
func (h *Health) Failures() int { return h.failed }

func (h *Health) settle(now time.Time) {
	if !h.until.IsZero() && !now.Before(h.until) {
		h.until = time.Time{}
	}
	state := h.probed
	if !h.until.IsZero() && state != HealthDown {
		state = HealthOpen
	}
	if state != h.state {
		h.state, h.since = state, now
	}
}
