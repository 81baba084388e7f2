package sipua

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// expiring is a map whose entries are forgotten some time after they were
// added. It has no timer: what has expired is removed when something is added.
// It is safe for concurrent use.
type expiring[V any] struct {
	mu    sync.Mutex
	items map[string]expiringItem[V]
	peak  int // entries that the map has had
	queue []expiringKey
	gone  int // of the queue, at its beginning, have expired
	life  time.Duration
}

// expiringLeast is how many entries are not worth the work of making room smaller.
const expiringLeast = 64

type expiringItem[V any] struct {
	value V
	until time.Time
}

type expiringKey struct {
	key   string
	until time.Time
}

func newExpiring[V any](life time.Duration) *expiring[V] {
	return &expiring[V]{items: map[string]expiringItem[V]{}, life: life}
}

// add puts the value unless there is one already, and returns the one that is
// there, and whether it is new.
func (e *expiring[V]) add(key string, value V) (V, bool) {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sweep(now)
	if item, ok := e.items[key]; ok && now.Before(item.until) {
		return item.value, false
	}
	until := now.Add(e.life)
	e.items[key] = expiringItem[V]{value: value, until: until}
	e.queue = append(e.queue, expiringKey{key: key, until: until})
	return value, true
}

// get returns the value, if it is there and has not expired.
func (e *expiring[V]) get(key string) (V, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	item, ok := e.items[key]
	if !ok || !time.Now().Before(item.until) {
		var none V
		return none, false
	}
	return item.value, true
}

// size returns the number of entries that are held.
func (e *expiring[V]) size() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.items)
}

// sweep removes what has expired. Maps and slices keep the size that they once had, which is 500 octets for each of the calls of a wave: when
// three quarters of them have gone, what is left moves to smaller ones. That, and moving up what waits, is done so seldom that an entry costs the
// same however many there are.
func (e *expiring[V]) sweep(now time.Time) {
	for e.gone < len(e.queue) && !now.Before(e.queue[e.gone].until) {
		oldest := &e.queue[e.gone]
		// A key that was removed and added again has a later entry in the queue.
		if item, ok := e.items[oldest.key]; ok && !now.Before(item.until) {
			delete(e.items, oldest.key)
		}
		*oldest = expiringKey{}
		e.gone++
	}
	waiting := e.queue[e.gone:]
	switch {
	case e.gone <= len(waiting)+expiringLeast:
	case cap(e.queue) > 4*(len(waiting)+expiringLeast): //nolint:mnd // see above
		e.queue, e.gone = slices.Clone(waiting), 0
	default:
		e.queue, e.gone = slices.Delete(e.queue, 0, e.gone), 0
	}
	e.peak = max(e.peak, len(e.items))
	if e.peak > 4*(len(e.items)+expiringLeast) { //nolint:mnd // see above
		items := make(map[string]expiringItem[V], len(e.items))
		maps.Copy(items, e.items)
		e.items, e.peak = items, len(items)
	}
}
