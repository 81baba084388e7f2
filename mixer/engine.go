package mixer

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// Engine drives any number of mixes by a few worker threads. All methods may be called from any goroutine.
type Engine struct {
	// immutable
	cfg         Config
	cohorts     []*cohort
	crew        []*worker
	workerCount int
	base        int64 // origin of the grid of deadlines

	mu      sync.RWMutex
	started bool
	closed  bool
	mixes   map[*Mix]struct{}
	retired []*Mix // closed, and perhaps still in a cohort

	stopping atomic.Bool
	halted   chan struct{} // closed with stopping, for Drive
	workers  sync.WaitGroup
	watch    *observer // nil without OnSpeakers
	stock    *stock

	ticks, late, missed atomic.Uint64
	lateness, duration  histogram
}

// New returns an engine that is not running yet. The error is [ErrConfig].
func New(cfg Config) (*Engine, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, workerCount: cfg.Workers, base: monotonic(), mixes: map[*Mix]struct{}{}, stock: newStock(), halted: make(chan struct{})}
	for range cfg.Workers {
		e.crew = append(e.crew, &worker{engine: e})
	}
	for i := range cfg.Cohorts {
		owner := e.crew[i%len(e.crew)]
		c := &cohort{offset: TickPeriod * time.Duration(i) / time.Duration(cfg.Cohorts), owner: owner}
		c.phase.Store(phaseNone)
		owner.cohorts = append(owner.cohorts, c)
		e.cohorts = append(e.cohorts, c)
	}
	if cfg.OnSpeakers != nil {
		e.watch = newObserver(e, cfg.OnSpeakers)
	}

	return e, nil
}

// Start begins to tick the mixes that have members. Errors are [ErrStarted] and [ErrClosed].
func (e *Engine) Start() error {
	return e.start(func() {
		for _, w := range e.crew {
			e.workers.Add(1)
			go w.run()
		}
	})
}

// Drive is Start for who keeps the time himself, such as a test under a virtual clock: instead of the workers one goroutine ticks all mixes, once for
// each value of ticks, which are to come every [TickPeriod] of that time.
func (e *Engine) Drive(ticks <-chan time.Time) error {
	return e.start(func() { e.workers.Go(func() { e.follow(ticks) }) })
}

// follow ticks all cohorts at each value until the engine is closed.
func (e *Engine) follow(ticks <-chan time.Time) {
	w := e.crew[0]
	for {
		select {
		case <-ticks:
		case <-e.halted:
			return
		}
		for _, c := range e.cohorts {
			began := monotonic()
			c.take(began, e.base)
			c.solo(0, 0, &w.scratch)
			c.finish()
			e.count(0, time.Duration(monotonic()-began), 0)
		}
	}
}

// start begins what runs beside the ticks, and has the ticks begun.
func (e *Engine) start(ticks func()) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return ErrClosed
	case e.started:
		return ErrStarted
	}
	e.started = true
	ticks()
	go e.stock.run()
	if e.watch != nil {
		go e.watch.run()
	}

	return nil
}

// Close stops all mixes where they are and waits for the workers, and for a call of OnSpeakers that is under way. From then on
// no Input or Output is in use; every channel that Apply has returned is closed. It returns nil, and does nothing the second time.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()

		return nil
	}
	e.closed = true
	started := e.started
	mixes := e.retired
	for m := range e.mixes {
		mixes = append(mixes, m)
	}
	e.mixes, e.retired = nil, nil
	e.mu.Unlock()
	e.stopping.Store(true)
	close(e.halted)
	for _, w := range e.crew {
		w.ring()
	}
	e.workers.Wait()
	if started {
		e.stock.close()
	}
	if e.watch != nil && started {
		e.watch.close()
	}
	for _, m := range mixes {
		m.abandon()
	}

	return nil
}

// NewMix returns a mix without members. It costs nothing until it has some.
func (e *Engine) NewMix(cfg MixConfig) *Mix {
	m := newMix(e, cfg)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		m.closed = true
		m.done = closedChannel()

		return m
	}
	e.mixes[m] = struct{}{}

	return m
}

// Stats returns what has been counted so far.
func (e *Engine) Stats() Stats {
	s := Stats{
		Ticks: e.ticks.Load(), LateTicks: e.late.Load(), MissedTicks: e.missed.Load(),
		Lateness: e.lateness.snapshot(), Duration: e.duration.snapshot(),
	}
	for i := range codecCount {
		c := CodecStats{Codec: codecs.Codec(i)}
		for _, w := range e.crew {
			c.Encoded += w.scratch.encoded[i].Load()
			c.Forwarded += w.scratch.forwarded[i].Load()
			c.Sent += w.scratch.sent[i].Load()
		}
		if c.Encoded+c.Sent > 0 {
			s.Codecs = append(s.Codecs, c)
		}
	}
	for _, w := range e.crew {
		s.BadFrames += w.scratch.badFrames.Load()
		s.EncodeErrors += w.scratch.encodeErrors.Load()
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	s.Mixes = len(e.mixes)
	for m := range e.mixes {
		s.Members += len(m.live.Load().seats)
	}

	return s
}

// count notes one tick.
func (e *Engine) count(late, took time.Duration, missed int) {
	e.ticks.Add(1)
	if late > LateThreshold {
		e.late.Add(1)
	}
	e.missed.Add(uint64(missed))
	e.lateness.add(late)
	e.duration.add(took)
}

// call asks the workers that sleep to help with a tick.
func (e *Engine) call(c *cohort, leader *worker) {
	for _, w := range e.crew {
		if w != leader && w.asleep.Load() && w.invited.CompareAndSwap(nil, c) {
			w.ring()
		}
	}
}

// open keeps the engine from being closed until release, unless it is closed already.
func (e *Engine) open() error {
	e.mu.RLock()
	if e.closed {
		e.mu.RUnlock()

		return ErrClosed
	}

	return nil
}

func (e *Engine) release() { e.mu.RUnlock() }

// attach makes sure that a mix with a layout to adopt is in a cohort. The caller holds the lock of the mix.
func (e *Engine) attach(m *Mix, members int) {
	if m.attached.CompareAndSwap(false, true) {
		if m.cohort != nil {
			m.cohort.members.Add(int32(-m.counted))
		}
		m.cohort, m.counted = e.quietest(), 0
		m.cohort.push(m)
		m.cohort.owner.ring()
	}
	m.cohort.members.Add(int32(members - m.counted))
	m.counted = members
	if e.watch != nil {
		e.watch.ring()
	}
}

// quietest returns the cohort with the fewest members.
func (e *Engine) quietest() *cohort {
	best := e.cohorts[0]
	for _, c := range e.cohorts[1:] {
		if c.members.Load() < best.members.Load() {
			best = c
		}
	}

	return best
}

// retire takes a mix that is being closed from the list of those that are open. It is remembered until it has left its cohort.
func (e *Engine) retire(m *Mix) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.mixes, m)
	e.retired = append(slices.DeleteFunc(e.retired, func(r *Mix) bool { return !r.attached.Load() }), m)
}

// all returns the mixes at the moment.
func (e *Engine) all(mixes []*Mix) []*Mix {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for m := range e.mixes {
		mixes = append(mixes, m)
	}

	return mixes
}

func closedChannel() <-chan struct{} {
	c := make(chan struct{})
	close(c)

	return c
}
