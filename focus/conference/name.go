package conference

import "time"

// nameMargin is how much longer than its length is waited for a name, with the tone before it, when no Named comes.
const nameMargin = 10 * time.Second

// asksName tells whether somebody says his name before he comes in. Who was called is not asked: he was asked in, and may be a machine.
func (s *step) asksName(p *Participant, introduced bool) bool {
	return s.next.Rules.Entry == EntryAnnounce && !s.m.cfg.Door.Access && p.Method == DialedIn && !introduced
}

// askName asks who is at the door for his name.
func (s *step) askName(id ParticipantID) {
	s.ask(id, SayYourName)
	s.m.pad(id).deadline = s.now.Add(s.m.cfg.Door.First + nameMargin) // for the question to be said
}

// listen begins to take down a name, when the question has been said or was cut short.
func (s *step) listen(id ParticipantID, pad *pad) {
	pad.deadline = s.now.Add(s.m.cfg.Door.Name + nameMargin)
	s.do(Listen{ID: id, Turn: pad.turn})
}

// nameKey takes a key of who says his name: # ends it, * begins it anew.
func (s *step) nameKey(p Participant, pad *pad, key byte) error {
	switch key {
	case '#':
		return s.pass(p.ID, pad.role)
	case '*':
		s.askName(p.ID)
	}
	return nil
}

// named hears that somebody has said his name.
func (s *step) named(e Named) error {
	pad := s.m.pads[e.ID]
	p, ok := s.next.Participant(e.ID)
	switch {
	case !ok:
		return ErrNoParticipant
	case pad == nil || pad.turn != e.Turn || p.Awaits != AwaitsName || pad.leaving != "":
		return nil
	}
	return s.pass(e.ID, pad.role)
}
