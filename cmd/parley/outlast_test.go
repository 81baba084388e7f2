package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A drain lasts until the last call has ended, but no longer than it may, and ends at once when it is told to.
func TestDrainOutlastsCalls(t *testing.T) {
	for _, c := range []struct {
		name             string
		most, last, told time.Duration // last: when the last call ends, 0: there is none; told: when ctx ends, 0: never
		lasts            time.Duration
		over             bool
	}{
		{"no calls", time.Minute, 0, 0, 0, true},
		{"calls end", time.Minute, 30 * time.Second, 0, 30 * time.Second, true},
		{"between two looks", time.Minute, 30*time.Second + 1, 0, 30*time.Second + drainLook, true},
		{"calls go on", time.Minute, time.Hour, 0, time.Minute, false},
		{"no time", 0, time.Hour, 0, 0, false},
		{"no time and no calls", 0, 0, 0, 0, true},
		{"impatient", time.Minute, time.Hour, 10 * time.Second, 10 * time.Second, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.told > 0 {
					defer time.AfterFunc(c.told, cancel).Stop()
				}
				start := time.Now()
				calls := func() int {
					if time.Since(start) < c.last {
						return 1
					}
					return 0
				}
				if over := outlast(ctx, c.most, calls); over != c.over || time.Since(start) != c.lasts {
					t.Errorf("after %v: %v, want %v after %v", time.Since(start), over, c.over, c.lasts)
				}
			})
		})
	}
}
