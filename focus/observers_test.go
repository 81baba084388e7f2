package focus

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// woken counts those who have news.
func woken(list []*observer) (count int) {
	for _, o := range list {
		count += len(o.news)
	}
	return count
}

// Thousands who follow a conference are woken in parts, so that few can run at the same moment; none is left out, whatever happens meanwhile, and likewise at the end.
func TestManyAreWokenInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s observers
		list := make([]*observer, 5000)
		for i := range list {
			list[i] = s.observe(0)
			<-list[i].news // what there was when he came
		}
		s.notify()
		synctest.Wait()
		if n := woken(list); n != wokenAtOnce {
			t.Errorf("%d are woken at once", n)
		}
		<-time.After(wakingPause * time.Duration(len(list)/wokenAtOnce/2))
		s.notify() // they are told again, those who know already too
		for _, o := range list {
			select {
			case <-o.news:
			default:
			}
		}
		<-time.After(time.Second)
		if n := woken(list); n != len(list) {
			t.Errorf("%d of %d are woken", n, len(list))
		}
		s.retire()
		late := s.observe(0)
		over := func() (count int) {
			for _, o := range list {
				select {
				case <-o.over:
					count++
				default:
				}
			}
			return count
		}
		synctest.Wait()
		if n := over(); n != wokenAtOnce {
			t.Errorf("%d are told of the end at once", n)
		}
		<-time.After(time.Second)
		if n := over(); n != len(list) || !s.retired() {
			t.Errorf("%d of %d are told of the end", n, len(list))
		}
		<-late.over
	})
}

// However many come at the same moment, there are no more than there may be, and who leaves makes room.
func TestObserversAreBounded(t *testing.T) {
	var s observers
	var taken atomic.Int64
	var wait sync.WaitGroup
	for range 200 {
		wait.Go(func() {
			if s.observe(50) != nil {
				taken.Add(1)
			}
		})
	}
	wait.Wait()
	if n := taken.Load(); n != 50 || s.observerCount() != 50 {
		t.Errorf("%d are taken", n)
	}
	s.mu.Lock()
	first := s.list()[0]
	s.mu.Unlock()
	s.unobserve(first)
	if s.observe(50) == nil || s.observe(50) != nil {
		t.Error("one who leaves makes room for one")
	}
}
