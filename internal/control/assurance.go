package control

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus"
)

type acknowledgement struct {
	RecordingPath
	caller

	Body struct {
		Acknowledged bool   `json:"acknowledged" doc:"Somebody knows that it is not whole; false takes that back."`
		By           string `json:"by,omitempty" maxLength:"128" doc:"Who: a token may be that of several people."`
		Note         string `json:"note,omitempty" maxLength:"1024" doc:"What was found, or done about it."`
	}
}

func (s *Server) registerAssurance(api huma.API) {
	list := operation(tagRecordings, http.MethodGet, "/recordings/assurance", "list-assurance", "Reconcile recordings")
	list.Description = "Every recording there should be since the start, a thousand of those that are over at most, and what recording servers have of it."
	huma.Register(api, list, func(context.Context, *struct{}) (*body[[]focus.Assurance], error) {
		return answer(s.focus.Assurance(), nil)
	})
	change := operation(tagRecordings, http.MethodPatch, "/recordings/assurance/{id}/{rid}", "acknowledge-recording", "Acknowledge that a recording is not whole")
	change.Description = "Of one that is over, with the verdict pending, partial or missing. The verdict stays what it is, and a worse one lets the acknowledgement lapse. It is in the log, and known until the program ends, as the recording is."
	huma.Register(api, change, func(ctx context.Context, in *acknowledgement) (*body[focus.Assurance], error) {
		id, rid := in.ids()
		var seen *focus.Acknowledgement
		if in.Body.Acknowledged {
			seen = &focus.Acknowledgement{At: focus.Time(time.Now()), By: in.Body.By, Note: in.Body.Note}
			if token := s.tokenOf(bearer(in.authorization)); token != nil {
				seen.Token = token.Name
			}
		}
		found, err := s.focus.AcknowledgeRecording(id, rid, seen)
		if err == nil {
			s.log.InfoContext(ctx, "recording acknowledged", slog.String("conference", string(id)), slog.String("recording", string(rid)), slog.String("verdict", found.Verdict),
				slog.Bool("acknowledged", in.Body.Acknowledged), slog.String("by", in.Body.By), slog.String("note", in.Body.Note))
		}
		return answer(found, err)
	})
}
