package srs

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// Retention says how long recordings are kept. The zero value keeps all.
type Retention struct {
	// Age after its end at which a recording is deleted, 0: never.
	Age time.Duration
	// Size in octets that all recordings together may take; the oldest are deleted first, 0: any.
	Size int64
}

// An Alarm is a state that an operator has to know of.
type Alarm struct {
	// Name tells what it is about: "disk" (less than MinFree is free), "write" (a recording cannot be written),
	// "retention" (what should be deleted cannot be), "handshake" (a client that should make keys with us does not, or is another than it says).
	Name string
	// Active is false when it is over.
	Active bool
	// Detail says it for people.
	Detail string
}

// The names of alarms.
const (
	AlarmDisk      = "disk"
	AlarmWrite     = "write"
	AlarmRetention = "retention"
	AlarmHandshake = "handshake"
)

const (
	// diskInterval is how often the free space is looked at.
	diskInterval = 2 * time.Second
	// keepInterval is how often is looked for what has been kept long enough.
	keepInterval = time.Minute
)

// A keeper watches the disk and deletes what has been kept long enough. It belongs to one goroutine, but for what is atomic.
type keeper struct {
	library   Library
	retention Retention
	minFree   atomic.Int64 // octets
	alarm     func(Alarm)
	logger    *slog.Logger

	free    atomic.Int64 // octets
	low     atomic.Bool
	rests   atomic.Pointer[time.Time] // until when no recording begins, since one could not be written; nil: none ever was
	deleted atomic.Uint64
	sizes   map[string]int64 // of folders that are over
	trouble bool
	begun   time.Time
	clock   stepWatch
}

func newKeeper(c *Config) *keeper {
	k := &keeper{
		library: Library{Directory: c.Directory}, retention: c.Retention, logger: c.Logger, sizes: make(map[string]int64),
		begun: time.Now(),
	}
	k.clock.ahead = aheadOf(k.begun, 0)
	k.minFree.Store(c.MinFree)
	k.alarm = func(a Alarm) {
		c.Logger.Warn("alarm", slog.String("name", a.Name), slog.Bool("active", a.Active), slog.String("detail", a.Detail))
		if c.Hooks.Alarm != nil {
			c.Hooks.Alarm(a)
		}
	}

	return k
}

// run looks after the disk until stop is closed.
func (k *keeper) run(stop <-chan struct{}) {
	disk, keep := time.NewTicker(diskInterval), time.NewTicker(keepInterval)
	defer disk.Stop()
	defer keep.Stop()
	for {
		select {
		case <-stop:
			return
		case <-disk.C:
			k.look()
		case now := <-keep.C:
			k.expire(now)
		}
	}
}

// look measures the free space and reports whether there is enough to begin a recording.
func (k *keeper) look() bool {
	free, err := freeSpace(k.library.Directory)
	if err != nil {
		free = 0
	}
	k.free.Store(free)
	low := free < k.minFree.Load()
	if k.low.Swap(low) != low {
		k.alarm(Alarm{Name: AlarmDisk, Active: low, Detail: fmt.Sprintf("%d octets free, %d wanted", free, k.minFree.Load())})
	}

	return !low
}

// rest has no recording begin for a while, as one could not be written: its client comes back at once otherwise, to the same disk, where others may have one
// that works.
func (k *keeper) rest(now time.Time) {
	until := now.Add(retryAfter)
	k.rests.Store(&until)
}

// resting tells whether none may.
func (k *keeper) resting(now time.Time) bool {
	until := k.rests.Load()
	return until != nil && now.Before(*until)
}

// expire deletes what is older than its time and what is too much, the oldest first. What goes on or is
// held stays.
func (k *keeper) expire(now time.Time) { k.expireAt(now.Round(0), now.Sub(k.begun)) }

// expireAt is expire by the system's clock and by the time since the keeper was made.
func (k *keeper) expireAt(now time.Time, since time.Duration) {
	if k.retention == (Retention{}) {
		return
	}
	switch by := k.clock.look(now, since); {
	case by > 0:
		k.logger.Warn("the clock was set forward: nothing is deleted by its age for a while", slog.Duration("by", by), slog.Duration("for", stepRest))
	case by < 0:
		k.logger.Warn("the clock was set back", slog.Duration("by", by))
	}
	doubted := k.clock.doubted(since)
	names, err := k.library.folders()
	if err != nil {
		k.failed(err)

		return
	}
	var total int64
	if k.retention.Size > 0 {
		total = k.total(names)
	}
	var fault error
	for _, name := range names {
		r, err := ReadRecording(filepath.Join(k.library.Directory, name))
		if err != nil || !r.Over() || r.Held {
			continue
		}
		old := k.retention.Age > 0 && !doubted && now.Sub(r.EndedAt) > k.retention.Age
		much := k.retention.Size > 0 && total > k.retention.Size
		if !old && !much {
			if started, ok := startOf(name); k.retention.Age == 0 || ok && now.Sub(started) <= k.retention.Age {
				break // the others are younger
			}

			continue
		}
		if err := k.library.remove(name); err != nil {
			fault = err

			continue
		}
		total -= k.sizes[name]
		delete(k.sizes, name)
		k.deleted.Add(1)
		k.logger.Info("recording deleted", slog.String("directory", r.Directory), slog.Bool("old", old), slog.Bool("too_much", much))
	}
	k.failed(fault)
}

func (k *keeper) failed(err error) {
	if trouble := err != nil; trouble != k.trouble {
		k.trouble = trouble
		detail := "recordings are deleted as they should be"
		if err != nil {
			detail = err.Error()
		}
		k.alarm(Alarm{Name: AlarmRetention, Active: trouble, Detail: detail})
	}
}

// total is what all recordings take. What is over does not change any more.
func (k *keeper) total(names []string) int64 {
	known := make(map[string]int64, len(names))
	var sum int64
	for _, name := range names {
		size, ok := k.sizes[name]
		if !ok {
			directory := filepath.Join(k.library.Directory, name)
			size = sizeOf(directory)
			if r, err := ReadRecording(directory); err == nil && r.Over() {
				known[name] = size
			}
		} else {
			known[name] = size
		}
		sum += size
	}
	k.sizes = known

	return sum
}

// prepare makes the directory, sees that recordings can be written to it, and removes what was half deleted.
func (k *keeper) prepare() error {
	if err := os.MkdirAll(k.library.Directory, dirMode); err != nil {
		return err
	}
	if err := writable(k.library.Directory); err != nil {
		return err
	}

	return k.library.sweep()
}

// writable makes a folder as a recording does, and takes it away again. That it is not allowed would be found with the first call otherwise; a
// full disk can have room by then.
func writable(directory string) error {
	probe, err := os.MkdirTemp(directory, deletedPrefix+"probe-") // what a dead process leaves is removed by the next one
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("recordings cannot be written: %w", err)
	}
	if err == nil {
		err = os.Remove(probe)
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return nil
	}
	return err
}
