package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
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

// Sender delivers events to hooks. Publish and Stats may be called from any goroutine.
type Sender struct {
	hooks []*hook
	log   *slog.Logger
}

// New makes the Sender. The error is ErrConfig.
func New(cfg Config) (*Sender, error) {
	s := &Sender{log: cfg.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	names := map[string]bool{}
	for _, h := range cfg.Hooks {
		if err := h.Validate(); err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name, err)
		}
		if names[h.Name] {
			return nil, fmt.Errorf("%w: two are called %q", ErrConfig, h.Name)
		}
		names[h.Name] = true
		s.hooks = append(s.hooks, newHook(withDefaults(h), cfg, s.log))
	}
	for _, h := range s.hooks { // when nothing can fail any more
		h.restore()
	}
	return s, nil
}

// Publish queues an event for the hooks that want it, and returns at once.
func (s *Sender) Publish(m Message) {
	now := time.Now()
	for _, h := range s.hooks {
		if h.wants(&m) {
			h.put(&letter{Message: m, at: now})
		}
	}
}

// Stats gives what every hook has counted, in the order of the configuration.
func (s *Sender) Stats() []Stats {
	out := make([]Stats, 0, len(s.hooks))
	for _, h := range s.hooks {
		out = append(out, h.snapshot())
	}
	return out
}

// ErrUndelivered says that events could not be delivered before the end.
var ErrUndelivered = errors.New("events are undelivered")

// Close delivers what waits, as long as ctx allows, and keeps the rest in Config.Keep or, without, gives it up; the error is then
// ErrUndelivered. What is published later is a dead letter.
func (s *Sender) Close(ctx context.Context) error {
	var all sync.WaitGroup
	problems := make([]error, len(s.hooks))
	for i, h := range s.hooks {
		all.Go(func() { problems[i] = h.close(ctx) })
	}
	all.Wait()
	return errors.Join(problems...)
}
