package conference

import (
	"slices"
	"time"
)

// settleDoor lets in who need not wait any more, and applies lecture mode. Everybody comes to the door when his media are ready, so
// who may come in at once does so in the same step and nobody ever is on the wrong side of it.
func (s *step) settleDoor() {
	if !s.concerned() {
		return
	}
	led := s.tally.leads > 0
	for i := range s.next.Participants {
		p := s.next.Participants[i]
		if !p.Status.Present() {
			continue
		}
		enters := p.Waiting() && !s.mustWait(p, led)
		lectured := s.lectured(p)
		if !enters && lectured == p.Lectured {
			continue
		}
		s.change(i, func(p *Participant) {
			p.Lectured = lectured
			if enters {
				s.enter(p)
			}
		})
	}
}

// mustWait tells whether the rules keep a participant out.
func (s *step) mustWait(p *Participant, led bool) bool {
	r := &s.next.Rules
	switch {
	case p.Leads(), p.Cleared:
		return false
	case r.Lobby && p.Method == DialedIn: // who was called has been asked in by that
		return true
	default:
		return r.WaitForModerator && !led
	}
}

// concerned tells whether there is somebody whom the door or lecture mode may concern: most steps change nothing here.
func (s *step) concerned() bool {
	astray := s.tally.lectured
	if s.next.Rules.Lecture {
		astray = s.tally.astray
	}
	return s.tally.waiting > 0 || astray > 0
}

// lectured tells whether lecture mode keeps a participant from being heard.
func (s *step) lectured(p *Participant) bool {
	return s.next.Rules.Lecture && p.listensInLecture()
}

// listensInLecture tells whether lecture mode keeps the participant from being heard while it is on.
func (p *Participant) listensInLecture() bool { return p.Role != Moderator && !p.Floor }

// enter brings a participant from the door into the conference.
func (s *step) enter(p *Participant) {
	if above := s.next.Rules.MuteAbove; above > 0 && p.Role == Speaker && p.JoinedAt.IsZero() && s.tally.present >= above {
		p.Muted = true
	}
	p.WaitingSince = time.Time{}
	if p.JoinedAt.IsZero() {
		p.JoinedAt = s.now
	}
	s.entered = append(s.entered, p.ID)
}

// sendOut has a participant wait, as if he had just come to the door.
func (s *step) sendOut(p *Participant) {
	p.Cleared, p.Floor = false, false
	s.hush(p.ID)
	p.HandRaisedAt = time.Time{}
	if !p.Waiting() && p.Status.Present() {
		p.WaitingSince = s.now
		s.exited = append(s.exited, p.ID)
	}
}

// admitAll lets in everybody who waits now.
func (s *step) admitAll(e AdmitAll) error {
	if err := s.moderates(e.By); err != nil {
		return err
	}
	for i := range s.next.Participants {
		if s.next.Participants[i].Waiting() {
			s.change(i, func(p *Participant) { p.Cleared = true })
		}
	}
	return nil
}

// expireWaiting sends away who has waited for too long.
func (s *step) expireWaiting() error {
	limit := s.next.Rules.WaitTimeout
	if limit == 0 {
		return nil
	}
	for _, p := range slices.Backward(s.next.Participants) { // from behind, since ejecting moves what follows
		if !p.Waiting() {
			continue
		}
		if at := p.WaitingSince.Add(limit); s.now.Before(at) {
			s.due(at)
		} else if err := s.eject(p.ID, reasonWaited); err != nil {
			return err
		}
	}
	return nil
}

// chime announces who has come or gone to those who are in. The first one hears nothing of himself.
func (s *step) chime() {
	n := s.tally.present
	switch s.next.Rules.Entry {
	case EntryTone:
		switch {
		case len(s.entered) > 0 && n > 1:
			s.do(Chime{Entered: true})
		case len(s.exited) > 0 && n > 0:
			s.do(Chime{})
		}
	case EntryAnnounce:
		for _, id := range s.entered {
			if n > 1 {
				s.do(Announce{ID: id, Entered: true})
			}
		}
		for _, id := range s.exited {
			if n > 0 {
				s.do(Announce{ID: id})
			}
		}
	case EntryNone:
	}
}
