package focus

import (
	"sync"
	"time"
)

const (
	// wokenAtOnce is how many observers are woken in a row, and wakingPause how long others have their turn after that: thousands that can run at the same moment would all be in line for the
	// processors before what mixes (ADR 88).
	wokenAtOnce, wakingPause = 64, time.Millisecond
)

// observer is who follows a conference.
type observer struct {
	news chan struct{} // has something in it whenever there may be a newer state
	over chan struct{} // closed when the conference is no more
}

// observers are those of one conference. It is safe for concurrent use; its zero value has none.
type observers struct {
	mu      sync.Mutex
	all     map[*observer]struct{}
	gone    bool
	news    bool // that not all have been woken for
	calling bool // a goroutine wakes them
}

// observe adds an observer, unless there are as many as there may be: then it is nil. limit 0: any number.
func (s *observers) observe(limit int) *observer {
	o := &observer{news: make(chan struct{}, 1), over: make(chan struct{})}
	o.news <- struct{}{}
	s.mu.Lock()
	defer s.mu.Unlock()
	if limit > 0 && len(s.all) >= limit {
		return nil
	}
	if s.all == nil {
		s.all = map[*observer]struct{}{}
	}
	s.all[o] = struct{}{}
	if s.gone {
		close(o.over)
	}
	return o
}

func (s *observers) unobserve(o *observer) {
	s.mu.Lock()
	delete(s.all, o)
	s.mu.Unlock()
}

func (s *observers) observerCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// notify wakes all observers, soon; one that has not looked yet is woken only once.
func (s *observers) notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) <= wokenAtOnce {
		for o := range s.all {
			o.wake()
		}
		return
	}
	s.news = true
	if !s.calling {
		s.calling = true
		go s.call()
	}
}

func (o *observer) wake() {
	select {
	case o.news <- struct{}{}:
	default:
	}
}

// call wakes one after the other, again as long as there is news.
func (s *observers) call() {
	for {
		s.mu.Lock()
		if !s.news {
			s.calling = false
			s.mu.Unlock()
			return
		}
		s.news = false
		list := s.list()
		s.mu.Unlock()
		each(list, (*observer).wake)
	}
}

// list gives all; the lock is held.
func (s *observers) list() []*observer {
	list := make([]*observer, 0, len(s.all))
	for o := range s.all {
		list = append(list, o)
	}
	return list
}

// each does something for all of a list, and gives way in between.
func each(list []*observer, do func(*observer)) {
	for i, o := range list {
		do(o)
		if i%wokenAtOnce == wokenAtOnce-1 {
			time.Sleep(wakingPause)
		}
	}
}

// retire says that the conference is no more: its observers are to go.
func (s *observers) retire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return
	}
	s.gone = true
	list := s.list()
	leave := func(o *observer) { close(o.over) }
	if len(list) > wokenAtOnce {
		go each(list, leave)
		return
	}
	each(list, leave)
}

func (s *observers) retired() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone
}
