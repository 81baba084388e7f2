package control

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// SidebarPath names a sidebar.
type SidebarPath struct {
	ConferencePath

	Sidebar string `path:"sid" doc:"Sidebar."`
}

type newSidebar struct {
	ConferencePath

	Body struct {
		Name         string   `json:"name,omitempty" maxLength:"256" doc:"For people."`
		Participants []string `json:"participants" minItems:"1" doc:"Who is taken aside."`
		HearMain     bool     `json:"hear_main,omitempty" doc:"They hear the rest of the conference."`
		MainGainDB   float64  `json:"main_gain_db,omitempty" minimum:"-60" maximum:"0" default:"-12" doc:"How loud, in dB."`
		Private      bool     `json:"private,omitempty" doc:"Other participants are not told of it in conference documents."`
	}
}

type changedSidebar struct {
	SidebarPath

	Body struct {
		Name         *string  `json:"name,omitempty" maxLength:"256" doc:"For people."`
		Participants []string `json:"participants,omitempty" minItems:"1" doc:"All who shall be in it; the others come back."`
		HearMain     *bool    `json:"hear_main,omitempty" doc:"They hear the rest of the conference."`
		MainGainDB   *float64 `json:"main_gain_db,omitempty" minimum:"-60" maximum:"0" doc:"How loud, in dB."`
		Private      *bool    `json:"private,omitempty" doc:"Other participants are not told of it in conference documents."`
	}
}

func (s *Server) registerSidebars(api huma.API) {
	at := "/conferences/{id}/sidebars"
	huma.Register(api, operation(tagParticipants, http.MethodGet, at, "list-sidebars", "List sidebars"),
		func(_ context.Context, in *ConferencePath) (*body[[]focus.SidebarInfo], error) {
			found, err := s.focus.Sidebars(conference.ID(in.Conference))
			return answer(found, err)
		})
	open := operation(tagParticipants, http.MethodPost, at, "open-sidebar", "Take participants aside")
	open.Description = "They hear each other, the others do not hear them, and no recording does. The sidebar ends with its last member."
	open.DefaultStatus = http.StatusCreated
	huma.Register(api, open, func(ctx context.Context, in *newSidebar) (*body[focus.SidebarInfo], error) {
		made, err := s.focus.OpenSidebar(ctx, conference.ID(in.Conference), focus.SidebarRequest{
			Name: in.Body.Name, Participants: participantIDs(in.Body.Participants), HearMain: in.Body.HearMain, MainGainDB: in.Body.MainGainDB,
			Private: in.Body.Private,
		})
		return answer(made, err)
	})
	at += "/{sid}"
	huma.Register(api, operation(tagParticipants, http.MethodGet, at, "get-sidebar", "Get a sidebar"),
		func(_ context.Context, in *SidebarPath) (*body[focus.SidebarInfo], error) {
			found, err := s.focus.Sidebar(conference.ID(in.Conference), conference.SidebarID(in.Sidebar))
			return answer(found, err)
		})
	huma.Register(api, operation(tagParticipants, http.MethodPatch, at, "change-sidebar", "Change a sidebar"),
		func(ctx context.Context, in *changedSidebar) (*body[focus.SidebarInfo], error) {
			found, err := s.focus.ChangeSidebar(ctx, conference.ID(in.Conference), conference.SidebarID(in.Sidebar), focus.SidebarChange{
				Name: in.Body.Name, Participants: participantIDs(in.Body.Participants), HearMain: in.Body.HearMain, MainGainDB: in.Body.MainGainDB,
				Private: in.Body.Private,
			})
			return answer(found, err)
		})
	huma.Register(api, operation(tagParticipants, http.MethodDelete, at, "close-sidebar", "Bring the members of a sidebar back"),
		func(ctx context.Context, in *SidebarPath) (*struct{}, error) {
			return nil, failure(s.focus.CloseSidebar(ctx, conference.ID(in.Conference), conference.SidebarID(in.Sidebar)))
		})
}

// participantIDs keeps nil, which means as before.
func participantIDs(names []string) []conference.ParticipantID {
	if names == nil {
		return nil
	}
	ids := make([]conference.ParticipantID, 0, len(names))
	for _, name := range names {
		ids = append(ids, conference.ParticipantID(name))
	}
	return ids
}
