package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// tidyPeriod is how often it is looked whether a wave of calls has left garbage behind.
	tidyPeriod = 3 * time.Second
	// tidyRest is the shortest time between two collections of it.
	tidyRest = 30 * time.Second
	// tidyLeast is how much memory has to come of it.
	tidyLeast = 2 << 20
	// tidyCalm is how much may be allocated in a period in which nothing goes on, besides a share of what is in use.
	tidyCalm, tidyCalmShare = 512 << 10, 50
)

// heapState is what the runtime tells of its memory, in octets.
type heapState struct {
	allocated uint64 // ever
	objects   uint64 // with garbage
	live      uint64 // at the last collection
	free      uint64 // kept for what may come
}

// tidier decides when the memory that a wave of calls has taken goes back to the system: when it is over. The collector alone would keep
// it until as much was allocated again, which calls in progress do not do for hours.
type tidier struct {
	before heapState
	last   time.Duration // of the last time, since the start
}

// due reports whether it is time, and notes what was seen.
func (t *tidier) due(now heapState, since time.Duration) bool {
	calm := now.allocated-t.before.allocated < tidyCalm+now.live/tidyCalmShare
	t.before = now
	gain := now.free
	if now.objects > now.live {
		gain += now.objects - now.live
	}
	if !calm || gain < max(tidyLeast, now.live/10) || t.last > 0 && since-t.last < tidyRest { //nolint:mnd // a tenth
		return false
	}
	t.last = since

	return true
}

// startTidy begins to look, until the service ends.
func (s *service) startTidy(ctx context.Context) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		tidy(ctx)
	}()
	s.onClose("memory", func(context.Context) error {
		stop()
		<-done

		return nil
	})
}

// tidy looks until the context ends. The collection runs beside the calls.
func tidy(ctx context.Context) {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	start := time.Now()
	timer := time.NewTicker(tidyPeriod)
	defer timer.Stop()
	var t tidier
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		metrics.Read(samples)
		now := heapState{
			allocated: samples[0].Value.Uint64(), objects: samples[1].Value.Uint64(), live: samples[2].Value.Uint64(), free: samples[3].Value.Uint64(),
		}
		if t.due(now, time.Since(start)) {
			debug.FreeOSMemory()
		}
	}
}
