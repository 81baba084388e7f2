package mixer

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// Mix is one set of members that may hear each other. It is made by [Engine.NewMix], and may be used by any goroutine.
type Mix struct {
	// immutable
	engine *Engine
	cfg    MixConfig

	// owned by who holds mu: the control side
	mu       sync.Mutex
	closed   bool
	done     <-chan struct{}
	counted  int              // members in the cohort's count
	speakers map[*reserve]int // members who may need a stream of a reserve
	sketch   sketch           // of the last plan

	// between the control side and the media path
	pending         atomic.Pointer[plan]
	live            atomic.Pointer[plan] // never nil
	attached        atomic.Bool          // in the list of a cohort, or on the way into it
	speakersChanged atomic.Bool
	dominant        atomic.Uint64 // who dominates, and whether anybody does
	cohort          *cohort       // set before attached

	// owned by the media path
	adopted *plan         // in this tick
	skipped int           // ticks missed before this one
	due     time.Duration // when this one was due, on the clock of deadlines; 0: nobody knows
	leader  dominance
	next    *Mix
	cursors [phaseCount]atomic.Int32

	incoming *Mix // in the cohort's stack of mixes to attach

	// owned by the observer
	reported []MemberID
	sources  map[MemberID]uint32 // of reported
	leading  MemberID
	led      bool
}

func newMix(e *Engine, cfg MixConfig) *Mix {
	m := &Mix{engine: e, cfg: cfg.withDefaults()}
	m.live.Store(&plan{})

	return m
}

// Apply makes the layout the whole mix. All buffers and encoders are made here; the layout takes effect at one tick, all of
// it, at most one tick of 20 ms later. Applied is closed when that tick is over: from then on no removed Input or Output is in use.
// A layout that has been overtaken by a newer one is never in effect; its channel is closed together with the newer one's. The list of members is not kept.
//
// On an error, a [*LayoutError] or [ErrClosed], nothing has changed.
func (m *Mix) Apply(l Layout) (applied <-chan struct{}, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}

	return m.apply(l)
}

// Close removes all members. Done is closed when none of them is in use any more. Further calls return the same channel.
func (m *Mix) Close() (done <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return m.done
	}
	m.closed = true
	var err error
	if m.done, err = m.apply(Layout{}); err != nil { // the engine is closed, and nothing in use
		m.done = closedChannel()

		return m.done
	}
	m.engine.retire(m)

	return m.done
}

// apply prepares a layout and leaves it to the media path. m.mu is held.
func (m *Mix) apply(l Layout) (<-chan struct{}, error) {
	overtaken := m.pending.Swap(nil)
	p, err := build(m.cfg, l, m.live.Load(), overtaken, m.engine.stock, &m.sketch)
	m.sketch.sketched(len(l.Members))
	if err == nil {
		err = m.engine.open()
	}
	if err == nil {
		if err = m.engine.stock.adjust(m.speakers, p.speakers); err != nil {
			m.engine.release()
		}
	}
	if err != nil {
		m.pending.Store(overtaken)

		return nil, fmt.Errorf("mixer: apply layout: %w", err)
	}
	defer m.engine.release()
	m.speakers = p.speakers
	p.commit()
	if overtaken != nil {
		p.waiters = overtaken.waiters
	}
	applied := l.Applied
	if applied == nil {
		applied = make(chan struct{})
	}
	p.waiters = append(p.waiters, applied)
	m.pending.Store(p)
	m.engine.attach(m, len(p.seats))

	return applied, nil
}

// abandon ends the wait of those whose layout will never be adopted, because the engine is closed.
func (m *Mix) abandon() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range []*plan{m.pending.Swap(nil), m.adopted} {
		if p == nil {
			continue
		}
		for _, waiter := range p.waiters {
			close(waiter)
		}
		p.waiters = nil
	}
}

// MemberStats returns the state of one member at the last tick. The error is [ErrNoMember].
func (m *Mix) MemberStats(id MemberID) (MemberStats, error) {
	s := m.live.Load().seat(id)
	if s == nil {
		return MemberStats{}, fmt.Errorf("%w: %d", ErrNoMember, id)
	}
	stats := MemberStats{Level: codecs.SilenceLevel, OutLevel: codecs.SilenceLevel}
	if s.in != nil {
		word := s.in.state.Load()
		stats.Level = uint8(word)
		stats.Speaking = word&speakingBit != 0
		stats.Talking = word&talkingBit != 0
		stats.Mixed = word&mixedBit != 0
		stats.Source, stats.Looped = s.in.called.Load(), s.in.looped.Load()
		stats.Spoken = time.Duration(word>>spokenShift) * codecs.FrameDuration
	}
	if s.out != nil {
		var gain float32
		stats.OutLevel, stats.Private, gain = s.out.state.load()
		stats.LimiterGainDB = 20 * math.Log10(float64(gain))
	}

	return stats, nil
}

// Dominant returns the member who has spoken most in the last second or so, and from then on until another does, or
// until it may no longer be heard. False: nobody.
func (m *Mix) Dominant() (MemberID, bool) {
	word := m.dominant.Load()

	return MemberID(word), word&heldBit != 0
}

// Levels appends the level of every member that has an input, in the order of the layout, and returns the extended slice.
func (m *Mix) Levels(levels []MemberLevel) []MemberLevel {
	p := m.live.Load()
	for _, i := range p.ins {
		word := p.seats[i].in.state.Load()
		levels = append(levels, MemberLevel{ID: p.seats[i].id, Level: uint8(word), Speaking: word&speakingBit != 0})
	}

	return levels
}
