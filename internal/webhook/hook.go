package webhook

import (
	"container/list"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// letter is an event on its way to one hook.
type letter struct {
	Message

	at    time.Time
	body  []byte        // once it was needed
	place *list.Element // among those that wait; nil: it is under way

	restored bool // was kept by another process
}

// lane is the events of one conference. A goroutine delivers them, one after the other, and ends with the last one.
type lane struct{ letters []*letter }

// hook is a receiver with its queue.
type hook struct {
	Hook

	agent string
	sign  []byte
	http  *http.Client
	dead  func(hook string, m Message, why string)
	log   *slog.Logger
	slots chan struct{}   // requests under way
	over  context.Context //nolint:containedctx // of all attempts: ends with the hook
	end   context.CancelFunc

	mu      sync.Mutex
	lanes   map[string]*lane
	waiting *list.List // letters that are not under way, the oldest first
	working int        // lanes, each with a goroutine
	idle    chan struct{}
	closing bool
	crowded bool // the log has been told that there is no room
	stats   Stats

	path     string    // of the file for what is not delivered in the end; empty: there is none
	kept     []*letter // for it
	restored int       // letters of it that are not done with
}

func newHook(h Hook, cfg Config, log *slog.Logger) *hook {
	key, _ := h.key() // checked
	agent := cfg.UserAgent
	if agent == "" {
		agent = "parley"
	}
	out := &hook{
		Hook: h, agent: agent, sign: key, http: h.client(), dead: cfg.Dead, log: log.With(slog.String("webhook", h.Name)),
		slots: make(chan struct{}, h.Parallel), lanes: map[string]*lane{}, waiting: list.New(), idle: make(chan struct{}),
		stats: Stats{Hook: h.Name},
	}
	if cfg.Keep != "" {
		out.path = keepPath(cfg.Keep, h.Name)
	}
	out.over, out.end = context.WithCancel(context.Background())
	return out
}

const noRoom = "there is no room"

// put queues a letter. When there is no room the oldest one that is not under way has to go: who has been away wants to know
// how things are.
func (h *hook) put(l *letter) {
	h.mu.Lock()
	var dropped *letter
	why := noRoom
	switch {
	case h.closing:
		dropped, why = l, "it came after the end"
	default:
		if h.waiting.Len() >= h.Queue {
			dropped = h.dropOldest()
		}
		h.enqueue(l)
	}
	h.mu.Unlock()
	if dropped != nil {
		h.settle(dropped)
		h.bury(dropped, why)
	}
}

// enqueue puts a letter into the lane of its conference; the lock is held.
func (h *hook) enqueue(l *letter) {
	l.place = h.waiting.PushBack(l)
	on := h.lanes[l.Conference]
	if on == nil {
		on = &lane{}
		h.lanes[l.Conference] = on
		h.working++
		go h.deliverAll(l.Conference, on)
	}
	on.letters = append(on.letters, l)
}

// dropOldest takes out the letter that has waited longest, which is the first one of its lane; the lock is held.
func (h *hook) dropOldest() *letter {
	l, ok := h.waiting.Remove(h.waiting.Front()).(*letter)
	if !ok {
		return nil
	}
	on := h.lanes[l.Conference]
	on.letters = on.letters[1:]
	return l
}

// deliverAll is the goroutine of a lane.
func (h *hook) deliverAll(conference string, on *lane) {
	for {
		h.mu.Lock()
		if len(on.letters) == 0 {
			delete(h.lanes, conference)
			if h.working--; h.working == 0 && h.closing {
				close(h.idle)
			}
			h.mu.Unlock()
			return
		}
		l := on.letters[0]
		on.letters[0] = nil
		on.letters = on.letters[1:]
		h.waiting.Remove(l.place)
		l.place = nil
		h.stats.Waiting++ // under way
		h.mu.Unlock()
		why, ended := h.deliver(l)
		h.mu.Lock()
		h.stats.Waiting--
		keep := ended && h.path != ""
		if keep {
			h.kept = append(h.kept, l)
		}
		h.mu.Unlock()
		if keep {
			continue
		}
		h.settle(l)
		if why != "" {
			h.bury(l, why)
		}
	}
}

// deliver makes attempts until one succeeds, or says why it gave up, and whether only because the Sender ends.
func (h *hook) deliver(l *letter) (why string, ended bool) {
	for attempt := 1; ; attempt++ {
		o := h.attempt(l, attempt)
		h.note(o)
		pause := h.pause(attempt, o.after)
		switch {
		case o.err == nil:
			return "", false
		case o.final:
			return o.err.Error(), false
		case h.over.Err() != nil:
			return "the end has come: " + o.err.Error(), true
		case time.Since(l.at)+pause > h.MaxAge:
			return fmt.Sprintf("it is %v old: %v", time.Since(l.at).Round(time.Second), o.err), false
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-h.over.Done():
			timer.Stop()
			return "the end has come: " + o.err.Error(), true
		}
	}
}

// note counts an attempt, and logs when the hook begins to fail and when it works again.
func (h *hook) note(o outcome) {
	h.mu.Lock()
	before := h.stats.Failing
	h.stats.Failing = o.err != nil
	if o.err == nil {
		h.stats.Delivered++
		h.crowded = h.crowded && h.waiting.Len() >= h.Queue/2 //nolint:mnd // otherwise it would say so again with the next event
	} else {
		h.stats.Failures++
	}
	h.mu.Unlock()
	switch {
	case o.err != nil && !before:
		h.log.Warn("events cannot be delivered", slog.Any("error", o.err))
	case o.err == nil && before:
		h.log.Info("events are delivered again")
	}
}

// bury gives up a letter.
func (h *hook) bury(l *letter, why string) {
	h.mu.Lock()
	h.stats.Dead++
	silent := why == noRoom && h.crowded // there may be very many: the first one says it
	h.crowded = h.crowded || why == noRoom
	h.mu.Unlock()
	if h.dead != nil {
		defer h.dead(h.Name, l.Message, why)
	}
	if silent {
		return
	}
	h.log.Error("event is given up", slog.String("event", l.ID), slog.String("type", l.Type), slog.String("conference", l.Conference), slog.String("why", why))
}

func (h *hook) snapshot() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.stats
	out.Waiting += h.waiting.Len()
	return out
}

// close waits for the lanes to run empty, as long as ctx allows, and gives up the rest.
func (h *hook) close(ctx context.Context) error {
	h.mu.Lock()
	if h.closing {
		h.mu.Unlock()
		return nil
	}
	h.closing = true
	if h.working == 0 {
		close(h.idle)
	}
	before := h.stats.Dead
	h.mu.Unlock()
	select {
	case <-h.idle:
	case <-ctx.Done():
		h.end()
		<-h.idle // every lane gives up its letters
	}
	h.end()
	h.http.CloseIdleConnections()
	if err := h.save(); err != nil {
		return fmt.Errorf("%w: %d to %s: %w", ErrUndelivered, len(h.kept), h.Name, err)
	}
	if n := h.snapshot().Dead - before; n > 0 {
		return fmt.Errorf("%w: %d to %s", ErrUndelivered, n, h.Name)
	}
	return nil
}
