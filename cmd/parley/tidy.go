package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// tidyPeriod is how often it is looked whether a wave of calls has left garbage behind.
	tidyPeriod = 3 * time.Second
	// tidyRest is the shortest time between two collections of it.
	tidyRest = 30 * time.Second
	// tidyLeast is how much memory has to come of it, and tidyShare which part of what is in use: more than the collector leaves of itself.
	// What goes back to the system leaves holes in large pages, and makes small ones of them: for less than a wave that costs more than it
	// brings, a tenth of the processor time (package hugepages).
	tidyLeast, tidyShare = 2 << 20, 3
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
	calm   bool          // little was allocated lately
	last   time.Duration // of the last time, since the start
}

// due reports whether it is time, and notes what was seen.
func (t *tidier) due(now heapState, since time.Duration) bool {
	t.calm = now.allocated-t.before.allocated < tidyCalm+now.live/tidyCalmShare
	t.before = now
	gain := now.free
	if now.objects > now.live {
		gain += now.objects - now.live
	}
	if !t.calm || gain < max(tidyLeast, now.live/tidyShare) || t.last > 0 && since-t.last < tidyRest {
		return false
	}
	t.last = since

	return true
}

// garbage is how much garbage may pile up now before it is collected, in percent of what is in use.
func (t *tidier) garbage() int {
	if t.calm {
		return calmGarbage
	}

	return waveGarbage
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
	percent, own := waveGarbage, os.Getenv("GOGC") == ""
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
		if now := t.garbage(); own && now != percent {
			percent = now
			debug.SetGCPercent(now)
		}
	}
}
