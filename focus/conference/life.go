package conference

import (
	"slices"
	"time"
)

// Reasons of what the rules do, as they go into the Reason header field (RFC 3326).
const (
	reasonWaited    = `SIP;cause=480;text="Waited too long to be let in"`
	reasonModerator = `SIP;cause=200;text="The last moderator has left"`
	reasonFew       = `SIP;cause=200;text="Too few participants are left"`
	reasonDuration  = `SIP;cause=200;text="The longest duration is reached"`
	reasonCloses    = `SIP;cause=200;text="The conference's time is over"`
)

// life is what the rules remember of a conference in which somebody is.
type life struct {
	led       bool      // somebody has led it
	orphaned  time.Time // since when nobody does
	most      int       // how many have been there at once
	few       time.Time // since when there are too few
	looked    time.Time // up to when warnings of the end have been given
	closing   string    // why it ends as soon as that has been announced
	closingAt time.Time
	remove    bool // and is then deleted
}

// settleLife draws the consequences that the rules have.
func (s *step) settleLife() error {
	s.deadline, s.endsAt = time.Time{}, time.Time{}
	if s.nobody() {
		s.m.life = life{}
	} else if err := s.live(); err != nil {
		return err
	}
	s.settleCalls()
	s.chime()
	if !s.next.EndsAt.Equal(s.endsAt) {
		s.next.EndsAt = s.endsAt
		s.dirty = true
	}
	return nil
}

// live applies the rules while somebody is there; it may end the conference.
func (s *step) live() error {
	s.settleDoor()
	if err := s.expireWaiting(); err != nil {
		return err
	}
	for _, rule := range []func() error{s.closing, s.orphan, s.dwindle, s.duration} {
		if err := rule(); err != nil {
			return err
		}
		if len(s.next.Participants) == 0 {
			s.m.life, s.endsAt = life{}, time.Time{}
			return nil
		}
	}
	return nil
}

// due asks for a Tick at that time, unless an earlier one is asked for.
func (s *step) due(at time.Time) {
	if s.deadline.IsZero() || at.Before(s.deadline) {
		s.deadline = at
	}
}

// ends is due for the end of the conference.
func (s *step) ends(at time.Time) {
	s.due(at)
	if s.endsAt.IsZero() || at.Before(s.endsAt) {
		s.endsAt = at
	}
}

// closing ends a conference whose end has been announced.
func (s *step) closing() error {
	l := &s.m.life
	switch {
	case l.closingAt.IsZero():
		return nil
	case s.now.Before(l.closingAt):
		s.ends(l.closingAt)
		return nil
	default:
		return s.end(End{Reason: l.closing, Delete: l.remove})
	}
}

// close announces the end to those who hear it, or ends at once.
func (s *step) close(reason string) error {
	l := &s.m.life
	switch {
	case !l.closingAt.IsZero():
		return nil
	case s.m.cfg.Farewell <= 0 || s.tally.present == 0:
		return s.end(End{Reason: reason, Delete: l.remove})
	}
	l.closing, l.closingAt = reason, s.now.Add(s.m.cfg.Farewell)
	s.ends(l.closingAt)
	s.do(Farewell{})
	return nil
}

// orphan follows the last one who led the conference.
func (s *step) orphan() error {
	l, r := &s.m.life, &s.next.Rules
	switch {
	case s.tally.leads > 0:
		l.led, l.orphaned = true, time.Time{}
		return nil
	case !l.led:
		return nil
	case l.orphaned.IsZero():
		l.orphaned = s.now
	}
	at := l.orphaned.Add(r.ModeratorGrace)
	switch r.ModeratorLeaves {
	case GoOn:
		return nil
	case EndConference:
		if s.now.Before(at) {
			s.ends(at)
			return nil
		}
		return s.close(reasonModerator)
	case WaitAgain:
		if !r.WaitForModerator {
			return nil
		}
		if s.now.Before(at) {
			s.due(at)
			return nil
		}
		l.led = false
		for i := range s.next.Participants {
			s.change(i, s.sendOut)
		}
	}
	return nil
}

// dwindle ends what only few are left of.
func (s *step) dwindle() error {
	l, r := &s.m.life, &s.next.Rules
	n := s.tally.there
	l.most = max(l.most, n)
	if r.EndAt == 0 || l.most <= r.EndAt || n > r.EndAt {
		l.few = time.Time{}
		return nil
	}
	if l.few.IsZero() {
		l.few = s.now
	}
	if at := l.few.Add(r.EndAtGrace); s.now.Before(at) {
		s.ends(at)
		return nil
	}
	return s.close(reasonFew)
}

// duration warns of the end, and ends what has lasted for long enough.
func (s *step) duration() error {
	l, r := &s.m.life, &s.next.Rules
	if l.looked.IsZero() {
		l.looked = s.now // what is past already is no warning
	}
	at, reason := s.next.Closes, reasonCloses
	if longest := s.next.StartedAt.Add(r.MaxDuration); r.MaxDuration > 0 && (at.IsZero() || longest.Before(at)) {
		at, reason = longest, reasonDuration
	}
	switch {
	case at.IsZero():
		return nil
	case !s.now.Before(at):
		return s.close(reason)
	}
	s.ends(at)
	var late time.Duration
	for _, before := range slices.Sorted(slices.Values(s.m.cfg.Warnings)) {
		switch warn := at.Add(-before); {
		case s.now.Before(warn):
			s.due(warn)
		case warn.After(l.looked) && late == 0: // of several that are due at once the one that is nearest to the end
			late = before
		}
	}
	l.looked = s.now
	if late > 0 && s.tally.present > 0 {
		s.do(Remind{Left: late})
	}
	return nil
}
