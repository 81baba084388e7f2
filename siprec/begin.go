package siprec

import (
	"time"

	"github.com/parley-sip/parley/internal/sdp"
)

// open notes the request that is open from now on.
func (c *Client) open(e *exchange, now time.Time) {
	c.sequence++
	e.id = c.sequence
	c.exchange = e
	c.lastRequest = now
	if e.offer != nil {
		c.sent = e.offer
		c.version = max(c.version, e.offer.Origin.Version)
	}
	if e.metadata && e.document.Mode == Complete && e.snapshot {
		c.lastSnap, c.snapshotAt = now, time.Time{}
	}
}

// reset forgets the dialog, but nothing that outlives it: labels, identifiers, the
// version of o=.
func (c *Client) reset() {
	c.slots, c.exchange = nil, nil
	c.sent, c.accepted, c.remote = nil, nil, nil
	c.synced, c.noUpdate = false, false
	c.flushAt, c.snapshotAt = time.Time{}, time.Time{}
	c.glareUntil, c.refusedUntil = time.Time{}, time.Time{}
	c.refusals, c.certificate = 0, sdp.Fingerprint{}
}

// invite begins a dialog with an offer and a complete document (RFC 7866, section 9.1),
// always in multipart: recorders in the field refuse anything else.
func (c *Client) invite(now time.Time) {
	c.reset()
	if len(c.desire.Streams) == 0 {
		c.phase = phaseIdle
		return
	}
	m, e := c.beginning(now)
	if !c.profile.OmitRequire {
		m.Headers = append([]Header{{Name: "Require", Value: OptionTag}}, m.Headers...)
	}
	c.phase = phaseInviting
	c.open(e, now)
	m.Exchange = e.id
	c.do(Invite{m})
}

// beginning returns the first offer of a dialog with its complete document.
func (c *Client) beginning(now time.Time) (Message, *exchange) {
	c.since = now
	if c.config.Certify != nil && c.security() != sdp.SecurityNone {
		c.certificate = c.config.Certify()
	}
	c.assignSlots()
	offer := c.describe()
	document := c.target()
	e := &exchange{kind: exchangeInvite, offer: offer, metadata: true, document: document}
	return c.message(now, offer, &document), e
}

// change begins the request that tells the recorder what is different, once it is time.
func (c *Client) change(now time.Time) {
	snapshot := !c.snapshotAt.IsZero() && !now.Before(c.snapshotAt)
	if !snapshot && (c.flushAt.IsZero() || now.Before(c.flushAt)) {
		return
	}
	c.flushAt = time.Time{}
	c.assignSlots()
	offer := c.describe()
	document, after, news := c.news(snapshot)
	changed := c.changes()
	ending := c.desire.Stopped
	if !news && !changed {
		if ending {
			c.bye(now)
		}
		return
	}
	e := &exchange{document: after, metadata: news, snapshot: snapshot}
	told := &document
	// Recorders that want all of it each time want it with each offer, too.
	if !news && c.profile.Updates != CompleteUpdates {
		told = nil
	}
	if ending {
		c.phase = phaseEnding
	}
	if !changed && !document.HasLabels() && c.profile.MetadataBy == ByUpdate && !c.noUpdate {
		e.kind = exchangeUpdate
		m := c.message(now, nil, told)
		c.open(e, now)
		m.Exchange = e.id
		c.do(Update{m})
		return
	}
	// Labels travel only with an offer (RFC 7866, section 9.1).
	e.kind, e.offer = exchangeReInvite, offer
	m := c.message(now, offer, told)
	c.open(e, now)
	m.Exchange = e.id
	c.do(ReInvite{m})
}

// bye ends the dialog and the session.
func (c *Client) bye(now time.Time) {
	var document *Recording
	if c.profile.MetadataInBye && c.synced {
		// Without labels, as there is no offer (RFC 7866, section 9.1).
		d := c.known.WithoutLabels()
		document = &d
	}
	c.do(Bye{c.message(now, nil, document)})
	c.stopped("")
}

// lastPatience is how long a session that is to end waits for answers, to the request that is open then and to the last one: longer than a request takes
// that nobody answers (RFC 3261, section 17.1.2.2).
const lastPatience = 40 * time.Second

// overdue ends a session whose recorder does not come to an answer.
func (c *Client) overdue(now time.Time) {
	if !c.desire.Stopped || !c.up() || c.exchange == nil || now.Before(c.endBy) {
		return
	}
	const reason = "no answer before the end"
	c.exchange, c.synced = nil, false
	c.do(Bye{c.message(now, nil, nil)})
	c.stopped(reason)
}

// stopped is the end.
func (c *Client) stopped(reason string) {
	synced := c.synced
	c.reset()
	c.phase, c.reason = phaseStopped, reason
	c.synced = synced // what the recorder has, it has for good
}

// wantSnapshot notes that a complete document is wanted, not more often than allowed.
func (c *Client) wantSnapshot(now time.Time) {
	if !c.up() || !c.snapshotAt.IsZero() {
		return
	}
	c.snapshotAt = latest(now, c.glareUntil)
	if !c.lastSnap.IsZero() {
		c.snapshotAt = latest(c.snapshotAt, c.lastSnap.Add(c.config.Snapshot))
	}
}

// paceSnapshots keeps the next snapshot apart from one that the recorder has just taken: it may have been long on its way, as after a
// 491, and what was asked for meanwhile is in it, or in the next one.
func (c *Client) paceSnapshots(now time.Time) {
	c.lastSnap = now
	if !c.snapshotAt.IsZero() {
		c.snapshotAt = latest(c.snapshotAt, now.Add(c.config.Snapshot))
	}
}

// onDesire takes over what is wanted and decides when it is told.
func (c *Client) onDesire(e Desire, now time.Time) {
	if c.desire.Stopped {
		return
	}
	if e.equal(&c.desire) {
		return
	}
	urgent := e.Paused != c.desire.Paused || e.Stopped
	c.desire = e
	if e.Stopped {
		c.endBy = now.Add(lastPatience)
		c.desire.leave(now)
		c.stop()
	}
	c.updateSlots()
	c.flush(urgent, now)
}

// stop gives up whatever has no dialog yet.
func (c *Client) stop() {
	switch c.phase {
	case phaseIdle, phaseWaiting, phaseFailed:
		c.stopped("")
	case phaseInviting:
		// The offer in a 200 cannot be cancelled; its ACK will be followed by BYE.
		c.phase = phaseCancelling
		if c.exchange != nil && c.exchange.kind == exchangeInvite {
			c.do(Cancel{})
		}
	case phaseCancelling, phaseUp, phaseEnding, phaseStopped:
	}
}

// flush sets the time at which changes go out: soon after the first of them, and not
// too soon after the request before, unless it is urgent. What the recorder has refused waits
// as long as it was told to, however much changes meanwhile.
func (c *Client) flush(urgent bool, now time.Time) {
	at := latest(now.Add(c.gathering(now)), c.glareUntil)
	if !urgent {
		at = latest(at, c.refusedUntil)
		if !c.lastRequest.IsZero() {
			at = latest(at, c.lastRequest.Add(c.profile.MinInterval))
		}
	}
	if c.desire.Stopped {
		at = now
	}
	c.flushAt = earliest(c.flushAt, at)
}

// gathering is for how long more changes are waited for after one. When they have come for two such times without a pause as long as one, more
// are sure to come: then half of it is enough, as the interval between requests gathers them.
func (c *Client) gathering(now time.Time) time.Duration {
	if c.lastChange.IsZero() || now.Sub(c.lastChange) > c.config.Coalesce {
		c.restless = now
	}
	c.lastChange = now
	if now.Sub(c.restless) >= 2*c.config.Coalesce {
		return c.config.Coalesce / 2 //nolint:mnd // half
	}
	return c.config.Coalesce
}

// onRetry tries again at once.
func (c *Client) onRetry(now time.Time) {
	if !c.config.Passive && (c.phase == phaseFailed || c.phase == phaseWaiting) {
		c.attempts = 0
		c.phase, c.retryAt = phaseWaiting, now
	}
}
