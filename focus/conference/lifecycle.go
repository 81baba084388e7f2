package conference

import (
	"slices"
	"time"
)

// end ejects everybody. What it means for the conference itself follows in settle: it is then empty, and may be barred.
func (s *step) end(e End) error {
	if s.m.endedAt.IsZero() && (e.Delete || s.next.Dynamic) {
		s.m.endedAt = s.now
		s.dirty = true
	}
	for _, p := range slices.Clone(s.next.Participants) {
		if err := s.eject(p.ID, e.Reason); err != nil {
			return err
		}
	}
	return nil
}

// settle draws the consequences of the step: recordings begin or stop, an empty conference ends or falls idle.
func (s *step) settle() {
	m := s.m
	if len(s.next.Participants) > 0 {
		m.emptySince, m.idle = time.Time{}, false
		s.settleRecordings()
		s.wakeAt(time.Time{})
		return
	}
	s.settleRecordings()
	if m.idle && m.endedAt.IsZero() && !s.next.Active {
		return
	}
	if m.emptySince.IsZero() {
		m.emptySince = s.now
	}
	s.abandonRecordings(m.emptySince.Add(recordingDrain))
	if !s.drained() {
		s.wakeAt(m.emptySince.Add(recordingDrain))
		return
	}
	s.rest()
}

// rest is what becomes of a conference without participants and without running recordings.
func (s *step) rest() {
	m := s.m
	until := m.emptySince.Add(m.cfg.Grace)
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
