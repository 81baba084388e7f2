package mixer

import (
	"runtime"
	"sync/atomic"
	"time"
	_ "unsafe" // for go:linkname
)

// worker is one goroutine, on a thread of its own but for moments between ticks (see [worker.yield]), that leads the ticks of its cohorts and helps others with theirs.
type worker struct {
	engine  *Engine
	cohorts []*cohort
	scratch scratch

	bell    uint32 // futex: rung to end the sleep
	asleep  atomic.Bool
	invited atomic.Pointer[cohort]
	next    int64 // deadline of its own next tick; 0: none
	thread  thread
}

// run is the worker's goroutine.
func (w *worker) run() {
	runtime.LockOSThread() // as it is at the end: the thread ends with the goroutine
	w.thread.take()
	defer w.thread.leave()
	defer w.engine.workers.Done()
	w.scratch.open(&w.engine.cfg)
	defer w.scratch.close()
	for {
		bell := atomic.LoadUint32(&w.bell)
		if w.engine.stopping.Load() {
			return
		}
		if c := w.invited.Swap(nil); c != nil {
			c.help(w)

			continue
		}
		c := w.first(monotonic())
		if c == nil {
			w.sleep(bell, 0)

			continue
		}
		if now := monotonic(); now >= c.deadline {
			w.tick(c, now)
		} else {
			w.sleep(bell, c.deadline)
		}
	}
}

// first returns the cohort whose tick is due first, or nil if none has members.
func (w *worker) first(now int64) *cohort {
	var first *cohort
	for _, c := range w.cohorts {
		c.take(now, w.engine.base)
		if c.mixes != nil && (first == nil || c.deadline < first.deadline) {
			first = c
		}
	}
	w.next = 0
	if first != nil {
		w.next = first.deadline
	}

	return first
}

// due reports that a helper has to go back to its own work.
func (w *worker) due() bool {
	return w.next != 0 && monotonic() >= w.next || w.engine.stopping.Load()
}

// sleep waits for the deadline or the bell.
func (w *worker) sleep(bell uint32, deadline int64) {
	w.asleep.Store(true)
	park(&w.bell, bell, deadline)
	w.asleep.Store(false)
}

// ring wakes the worker up.
func (w *worker) ring() {
	atomic.AddUint32(&w.bell, 1)
	wake(&w.bell)
}

// catchUp is how many overdue ticks are made up for: a tenth of a second, which far ends' jitter buffers can take. Nothing is lost of what
// was said meanwhile.
const catchUp = 5

// tick leads one tick that is due. Ticks that were overdue are made up for at once; what is overdue beyond is counted as missed,
// and the timestamps of all outputs go on over it.
func (w *worker) tick(c *cohort, now int64) {
	e := w.engine
	late := time.Duration(now - c.deadline)
	missed := max(int(late/TickPeriod)-catchUp, 0)
	c.deadline += int64(missed) * int64(TickPeriod)
	if e.workerCount > 1 && (c.shared > 0 || c.size() > soloMembers) {
		c.shared--
		c.lead(missed, time.Duration(c.deadline), e, w)
	} else {
		before := work()
		c.solo(missed, time.Duration(c.deadline), &w.scratch)
		c.weigh(work() - before)
	}
	c.deadline += int64(TickPeriod)
	e.count(late, time.Duration(monotonic()-now), missed)
	c.finish()
	// Go's monitor thread takes a goroutine that was never scheduled anew for one that does not give way: it would interrupt it in the
	// middle of a tick, and take its scheduler slot away in each sleep. So it gives way here, where it costs least.
	w.yield()
}

// yield gives way to other goroutines. A goroutine that is locked to its thread would have to be brought back to it by another one, at the price of a
// sleep of each, and not before the system has a processor for that other one, which nobody prefers. Without the lock it goes on at once where it
// is, nearly always; else its new thread is preferred in place of the old one.
//
// runtime.Gosched would wake another thread each time, which looks for work, finds none, and sleeps again. Whoever has become ready during the tick has
// had a thread woken for it already.
func (w *worker) yield() {
	runtime.UnlockOSThread()
	goyield()
	runtime.LockOSThread()
	w.thread.take()
}

// goyield is runtime.Gosched but for the thread that it wakes: the goroutine stays in the queue of its own thread. The runtime keeps it for
// programs outside (go.dev/issue/67401).
//
//go:linkname goyield runtime.goyield
func goyield()

// weigh decides from the processor time of a tick whether the next ones are too much for one worker.
func (c *cohort) weigh(took time.Duration) {
	if took <= soloWork {
		c.heavy = 0

		return
	}
	if c.heavy++; c.heavy >= heavyTicks {
		c.heavy, c.shared = 0, sharedTicks
	}
}
