package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

const (
	// keepAlive is how often a silent stream says that it lives, so that proxies keep it open and a dead reader is noticed.
	keepAlive = 15 * time.Second
	// writeLimit ends the stream of a reader that takes nothing for so long.
	writeLimit = 30 * time.Second
)

// FollowAll is where to go on; see [ConferencePath] for why it is exported.
type FollowAll struct {
	LastEventID string `header:"Last-Event-ID" doc:"The last event known; those since then come first, as far as they are kept."`
	After       string `query:"last_event_id" doc:"The same, for who cannot set header fields."`
}

func (f *FollowAll) last() string {
	if f.LastEventID != "" { // a browser that connects again sends both, and this is the newer one
		return f.LastEventID
	}
	return f.After
}

type followOne struct {
	ConferencePath
	FollowAll
}

func (s *Server) registerEvents(api huma.API) {
	describeStream := func(at, id, summary string) huma.Operation {
		o := operation(tagEvents, http.MethodGet, at, id, summary)
		o.Errors = []int{http.StatusUnauthorized}
		o.Description = "A conference need not exist yet. The stream ends with the server. Comment lines keep it alive. A gap in sequence says that a slow reader has missed events."
		o.Responses = map[string]*huma.Response{"200": {
			Description: "Server-Sent Events: id, event (the type) and data (the event as JSON)",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}},
		}}
		return o
	}
	huma.Register(api, describeStream("/events", "follow-events", "Follow all conferences"),
		func(_ context.Context, in *FollowAll) (*huma.StreamResponse, error) {
			return s.stream("", in.last()), nil //nolint:contextcheck // the stream has the context of its request
		})
	huma.Register(api, describeStream("/conferences/{id}/events", "follow-conference", "Follow one conference"),
		func(_ context.Context, in *followOne) (*huma.StreamResponse, error) {
			return s.stream(conference.ID(in.Conference), in.last()), nil //nolint:contextcheck // as above
		})
}

func (s *Server) stream(id conference.ID, after string) *huma.StreamResponse {
	watcher := s.focus.Watch(id, after) // from the moment of the request, before any answer
	return s.serveEvents(watcher, func(ctx context.Context, to *reader) { pump(ctx, watcher, to) })
}

// serveEvents answers with Server-Sent Events that a function pumps from where they come, which is closed in the end.
func (s *Server) serveEvents(from feed, pump func(context.Context, *reader)) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		s.streams.add(from)
		defer s.streams.remove(from)
		ctx.SetHeader("Content-Type", "text/event-stream")
		ctx.SetHeader("Cache-Control", "no-store")
		ctx.SetHeader("X-Accel-Buffering", "no") // nginx would hold events back
		ctx.SetStatus(http.StatusOK)
		if ctx.Method() == http.MethodHead {
			return
		}
		streaming(ctx.Context())
		_, writer := humago.Unwrap(ctx)
		pump(ctx.Context(), &reader{out: writer, control: http.NewResponseController(writer)})
	}}
}

// feed is what a stream is read from: a focus.Watcher or a focus.Meter.
type feed interface{ Close() }

// streams are the streams that are open.
type streams struct {
	mu    sync.Mutex
	open  map[feed]struct{}
	ended bool
	gone  chan struct{} // closed when the last one has gone after the end; nil: nobody waits
}

func (s *streams) add(w feed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		w.Close()
		return
	}
	if s.open == nil {
		s.open = map[feed]struct{}{}
	}
	s.open[w] = struct{}{}
}

func (s *streams) remove(w feed) {
	w.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, w)
	if len(s.open) == 0 && s.gone != nil {
		close(s.gone)
		s.gone = nil
	}
}

// end makes all streams end, those to come too. The channel is closed when those that were open have gone.
func (s *streams) end() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for w := range s.open {
		w.Close()
	}
	gone := make(chan struct{})
	if len(s.open) == 0 || s.gone != nil { // in the second case somebody waits already
		close(gone)
		return gone
	}
	s.gone = gone
	return gone
}

// reader is the far end of a stream.
type reader struct {
	out     http.ResponseWriter
	control *http.ResponseController
}

func (r *reader) write(text []byte) error {
	if err := r.control.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	if _, err := r.out.Write(text); err != nil {
		return err
	}
	return r.control.Flush()
}

// source is where events come from: a focus.Watcher.
type source interface {
	Next(ctx context.Context) (focus.Event, error)
	Missed() uint64
}

// pump writes events until the reader or the source is gone.
func pump(ctx context.Context, from source, to *reader) {
	var missed uint64
	text := []byte(": parley\n\n") // so that the reader sees the headers at once
	for to.write(text) == nil {
		event, err := next(ctx, from)
		text = text[:0]
		switch {
		case err == nil:
			if now := from.Missed(); now > missed {
				text = fmt.Appendf(text, ": %d events are lost, they came faster than they were read\n\n", now-missed)
				missed = now
			}
			if text, err = appendEvent(text, &event); err != nil {
				return
			}
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			text = append(text, ": alive\n\n"...)
		default:
			return
		}
	}
}

func next(ctx context.Context, from source) (focus.Event, error) {
	patient, cancel := context.WithTimeout(ctx, keepAlive)
	defer cancel()
	return from.Next(patient)
}

// appendEvent adds an event as the HTML standard wants it; JSON has no line ends in it, and is the same octets for all streams.
func appendEvent(text []byte, event *focus.Event) ([]byte, error) {
	data, err := event.JSON()
	if err != nil {
		return text, fmt.Errorf("event %s: %w", event.ID, err)
	}
	text = fmt.Appendf(text, "id: %s\nevent: %s\ndata: ", event.ID, event.Type)
	return append(append(text, data...), "\n\n"...), nil
}
