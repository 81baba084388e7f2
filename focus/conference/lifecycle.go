package conference

import (
	"slices"
	"time"
)

// finish ends the conference because somebody wants it.
func (s *step) finish(e End) error {
	if err := s.moderates(e.By); err != nil {
		return err
	}
	if !e.Announce {
		return s.end(e)
	}
	if e.Delete {
		s.m.life.remove = true
	}
	return s.close(e.Reason)
}

// end ejects everybody. What it means for the conference itself follows in settle: it is then empty, and may be barred.
func (s *step) end(e End) error {
	if s.m.endedAt.IsZero() && (e.Delete || s.next.Dynamic) {
		s.m.endedAt = s.now
		s.dirty = true
	}
	s.m.calls = nil
	for _, p := range slices.Clone(s.next.Participants) {
		if err := s.eject(p.ID, e.Reason); err != nil {
			return err
		}
	}
	return nil
}

// settle draws the consequences of the step: recordings begin or stop, an empty conference ends or falls idle.
func (s *step) settle() error {
	m := s.m
	if err := s.settleLife(); err != nil {
		return err
	}
	s.settleSidebars()
	s.settleRecordings()
	if len(s.next.Participants) > 0 {
		m.emptySince, m.idle = time.Time{}, false
		if at := m.nextDeadline(); !at.IsZero() {
			s.due(at)
		}
		s.wakeAt(s.deadline)
		return nil
	}
	if s.callsLeft() { // somebody may still come
		m.emptySince = time.Time{}
		s.wakeAt(s.deadline)
		return nil
	}
	if m.idle && m.endedAt.IsZero() && !s.next.Active {
		s.wakeAt(time.Time{})
		return nil
	}
	if m.emptySince.IsZero() {
		m.emptySince = s.now
	}
	s.abandonRecordings(m.emptySince.Add(recordingDrain))
	if !s.drained() {
		s.wakeAt(m.emptySince.Add(recordingDrain))
		return nil
	}
	s.rest()
	return nil
}

// rest is what becomes of a conference without participants and without running recordings.
func (s *step) rest() {
	m := s.m
	until := m.emptySince.Add(m.cfg.Grace)
	if at := s.next.Closes; !at.IsZero() && at.Before(until) {
		until = at
	}
	switch {
	case !m.endedAt.IsZero(), s.next.Dynamic && !s.now.Before(until):
		s.next.Active, s.next.Ended, s.dirty = false, true, true
		s.wakeAt(time.Time{})
		s.do(Close{})
	case s.next.Dynamic:
		s.wakeAt(until)
	default:
		s.next.Active, s.next.StartedAt, s.dirty = false, time.Time{}, true
		m.emptySince, m.idle = time.Time{}, true
		s.wakeAt(time.Time{})
		s.do(Idle{})
	}
}

// drained tells whether no recording is on its way any more.
func (s *step) drained() bool {
	return !slices.ContainsFunc(s.next.Recordings, func(r Recording) bool { return !r.Over() })
}

// wakeAt asks for a Tick unless the same one is asked for already.
func (s *step) wakeAt(at time.Time) {
	if !s.m.wake.Equal(at) {
		s.m.wake = at
		s.do(WakeAt{At: at})
	}
}
