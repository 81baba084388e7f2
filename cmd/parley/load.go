package main

import (
	"context"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// processorLoad watches how much of the processors this process uses.
type processorLoad struct {
	percent atomic.Int64 // of all processors, of the last second
}

// watch measures each second until ctx ends.
func (l *processorLoad) watch(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	used, at := processorTime(), time.Now()
	for {
		select {
		case <-ticker.C:
			now, total := time.Now(), processorTime()
			l.percent.Store(int64(100 * (total - used) / (now.Sub(at) * time.Duration(runtime.NumCPU()))))
			used, at = total, now
		case <-ctx.Done():
			return
		}
	}
}

// processorTime is how long processors have worked for this process.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
