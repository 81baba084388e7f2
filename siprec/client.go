package siprec

import (
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

// Client is the recording session toward one recorder. It is not safe for concurrent
// use.
//
//	         Desire                2xx, usable answer
//	idle ───────────▶ inviting ────────────────────────▶ up ◀─┐ offers, answers
//	                   ▲   │ refused, timeout             │ └──┘
//	                   │   ▼                              │ BYE, 481, 408, timeout
//	                waiting, failed ◀─────────────────────┤
//	                                                      │ Desire{Stopped}
//	cancelling ── outcome of the INVITE ──▶ stopped ◀── ending (last metadata, BYE)
type Client struct {
	config  Config
	profile Profile
	random  random
	actions []Action

	phase    phase
	desire   Desire
	slots    []*slot
	labels   map[string]string // by stream key, for good
	exchange *exchange         // the open one; nil: none
	sequence uint32            // of exchanges

	known    Recording        // what the recorder has acknowledged
	synced   bool             // known holds; else the next metadata must be complete
	sent     *sdp.Description // our last description, with the version of o=
	accepted *sdp.Description // our last description that the recorder accepted
	remote   *sdp.Description // the recorder's last description
	version  uint64           // the highest version of o= used
	noUpdate bool             // the recorder does not take UPDATE

	since       time.Time // when the session came into the recording session
	upSince     time.Time
	flushAt     time.Time // when changes go out; zero: none
	lastRequest time.Time
	lastChange  time.Time // of what is wanted
	endBy       time.Time // when the session ends, answered or not; zero: it is not to end
	restless    time.Time // since when changes have come without a pause
	snapshotAt  time.Time // when a wanted snapshot goes out; zero: none
	lastSnap    time.Time
	retryAt     time.Time
	attempts    int
	refusals    int // of changes, in a row

	glareUntil   time.Time // no request with an offer before (RFC 3261, section 14.1)
	refusedUntil time.Time // none that is not urgent before

	certificate sdp.Fingerprint // ours in this dialog; zero: keys stand in the descriptions

	noFeedback bool // RTP/AVP only, after a 488
	plainMedia bool // plain RTP although SRTP was wished, after a 488
	plainAudio bool // G.711 only, after a 488
	noText     bool // no real-time text, after a 488
	otherType  bool // the other name of the media type, after a 415

	state    State
	retrying bool     // the last report said so
	reason   string   // why the phase is what it is
	dropped  []string // streams beyond the profile's limit, by key
	wake     time.Time
}

// phase is where the dialog stands.
type phase uint8

const (
	phaseIdle       phase = iota
	phaseInviting         // our INVITE, or our 200 to theirs, is open
	phaseCancelling       // given up, its outcome is awaited
	phaseUp
	phaseEnding  // the last metadata is open
	phaseWaiting // for retryAt
	phaseFailed  // no dialog, no retry
	phaseStopped
)

// exchangeKind is the request that is open.
type exchangeKind uint8

const (
	exchangeInvite exchangeKind = iota
	exchangeReInvite
	exchangeUpdate
	exchangePeer // our offer in a 200, to be answered in the ACK
)

// exchange is a request, or an offer, without final answer yet.
type exchange struct {
	id       uint32
	kind     exchangeKind
	offer    *sdp.Description // nil: none in it
	metadata bool             // a document is in it
	document Recording        // what the recorder knows once it has accepted
	snapshot bool             // it answers a request for a snapshot
}

// New returns a client that waits for its first [Desire]. The error wraps [ErrProfile].
func New(cfg Config) (*Client, error) {
	cfg, err := cfg.normalize()
	if err != nil {
		return nil, err
	}
	return &Client{
		config: cfg, profile: cfg.Profile, random: random(cfg.Seed), labels: make(map[string]string),
	}, nil
}

// Step takes an event and the time, which must not go backwards, and returns what is
// to be done, in order.
func (c *Client) Step(ev Event, now time.Time) []Action {
	c.actions = nil
	switch e := ev.(type) {
	case Desire:
		c.onDesire(e, now)
	case Answered:
		c.onAnswered(e, now)
	case TimedOut:
		c.onTimedOut(e.Exchange, "no answer", now)
	case TransportFailed:
		c.onTimedOut(e.Exchange, "transport: "+e.Reason, now)
	case PeerOffer:
		c.onPeerOffer(e, now)
	case PeerAck:
		c.onPeerAck(e, now)
	case Unkeyed:
		c.onUnkeyed(e, now)
	case SnapshotRequested:
		c.wantSnapshot(now)
	case PeerBye:
		c.onPeerBye(e, now)
	case Retry:
		c.onRetry(now)
	case Tick:
	}
	c.overdue(now)
	// Media stops before the request that tells of it (RFC 7866, section 7.1.1.1).
	c.reconcileMedia()
	c.progress(now)
	c.report()
	c.setWake()
	return c.actions
}

// State returns the acknowledged state.
func (c *Client) State() State { return c.state }

// Preferring returns a list of codecs with one of them first. If it is not in the list, that is returned.
func Preferring(list []codecs.Codec, first codecs.Codec) []codecs.Codec {
	i := slices.Index(list, first)
	if i <= 0 {
		return list
	}
	return slices.Insert(slices.Delete(slices.Clone(list), i, i+1), 0, first)
}

// Codecs returns what is offered, in order of preference.
func (c *Client) Codecs() []codecs.Codec {
	if c.plainAudio {
		return plainAudio(c.profile.Codecs)
	}
	return c.profile.Codecs
}

// Label returns the label of a stream by its key, empty when it never had one.
func (c *Client) Label(key string) string { return c.labels[key] }

// Awaited tells whether it is still open if the recorder takes a stream: there is no dialog yet, or not any more, or the stream
// has not been offered or answered, or goes on after a pause of ours as soon as the recorder agrees. What is captured of it now may be wanted later.
func (c *Client) Awaited(key string) bool {
	if c.desire.Stopped || c.phase == phaseStopped {
		return false
	}
	if !c.up() {
		return true
	}
	s := c.slotOf(key)
	if s == nil {
		return len(c.dropped) == 0 && !c.declined(key)
	}
	return s.live() && !s.wish.Paused && (!s.accepted || s.disabled || s.rests && !c.desire.Paused)
}

// Declined tells whether a stream is one of text, and the recorder takes no text at all: nobody has to wait for what it says about this one.
func (c *Client) Declined(key string) bool { return c.declined(key) }

// Dropped tells whether a stream is one of those that the last offer had no room for, as the recorder takes so many and no more.
func (c *Client) Dropped(key string) bool { return c.up() && slices.Contains(c.dropped, key) }

// Off tells whether the recorder has no m-line of a stream any more, or knows that its port is 0: what is offered under the key is another stream to it.
func (c *Client) Off(key string) bool {
	s := c.slotOf(key)
	return s == nil || !s.wanted && s.disabled
}

// Acknowledged returns the document the recorder has by now, merged from all it has
// acknowledged, and whether it can be relied on: after a refusal it cannot, until the
// next complete document.
func (c *Client) Acknowledged() (Recording, bool) { return c.known, c.synced }

func (c *Client) do(a Action) { c.actions = append(c.actions, a) }

// up tells whether there is a dialog that can be used.
func (c *Client) up() bool { return c.phase == phaseUp || c.phase == phaseEnding }

// progress begins the request that is due, if any.
func (c *Client) progress(now time.Time) {
	switch c.phase {
	case phaseWaiting:
		if !now.Before(c.retryAt) {
			c.invite(now)
		}
	case phaseIdle:
		if len(c.desire.Streams) > 0 && !c.config.Passive {
			c.invite(now)
		}
	case phaseUp:
		if c.exchange == nil {
			c.change(now)
		}
	case phaseInviting, phaseCancelling, phaseEnding, phaseFailed, phaseStopped:
	}
}

// report tells the acknowledged state when it has changed.
func (c *Client) report() {
	state, reason := c.state, c.reason
	switch c.phase {
	case phaseIdle:
		return
	case phaseInviting, phaseCancelling:
		// A session that failed stays so until it is up again.
		if state != StateFailed {
			state = StateConnecting
		}
	case phaseUp, phaseEnding:
		state, reason = c.mediaState()
	case phaseWaiting, phaseFailed:
		state = StateFailed
	case phaseStopped:
		state = StateStopped
	}
	// While an attempt runs the session that failed is still being tried again.
	retry := state == StateFailed && c.phase != phaseFailed
	if state == c.state && retry == c.retrying {
		return
	}
	c.state, c.retrying = state, retry
	c.do(Report{State: state, Session: c.desire.Roster.Session, Reason: reason, Retry: retry})
}

// mediaState is the state of a session with a dialog: what the recorder agreed to.
func (c *Client) mediaState() (state State, reason string) {
	if c.desire.Paused && c.profile.Pause == PauseSilence {
		return StatePaused, ""
	}
	audio := slices.ContainsFunc(c.slots, func(s *slot) bool { return s.wanted && !s.wish.Text })
	wanted := false
	for _, s := range c.slots {
		if audio && s.wish.Text { // text alone is no recording of a conference that speaks
			continue
		}
		if s.send {
			return StateRecording, ""
		}
		wanted = wanted || (s.wanted && !s.wish.Paused)
	}
	if wanted && !c.desire.Paused {
		return StatePaused, "the recorder takes no stream"
	}
	return StatePaused, ""
}

// setWake asks to be woken for whatever comes next.
func (c *Client) setWake() {
	var next time.Time
	switch {
	case c.phase == phaseWaiting:
		next = c.retryAt
	case c.phase == phaseUp && c.exchange == nil:
		next = earliest(c.flushAt, c.snapshotAt)
	case c.desire.Stopped && c.up():
		next = c.endBy
	}
	if !next.Equal(c.wake) {
		c.wake = next
		c.do(WakeAt{Time: next})
	}
}
