package confevent

import "time"

// SubscriptionConfig is the policy of the notifier. The zero value is what RFC 4575 asks for.
type SubscriptionConfig struct {
	// MinInterval is the shortest time between two NOTIFYs to one subscriber but for those that
	// have to go at once. 0 means 5 s (RFC 4575, section 3.9), less than 0 none.
	MinInterval time.Duration
	// MinExpires is the shortest subscription; a shorter one than this and an hour is refused.
	// 0 means one minute.
	MinExpires time.Duration
	// MaxExpires is the longest subscription and the one that is granted when none was asked
	// for. 0 means an hour (RFC 4575, section 3.3).
	MaxExpires time.Duration
	// RetryInterval is the time to wait after a NOTIFY that failed without Retry-After, twice as long after each further one, up to 64 times. 0 means 5 s.
	RetryInterval time.Duration
	// Pending says that a subscription waits for [Subscription.Approve].
	Pending bool
}

// retry is how long to wait after so many failures before this one: what follows is the full document, of which a subscriber who fails for good should not get more than others do.
func (c SubscriptionConfig) retry(before int) time.Duration {
	const longest = 6 // doublings
	return c.RetryInterval << min(before, longest)
}

// ExpiresAbsent is the value of [Request.Expires] for a SUBSCRIBE without Expires header.
const ExpiresAbsent time.Duration = -1

// Grant gives the duration to put into Expires of the 2xx to a SUBSCRIBE. If tooBrief
// the request is to be refused with 423 and Min-Expires granted: never a
// fetch (0) and never an hour or more (RFC 6665, section 4.2.1.1).
func (c SubscriptionConfig) Grant(requested time.Duration) (granted time.Duration, tooBrief bool) {
	c = c.withDefaults()
	switch {
	case requested < 0:
		return c.MaxExpires, false
	case requested > 0 && requested < time.Hour && requested < c.MinExpires:
		return c.MinExpires, true
	}

	return min(requested, c.MaxExpires), false
}

func (c SubscriptionConfig) withDefaults() SubscriptionConfig {
	if c.MinInterval == 0 {
		c.MinInterval = 5 * time.Second
	}
	c.MinInterval = max(c.MinInterval, 0)
	if c.MaxExpires <= 0 {
		c.MaxExpires = time.Hour
	}
	if c.MinExpires <= 0 {
		c.MinExpires = time.Minute
	}
	c.MinExpires = min(c.MinExpires, c.MaxExpires)
	if c.RetryInterval <= 0 {
		c.RetryInterval = 5 * time.Second
	}

	return c
}

// A Request is what a SUBSCRIBE asks for, the first or a refresh.
type Request struct {
	// Expires is the asked duration: 0 to fetch or to unsubscribe, [ExpiresAbsent] if not told.
	Expires time.Duration
	// Rates come from the Event header, see [ParseEvent].
	Rates Rates
}

// An Answer is how a NOTIFY transaction ended.
type Answer struct {
	// Status is that of the final response; 0 means that none came in time.
	Status int
	// RetryAfter comes from the header of that name.
	RetryAfter time.Duration
	// Rates come from an Event header in a 2xx, if there was one (RFC 6446, section 9.3).
	Rates *Rates
}

// An Output is what to do after an input.
type Output struct {
	// Notify is the request to send; nil for none. [Subscription.Answered] must follow.
	Notify *Notify
	// Wake is when to call [Subscription.Tick], in place of any earlier one; zero for never.
	Wake time.Time
	// Done says that the subscription is gone and will never send again.
	Done bool
}

// A Subscription is one subscription at the notifier (RFC 6665, section 4.2), as a
// state machine without clock: each input carries the time and gives an Output.
//
// It sends a full document after each SUBSCRIBE and partial ones after it
// (RFC 4575, section 3.2); a second NOTIFY only when the first is answered; what
// changes meanwhile, or inside the minimum interval, becomes one document from
// what was sent last to what is now. The version grows by one with each NOTIFY
// that has a body (RFC 6665, section 5.3.2).
//
// It is not safe for concurrent use.
type Subscription struct {
	cfg     SubscriptionConfig
	phase   Phase
	expires time.Time
	rates   Rates // as granted

	doc     *Snapshot // the newest state for this subscriber; nil: it may not be told
	sent    *Snapshot // what the subscriber has, once the open NOTIFY is answered; nil: a partial document cannot follow
	version uint32

	open     bool // a NOTIFY is unanswered
	owed     bool // one has to go at once, with a full document
	dirty    bool // doc may differ from sent
	lastSent time.Time
	notUntil time.Time // after a failure
	failures int       // in a row

	reason     Reason
	retryAfter time.Duration
	finalSent  bool
	done       bool
}

// NewSubscription returns a subscription to the conference described by doc, as
// this subscriber may see it (RFC 4575, section 8.2). Nothing is sent before
// [Subscription.Subscribe].
func NewSubscription(cfg SubscriptionConfig, doc Document) *Subscription {
	return NewSharedSubscription(cfg, NewSnapshot(doc))
}

// NewSharedSubscription is NewSubscription with a document that is shared with other subscriptions.
func NewSharedSubscription(cfg SubscriptionConfig, doc *Snapshot) *Subscription {
	s := &Subscription{cfg: cfg.withDefaults(), doc: doc}
	if cfg.Pending {
		s.phase = PhasePending
	}

	return s
}

// Phase returns the state of the subscription.
func (s *Subscription) Phase() Phase { return s.phase }

// Expires returns when the subscription ends unless it is refreshed; the zero time before the first SUBSCRIBE.
func (s *Subscription) Expires() time.Time { return s.expires }

// Subscribe is called for each SUBSCRIBE that was answered with 2xx, the first,
// a refresh or, with Expires 0, the last. A full document follows it at once
// (RFC 6665, section 4.2.2), or after the answer to the open NOTIFY.
func (s *Subscription) Subscribe(now time.Time, r Request) Output {
	if s.phase == PhaseTerminated {
		return s.next(now)
	}
	granted, tooBrief := s.cfg.Grant(r.Expires)
	if tooBrief {
		granted = r.Expires // the caller chose to take it all the same
	}
	s.expires = now.Add(granted)
	s.rates = r.Rates.granted(s.cfg.MinInterval, granted)
	s.owed = true
	if granted == 0 {
		s.end(ReasonTimeout, 0)
	}

	return s.next(now)
}

// Approve ends the pending phase; the full document follows at once.
func (s *Subscription) Approve(now time.Time) Output {
	if s.phase == PhasePending {
		s.phase = PhaseActive
		s.owed = true
	}

	return s.next(now)
}

// Update gives the new full state of the conference, as this subscriber may see it.
func (s *Subscription) Update(now time.Time, doc Document) Output {
	return s.Share(now, NewSnapshot(doc))
}

// Share is Update with a document that is shared with other subscriptions.
func (s *Subscription) Share(now time.Time, doc *Snapshot) Output {
	s.doc = doc
	s.dirty = true

	return s.next(now)
}

// Show is Share for what is to be sent anyhow, such as the answer to the SUBSCRIBE that comes next: it gives nothing to send by itself.
func (s *Subscription) Show(doc *Snapshot) {
	s.doc = doc
	s.dirty = true
}

// Free tells from when on a change may be told. ok is false while it may not be said when: a NOTIFY is unanswered, or the subscription is not active. Whoever has many subscriptions looks at what has
// changed only then, and gives it to Share.
func (s *Subscription) Free() (from time.Time, ok bool) {
	return s.earliest(), !s.open && !s.owed && s.phase == PhaseActive
}

// Tick is called at Wake.
func (s *Subscription) Tick(now time.Time) Output { return s.next(now) }

// Terminate ends the subscription. The last NOTIFY holds the deleted document
// for ReasonNoResource (RFC 4575, section 4.6), the full one for ReasonTimeout, and
// nothing for other reasons. A retryAfter above 0 is told for probation and giveup.
func (s *Subscription) Terminate(now time.Time, reason Reason, retryAfter time.Duration) Output {
	if s.phase != PhaseTerminated {
		s.end(reason, retryAfter)
	}

	return s.next(now)
}

// Answered is called when the transaction of the last Notify ended. Responses that
// end a subscription end it (RFC 6665, section 4.2.2), as do no response and a
// challenge that nobody could answer. After another failure the subscriber gets a
// full document, no earlier than he asked.
func (s *Subscription) Answered(now time.Time, a Answer) Output {
	if !s.open {
		return s.next(now)
	}
	s.open = false
	switch {
	case s.finalSent, endsSubscription(a.Status):
		s.phase = PhaseTerminated
		s.done = true
	case a.Status >= 200 && a.Status < 300:
		s.failures = 0
		if a.Rates != nil && s.rates != (Rates{}) {
			s.rates = a.Rates.granted(s.cfg.MinInterval, s.expires.Sub(now))
		}
	default:
		s.sent = nil
		s.dirty = true
		s.notUntil = now.Add(max(s.cfg.retry(s.failures), a.RetryAfter))
		s.failures++
	}

	return s.next(now)
}

// endsSubscription is the list of RFC 6665, section 4.2.2, with no answer (Timer F) and challenges.
func endsSubscription(status int) bool {
	switch status {
	case 0, 401, 404, 405, 407, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604:
		return true
	}

	return false
}

func (s *Subscription) end(reason Reason, retryAfter time.Duration) {
	if s.phase == PhasePending && reason == ReasonTimeout {
		s.doc = nil // it was never allowed to see it
	}
	s.phase = PhaseTerminated
	s.reason = reason
	if reason == ReasonProbation || reason == ReasonGiveup {
		s.retryAfter = retryAfter
	}
}
