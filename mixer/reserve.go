package mixer

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/codecs"
)

const (
	// reserveSlots is how many streams a reserve keeps at most.
	reserveSlots = 512
	// reserveLeast and reserveShare: so many streams lie ready, or one for so many of those who may need one, whichever is more.
	reserveLeast = 8
	reserveShare = 16
	// stockPeriod is how often reserves are filled up.
	stockPeriod = 100 * time.Millisecond
)

// pooled reports whether the streams of a format are so large (50 KiB of state of an Opus encoder) that only those who speak at the
// moment have one of their own, instead of all who may.
func pooled(f codecs.Format) bool { return f.Codec == codecs.Opus }

// reserve keeps private streams of one format ready for those who begin to speak. It is filled off the media path, which takes and
// gives without a lock.
type reserve struct {
	format    codecs.Format
	lookAhead bool
	users     int // who may need one; guarded by the stock's mutex
	free      atomic.Int32
	slots     [reserveSlots]atomic.Pointer[stream]
}

// take returns a stream, nil if there is none: more have begun to speak at once than was to be expected.
func (r *reserve) take() *stream {
	if r.free.Load() <= 0 {
		return nil
	}
	for i := range r.slots {
		if s := r.slots[i].Load(); s != nil && r.slots[i].CompareAndSwap(s, nil) {
			r.free.Add(-1)

			return s
		}
	}

	return nil
}

// give puts a stream back that nobody uses any more. If there are too many already it is left to the garbage collector.
func (r *reserve) give(s *stream) {
	for i := range r.slots {
		if r.slots[i].Load() == nil && r.slots[i].CompareAndSwap(nil, s) {
			r.free.Add(1)

			return
		}
	}
}

// wanted is how many streams are to lie ready. The stock's mutex is held.
func (r *reserve) wanted() int {
	return min(r.users, max(reserveLeast, r.users/reserveShare), reserveSlots)
}

// fill makes what is missing, and lets go of what is far too much. The stock's mutex is held.
func (r *reserve) fill() error {
	wanted := r.wanted()
	for int(r.free.Load()) < wanted {
		s, err := newStream(r.format, r.lookAhead)
		if err != nil {
			return err
		}
		r.give(s)
	}
	for int(r.free.Load()) > wanted+reserveLeast && r.take() != nil { //nolint:revive // taking is all
	}

	return nil
}

// stock is the reserves of an engine, and the goroutine that fills them.
type stock struct {
	bell chan struct{} // capacity 1
	stop chan struct{}
	done chan struct{}

	mu  sync.Mutex
	all map[*reserve]struct{}
}

func newStock() *stock {
	return &stock{
		bell: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}), all: map[*reserve]struct{}{},
	}
}

// get returns the reserve of a format.
func (s *stock) get(format codecs.Format, lookAhead bool) *reserve {
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.all {
		if r.format == format && r.lookAhead == lookAhead {
			return r
		}
	}
	r := &reserve{format: format, lookAhead: lookAhead}
	s.all[r] = struct{}{}

	return r
}

// adjust changes the numbers of those who may need a stream from what they were for one mix, and fills the reserves. On an error nothing
// has changed.
func (s *stock) adjust(from, to map[*reserve]int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(from, -1)
	s.count(to, 1)
	for r := range to {
		if err := r.fill(); err != nil {
			s.count(to, -1)
			s.count(from, 1)

			return err
		}
	}
	if len(to) > 0 {
		select {
		case s.bell <- struct{}{}:
		default:
		}
	}

	return nil
}

func (s *stock) count(users map[*reserve]int, sign int) {
	for r, n := range users {
		r.users += sign * n
		s.all[r] = struct{}{} // it may have been forgotten since get
	}
}

// close ends run and waits for it.
func (s *stock) close() {
	close(s.stop)
	<-s.done
}

// run is the goroutine that fills the reserves. It sleeps while nobody may need a stream.
func (s *stock) run() {
	defer close(s.done)
	timer := time.NewTimer(stockPeriod)
	defer timer.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-timer.C:
		}
		if !s.refill() {
			select {
			case <-s.stop:
				return
			case <-s.bell:
			}
		}
		timer.Reset(stockPeriod)
	}
}

// refill fills all reserves, and forgets those that nobody needs. It reports whether there are any.
func (s *stock) refill() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.all {
		if r.users == 0 {
			delete(s.all, r)

			continue
		}
		_ = r.fill() // it has succeeded before for the same format
	}

	return len(s.all) > 0
}
