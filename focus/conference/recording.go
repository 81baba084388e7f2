package conference

import (
	"slices"
	"time"
)

// Captures tells whether the conference is wished to be captured by this recording now; each participant only from the
// moment he has been told.
func (r *Recording) Captures() bool { return !r.Over() && !r.Stopping && !r.Paused }

// record starts a recording.
func (s *step) record(e Record) error {
	policy := s.m.policy
	if e.Config != nil {
		policy = *e.Config
	}
	if e.Called {
		policy.Spool, policy.Copies, policy.Quorum = false, 0, 0
	}
	if e.Modes == 0 {
		e.Modes = policy.Modes
	}
	if len(e.Servers) == 0 {
		e.Servers = policy.Servers
	}
	_, taken := s.next.Recording(e.ID)
	switch {
	case policy.Policy == Never:
		return ErrRecordingPolicy
	case taken:
		return ErrExists
	case len(e.Servers) == 0:
		return ErrConflict
	case s.nobody() || !s.m.endedAt.IsZero():
		return ErrNotActive
	}
	r := Recording{ID: e.ID, Modes: e.Modes, Automatic: e.Automatic, Config: &policy, Paused: e.Automatic && s.m.brokePaused}
	for _, name := range e.Servers {
		if !slices.ContainsFunc(r.Servers, func(have RecordingServer) bool { return have.Name == name }) {
			r.Servers = append(r.Servers, RecordingServer{Name: name})
		}
	}
	if policy.Spool {
		r.Servers = append(r.Servers, RecordingServer{Name: SpoolServer, State: RecordingStandby})
	}
	s.rown()
	s.next.Recordings = append(s.next.Recordings, r)
	s.dirty = true
	return nil
}

// wish pauses, resumes or stops a recording.
func (s *step) wish(id RecordingID, pause, stop bool) error {
	i := s.recordingIndex(id)
	if i < 0 || s.next.Recordings[i].Over() {
		return ErrNoRecording
	}
	r := s.next.Recordings[i]
	switch {
	case r.Stopping && !stop:
		return ErrConflict
	case stop && r.Automatic:
		return ErrRecordingPolicy
	case stop:
		s.stop(i)
	case r.Paused != pause:
		r.Paused = pause
		s.put(i, r)
		s.changeRecording(r.ID)
	}
	return nil
}

// stop begins the end of a recording; one whose sessions were never asked for has ended by that.
func (s *step) stop(i int) {
	r := s.next.Recordings[i]
	if r.Stopping || r.Over() {
		return
	}
	r.Stopping = true
	if s.m.opened[r.ID] {
		s.changeRecording(r.ID)
	} else {
		r.State = RecordingStopped
	}
	s.put(i, r)
}

func (s *step) changeRecording(id RecordingID) {
	if s.m.opened[id] {
		s.do(ChangeRecording{ID: id})
	}
}

// report takes what a server has acknowledged.
func (s *step) report(e Report) error {
	i := s.recordingIndex(e.Recording)
	if i < 0 || s.next.Recordings[i].Over() {
		return ErrNoRecording
	}
	r := s.next.Recordings[i]
	k := slices.IndexFunc(r.Servers, func(v RecordingServer) bool { return v.Name == e.Server })
	if k < 0 {
		return ErrNoRecording
	}
	server := RecordingServer{Name: e.Server, State: e.State, SessionID: e.SessionID, Error: e.Error, Retrying: e.Retrying}
	if server.SessionID == "" {
		server.SessionID = r.Servers[k].SessionID
	}
	if server == r.Servers[k] {
		return nil
	}
	r.Servers = slices.Clone(r.Servers)
	r.Servers[k] = server
	before := r
	r.State = aggregate(&r)
	r.Broken = r.Broken || r.State == RecordingFailed
	r.Degraded = !r.Stopping && !r.Over() && able(&r) < max(1, r.Config.Quorum)
	if r.State == RecordingActive && r.StartedAt.IsZero() {
		r.StartedAt = s.now
	}
	s.put(i, r)
	if r.Automatic && r.State == RecordingFailed && r.Over() {
		s.m.brokePaused = r.Paused
	}
	failed := r.State == RecordingFailed && before.State != RecordingFailed
	if !failed && (!r.Degraded || before.Degraded || before.State == RecordingFailed) {
		return nil
	}
	switch r.Config.OnFailure {
	case OnFailureTerminate:
		return s.end(End{Reason: `SIP;cause=503;text="Recording failed"`, Delete: s.next.Dynamic})
	case OnFailureNotify:
		s.do(Warn{})
	case OnFailureContinue:
	}
	return nil
}

// able counts the servers that record, or may be about to.
func able(r *Recording) int {
	n := 0
	for i := range r.Servers {
		switch r.Servers[i].State {
		case RecordingStarting, RecordingActive, RecordingPaused:
			n++
		case RecordingFailed, RecordingStopping, RecordingStopped, RecordingStandby:
		}
	}
	return n
}

// aggregate is the state of a recording from those of its servers: one that records is enough.
func aggregate(r *Recording) RecordingState {
	count := map[RecordingState]int{}
	over := 0
	for i := range r.Servers {
		count[r.Servers[i].State]++
		if r.Servers[i].Over() || r.Servers[i].State == RecordingStandby {
			over++ // who stands by is called before the failure of another is reported
		}
	}
	switch {
	case over == len(r.Servers) && count[RecordingFailed] > 0 && !r.Stopping:
		return RecordingFailed
	case over == len(r.Servers):
		return RecordingStopped
	case r.Stopping:
		return RecordingStopping
	case count[RecordingActive] > 0:
		return RecordingActive
	case count[RecordingPaused] > 0:
		return RecordingPaused
	case count[RecordingStarting] > 0:
		return RecordingStarting
	default:
		return RecordingFailed
	}
}

// nobody tells whether nobody is there, or on his way, but for those who are kept out.
func (s *step) nobody() bool {
	return s.tally.decided == 0
}

// hasAutomatic tells whether the policy has been fulfilled.
func (s *step) hasAutomatic() bool {
	return slices.ContainsFunc(s.next.Recordings, func(r Recording) bool {
		return r.Automatic && !r.Stopping && !r.Over()
	})
}

// settleRecordings opens what can begin, ends what nobody is left for, tells who has to be told, forgets the oldest.
func (s *step) settleRecordings() {
	empty := s.nobody()
	present := s.tally.present > 0
	for i := range s.next.Recordings {
		r := s.next.Recordings[i]
		switch {
		case empty:
			s.stop(i)
		case present && !r.Stopping && !r.Over() && !s.m.opened[r.ID]:
			s.m.opened[r.ID] = true
			s.do(StartRecording{ID: r.ID})
		}
	}
	s.indicate()
	s.forget()
}

// indicate asks for each participant who has to be told something else than he was last. Where what everybody has to be told is as before, that
// can only be who has come or changed.
func (s *step) indicate() {
	said := indications{own: s.next.Indication()}
	if s.tally.recorders > 0 {
		said = s.next.indications()
	}
	if said == s.m.said && s.tally.focuses == 0 {
		places := make([]int, 0, len(s.touched))
		for _, id := range s.touched {
			if i := s.index(id); i >= 0 {
				places = append(places, i)
			}
		}
		slices.Sort(places)
		for _, i := range slices.Compact(places) {
			s.indicateTo(i, &said)
		}
		return
	}
	s.m.said = said
	for i := range s.next.Participants {
		s.indicateTo(i, &said)
	}
}

// indicateTo asks for one participant, if he has to be told something else than he was last.
func (s *step) indicateTo(i int, said *indications) {
	p := s.next.Participants[i]
	want, via := said.of(p), ""
	if p.Session.Focus {
		via = s.next.IndicationVia(p)
	}
	if p.Present() && (s.m.asked[p.ID] != want || s.m.askedVia[p.ID] != via) { // who waits at the door is told when he comes in
		s.m.asked[p.ID], s.m.askedVia[p.ID] = want, via
		s.do(Indicate{ID: p.ID, Indication: want, Via: via})
	}
	told := min(p.Told, want) // what allows less need not wait for the participant to hear of it
	if own := min(told, said.ownOf(p)); p.Status.Present() && (told != p.Told || own != p.Recording) {
		changed := *p
		changed.Told, changed.Recording = told, own
		s.replace(i, &changed)
	}
}

// forget keeps the list of recordings that are over short.
func (s *step) forget() {
	over := 0
	for i := range s.next.Recordings {
		if s.next.Recordings[i].Over() {
			over++
		}
	}
	if over <= keptRecordings {
		return
	}
	s.rown()
	s.next.Recordings = slices.DeleteFunc(s.next.Recordings, func(r Recording) bool {
		drop := r.Over() && over > keptRecordings
		if drop {
			over--
			delete(s.m.opened, r.ID)
		}
		return drop
	})
	s.dirty = true
}

func (s *step) recordingIndex(id RecordingID) int {
	return slices.IndexFunc(s.next.Recordings, func(r Recording) bool { return r.ID == id })
}

func (s *step) put(i int, r Recording) {
	s.rown()
	s.next.Recordings[i] = r
	s.dirty = true
}

// rown makes the list of recordings our own before the first write.
func (s *step) rown() {
	if !s.rowned {
		s.next.Recordings = slices.Clone(s.next.Recordings)
		s.rowned = true
	}
}

// abandonRecordings declares stopped what servers did not confirm in time.
func (s *step) abandonRecordings(deadline time.Time) {
	if s.now.Before(deadline) {
		return
	}
	for i := range s.next.Recordings {
		if r := s.next.Recordings[i]; !r.Over() {
			r.State = RecordingStopped
			s.put(i, r)
		}
	}
}
