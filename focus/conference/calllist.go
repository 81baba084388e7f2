package conference

import (
	"slices"
	"time"
)

// CallList is whom a conference calls by itself.
type CallList struct {
	Callees []Callee
	// OnCreate: only when CallOut comes, and not when the first participant does.
	OnCreate bool
	// Attempts to reach each of them; 0: one. Who has been in the conference is not called again.
	Attempts int
	Interval time.Duration // from the failure of an attempt to the next
}

// Callee is one whom a conference calls by itself.
type Callee struct {
	Entity, Target string // as in Invite
	DisplayName    string
	Role           Role
	Marked         bool
	Consent        bool // he is asked before he comes in
}

// calling is what has become of a Callee.
type calling struct {
	attempts int
	id       ParticipantID // who is being called; empty: nobody
	next     time.Time
	done     bool
}

// Callee gives one of the CallList, for the answer to AutoDial.
func (m *Machine) Callee(i int) Callee { return m.cfg.Calls.Callees[i] }

// startCalls has everybody on the list called.
func (s *step) startCalls() {
	s.m.calls = make([]calling, len(s.m.cfg.Calls.Callees))
	for i := range s.m.calls {
		s.m.calls[i].next = s.now
	}
}

// callOut calls the list when it is wanted.
func (s *step) callOut() error {
	switch {
	case len(s.m.cfg.Calls.Callees) == 0, s.callsLeft():
		return ErrConflict
	case !s.m.endedAt.IsZero():
		return ErrEnded
	}
	s.startCalls()
	s.m.callsKept = true
	return nil
}

// settleCalls asks for the calls that are due, and forgets them when nobody is left who would want them.
func (s *step) settleCalls() {
	m := s.m
	if s.nobody() && (!m.callsKept || !s.callsLeft()) {
		m.calls, m.callsKept = nil, false
	}
	for i := range m.calls {
		c := &m.calls[i]
		switch {
		case c.done || c.id != "":
		case s.now.Before(c.next):
			s.due(c.next)
		case s.isThere(m.cfg.Calls.Callees[i].Entity):
			c.done = true
		case c.attempts >= max(1, m.cfg.Calls.Attempts):
			c.done = true
		default:
			c.attempts++
			c.next = s.now.Add(m.cfg.Calls.Interval) // if it is refused
			s.due(c.next)
			s.do(AutoDial{Callee: i})
		}
	}
}

// isThere tells whether somebody of that identity is a participant, who has called in by himself or is being called.
func (s *step) isThere(entity string) bool {
	return slices.ContainsFunc(s.next.Participants, func(p *Participant) bool { return p.Entity == entity })
}

// callsLeft tells whether somebody is still to be called, or is being called.
func (s *step) callsLeft() bool {
	for i := range s.m.calls {
		if !s.m.calls[i].done {
			return true
		}
	}
	return false
}

// called remembers which participant a Callee has become.
func (s *step) called(e Invite) {
	if e.Callee > 0 && e.Callee <= len(s.m.calls) {
		s.m.calls[e.Callee-1].id = e.ID
	}
}

// reached says that a participant's media are connected.
func (s *step) reached(id ParticipantID) {
	for i := range s.m.calls {
		if s.m.calls[i].id == id {
			s.m.calls[i].done = true
		}
	}
}

// callOver says that a participant has gone. Who was in, or was not wanted any more, is not called again.
func (s *step) callOver(p *Participant) {
	for i := range s.m.calls {
		c := &s.m.calls[i]
		if c.id != p.ID {
			continue
		}
		c.id = ""
		c.done = c.done || p.Disconnection.Method == Booted || c.attempts >= max(1, s.m.cfg.Calls.Attempts)
		c.next = s.now.Add(s.m.cfg.Calls.Interval)
	}
}
