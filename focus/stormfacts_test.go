package focus_test

import (
	"slices"
	"sync"
	"time"
)

// stormFacts are what is so in a storm, and since when. A fact that is being changed is neither what it was nor what it will be.
type stormFacts struct {
	mu    sync.Mutex
	spans map[string][]stormSpan // in order
}

// stormSpan is a time in which a fact is certain. It goes on if it has no end.
type stormSpan struct {
	from, to time.Time
	value    string
}

// begin makes facts uncertain, end makes them certain again.
func (f *stormFacts) begin(now time.Time, facts ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fact := range facts {
		if list := f.spans[fact]; len(list) > 0 && list[len(list)-1].to.IsZero() {
			list[len(list)-1].to = now
		}
	}
}

func (f *stormFacts) end(now time.Time, value string, facts ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fact := range facts {
		f.spans[fact] = append(f.spans[fact], stormSpan{from: now, value: value})
	}
}

// seen takes what somebody has looked at, again and again: it is certain from one look to the next if both found the same.
func (f *stormFacts) seen(now time.Time, fact, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.spans[fact]
	if n := len(list); n > 0 && list[n-1].value == value {
		list[n-1].to = now
		return
	}
	f.spans[fact] = append(list, stormSpan{from: now, to: now, value: value})
}

// now is what a fact is; empty: nothing is certain.
func (f *stormFacts) now(fact string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if list := f.spans[fact]; len(list) > 0 && list[len(list)-1].to.IsZero() {
		return list[len(list)-1].value
	}
	return ""
}

// during is what a fact was all the time between two moments; certain is false when it may have changed. For who has seen the end.
func (f *stormFacts) during(fact string, from, to time.Time) (value string, certain bool) {
	list := f.spans[fact]
	for _, s := range slices.Backward(list) {
		if !s.from.After(from) {
			return s.value, s.to.IsZero() || s.to.After(to)
		}
	}
	return "", len(list) == 0 || list[0].from.After(to)
}

// stormLook is a look at all facts in a time.
type stormLook struct {
	facts    *stormFacts
	from, to time.Time
	unsure   bool // one that was asked for has changed
}

func (l *stormLook) is(fact string) string {
	value, certain := l.facts.during(fact, l.from, l.to)
	l.unsure = l.unsure || !certain
	return value
}
