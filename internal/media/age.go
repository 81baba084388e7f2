package media

import (
	"container/heap"
	"time"
)

const (
	// ageStep is by how much the age has to be another than what is told of it. Less is what the network does to its fastest packets, and each change is
	// one in what recorders write.
	ageStep = 3 * time.Millisecond
	// ageLeap is the most that is told at a time: recorders tell it from clocks that are set.
	ageLeap = 2 * tick
	// agePause is for how many ticks nothing has to have been heard before another age is told, ageRest for how long no other was: reports of it have their
	// share of the bandwidth (RFC 3550, section 6.2).
	agePause, ageRest = 10, 250 * time.Millisecond
	// ageSpan is half of the time of which the fastest packet counts.
	ageSpan = 5 * time.Second
	// ageSlots are how many slots of its window a jitter buffer has to have begun before its fastest packet is believed to be one: with two it has all
	// packets of a fifth of a second, which is about ten.
	ageSlots = 2
	// unagedFor is how long the first report waits for an age, as what was before it is placed by it; ageLook how often it is looked for.
	unagedFor, ageLook = time.Second, 100 * time.Millisecond
)

// aging follows the age of what a session plays: how long before the tick that took it a frame would have come, had it travelled as fast as the fastest of
// late. It belongs to the tick.
type aging struct {
	begins  time.Duration // where on the time line of the source the frame of the last Ingest begins
	known   bool          // that is known
	filled  bool          // came and before are
	quiet   uint8         // ticks in a row in which nothing was heard, up to agePause
	due     time.Duration // when the last tick was due; 0: that is not known
	came    time.Duration // how late the fastest packet of a half has come, on the time line of the source
	before  time.Duration // that of the half before
	until   time.Duration // when the half is over
	last    time.Duration // age of the last frame; 0: there was none
	told    time.Duration // 0: nothing was
	changed time.Duration // when
}

// least gives the least age of the last two frames, by how late the fastest packets come: of what is older for a moment nobody is told. Buffers that have
// become deeper stay so for longer ([patience]), and what comes after a change in a pause is to be in its place soon.
func (a *aging) least(came time.Duration) time.Duration {
	switch {
	case !a.filled || a.due >= a.until+ageSpan:
		a.last, a.filled, a.before, a.came, a.until = 0, true, came, came, a.due+ageSpan
	case a.due >= a.until:
		a.before, a.came, a.until = a.came, came, a.due+ageSpan
	default:
		a.came = min(a.came, came)
	}
	age, last := a.due-a.begins-min(a.came, a.before), a.last
	if a.last = age; last == 0 {
		return age
	}
	return min(age, last)
}

// look takes the tick before: how late its source's fastest packets come, the most that the age is going to be for long, and the level of what was played. It reports
// whether another age is told now. What is told changes in pauses only: recorders move what they write, and nothing that was said is to be cut or torn apart.
func (a *aging) look(came, most time.Duration, level uint8) (tells bool) {
	if a.quiet = min(a.quiet+1, agePause); level < quietLevel {
		a.quiet = 0
	}
	if !a.known || a.due == 0 {
		return false
	}
	age := a.least(came)
	off := age - a.told
	switch {
	case a.told == 0:
		age = min(age, most)
	case off.Abs() < ageStep || a.quiet < agePause || a.due-a.changed < ageRest:
		return false
	default:
		age = a.told + min(max(off, -ageLeap), ageLeap)
	}
	if age == 0 {
		age = 1 // which is as good
	}
	a.told, a.changed = age, a.due
	return true
}

// take notes which frame a tick has taken.
func (a *aging) take(j *jitterBuffer, queued int) {
	switch {
	case j.window.filled < ageSlots:
		a.filled = false
	case j.playing && !j.starved:
		a.begins, a.known = j.duration(j.next-int64(queued))-tick, true
	}
}

// grow looks at the age of what the last tick has taken, and has reports tell it. The packets that tell when that was due come after it.
func (s *Session) grow() {
	a, j := &s.in.aging, &s.in.player.jitter
	if a.look(j.window.base, j.required()+tick+shrinkGuard, s.in.player.last) {
		s.age.setTime(a.told)
		s.transport.service.knock()
	}
	a.known, a.due = false, 0
}

// Recount says that what is sent is what another session plays: sender reports tell when that came, and not when it was mixed (RFC 3550, section 6.4.1), so
// that streams of several far ends are in line with each other whenever their packets leave. Timestamps go by ticks all the same. nil: it is of nobody
// alone. Any goroutine may call it.
func (s *Session) Recount(of *Session) {
	var age *level
	if of != nil {
		age = of.age
	}
	if s.told.Swap(age) != age {
		s.transport.service.knock()
	}
}

// Recounts tells whether what is sent is said to be what another session plays.
func (s *Session) Recounts(of *Session) bool { return s.told.Load() == of.age }

// SentAge is by how much what is sent is older than its timestamps and the times of ticks tell; sender reports say so. 0: it is not known, or of nobody alone.
func (s *Session) SentAge() time.Duration {
	if age := s.told.Load(); age != nil {
		return age.time()
	}
	return 0
}

// waitsForAge reports whether the first report of a session waits, as it will be known soon how old it is what it sends.
func (s *Session) waitsForAge(now time.Duration) bool {
	r := &s.report
	if s.told.Load() == nil || s.SentAge() != 0 || r.sent.load() > 0 {
		return false
	}
	if r.unaged == 0 {
		r.unaged = now
	}
	return now-r.unaged < unagedFor
}

// tellAge has a session report at once if it has told another age than that of what it sends.
func (v *service) tellAge(s *Session) {
	if r := &s.report; r.scheduled && r.sent.load() > 0 && s.shared.sentPackets.get() > 0 && s.SentAge() != r.aged {
		r.next = v.now()
		heap.Fix(&v.timers, r.index)
	}
}
