package control

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus/conference"
)

type movedParticipant struct {
	ParticipantPath

	Body struct {
		Conference string `json:"conference" minLength:"1" maxLength:"128" doc:"Where to."`
	}
}

func (s *Server) registerMove(api huma.API) {
	move := operation(tagParticipants, http.MethodPost, "/conferences/{id}/participants/{pid}/move", "move-participant", "Move a participant to another conference")
	move.Description = "The call goes on, and the participant keeps its id. The answer comes when it is out of the first conference: events tell when it is in the other. " +
		"It needs no PIN there, but the rules of that conference have to let it in (403), and there has to be room."
	move.DefaultStatus = http.StatusAccepted
	huma.Register(api, move, s.move)
}

func (s *Server) move(ctx context.Context, in *movedParticipant) (*struct{}, error) {
	return nil, failure(s.focus.Move(ctx, conference.ID(in.Conference), conference.ParticipantID(in.Participant), conference.ID(in.Body.Conference)))
}
