package conference

// tally counts the participants of a list by what most steps ask of all of them. It is kept up with every change, so that a step does not
// have to look at a thousand participants to find that nothing follows from one who leaves.
type tally struct {
	decided   int // nothing has to be entered before they come in
	there     int // their media are connected, who wait among them
	present   int // in the conference
	waiting   int // at the door, media connected
	leads     int // there, and the others need not wait
	lectured  int // there, and kept from being heard by lecture mode
	astray    int // there, and that is not as it is to be while lecture mode is on
	recorders int // present, and their user agents say of recordings of their own that they go on or pause
	focuses   int // themselves focuses
}

// count adds a participant n times.
func (t *tally) count(p *Participant, n int) {
	add := func(to *int, is bool) {
		if is {
			*to += n
		}
	}
	there, present := p.Status.Present(), p.Present()
	add(&t.decided, p.Awaits == AwaitsNothing)
	add(&t.there, there)
	add(&t.present, present)
	add(&t.waiting, there && p.Waiting())
	add(&t.leads, there && p.Leads())
	add(&t.lectured, there && p.Lectured)
	add(&t.astray, there && p.listensInLecture() != p.Lectured)
	add(&t.recorders, present && p.Session.Records != IndicateOff)
	add(&t.focuses, p.Session.Focus)
}

// insert puts a participant at the end of the list.
func (s *step) insert(p *Participant) {
	s.own()
	s.next.Participants = append(s.next.Participants, p)
	s.tally.count(p, 1)
	s.touched = append(s.touched, p.ID)
	s.dirty = true
}

// drop takes one out of the list.
func (s *step) drop(i int) {
	s.own()
	s.tally.count(s.next.Participants[i], -1)
	copy(s.next.Participants[i:], s.next.Participants[i+1:])
	s.next.Participants = s.next.Participants[:len(s.next.Participants)-1]
	s.dirty = true
}

// replace puts another version of a participant into its place. Nobody may write to it from now on.
func (s *step) replace(i int, p *Participant) {
	s.own()
	s.tally.count(s.next.Participants[i], -1)
	s.tally.count(p, 1)
	s.next.Participants[i] = p
	s.touched = append(s.touched, p.ID)
	s.dirty = true
}

// own makes the list of participants our own before the first write, with room for one more. What it points to is shared with the version before.
func (s *step) own() {
	if !s.owned {
		s.next.Participants = append(make([]*Participant, 0, len(s.next.Participants)+1), s.next.Participants...)
		s.owned = true
	}
}
