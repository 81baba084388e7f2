package control

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// RecordingPath names a recording.
type RecordingPath struct {
	ConferencePath

	Recording string `path:"rid" doc:"Recording."`
}

func (p *RecordingPath) ids() (conference.ID, conference.RecordingID) {
	return conference.ID(p.Conference), conference.RecordingID(p.Recording)
}

type newRecording struct {
	ConferencePath

	Body struct {
		Mode    []string `json:"mode,omitempty" enum:"mixed,separate,pair" doc:"Left out: as the conference is configured."`
		Servers []string `json:"servers,omitempty" doc:"Recording servers by name; left out: as the conference is configured."`
	}
}

type changedRecording struct {
	RecordingPath

	Body struct {
		State string `json:"state" enum:"paused,recording" doc:"Which it shall be in."`
	}
}

func (s *Server) registerRecordings(api huma.API) {
	servers := operation(tagRecordings, http.MethodGet, "/recording/servers", "list-recording-servers", "List recording servers")
	servers.Description = "What is known of each: whether it answers, rests after failures, and how many sessions it has."
	huma.Register(api, servers, func(context.Context, *struct{}) (*body[[]focus.RecorderStatus], error) {
		return answer(s.focus.RecordingServers(), nil)
	})
	huma.Register(api, operation(tagRecordings, http.MethodGet, "/conferences/{id}/recordings", "list-recordings", "List recordings"),
		func(ctx context.Context, in *ConferencePath) (*body[[]focus.RecordingInfo], error) {
			found, err := s.focus.Recordings(ctx, conference.ID(in.Conference))
			return answer(found, err)
		})
	start := operation(tagRecordings, http.MethodPost, "/conferences/{id}/recordings", "start-recording", "Start to record")
	start.Description = "Participants are told before anything of theirs is captured."
	start.DefaultStatus = http.StatusCreated
	huma.Register(api, start, func(ctx context.Context, in *newRecording) (*body[focus.RecordingInfo], error) {
		modes, err := conference.ParseModes(in.Body.Mode)
		if err != nil {
			return nil, failure(err)
		}
		made, err := s.focus.StartRecording(ctx, conference.ID(in.Conference), focus.RecordingRequest{Modes: modes, Servers: in.Body.Servers})
		return answer(made, err)
	})
	huma.Register(api, operation(tagRecordings, http.MethodGet, "/conferences/{id}/recordings/{rid}", "get-recording", "Get a recording"),
		func(ctx context.Context, in *RecordingPath) (*body[focus.RecordingInfo], error) {
			id, rid := in.ids()
			found, err := s.focus.Recording(ctx, id, rid)
			return answer(found, err)
		})
	change := operation(tagRecordings, http.MethodPatch, "/conferences/{id}/recordings/{rid}", "change-recording", "Pause or resume a recording")
	change.Description = "Nothing is captured any more when a pause is answered. The answer waits up to 3 s until the servers have agreed; if they take longer it says the state so far, and an event follows."
	huma.Register(api, change,
		func(ctx context.Context, in *changedRecording) (*body[focus.RecordingInfo], error) {
			id, rid := in.ids()
			change := s.focus.ResumeRecording
			if in.Body.State == conference.RecordingPaused.String() {
				change = s.focus.PauseRecording
			}
			found, err := change(ctx, id, rid)
			return answer(found, err)
		})
	stop := operation(tagRecordings, http.MethodDelete, "/conferences/{id}/recordings/{rid}", "stop-recording", "Stop a recording")
	stop.DefaultStatus = http.StatusOK
	stop.Description = "Nothing is captured any more when this is answered. The answer waits up to 3 s until the servers have it all; if they take longer it says the state so far, and an event follows."
	huma.Register(api, stop, func(ctx context.Context, in *RecordingPath) (*body[focus.RecordingInfo], error) {
		id, rid := in.ids()
		found, err := s.focus.StopRecording(ctx, id, rid)
		return answer(found, err)
	})
}
