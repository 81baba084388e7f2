package conference

import "time"

// moderates holds that who asks for something is a moderator who is in the conference; nobody stands for the operator, who may do
// everything.
func (s *step) moderates(by ParticipantID) error {
	if by == "" {
		return nil
	}
	p, ok := s.next.Participant(by)
	switch {
	case !ok:
		return ErrNoParticipant
	case p.Role != Moderator || !p.Present():
		return ErrNotModerator
	default:
		return nil
	}
}

// mayAdjust holds what participants may do with themselves and with each other.
func (s *step) mayAdjust(e Adjust, p *Participant) error {
	if e.By == "" || s.moderates(e.By) == nil {
		return nil
	}
	own := Adjust{ID: e.ID, By: e.By, Muted: e.Muted, Deafened: e.Deafened, Hand: e.Hand}
	switch {
	case e.By != e.ID || e != own:
		return ErrNotModerator
	case e.Muted != nil && !*e.Muted && p.Muted && s.next.Rules.HardMute:
		return ErrHardMuted
	default:
		return nil
	}
}

// muteAll mutes or unmutes everybody but moderators and who asks for it.
func (s *step) muteAll(e MuteAll) error {
	if err := s.moderates(e.By); err != nil {
		return err
	}
	if e.HardMute != nil && s.next.Rules.HardMute != *e.HardMute {
		s.next.Rules.HardMute = *e.HardMute
		s.dirty = true
	}
	for i := range s.next.Participants {
		if p := s.next.Participants[i]; p.Role == Speaker && p.ID != e.By && p.Muted != e.Muted {
			s.change(i, func(p *Participant) { p.Muted = e.Muted })
		}
	}
	return nil
}

// lowerHands forgets who wants to speak.
func (s *step) lowerHands(e LowerHands) error {
	if err := s.moderates(e.By); err != nil {
		return err
	}
	for i := range s.next.Participants {
		s.change(i, func(p *Participant) { p.HandRaisedAt = time.Time{} })
	}
	return nil
}

// adjustPlace applies the part of Adjust that says where a participant stands: at the door, in the queue, or with the floor.
func (s *step) adjustPlace(p *Participant, e Adjust) {
	assign(&p.Marked, e.Marked)
	if e.Waiting != nil {
		if *e.Waiting {
			s.sendOut(p)
		} else {
			p.Cleared = true
		}
	}
	if e.Hand != nil && *e.Hand != p.HandRaised() {
		p.HandRaisedAt = time.Time{}
		if *e.Hand {
			p.HandRaisedAt = s.now
		}
	}
	if e.Floor != nil {
		p.Floor = *e.Floor
		p.HandRaisedAt = time.Time{} // answered, one way or the other
	}
}

// placeable refuses places that a participant cannot have.
func (s *step) placeable(e Adjust, p *Participant, role Role) error {
	marked := p.Marked
	assign(&marked, e.Marked)
	r := &s.next.Rules
	keeps := r.Lobby && p.Method == DialedIn || r.WaitForModerator
	switch {
	case e.Waiting != nil && *e.Waiting && (role == Moderator || marked || !keeps):
		return ErrConflict // nothing would keep him out there
	case (e.Hand != nil && *e.Hand || e.Floor != nil && *e.Floor) && !p.Present():
		return ErrConflict
	case e.Floor != nil && *e.Floor && role == Listener:
		return ErrListener
	default:
		return nil
	}
}
