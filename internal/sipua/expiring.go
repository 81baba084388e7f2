package sipua

import (
	"sync"
	"time"
)

// expiring is a map whose entries are forgotten some time after they were
// added. It has no timer: what has expired is removed when something is added.
// It is safe for concurrent use.
type expiring[V any] struct {
	mu    sync.Mutex
	items map[string]expiringItem[V]
	queue []expiringKey
	life  time.Duration
}

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

func (e *expiring[V]) sweep(now time.Time) {
	n := 0
	for n < len(e.queue) && !now.Before(e.queue[n].until) {
		// A key that was removed and added again has a later entry in the queue.
		if item, ok := e.items[e.queue[n].key]; ok && !now.Before(item.until) {
			delete(e.items, e.queue[n].key)
		}
		n++
	}
	switch {
	case n == 0:
	case n == len(e.queue): // maps and slices keep the size that they once had
		e.queue = nil
		if len(e.items) == 0 {
			e.items = map[string]expiringItem[V]{}
		}
	default:
		e.queue = append(e.queue[:0], e.queue[n:]...)
	}
}
