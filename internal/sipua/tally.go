package sipua

import "sync"

// tally counts what is going on and tells when there is nothing any more. The
// zero value is ready for use, by several goroutines.
type tally struct {
	mu   sync.Mutex
	n    int64
	none chan struct{} // closed when n becomes zero; nil when nobody waits
}

// add changes the number and returns the new one.
func (t *tally) add(delta int64) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n += delta
	if t.n == 0 && t.none != nil {
		close(t.none)
		t.none = nil
	}
	return t.n
}

// load returns the number.
func (t *tally) load() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n
}

// zero returns a channel that is closed once the number is zero; it may have
// grown again by then.
func (t *tally) zero() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == 0 {
		none := make(chan struct{})
		close(none)
		return none
	}
	if t.none == nil {
		t.none = make(chan struct{})
	}
	return t.none
}
