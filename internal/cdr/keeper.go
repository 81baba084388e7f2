package cdr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/parley-sip/parley/focus"
)

// Config says what becomes of records.
type Config struct {
	// Log is the file; nil: none is written.
	Log *Log
	// Sync is how often what was written is forced to the disk; 0: with every write, negative: the system decides.
	Sync time.Duration
	// Queue is how many lines that cannot be written, and how many things that were told, may wait; 0: 100000.
	Queue int
	// Publish gets every record, from the goroutine of the Keeper; nil: nobody.
	Publish func(Record)
	// Logger is told when lines cannot be written, and when they can again; nil: silent.
	Logger *slog.Logger
}

const (
	defaultQueue = 100_000
	firstRetry   = time.Second
	lastRetry    = 30 * time.Second
	// writeSize is how much is written at once, at most, so that a line is not kept from the disk by those behind it.
	writeSize = 1 << 20
)

// Stats is what a Keeper has counted.
type Stats struct {
	Written  map[Kind]uint64 // records
	Failures uint64          // attempts to write that failed
	Lost     uint64          // lines and tidings for which there was no room any more
	Waiting  int             // lines
	Failing  bool            // the last attempt failed
}

// Keeper makes and writes records. Event, CallEnded, RecordingEnded, Prepare, Reopen and Stats may be called from any goroutine;
// all but Prepare return at once.
type Keeper struct {
	cfg  Config
	log  *slog.Logger
	wake chan struct{} // has something in it when there is something new
	done chan struct{}

	mu      sync.Mutex
	told    []any
	reopen  bool
	changes []*Change
	path    string // of the file when they are made; empty: none
	closing bool
	stats   Stats

	// Owned by run.
	book    *book
	lines   []line
	unwise  time.Time     // before which no attempt to write is made
	backoff time.Duration // 0: the last attempt was successful
	dirty   bool          // something is to be forced to the disk
	synced  time.Time
}

// line is a record as it will be written.
type line struct {
	kind Kind
	text []byte
}

// ErrLost says that records could not be written before the end.
var ErrLost = errors.New("call records are lost")

// New starts the goroutine of a Keeper. It owns the Log from now on.
func New(cfg Config) *Keeper {
	if cfg.Queue <= 0 {
		cfg.Queue = defaultQueue
	}
	k := &Keeper{
		cfg: cfg, log: cfg.Logger, wake: make(chan struct{}, 1), done: make(chan struct{}), book: newBook(), synced: time.Now(),
		stats: Stats{Written: map[Kind]uint64{}},
	}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	if cfg.Log != nil {
		k.path = pathOf(cfg.Log.cfg)
	}
	go k.run()
	return k
}

// Event is for focus.Hooks.
func (k *Keeper) Event(e focus.Event) {
	switch e.Object.(type) {
	case focus.ConferenceInfo, focus.ParticipantInfo, focus.RecordingInfo:
		k.tell(e)
	}
}

// CallEnded is for focus.Hooks.
func (k *Keeper) CallEnded(r focus.CallRecord) { k.tell(r) }

// RecordingEnded is for focus.Hooks.
func (k *Keeper) RecordingEnded(a focus.Assurance) { k.tell(a) }

func (k *Keeper) tell(item any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closing || len(k.told) >= k.cfg.Queue {
		k.stats.Lost++
		return
	}
	k.told = append(k.told, item)
	k.nudge()
}

func (k *Keeper) nudge() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// Reopen has the file closed and opened again under its name, for tools that rotate files.
func (k *Keeper) Reopen() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reopen = true
	k.nudge()
}

// Stats gives what was counted.
func (k *Keeper) Stats() Stats {
	k.mu.Lock()
	defer k.mu.Unlock()
	stats := k.stats
	stats.Written = map[Kind]uint64{KindConference: 0, KindParticipant: 0, KindRecording: 0}
	maps.Copy(stats.Written, k.stats.Written)
	return stats
}

// Close writes what is left and forces it to the disk. While that fails it tries again until ctx ends; the error is then ErrLost.
// What is told later is lost. The focus must have ended, or its hooks would still call.
func (k *Keeper) Close(ctx context.Context) error {
	k.mu.Lock()
	if !k.closing {
		k.closing = true
		k.nudge()
	}
	k.mu.Unlock()
	<-k.done
	if k.cfg.Log == nil {
		return nil
	}
	for k.backoff > 0 {
		select {
		case <-time.After(min(k.backoff, firstRetry)):
			k.unwise = time.Time{}
			k.write(time.Now())
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%w: %d", ErrLost, len(k.lines)), k.cfg.Log.Close())
		}
	}
	return errors.Join(k.cfg.Log.Sync(), k.cfg.Log.Close())
}

// run is the life of a Keeper, but for the last attempts of Close.
func (k *Keeper) run() {
	defer close(k.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-k.wake:
		case <-timer.C:
		}
		ended := k.work(time.Now())
		if ended {
			return
		}
		if next := k.next(); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(0, time.Until(next)))
		}
	}
}

// work does what there is to do, and reports whether it was the last time.
func (k *Keeper) work(now time.Time) (ended bool) {
	k.mu.Lock()
	told, reopen, changes, ended := k.told, k.reopen, k.changes, k.closing
	k.told, k.reopen, k.changes = nil, false, nil
	k.mu.Unlock()
	for _, item := range told {
		if record := k.book.enter(item); record != nil {
			k.keep(record)
		}
	}
	for _, c := range changes {
		k.change(c, now)
	}
	if k.cfg.Log == nil {
		return ended
	}
	if reopen {
		k.attempt(k.cfg.Log.Reopen(), now)
	}
	k.write(now)
	return ended
}

// keep queues a record and shows it to whoever wants it.
func (k *Keeper) keep(record Record) {
	if k.cfg.Publish != nil {
		k.cfg.Publish(record)
	}
	if k.cfg.Log == nil {
		k.count(func(s *Stats) { s.Written[record.Common().Type]++ })
		return
	}
	text, err := json.Marshal(record)
	if err != nil || len(k.lines) >= k.cfg.Queue {
		k.count(func(s *Stats) { s.Lost++ })
		return
	}
	k.lines = append(k.lines, line{record.Common().Type, append(text, '\n')})
}

func (k *Keeper) count(change func(*Stats)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(&k.stats)
}

// write writes the lines that wait, unless that has just failed.
func (k *Keeper) write(now time.Time) {
	if now.Before(k.unwise) {
		k.count(func(s *Stats) { s.Waiting = len(k.lines) })
		return
	}
	ok := true
	for ok && len(k.lines) > 0 {
		block, n := k.lines[0].text, 1
		for ; n < len(k.lines) && len(block)+len(k.lines[n].text) <= writeSize; n++ {
			block = append(block, k.lines[n].text...)
		}
		if ok = k.attempt(k.cfg.Log.Write(block, now), now); !ok {
			break
		}
		written := k.lines[:n]
		k.count(func(s *Stats) {
			for _, l := range written {
				s.Written[l.kind]++
			}
		})
		clear(written)
		k.lines, k.dirty = k.lines[n:], true
	}
	if ok {
		ok = k.attempt(k.cfg.Log.Rotate(now, 0), now)
	}
	if ok && k.dirty && k.cfg.Sync >= 0 && now.Sub(k.synced) >= k.cfg.Sync && k.attempt(k.cfg.Log.Sync(), now) {
		k.dirty, k.synced = false, now
	}
	k.count(func(s *Stats) { s.Waiting = len(k.lines) })
}

// attempt notes how an attempt went, and reports whether it went well.
func (k *Keeper) attempt(err error, now time.Time) bool {
	failing := k.backoff > 0
	if err == nil {
		if failing {
			k.log.Info("call records are written again")
		}
		k.backoff, k.unwise = 0, time.Time{}
		k.count(func(s *Stats) { s.Failing = false })
		return true
	}
	if !failing {
		k.log.Error("call records cannot be written; they wait", slog.Any("error", err))
	}
	k.backoff = min(max(firstRetry, 2*k.backoff), lastRetry)
	k.unwise = now.Add(k.backoff)
	k.count(func(s *Stats) { s.Failing = true; s.Failures++ })
	return false
}

// next is when there is something to do without being told; zero: never.
func (k *Keeper) next() time.Time {
	if k.cfg.Log == nil {
		return time.Time{}
	}
	if k.backoff > 0 {
		return k.unwise
	}
	next := k.cfg.Log.Due()
	if at := k.synced.Add(k.cfg.Sync); k.dirty && k.cfg.Sync > 0 && (next.IsZero() || at.Before(next)) {
		next = at
	}
	return next
}
