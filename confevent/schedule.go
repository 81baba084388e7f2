package confevent

import "time"

// next decides what is due at now.
func (s *Subscription) next(now time.Time) Output {
	if s.done || s.expires.IsZero() {
		s.done = s.done || s.phase == PhaseTerminated

		return Output{Done: s.done}
	}
	if s.phase != PhaseTerminated && !now.Before(s.expires) {
		s.end(ReasonTimeout, 0)
	}
	if s.open {
		return Output{Wake: s.wakeForEnd()}
	}
	if s.phase == PhaseTerminated {
		return Output{Notify: s.final(now)}
	}
	if s.owed {
		return s.output(s.notify(now, true))
	}
	if s.phase == PhaseActive && s.due(now) {
		if n := s.notify(now, false); n != nil {
			return s.output(n)
		}
	}

	return Output{Wake: s.wake()}
}

func (s *Subscription) output(n *Notify) Output {
	return Output{Notify: n, Wake: s.wakeForEnd()}
}

// wakeForEnd is the only time that matters while a NOTIFY is open.
func (s *Subscription) wakeForEnd() time.Time {
	if s.phase == PhaseTerminated {
		return time.Time{}
	}

	return s.expires
}

// due reports whether a NOTIFY may or must go now because of a change or of min-rate.
func (s *Subscription) due(now time.Time) bool {
	if s.dirty && !now.Before(s.earliest()) {
		return true
	}

	return s.rates.Min > 0 && !now.Before(s.latest())
}

// earliest is when the next NOTIFY about a change may go.
func (s *Subscription) earliest() time.Time {
	t := s.lastSent.Add(s.rates.interval(s.cfg.MinInterval))
	if s.notUntil.After(t) {
		return s.notUntil
	}

	return t
}

// latest is when the next NOTIFY has to go because of min-rate (RFC 6446, section 6.2).
func (s *Subscription) latest() time.Time {
	t := s.lastSent.Add(period(s.rates.Min))
	if s.notUntil.After(t) {
		return s.notUntil
	}

	return t
}

func (s *Subscription) wake() time.Time {
	t := s.expires
	if s.phase != PhaseActive {
		return t
	}
	if e := s.earliest(); s.dirty && e.Before(t) {
		t = e
	}
	if s.rates.Min > 0 {
		if l := s.latest(); l.Before(t) {
			t = l
		}
	}

	return t
}

// notify makes the next NOTIFY; nil if nothing changed and nothing has to be said.
func (s *Subscription) notify(now time.Time, full bool) *Notify {
	n := &Notify{Phase: s.phase, Expires: s.expires.Sub(now), Rates: s.rates}
	if s.phase == PhaseActive && s.doc != nil {
		s.dirty = false
		content := s.doc.full()
		if !full && s.sent != nil {
			content = s.doc.since(s.sent)
		}
		if content.doc.Empty() {
			if s.rates.Min <= 0 || now.Before(s.latest()) {
				s.sent = s.doc

				return nil
			}
			content = write(content.doc) // min-rate wants one that says nothing
		}
		s.version++
		n.Document, n.Body = content.numbered(s.version)
		s.sent = s.doc
	}
	s.owed = false
	s.open = true
	s.lastSent = now

	return n
}

// final makes the last NOTIFY.
func (s *Subscription) final(now time.Time) *Notify {
	n := &Notify{Phase: PhaseTerminated, Reason: s.reason, RetryAfter: s.retryAfter}
	switch {
	case s.doc == nil || s.doc.doc().Entity == "":
	case s.reason == ReasonNoResource:
		s.version++
		n.Document = Document{Entity: s.doc.doc().Entity, State: Deleted, Version: s.version}
		n.Body = marshalNormalized(n.Document)
	case s.reason == ReasonTimeout:
		s.version++
		n.Document, n.Body = s.doc.full().numbered(s.version)
	}
	s.open = true
	s.finalSent = true
	s.lastSent = now

	return n
}
