package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

func (s *Server) registerLevels(api huma.API) {
	o := operation(tagEvents, http.MethodGet, "/conferences/{id}/levels", "follow-levels", "Follow how loud participants are")
	o.Errors = []int{http.StatusUnauthorized, http.StatusNotFound}
	o.Description = "For meters. At most four times a second, while somebody is heard, and once when nobody is any more. These events have no id and are not kept. " +
		"The stream ends with the conference or the server. Comment lines keep it alive. What is measured costs nothing while nobody follows."
	o.Responses = map[string]*huma.Response{"200": {
		Description: "Server-Sent Events: levels as event, LevelsInfo as data",
		Content: map[string]*huma.MediaType{"text/event-stream": {
			Schema: &huma.Schema{Type: huma.TypeString}, Example: "event: levels\ndata: {\"levels\":{\"p7yq2\":-21}}\n\n",
		}},
	}}
	huma.Register(api, o, func(_ context.Context, in *ConferencePath) (*huma.StreamResponse, error) {
		return s.levels(conference.ID(in.Conference)) //nolint:contextcheck // the stream has the context of its request
	})
}

func (s *Server) levels(id conference.ID) (*huma.StreamResponse, error) {
	meter, err := s.focus.Meter(id)
	if err != nil {
		return nil, failure(err)
	}
	return s.serveEvents(meter, func(ctx context.Context, to *reader) { pumpLevels(ctx, meter, to) }), nil
}

// pumpLevels writes levels until the reader or the conference is gone.
func pumpLevels(ctx context.Context, from *focus.Meter, to *reader) {
	text := []byte(": parley\n\n") // so that the reader sees the headers at once
	for to.write(text) == nil {
		patient, cancel := context.WithTimeout(ctx, keepAlive)
		levels, err := from.Next(patient)
		cancel()
		switch {
		case err == nil:
			data, failed := json.Marshal(levels)
			if failed != nil {
				return
			}
			text = append(append(append(text[:0], "event: levels\ndata: "...), data...), "\n\n"...)
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			text = append(text[:0], ": alive\n\n"...)
		default:
			return
		}
	}
}
