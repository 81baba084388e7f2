package control

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

const (
	// keepAlive is how often a silent stream says that it lives, so that proxies keep it open and a dead reader is noticed.
	keepAlive = 15 * time.Second
	// writeLimit ends the stream of a reader that takes nothing for so long.
	writeLimit = 30 * time.Second
)

// FollowAll says where a stream of events goes on.
type FollowAll struct {
	LastEventID string `header:"Last-Event-ID" doc:"The last event known; those since then come first, as far as they are kept."`
}

type followOne struct {
	ConferencePath
	FollowAll
}

func (s *Server) registerEvents(api huma.API) {
	describeStream := func(o huma.Operation) huma.Operation {
		o.Responses = map[string]*huma.Response{"200": {
			Description: "Server-Sent Events: id, event (the type) and data (the event as JSON)",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}},
		}}
		return o
	}
	huma.Register(api, describeStream(operation(http.MethodGet, "/events", "follow-events", "Follow the events of all conferences")),
		func(_ context.Context, in *FollowAll) (*huma.StreamResponse, error) {
			return s.stream("", in.LastEventID), nil
		})
	huma.Register(api, describeStream(operation(http.MethodGet, "/conferences/{id}/events", "follow-conference", "Follow the events of one conference")),
		func(_ context.Context, in *followOne) (*huma.StreamResponse, error) {
			return s.stream(conference.ID(in.Conference), in.LastEventID), nil
		})
}

func (s *Server) stream(id conference.ID, after string) *huma.StreamResponse {
	watcher := s.focus.Watch(id, after) // from the moment of the request, before any answer
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer watcher.Close()
		ctx.SetHeader("Content-Type", "text/event-stream")
		ctx.SetHeader("Cache-Control", "no-store")
		ctx.SetStatus(http.StatusOK)
		out := ctx.BodyWriter()
		if writer, ok := out.(http.ResponseWriter); ok {
			pump(ctx.Context(), watcher, &reader{out: out, control: http.NewResponseController(writer)})
		}
	}}
}

// reader is the far end of a stream.
type reader struct {
	out     io.Writer
	control *http.ResponseController
}

func (r *reader) write(text string) error {
	if err := r.control.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	if _, err := io.WriteString(r.out, text); err != nil {
		return err
	}
	return r.control.Flush()
}

// pump writes events until the reader or the focus is gone.
func pump(ctx context.Context, watcher *focus.Watcher, to *reader) {
	if to.write(": parley\n\n") != nil {
		return
	}
	for {
		event, err := next(ctx, watcher)
		switch {
		case err == nil:
			text, err := json.Marshal(event)
			if err != nil || to.write(fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", event.ID, event.Type, text)) != nil {
				return
			}
		case ctx.Err() == nil && context.DeadlineExceeded == err: //nolint:errorlint // next returns it itself
			if to.write(": alive\n\n") != nil {
				return
			}
		default:
			return
		}
	}
}

func next(ctx context.Context, watcher *focus.Watcher) (focus.Event, error) {
	patient, cancel := context.WithTimeout(ctx, keepAlive)
	defer cancel()
	event, err := watcher.Next(patient)
	if err != nil && patient.Err() == context.DeadlineExceeded && ctx.Err() == nil { //nolint:errorlint // Err returns it itself
		return event, context.DeadlineExceeded
	}
	return event, err
}
