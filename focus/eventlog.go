package focus

import (
	"context"
	"crypto/rand"
	"encoding/hex"
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
	news     chan struct{} // closed and replaced with each event
	closed   bool
}

func newEventLog(size int, hook func(Event)) *eventLog {
	var boot [4]byte
	_, _ = rand.Read(boot[:]) // never fails (crypto/rand)
	return &eventLog{
		boot: hex.EncodeToString(boot[:]), hook: hook, ring: make([]Event, max(1, size)), next: 1,
		sequence: map[conference.ID]uint64{}, ended: map[conference.ID]bool{}, news: make(chan struct{}),
	}
}

// add appends an event. last says that the conference has ended with it or before it.
func (l *eventLog) add(id conference.ID, at time.Time, kind EventType, object any, last bool) {
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
		Sequence: l.sequence[id], Object: object,
	}
	l.next++
	close(l.news)
	l.news = make(chan struct{})
	if l.hook != nil {
		l.hook(*slot)
	}
}

// close lets all watchers end when they have read what there is.
func (l *eventLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.news)
		l.news = make(chan struct{})
	}
}

// oldest is the number of the oldest event still kept; the lock is held.
func (l *eventLog) oldest() uint64 {
	if n := uint64(len(l.ring)); l.next > n {
		return l.next - n
	}
	return 1
}

// read gives the first event from number on that belongs to a conference, and the number after it; otherwise the channel to
// wait on.
func (l *eventLog) read(id conference.ID, number uint64) (e Event, next, missed uint64, wait chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.oldest(); number < old {
		missed, number = old-number, old
	}
	for ; number < l.next; number++ {
		if e := l.ring[number%uint64(len(l.ring))]; id == "" || e.Conference == id {
			return e, number + 1, missed, nil
		}
	}
	if l.closed {
		return Event{}, number, missed, nil
	}
	return Event{}, number, missed, l.news
}

// Watch follows the events of one conference, or with "" of all. after is the ID of the last event known: those since then
// come first, as far as they are still kept; all that are kept, when it is of an earlier run; "" begins with the next. The
// conference need not exist yet. The caller closes the Watcher.
func (f *Focus) Watch(id conference.ID, after string) *Watcher {
	w := &Watcher{log: f.events, conference: id, closed: make(chan struct{})}
	f.events.mu.Lock()
	defer f.events.mu.Unlock()
	boot, number, _ := strings.Cut(after, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	switch {
	case after == "":
		w.number = f.events.next
	case err != nil || boot != f.events.boot || n >= f.events.next:
		w.number = f.events.oldest()
	default:
		w.number = n + 1
	}
	return w
}

// Watcher is one follower of events. Next belongs to one goroutine.
type Watcher struct {
	log        *eventLog
	conference conference.ID
	number     uint64
	missed     uint64
	once       sync.Once
	closed     chan struct{}
}

// Next waits for the next event. It returns the error of ctx, or ErrShutdown when the Watcher is closed, or the Focus has
// ended and nothing is left. A Watcher too slow for the log is led on to the oldest event still kept; Missed tells how
// many it has lost.
func (w *Watcher) Next(ctx context.Context) (Event, error) {
	for {
		e, next, missed, wait := w.log.read(w.conference, w.number)
		w.number = next
		w.missed += missed
		switch {
		case e.ID != "":
			return e, nil
		case wait == nil:
			return Event{}, ErrShutdown
		}
		select {
		case <-wait:
		case <-w.closed:
			return Event{}, ErrShutdown
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// Missed gives the number of events, of all conferences, that were overwritten before they were read.
func (w *Watcher) Missed() uint64 { return w.missed }

// Close ends the watching; a waiting Next returns.
func (w *Watcher) Close() { w.once.Do(func() { close(w.closed) }) }
