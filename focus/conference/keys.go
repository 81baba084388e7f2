package conference

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Choice is something that a participant can have done by key presses; what it is, the owner of the machine knows.
type Choice string

// Menu is what sequences of keys choose.
type Menu map[string]Choice

// MenuConfig are the menus of those who are in the conference.
type MenuConfig struct {
	// Participants have the first, moderators both; their own goes first.
	Participants, Moderators Menu
	// Timeout is how long a sequence may be interrupted, and how long is waited for more where one is the beginning of another; 3 s.
	Timeout time.Duration
}

func (c MenuConfig) withDefaults() MenuConfig {
	if c.Timeout == 0 {
		c.Timeout = menuTimeout
	}
	return c
}

// pad is the keypad of a participant: what he has pressed, and what has been said to him about it. It is no part of the State:
// digits are nobody's business.
type pad struct {
	keys     string
	turn     int       // of the last Say
	deadline time.Time // zero: none
	source   string    // of guesses
	attempts int
	busy     bool   // is being routed
	known    bool   // has no need to say his name
	role     Role   // he comes in with when he has said it
	rule     *Rule  // the recording rule for him, which holds when he is let in
	leaving  string // why he is sent away when the last has been said
}

func (m *Machine) pad(id ParticipantID) *pad {
	p := m.pads[id]
	if p == nil {
		p = &pad{}
		m.pads[id] = p
	}
	return p
}

// key takes a key press.
func (s *step) key(e Key) error {
	p, ok := s.next.Participant(e.ID)
	switch {
	case !ok:
		return ErrNoParticipant
	case p.Status == Pending && p.Awaits != AwaitsNothing:
		return s.enterKey(p, s.m.pad(e.ID), e.Key)
	case p.Status.Present():
		s.menu(p, s.m.pad(e.ID), e.Key)
	}
	return nil
}

// menu takes a key of who is inside.
func (s *step) menu(p Participant, pad *pad, key byte) {
	keys := pad.keys + string(key)
	choice, more := s.m.cfg.Menu.find(p.Role, keys)
	switch {
	case choice != "" && !more:
		pad.keys, pad.deadline = "", time.Time{}
		s.do(Choose{ID: p.ID, Choice: choice})
	case choice != "" || more:
		pad.keys, pad.deadline = keys, s.now.Add(s.m.cfg.Menu.Timeout)
	case pad.keys != "":
		pad.keys, pad.deadline = "", time.Time{}
		if _, more := s.m.cfg.Menu.find(p.Role, string(key)); more { // the beginning of another sequence
			pad.keys, pad.deadline = string(key), s.now.Add(s.m.cfg.Menu.Timeout)
			return
		}
		s.say(p.ID, SayInvalidKey)
	}
}

// find gives what keys choose, "" for nothing, and whether they are the beginning of something longer.
func (c *MenuConfig) find(role Role, keys string) (choice Choice, more bool) {
	menus := []Menu{c.Participants}
	if role == Moderator {
		menus = []Menu{c.Moderators, c.Participants}
	}
	for _, m := range menus {
		if choice == "" {
			choice = m[keys]
		}
		for sequence := range m {
			more = more || len(sequence) > len(keys) && strings.HasPrefix(sequence, keys)
		}
	}
	return choice, more
}

// Keys lists the sequences of a role in order, with what they choose.
func (c *MenuConfig) Keys(role Role) (keys []string, choices []Choice) {
	all := maps.Clone(c.Participants)
	if role == Moderator {
		if all == nil {
			all = Menu{}
		}
		maps.Copy(all, c.Moderators)
	}
	keys = slices.Sorted(maps.Keys(all))
	for _, k := range keys {
		choices = append(choices, all[k])
	}
	return keys, choices
}

// settlePads lets the deadlines of keypads pass.
func (s *step) settlePads() error {
	for _, id := range slices.Sorted(maps.Keys(s.m.pads)) {
		pad := s.m.pads[id]
		if pad.deadline.IsZero() || s.now.Before(pad.deadline) {
			continue
		}
		pad.deadline = time.Time{}
		p, ok := s.next.Participant(id)
		if !ok {
			continue
		}
		if err := s.overdue(p, pad); err != nil {
			return err
		}
	}
	return nil
}

// overdue is what follows from no further key.
func (s *step) overdue(p Participant, pad *pad) error {
	switch {
	case pad.leaving != "":
		return s.eject(p.ID, pad.leaving)
	case pad.busy:
		return s.routed(Routed{ID: p.ID, Why: SayConferenceBusy})
	case p.Awaits != AwaitsNothing:
		return s.submit(p, pad)
	}
	keys := pad.keys
	pad.keys = ""
	if choice, _ := s.m.cfg.Menu.find(p.Role, keys); choice != "" {
		s.do(Choose{ID: p.ID, Choice: choice})
	}
	return nil
}

// nextDeadline is the first of all keypads, zero for none.
func (m *Machine) nextDeadline() time.Time {
	var next time.Time
	for _, p := range m.pads {
		if !p.deadline.IsZero() && (next.IsZero() || p.deadline.Before(next)) {
			next = p.deadline
		}
	}
	return next
}
