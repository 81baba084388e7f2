package webhook

import (
	"container/list"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// letter is an event on its way to one hook.
type letter struct {
	Message

	at    time.Time
	place *list.Element // among those that wait; nil: it is under way
	kept  *list.Element // of the journal; nil: it is done with, or there is none

	once sync.Once // it is written when it is first needed
	body []byte
	err  error
}

// lane is the events of one conference. A goroutine delivers them, one after the other, and ends with the last one.
type lane struct{ letters []*letter }

// terms are the settings of a hook that hold now, and what is made of them.
type terms struct {
	Hook

	sign    []byte
	http    *http.Client
	slots   chan struct{} // requests under way
	changed chan struct{} // closed when others hold
}

func newTerms(h Hook) *terms {
	h = withDefaults(h)
	key, _ := h.key() // checked
	return &terms{Hook: h, sign: key, http: h.client(), slots: make(chan struct{}, h.Parallel), changed: make(chan struct{})}
}

// hook is a receiver with its queue.
type hook struct {
	name    string
	terms   atomic.Pointer[terms]
	agent   string
	dead    func(hook string, m Message, why string)
	log     *slog.Logger
	journal *journal        // nil: nothing is kept
	over    context.Context //nolint:containedctx // of all attempts: ends with the hook
	end     context.CancelFunc
	left    func() // called, without the lock, when a hook that leaves has nothing more to do

	mu      sync.Mutex
	lanes   map[string]*lane
	waiting *list.List // letters that are not under way, the oldest first
	working int        // lanes, each with a goroutine
	idle    chan struct{}
	leaving bool // it is not configured any more
	closing bool
	crowded bool // the log has been told that there is no room
	stats   Stats
}

func newHook(h Hook, cfg Config, log *slog.Logger) *hook {
	agent := cfg.UserAgent
	if agent == "" {
		agent = "parley"
	}
	out := &hook{
		name: h.Name, agent: agent, dead: cfg.Dead, log: log.With(slog.String("webhook", h.Name)),
		lanes: map[string]*lane{}, waiting: list.New(), idle: make(chan struct{}), stats: Stats{Hook: h.Name},
	}
	out.terms.Store(newTerms(h))
	if cfg.Keep != "" {
		out.journal = newJournal(keepPath(cfg.Keep, h.Name), out.log)
	}
	out.over, out.end = context.WithCancel(context.Background())
	return out
}

// set makes other settings hold, for what waits, too: who has waited for the next attempt makes it at once.
func (h *hook) set(next Hook) {
	h.mu.Lock()
	h.leaving = false
	h.mu.Unlock()
	old := h.terms.Swap(newTerms(next))
	close(old.changed)
	old.http.CloseIdleConnections()
}

// leave ends the hook when it has delivered or given up what waits, unless it is set again before.
func (h *hook) leave() {
	h.mu.Lock()
	h.leaving = true
	working := h.working
	h.mu.Unlock()
	if working > 0 {
		h.log.Info("the webhook is not configured any more; what waits is still delivered", slog.Int("events", h.snapshot().Waiting))
		return
	}
	h.left()
}

// through ends a hook that leaves if it has nothing more to do, and tells whether: nothing can come between the two.
func (h *hook) through() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.leaving || h.working > 0 || h.closing {
		return false
	}
	h.closing = true
	return true
}

// wants tells whether an event is for this hook.
func (h *hook) wants(m *Message) bool {
	t := h.terms.Load()
	return t.wants(m)
}

const noRoom = "there is no room"

// put queues a letter. When there is no room the oldest one that is not under way has to go: who has been away wants to know
// how things are.
func (h *hook) put(l *letter) {
	room := h.terms.Load().Queue
	h.mu.Lock()
	if h.closing {
		h.mu.Unlock()
		h.bury(l, "it came after the end")
		return
	}
	var dropped []*letter
	for h.waiting.Len() >= room { // more than one: there was more room before
		dropped = append(dropped, h.dropOldest())
	}
	h.journal.add(l)
	h.enqueue(l)
	h.mu.Unlock()
	for _, d := range dropped {
		h.journal.remove(d)
		h.bury(d, noRoom)
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
	l, _ := h.waiting.Remove(h.waiting.Front()).(*letter) // nothing else is in it
	on := h.lanes[l.Conference]
	on.letters = on.letters[1:]
	return l
}

// deliverAll is the goroutine of a lane.
func (h *hook) deliverAll(conference string, on *lane) {
	for {
		h.mu.Lock()
		if len(on.letters) == 0 {
			h.retire(conference)
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
		h.mu.Unlock()
		if ended && h.journal != nil {
			continue // it is kept
		}
		h.journal.remove(l)
		if why != "" {
			h.bury(l, why)
		}
	}
}

// retire ends a lane without letters; the lock is held, and given up.
func (h *hook) retire(conference string) {
	delete(h.lanes, conference)
	h.working--
	last := h.working == 0
	if last && h.closing {
		close(h.idle)
	}
	left := last && h.leaving && !h.closing
	h.mu.Unlock()
	if left {
		h.left()
	}
}

// deliver makes attempts until one succeeds, or says why it gave up, and whether only because the Sender ends.
func (h *hook) deliver(l *letter) (why string, ended bool) {
	t := h.terms.Load()
	for attempt, failed := 1, 1; ; attempt, failed = attempt+1, failed+1 {
		o := h.attempt(t, l, attempt)
		h.note(t, o)
		pause := t.pause(failed, o.after)
		switch {
		case o.err == nil:
			return "", false
		case o.final:
			return o.err.Error(), false
		case h.over.Err() != nil:
			return "the end has come: " + o.err.Error(), true
		case time.Since(l.at)+pause > t.MaxAge:
			return fmt.Sprintf("it is %v old: %v", time.Since(l.at).Round(time.Second), o.err), false
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-t.changed:
			timer.Stop()
			failed = 0
		case <-h.over.Done():
			timer.Stop()
			return "the end has come: " + o.err.Error(), true
		}
		t = h.terms.Load()
	}
}

// note counts an attempt, and logs when the hook begins to fail and when it works again.
func (h *hook) note(t *terms, o outcome) {
	h.mu.Lock()
	before := h.stats.Failing
	h.stats.Failing = o.err != nil
	if o.err == nil {
		h.stats.Delivered++
		h.crowded = h.crowded && h.waiting.Len() >= t.Queue/2 //nolint:mnd // otherwise it would say so again with the next event
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
		defer h.dead(h.name, l.Message, why)
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
	return h.finish(before)
}

// finish gives back what the hook has when its lanes have ended; before is how many letters were dead before it was closed.
func (h *hook) finish(before uint64) error {
	h.end()
	h.terms.Load().http.CloseIdleConnections()
	if n, err := h.journal.close(); err != nil {
		return fmt.Errorf("%w: %d to %s: %w", ErrUndelivered, n, h.name, err)
	}
	if n := h.snapshot().Dead - before; n > 0 {
		return fmt.Errorf("%w: %d to %s", ErrUndelivered, n, h.name)
	}
	return nil
}
