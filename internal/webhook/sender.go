package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Message is one event.
type Message struct {
	ID         string
	Type       string
	Conference string
	// Object becomes the body, as JSON. It must not change any more.
	Object any
}

// Stats is what a hook has counted.
type Stats struct {
	Hook      string
	Delivered uint64 // events answered by 2xx
	Failures  uint64 // attempts that failed
	Dead      uint64 // events that were given up
	Waiting   int    // events that have not been delivered
	Failing   bool   // the last attempt failed
}

// Sender delivers events to hooks. Its methods may be called from any goroutine.
type Sender struct {
	cfg   Config // but for its hooks
	log   *slog.Logger
	hooks atomic.Pointer[[]*hook]

	mu      sync.Mutex // of changes
	leaving []*hook    // not configured any more, with events that wait
	closing bool
}

// New makes the Sender. The error is ErrConfig.
func New(cfg Config) (*Sender, error) {
	if err := Check(cfg.Hooks); err != nil {
		return nil, err
	}
	s := &Sender{cfg: cfg, log: cfg.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.hooks.Store(&[]*hook{})
	return s, s.Set(cfg.Hooks)
}

// Check tells whether a Sender could have these hooks. The error is ErrConfig.
func Check(hooks []Hook) error {
	names := map[string]bool{}
	for _, h := range hooks {
		if err := h.Validate(); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
		if names[h.Name] {
			return fmt.Errorf("%w: two are called %q", ErrConfig, h.Name)
		}
		names[h.Name] = true
	}
	return nil
}

// Set replaces the hooks. One that has the name of another takes its place, with what waits: that is sent at once, as the new settings say. A
// new one gets what is published from then on, after what an earlier one of its name has kept. One that is missing gets nothing more; it goes
// on until what waits for it is delivered or given up. The error is ErrConfig, and nothing has changed.
func (s *Sender) Set(hooks []Hook) error {
	if err := Check(hooks); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil
	}
	known := map[string]*hook{}
	for _, h := range slices.Concat(*s.hooks.Load(), s.leaving) {
		known[h.name] = h
	}
	next := make([]*hook, 0, len(hooks))
	for _, settings := range hooks {
		h := known[settings.Name]
		if h != nil {
			h.set(settings)
			delete(known, settings.Name)
		} else {
			h = newHook(settings, s.cfg, s.log)
			h.left = func() { go s.forget(h) } // which waits for who calls it
			h.restore()
		}
		next = append(next, h)
	}
	s.hooks.Store(&next)
	s.leaving = nil
	for _, h := range known {
		s.leaving = append(s.leaving, h)
		h.leave()
	}
	return nil
}

// forget ends a hook that leaves and has nothing more to do.
func (s *Sender) forget(h *hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || !slices.Contains(s.leaving, h) || !h.through() {
		return
	}
	s.leaving = slices.DeleteFunc(s.leaving, func(other *hook) bool { return other == h })
	if err := h.finish(h.snapshot().Dead); err != nil {
		s.log.Error("a webhook that is not configured any more", slog.Any("error", err))
	}
}

// Publish queues an event for the hooks that want it, and returns at once.
func (s *Sender) Publish(m Message) {
	now := time.Now()
	for _, h := range *s.hooks.Load() {
		if h.wants(&m) {
			h.put(&letter{Message: m, at: now})
		}
	}
}

// Stats gives what every hook has counted, in the order of the configuration, and then those that are not configured any more and have not ended.
func (s *Sender) Stats() []Stats {
	s.mu.Lock()
	hooks := slices.Concat(*s.hooks.Load(), s.leaving)
	s.mu.Unlock()
	out := make([]Stats, 0, len(hooks))
	for _, h := range hooks {
		out = append(out, h.snapshot())
	}
	return out
}

// ErrUndelivered says that events could not be delivered before the end.
var ErrUndelivered = errors.New("events are undelivered")

// Close delivers what waits, as long as ctx allows, and keeps the rest in Config.Keep or, without, gives it up; the error is then
// ErrUndelivered. What is published later is a dead letter.
func (s *Sender) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	hooks := slices.Concat(*s.hooks.Load(), s.leaving)
	s.mu.Unlock()
	var all sync.WaitGroup
	problems := make([]error, len(hooks))
	for i, h := range hooks {
		all.Go(func() { problems[i] = h.close(ctx) })
	}
	all.Wait()
	return errors.Join(problems...)
}
