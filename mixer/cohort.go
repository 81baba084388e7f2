package mixer

import (
	"sync/atomic"
	"time"
)

// The phases of a tick, in order. In each of them several workers may work on the same cohort.
const (
	phaseIngest = iota
	phaseMix
	phaseEncode
	phaseEmit
	phaseCount
	// phaseNone is before and after a tick.
	phaseNone = phaseCount
)

const (
	// chunk is how many members or groups a worker takes at a time.
	chunk = 32
	// soloMembers is up to how many members a cohort is done by one worker without calling others: G.711 takes 2 ms for them.
	soloMembers = 384
	// soloWork is how much processor time a tick may take before others are called for the next ones all the same. The time that passed
	// says nothing: where the machine is busy with something else, to call others only makes it worse.
	soloWork = 4 * time.Millisecond
	// heavyTicks is how many such ticks in a row it takes: a single one may be the fault of a virtual machine's host.
	heavyTicks = 5
	// sharedTicks is for how many ticks they are called then, before one worker alone is measured again.
	sharedTicks = 250
	// spins is for how many looks a worker waits for others before it sleeps.
	spins = 2000
	// napTime is how long it sleeps then, if nobody wakes it.
	napTime = 200 * time.Microsecond
)

// cohort is a group of mixes that tick together. One worker owns it and leads its ticks.
type cohort struct {
	offset time.Duration
	owner  *worker

	incoming atomic.Pointer[Mix] // a stack of mixes to attach
	members  atomic.Int32        // for the choice of a cohort

	// owned by the leading worker, and read by its helpers while phase says so
	mixes    *Mix
	deadline int64
	shared   int // ticks left for which others are called
	heavy    int // ticks in a row that were more than one worker's

	phase    atomic.Uint32
	nap      uint32 // futex: changes with the phase and when the last helper of a phase is done
	inflight atomic.Int32
	napping  atomic.Int32
}

// push hands a mix over to the owner.
func (c *cohort) push(m *Mix) {
	for {
		top := c.incoming.Load()
		m.incoming = top
		if c.incoming.CompareAndSwap(top, m) {
			return
		}
	}
}

// take links in all mixes that were pushed. The first tick is the next one of the cohort's grid.
func (c *cohort) take(now, base int64) {
	if c.incoming.Load() == nil {
		return
	}
	if c.mixes == nil {
		first := base + int64(c.offset)
		c.deadline = first + ((now-first)/int64(TickPeriod)+1)*int64(TickPeriod)
	}
	for m := c.incoming.Swap(nil); m != nil; {
		next := m.incoming
		m.incoming = nil
		m.next, c.mixes = c.mixes, m
		m = next
	}
}

// finish does, after a tick, what is not allowed within: it tells who waits that layouts are in effect, and drops empty mixes.
func (c *cohort) finish() {
	link := &c.mixes
	for m := c.mixes; m != nil; {
		next := m.next
		if p := m.adopted; p != nil {
			m.adopted = nil
			for _, waiter := range p.waiters {
				close(waiter)
			}
			p.waiters = nil
		}
		if len(m.live.Load().seats) > 0 {
			link = &m.next
		} else {
			// Unlinked first: once it is detached, another worker may link it into its own list.
			*link, m.next = next, nil
			if !m.detach() {
				*link, m.next = m, next
				link = &m.next
			}
		}
		m = next
	}
}

// detach reports whether the mix may leave the cohort's list. It may not if a layout has come in meanwhile, unless its caller
// has pushed the mix anew.
func (m *Mix) detach() bool {
	m.attached.Store(false)

	return m.pending.Load() == nil || !m.attached.CompareAndSwap(false, true)
}

// size counts the members of all mixes.
func (c *cohort) size() int {
	n := 0
	for m := c.mixes; m != nil; m = m.next {
		n += len(m.live.Load().seats)
	}

	return n
}

// solo does a tick on one worker, mix by mix.
func (c *cohort) solo(skipped int, due time.Duration, w *scratch) {
	for m := c.mixes; m != nil; m = m.next {
		m.skipped, m.due = skipped, due
		m.askNext()
		m.step(w)
	}
}

// lead does a tick together with the workers that come to help.
func (c *cohort) lead(skipped int, due time.Duration, e *Engine, w *worker) {
	for m := c.mixes; m != nil; m = m.next {
		m.skipped, m.due = skipped, due
		m.adopt()
		for i := range m.cursors {
			m.cursors[i].Store(0)
		}
	}
	c.phase.Store(phaseIngest)
	e.call(c, w)
	for phase := range phaseCount {
		c.work(phase, &w.scratch)
		c.await()
		c.phase.Store(uint32(phase + 1))
		c.rouse()
	}
	// Nobody may be within the last phase when the lists change.
	c.await()
}

// help works on a tick that another worker leads, until it is over or the helper has something of its own to do.
func (c *cohort) help(w *worker) {
	idle := 0
	for {
		nap := atomic.LoadUint32(&c.nap)
		c.inflight.Add(1)
		phase := int(c.phase.Load())
		did := phase != phaseNone && c.work(phase, &w.scratch)
		if c.inflight.Add(-1) == 0 {
			c.rouse()
		}
		if phase == phaseNone || w.due() {
			return
		}
		if did {
			idle = 0
		} else if idle++; idle > spins/20 {
			c.sleep(nap)
		}
	}
}

// work does what is left of a phase, and reports whether there was anything.
func (c *cohort) work(phase int, w *scratch) bool {
	did := false
	for m := c.mixes; m != nil; m = m.next {
		if m.work(phase, w) {
			did = true
		}
	}

	return did
}

// work takes chunks of a phase of one mix until there are none.
func (m *Mix) work(phase int, w *scratch) bool {
	p := m.live.Load()
	total, size := 1, 1
	switch phase {
	case phaseIngest:
		total, size = len(p.ins), chunk
	case phaseEncode:
		total = len(p.groups)
	case phaseEmit:
		total, size = len(p.outs), chunk
	}
	cursor := &m.cursors[phase]
	did := false
	for int(cursor.Load()) < total {
		from := int(cursor.Add(int32(size))) - size
		if from >= total {
			break
		}
		did = true
		to := min(from+size, total)
		switch phase {
		case phaseIngest:
			p.ingest(&m.cfg, from, to, w)
		case phaseMix:
			m.mix(p, w)
		case phaseEncode:
			p.encode(from, to, w)
		case phaseEmit:
			p.emit(m.skipped, m.due, from, to, w)
		}
	}

	return did
}

// await waits until no helper is at work.
func (c *cohort) await() {
	for look := 0; ; look++ {
		nap := atomic.LoadUint32(&c.nap)
		if c.inflight.Load() == 0 {
			return
		}
		if look > spins {
			c.sleep(nap)
		}
	}
}

// sleep waits for rouse, if that has not been called since seen was read, but not for long.
func (c *cohort) sleep(seen uint32) {
	c.napping.Add(1)
	nap(&c.nap, seen, monotonic()+int64(napTime))
	c.napping.Add(-1)
}

// rouse ends the sleep of all who wait for a change.
func (c *cohort) rouse() {
	atomic.AddUint32(&c.nap, 1)
	if c.napping.Load() > 0 {
		wake(&c.nap)
	}
}
