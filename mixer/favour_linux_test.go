package mixer

import (
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// A favoured thread is a real-time thread, and threads that it begins are not; without the privilege it goes on as it was.
func TestFavour(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		favour()
		attributes, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Error(err)

			return
		}
		if attributes.Policy == unix.SCHED_FIFO {
			if attributes.Priority != realTime || attributes.Flags&unix.SCHED_FLAG_RESET_ON_FORK == 0 {
				t.Errorf("%+v", attributes)
			}

			return
		}
		wish := *attributes
		wish.Policy, wish.Priority, wish.Flags = unix.SCHED_FIFO, realTime, unix.SCHED_FLAG_RESET_ON_FORK
		if err := unix.SchedSetAttr(0, &wish, 0); err == nil {
			t.Errorf("real time is allowed, and the policy is %d", attributes.Policy)
		}
	}()
	<-done
}

// onThread runs something on a thread of its own, which it says the number of, and returns when that is done. The thread lives until the test ends.
func onThread(t *testing.T, do func(id int)) {
	t.Helper()
	done, end := make(chan struct{}), make(chan struct{})
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		do(unix.Gettid())
		close(done)
		<-end
	}()
	<-done
	t.Cleanup(func() { close(end) })
}

// preferredBy tells whose thread this is, and fails if the system treats it otherwise than that says.
func preferredBy(t *testing.T, id int) *thread {
	t.Helper()
	favoured.mu.Lock()
	defer favoured.mu.Unlock()
	attributes, err := unix.SchedGetAttr(id, 0)
	if err != nil {
		t.Fatal(err)
	}
	plain := favoured.plain
	special := attributes.Policy != plain.Policy || attributes.Nice != plain.Nice
	if whose := favoured.by[id]; whose == nil && special {
		t.Errorf("thread %d is nobody's, and is treated by %+v", id, attributes)
	}
	wish := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Flags: unix.SCHED_FLAG_RESET_ON_FORK, Priority: realTime}
	if favoured.by[id] != nil && !special && unix.SchedSetAttr(id, &wish, 0) == nil {
		t.Errorf("thread %d is not favoured, although that is allowed", id)
	}

	return favoured.by[id]
}

// Whoever continues on another thread has that one favoured in place of the one before.
func TestThreadIsExchanged(t *testing.T) {
	var w thread
	var first, second int
	onThread(t, func(id int) {
		first = id
		w.take()
		w.take() // again changes nothing
	})
	if preferredBy(t, first) != &w {
		t.Fatal("the first thread is not the worker's")
	}
	onThread(t, func(id int) {
		second = id
		w.take()
	})
	if preferredBy(t, first) != nil || preferredBy(t, second) != &w {
		t.Error("the threads have not been exchanged")
	}
	w.leave()
	favoured.mu.Lock()
	defer favoured.mu.Unlock()
	if favoured.by[second] != nil {
		t.Error("a thread that ends is still known")
	}
}

// Two that continue on each other's thread both keep a favoured one, whoever is first to say so.
func TestThreadsAreSwapped(t *testing.T) {
	var a, b thread
	ids := make([]int, 2)
	moves := make([]chan *thread, 2)
	said := make(chan struct{})
	for i := range moves {
		moves[i] = make(chan *thread)
		t.Cleanup(func() { close(moves[i]) })
		go func() {
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			ids[i] = unix.Gettid()
			for w := range moves[i] {
				w.take()
				said <- struct{}{}
			}
		}()
	}
	take := func(i int, w *thread) {
		moves[i] <- w
		<-said
	}
	take(0, &a)
	take(1, &b)
	take(0, &b) // has not said yet that it has left the other one
	take(1, &a)
	if preferredBy(t, ids[0]) != &b || preferredBy(t, ids[1]) != &a {
		t.Error("somebody continues on a thread that is not his")
	}
	a.leave()
	b.leave()
}

// A worker that gives way while others want the processors is favoured wherever it goes on, and only there.
func TestYieldKeepsTheThread(t *testing.T) {
	stop := make(chan struct{})
	var busy sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		busy.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					runtime.Gosched()
				}
			}
		})
	}
	w := &worker{}
	onThread(t, func(int) {
		w.thread.take()
		for range 200 {
			w.yield()
			if preferredBy(t, unix.Gettid()) != &w.thread {
				t.Error("it continues on a thread that is not favoured")
			}
		}
	})
	close(stop)
	busy.Wait()
	favoured.mu.Lock()
	count := 0
	for _, whose := range favoured.by {
		if whose == &w.thread {
			count++
		}
	}
	favoured.mu.Unlock()
	if count != 1 {
		t.Errorf("%d threads are favoured for one worker", count)
	}
	w.thread.leave()
}

// Threads are counted by how the system treats them, and not by what was asked for.
func TestThreadsAreCounted(t *testing.T) {
	fifo, plain := Threads()
	onThread(t, func(int) {
		var taken thread
		taken.take()
		defer taken.leave()
		got, ordinary := Threads()
		if got+ordinary != fifo+plain+1 {
			t.Errorf("%d and %d, and one more than %d and %d is wanted", got, ordinary, fifo, plain)
		}
		if allowed := RealTime() == nil; allowed != (got == fifo+1) {
			t.Errorf("%d real-time threads, %d before; allowed: %v", got, fifo, allowed)
		}
		attributes := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Flags: unix.SCHED_FLAG_RESET_ON_FORK}
		if err := unix.SchedSetAttr(0, &attributes, 0); err != nil {
			t.Error(err)
		}
		if got, ordinary = Threads(); got != fifo || ordinary != plain+1 {
			t.Errorf("%d and %d after an operator has made it an ordinary one", got, ordinary)
		}
	})
	if got, ordinary := Threads(); got != fifo || ordinary != plain {
		t.Errorf("%d and %d after it has left", got, ordinary)
	}
}
