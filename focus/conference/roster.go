package conference

import (
	"slices"
	"time"
)

// join gives a place to who has called in.
func (s *step) join(e Join) error {
	p := Participant{
		ID: e.ID, Entity: e.Entity, Endpoint: e.Endpoint, DisplayName: e.DisplayName, Role: e.Role, Marked: e.Marked,
		Languages: e.Languages, Anonymous: e.Anonymous, Status: DialingIn, Method: DialedIn, InvitedBy: e.By,
		Muted: s.next.MutedOnEntry && e.Role == Speaker, InvitedAt: s.now,
		Session: Session{RecordAware: e.RecordAware}, Awaits: s.m.cfg.Door.awaits(e.Known),
	}
	if p.Awaits == AwaitsNothing && s.asksName(&p, e.Introduced) {
		p.Awaits = AwaitsName
	} else if p.Awaits != AwaitsNothing && s.m.guard.KeptOut(e.Source, s.now) {
		return ErrKeptOut
	}
	if err := s.admit(p, e.Rule, s.index(e.Replaces) >= 0); err != nil {
		return err
	}
	if p.Awaits != AwaitsNothing {
		pad := s.m.pad(e.ID)
		pad.source, pad.known, pad.role = e.Source, e.Introduced, e.Role
	}
	s.do(Admit{ID: e.ID})
	return nil
}

// invite gives a place to who will be called.
func (s *step) invite(e Invite) error {
	p := Participant{
		ID: e.ID, Entity: e.Entity, DisplayName: e.DisplayName, Role: e.Role, Marked: e.Marked, Status: DialingOut, Method: DialedOut,
		InvitedBy: e.By,
		Muted:     s.next.MutedOnEntry && e.Role == Speaker, InvitedAt: s.now,
	}
	if e.Consent {
		p.Awaits = AwaitsConsent
	}
	if err := s.admit(p, e.Rule, false); err != nil {
		return err
	}
	s.called(e)
	s.do(Admit{ID: e.ID}, Dial{ID: e.ID, Target: e.Target})
	return nil
}

// admit is the admission policy: order matters, as an ended conference is unknown before it is locked or full.
// Who takes the place of somebody needs none of his own.
func (s *step) admit(p Participant, rule *Rule, replaces bool) error {
	switch _, taken := s.next.Participant(p.ID); {
	case !s.m.endedAt.IsZero(), s.next.ClosedAt(s.now):
		return ErrEnded
	case s.now.Before(s.next.Opens):
		return ErrNotOpen
	case taken:
		return ErrExists
	case !s.m.life.closingAt.IsZero():
		return ErrEnding
	case s.next.Locked:
		return ErrLocked
	case !replaces && s.next.MaxParticipants > 0 && len(s.next.Participants) >= s.next.MaxParticipants:
		return ErrFull
	}
	p.Endpoint = s.endpoint(p)
	var wanted *RecordingConfig
	if p.Awaits == AwaitsNothing {
		wanted = s.govern(rule, &p)
	} else {
		s.m.pad(p.ID).rule = rule
	}
	s.insert(&p)
	if p.Awaits == AwaitsNothing {
		s.begin(wanted)
	}
	return nil
}

// begin is what follows from somebody who is there, or on his way, and not kept out; wanted is what has to be recorded because of him, nil: nothing.
func (s *step) begin(wanted *RecordingConfig) {
	if !s.next.Active {
		s.next.Active = true
		s.next.StartedAt = s.now
		if !s.m.cfg.Calls.OnCreate && !s.callsLeft() {
			s.startCalls()
		}
	}
	if wanted != nil {
		s.do(AutoRecord{Config: wanted})
	}
}

// endpoint gives a key that nobody else in the roster has (RFC 4575, section 4.5).
func (s *step) endpoint(p Participant) string {
	key := p.Endpoint
	if key == "" {
		key = p.Entity
	}
	if slices.ContainsFunc(s.next.Participants, func(q *Participant) bool { return q.Endpoint == key }) {
		return key + ";id=" + string(p.ID)
	}
	return key
}

func (s *step) ringing(e Ringing) error {
	return s.edit(e.ID, func(p *Participant) {
		if p.Status == DialingOut {
			p.Status = Alerting
		}
	})
}

func (s *step) bridged(e Bridged) error {
	s.reached(e.ID)
	if p, ok := s.next.Participant(e.ID); ok && p.Awaits != AwaitsNothing {
		defer s.arrive(p)
	}
	return s.edit(e.ID, func(p *Participant) {
		s.reach(p)
		p.Session = e.Session
		if e.Endpoint != "" && e.Endpoint != p.Endpoint {
			p.Endpoint = s.endpoint(Participant{ID: e.ID, Endpoint: e.Endpoint})
		}
		p.Told = e.Told
		s.m.asked[e.ID], s.m.askedVia[e.ID] = e.Told, ""
		s.touched = append(s.touched, e.ID)
	})
}

// reach puts somebody whose media are agreed before the door, or, while he has to enter something, before that.
func (s *step) reach(p *Participant) {
	switch {
	case p.Awaits != AwaitsNothing:
		p.Status = Pending
		return
	case !p.Status.Present():
		p.WaitingSince = s.now // settleDoor looks after him
	}
	p.Status = Connected
}

func (s *step) left(e Left) error {
	if e.Replaced {
		s.reached(e.ID) // elsewhere, so that he is not called again
	}
	return s.remove(e.ID, Disconnection{Method: Departed, Reason: e.Reason})
}

func (s *step) failed(e Failure) error {
	method := Failed
	if e.Busy {
		method = Busy
	}
	return s.remove(e.ID, Disconnection{Method: method, Reason: e.Reason})
}

// eject removes a participant by policy; the media stop with this step, the signalling follows.
func (s *step) eject(id ParticipantID, reason string) error {
	if err := s.remove(id, Disconnection{Method: Booted, Reason: reason}); err != nil {
		return err
	}
	s.do(Eject{ID: id, Reason: reason})
	return nil
}

// remove takes a participant out of the roster and reports him once among the departed.
func (s *step) remove(id ParticipantID, d Disconnection) error {
	i := s.index(id)
	if i < 0 {
		return ErrNoParticipant
	}
	p := *s.next.Participants[i]
	d.At = s.now
	p.Disconnection = d
	if p.Present() {
		s.exited = append(s.exited, id)
	}
	p.Status = Disconnected
	p.WaitingSince = time.Time{}
	s.hush(id)
	s.callOver(&p)
	s.next.Departed = append(s.next.Departed, &p)
	s.drop(i)
	if s.next.Dominant == id {
		s.next.Dominant = ""
	}
	delete(s.m.asked, id)
	delete(s.m.askedVia, id)
	delete(s.m.pads, id)
	return nil
}

// adjust changes what the focus does with a participant.
func (s *step) adjust(e Adjust) error {
	p, ok := s.next.Participant(e.ID)
	if !ok {
		return ErrNoParticipant
	}
	if err := s.mayAdjust(e, &p); err != nil {
		return err
	}
	role := p.Role
	if e.Role != nil {
		role = *e.Role
	}
	switch {
	case role > Listener:
		return ErrRange
	case !gainAllowed(e.GainDB), !gainAllowed(e.ListenGainDB):
		return ErrRange
	case e.Muted != nil && !*e.Muted && role == Listener:
		return ErrListener
	}
	if err := s.coachable(e); err != nil {
		return err
	}
	if err := s.placeable(e, &p, role); err != nil {
		return err
	}
	if err := s.recordable(&p, e); err != nil {
		return err
	}
	return s.edit(e.ID, func(p *Participant) {
		p.Role = role
		assign(&p.Muted, e.Muted)
		assign(&p.Deafened, e.Deafened)
		assign(&p.Held, e.Held)
		assign(&p.Unrecorded, e.Unrecorded)
		assign(&p.Masked, e.Masked)
		assign(&p.GainDB, e.GainDB)
		assign(&p.ListenGainDB, e.ListenGainDB)
		assign(&p.DisplayName, e.DisplayName)
		assign(&p.Coaching, e.Coaching)
		s.adjustPlace(p, e)
	})
}

// gainAllowed tells whether a wished gain is within its limits; a NaN is not.
func gainAllowed(db *float64) bool { return db == nil || *db >= minGainDB && *db <= maxGainDB }

// coachable refuses to coach oneself, or somebody who is not there.
func (s *step) coachable(e Adjust) error {
	if e.Coaching == nil || *e.Coaching == "" {
		return nil
	}
	if *e.Coaching == e.ID {
		return ErrRange
	}
	if s.index(*e.Coaching) < 0 {
		return ErrNoParticipant
	}
	return nil
}

func assign[T any](field, wish *T) {
	if wish != nil {
		*field = *wish
	}
}

// speaking marks exactly the listed participants, as far as they may be heard at all, and notes who dominates.
func (s *step) speaking(e Speaking) error {
	if p, ok := s.next.Participant(e.Dominant); !ok || !p.Public() {
		e.Dominant = ""
	}
	set(s, &s.next.Dominant, &e.Dominant)
	var now []ParticipantID
	for i := range s.next.Participants {
		if p := s.next.Participants[i]; slices.Contains(e.Active, p.ID) && p.Public() {
			now = append(now, p.ID)
		}
	}
	if !slices.Equal(now, s.next.Speakers) {
		s.next.Speakers, s.dirty = now, true
	}
	return nil
}

// hush takes a participant out of those who speak.
func (s *step) hush(id ParticipantID) {
	if i := slices.Index(s.next.Speakers, id); i >= 0 {
		s.next.Speakers = slices.Delete(slices.Clone(s.next.Speakers), i, i+1)
		s.dirty = true
	}
}

// edit changes one participant on a copy; status follows from the rest.
func (s *step) edit(id ParticipantID, change func(*Participant)) error {
	i := s.index(id)
	if i < 0 {
		return ErrNoParticipant
	}
	s.change(i, change)
	return nil
}

// change is edit by the place in the list.
func (s *step) change(i int, change func(*Participant)) {
	p := *s.next.Participants[i]
	change(&p)
	if p.Status.Present() {
		p.Status = status(&p)
	}
	if p == *s.next.Participants[i] {
		return
	}
	s.replace(i, &p)
	if p.Public() {
		return
	}
	s.hush(p.ID)
	if s.next.Dominant == p.ID {
		s.next.Dominant = ""
	}
}

// status is the endpoint status of a participant whose media are in the conference (RFC 4575, section 5.7.3).
func status(p *Participant) Status {
	switch {
	case p.Held || p.Session.OnHold || p.Waiting():
		return OnHold
	case p.Silenced():
		return MutedViaFocus
	default:
		return Connected
	}
}

func (s *step) index(id ParticipantID) int { return s.next.index(id) }
