package focus

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// eventLog keeps the last events of all conferences. Writing never waits for a reader.
type eventLog struct {
	boot string // of identifiers: those of another run are known to be so
	hook func(Event)

	mu       sync.Mutex // guards what follows
	ring     []Event    // event number n is at n % len
	next     uint64     // number of the next event, from 1
	sequence map[conference.ID]uint64
	ended    map[conference.ID]bool
	follows  map[conference.ID]*following // those with watchers; of all conferences under ""
	closed   bool
}

// following is what watchers of one conference share, or those of all. They are woken for its events alone, few at a time (ADR 116). The lock of the log guards what it has beside the observers.
type following struct {
	observers

	numbers []uint64 // of its events since the first watcher came, as far as they are kept; for all conferences it is not used: each number is one of them
	first   uint64   // how many of them were before the first of numbers
}

func newEventLog(size int, hook func(Event)) *eventLog {
	var boot [4]byte
	_, _ = rand.Read(boot[:]) // never fails (crypto/rand)
	return &eventLog{
		boot: hex.EncodeToString(boot[:]), hook: hook, ring: make([]Event, max(1, size)), next: 1,
		sequence: map[conference.ID]uint64{}, ended: map[conference.ID]bool{}, follows: map[conference.ID]*following{},
	}
}

// add appends an event. last says that the conference has ended with it or before it.
func (l *eventLog) add(id conference.ID, at time.Time, kind EventType, object any, last bool) {
	one, all := l.write(id, at, kind, object, last)
	for _, f := range []*following{one, all} {
		if f != nil {
			f.notify()
		}
	}
}

// write appends an event, and gives whose watchers are to be woken for it; nil: there are none.
func (l *eventLog) write(id conference.ID, at time.Time, kind EventType, object any, last bool) (one, all *following) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slot := &l.ring[l.next%uint64(len(l.ring))]
	if old := *slot; l.ended[old.Conference] && l.sequence[old.Conference] == old.Sequence {
		delete(l.sequence, old.Conference) // nothing of it is left that could be resumed
		delete(l.ended, old.Conference)
	}
	l.sequence[id]++
	if last {
		l.ended[id] = true
	} else {
		delete(l.ended, id)
	}
	*slot = Event{
		ID: l.boot + "-" + strconv.FormatUint(l.next, 10), Type: kind, Time: Time(at), Conference: id,
		Sequence: l.sequence[id], Object: object, text: &eventText{},
	}
	l.next++
	if one = l.follows[id]; one != nil {
		one.append(l.next-1, l.oldest())
	}
	if l.hook != nil {
		l.hook(*slot)
	}
	return one, l.follows[""]
}

// append notes an event, and forgets those that are not kept any more.
func (f *following) append(number, oldest uint64) {
	kept, _ := slices.BinarySearch(f.numbers, oldest)
	f.numbers, f.first = append(f.numbers[kept:], number), f.first+uint64(kept) //nolint:gosec // not negative
}

// close lets all watchers end when they have read what there is.
func (l *eventLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, f := range l.follows {
		f.retire()
	}
}

// oldest is the number of the oldest event still kept; the lock is held.
func (l *eventLog) oldest() uint64 {
	if n := uint64(len(l.ring)); l.next > n {
		return l.next - n
	}
	return 1
}

// read gives the next event of a watcher. Without one it tells whether there can be none any more.
func (l *eventLog) read(w *Watcher) (e Event, found, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for oldest := l.oldest(); ; {
		number, lost, there := w.pick(l)
		w.missed += lost
		switch {
		case !there:
			return Event{}, false, l.closed
		case number >= oldest:
			return l.ring[number%uint64(len(l.ring))], true, false
		default: // nobody has forgotten it since
			w.missed++
		}
	}
}

// pick takes the next number of a watcher, if there is one, and tells how many before it were forgotten; the lock of the log is held.
func (w *Watcher) pick(l *eventLog) (number, lost uint64, there bool) {
	first, end := l.oldest(), l.next
	if w.conference != "" {
		first, end = w.follows.first, w.follows.first+uint64(len(w.follows.numbers))
	}
	if w.at < first {
		lost, w.at = first-w.at, first
	}
	if w.at >= end {
		return 0, lost, false
	}
	number = w.at
	if w.conference != "" {
		number = w.follows.numbers[w.at-first]
	}
	w.at++
	return number, lost, true
}

// Watch follows the events of one conference, or with "" of all. after is the ID of the last event known: those since then
// come first, as far as they are still kept; all that are kept, when it is of an earlier run; "" begins with the next. The
// conference need not exist yet. The caller closes the Watcher.
func (f *Focus) Watch(id conference.ID, after string) *Watcher {
	l := f.events
	w := &Watcher{log: l, conference: id, closed: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	w.follows = l.follow(id)
	w.place = w.follows.observe(0)
	boot, text, _ := strings.Cut(after, "-")
	n, err := strconv.ParseUint(text, 10, 64)
	number := n + 1
	switch oldest := l.oldest(); {
	case after == "":
		number = l.next
	case err != nil || boot != l.boot || n >= l.next:
		number = oldest
	case number < oldest:
		w.missed, number = oldest-number, oldest
	}
	if w.at = number; id != "" {
		at, _ := slices.BinarySearch(w.follows.numbers, number)
		w.at = w.follows.first + uint64(at) //nolint:gosec // not negative
	}
	return w
}

// follow gives what watchers of a conference share; the lock is held.
func (l *eventLog) follow(id conference.ID) *following {
	f := l.follows[id]
	if f == nil {
		f = &following{}
		for number := l.oldest(); id != "" && number < l.next; number++ {
			if l.ring[number%uint64(len(l.ring))].Conference == id {
				f.numbers = append(f.numbers, number)
			}
		}
		l.follows[id] = f
	}
	return f
}

// leave takes a watcher away.
func (l *eventLog) leave(w *Watcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.follows.unobserve(w.place)
	if l.follows[w.conference] == w.follows && w.follows.observerCount() == 0 {
		delete(l.follows, w.conference)
	}
}

// Watcher is one follower of events. Next belongs to one goroutine.
type Watcher struct {
	log        *eventLog
	conference conference.ID
	follows    *following
	place      *observer
	at         uint64 // which of the events that it follows is next
	missed     uint64
	once       sync.Once
	closed     chan struct{}
}

// Next waits for the next event. It returns the error of ctx, or ErrShutdown when the Watcher is closed, or the Focus has
// ended and nothing is left. A Watcher too slow for the log is led on to the oldest event still kept; Missed tells how
// many it has lost.
func (w *Watcher) Next(ctx context.Context) (Event, error) {
	for {
		e, found, closed := w.log.read(w)
		switch {
		case found:
			return e, nil
		case closed:
			return Event{}, ErrShutdown
		}
		select {
		case <-w.place.news:
		case <-w.place.over:
		case <-w.closed:
			return Event{}, ErrShutdown
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// Missed gives the number of events that were overwritten before they were read: of the conference that is followed, or of all. It counts those of all conferences before the oldest one that
// was kept when the Watcher came, if it was to go on before that.
func (w *Watcher) Missed() uint64 { return w.missed }

// Close ends the watching; a waiting Next returns.
func (w *Watcher) Close() {
	w.once.Do(func() {
		close(w.closed)
		w.log.leave(w)
	})
}
