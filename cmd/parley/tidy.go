package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// tidyPeriod is how often it is looked whether a wave of calls has left garbage behind, and how much comes in one.
	tidyPeriod = time.Second
	// tidyRest is the shortest time between two collections of it.
	tidyRest = 30 * time.Second
	// tidyLeast is how much memory has to come of it, and tidyShare which part of what is in use: more than the collector leaves of itself.
	// What goes back to the system leaves holes in large pages, and makes small ones of them: for less than a wave that costs more than it
	// brings, a tenth of the processor time (package hugepages).
	tidyLeast, tidyShare = 2 << 20, 3
	// tidyCalm is how much may be allocated in a period in which nothing goes on, besides a share of what is in use, and calmPeriods how many
	// such periods make it calm.
	tidyCalm, tidyCalmShare, calmPeriods = 170 << 10, 150, 3
	// surgeRate is how much may be allocated in a period for each percent of garbage that may pile up: what a collection costs goes with what
	// is in use, so that their share of the time goes with the rate alone.
	surgeRate = 384 << 10
	// surgeMost is the most garbage that may pile up so.
	surgeMost = 256 << 20
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
	calm   int           // for how many periods little was allocated
	rate   uint64        // octets allocated in the last period
	last   time.Duration // of the last time, since the start
}

// due reports whether it is time, and notes what was seen.
func (t *tidier) due(now heapState, since time.Duration) bool {
	t.rate = now.allocated - t.before.allocated
	t.before = now
	if t.rate < tidyCalm+now.live/tidyCalmShare {
		t.calm++
	} else {
		t.calm = 0
	}
	gain := now.free
	if now.objects > now.live {
		gain += now.objects - now.live
	}
	if t.calm < calmPeriods || gain < max(tidyLeast, now.live/tidyShare) || t.last > 0 && since-t.last < tidyRest {
		return false
	}
	t.last = since

	return true
}

// garbage is how much garbage may pile up now before it is collected, in percent of what is in use: one of a few values, as the runtime stops
// to change it.
func (t *tidier) garbage() int {
	if t.calm >= calmPeriods {
		return calmGarbage
	}
	percent := min(t.rate/surgeRate, 100*surgeMost/max(t.before.live, 1), surgeGarbage)

	return max(int(percent)/waveGarbage*waveGarbage, waveGarbage)
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
	metrics.Read(samples)
	start := time.Now()
	timer := time.NewTicker(tidyPeriod)
	defer timer.Stop()
	t := tidier{before: heapState{allocated: samples[0].Value.Uint64()}} // what the start has taken is no wave
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
