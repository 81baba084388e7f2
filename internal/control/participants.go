package control

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// ParticipantPath names a participant.
type ParticipantPath struct {
	ConferencePath

	Participant string `path:"pid" doc:"Participant."`
}

type listedParticipants struct {
	ConferencePath
	Paging
}

type dialOut struct {
	ConferencePath

	Body callee
}

type asked struct {
	ConferencePath

	Body struct {
		URI string `json:"uri" doc:"Whom to ask, for example sip:bob@example.com." minLength:"5" maxLength:"1024"`
	}
}

type changedParticipant struct {
	ParticipantPath

	Body struct {
		Muted        *bool    `json:"muted,omitempty" doc:"Nobody hears the participant."`
		Deafened     *bool    `json:"deafened,omitempty" doc:"The participant hears nobody."`
		Held         *bool    `json:"held,omitempty" doc:"Neither hears nor is heard."`
		Unrecorded   *bool    `json:"unrecorded,omitempty" doc:"The others hear the participant, recordings do not hold it."`
		Masked       *bool    `json:"masked,omitempty" doc:"For now, recordings hold silence or a tone in the place of what the participant says."`
		GainDB       *float64 `json:"gain_db,omitempty" minimum:"-60" maximum:"20" doc:"Of what the participant says."`
		ListenGainDB *float64 `json:"listen_gain_db,omitempty" minimum:"-60" maximum:"20" doc:"Of what the participant hears."`
		Coaching     *string  `json:"coaching,omitempty" maxLength:"128" doc:"Participant who alone hears this one; empty: everybody hears it again."`
		Role         *string  `json:"role,omitempty" enum:"moderator,speaker,listener" doc:"What it may do."`
		DisplayName  *string  `json:"display_name,omitempty" maxLength:"256" doc:"Name in the roster."`
		Waiting      *bool    `json:"waiting,omitempty" doc:"false lets it in, true sends it back to where it waits."`
		Marked       *bool    `json:"marked,omitempty" doc:"The others need not wait when it is there, as with a moderator."`
		HandRaised   *bool    `json:"hand_raised,omitempty" doc:"It wants to speak, or does not any more."`
		Floor        *bool    `json:"floor,omitempty" doc:"It is heard in lecture mode; its hand is lowered."`
	}
}

type announcement struct {
	ConferencePath

	Participants []string `query:"participants" doc:"Who alone hears it; left out: everybody. Comma separated."`
	Mode         string   `query:"mode" enum:"mix,duck,replace" default:"mix" doc:"duck: who hears it hears the conference turned down; replace: not at all."`
	Loop         bool     `query:"loop" doc:"Again and again, until it is stopped."`
	Prompts      []string `query:"prompts" doc:"Names of prompts to say one after the other; the body is left out then. Comma separated."`
	RollCall     bool     `query:"roll_call" doc:"Say how many are in, and the names that they have said; the body is left out then."`
	RawBody      []byte   `contentType:"audio/wav"`
}

type stoppedAnnouncement struct {
	ConferencePath

	Announcement string `path:"aid" doc:"What announce returned."`
}

type announced struct {
	ID focus.PlaybackID `json:"id" doc:"To stop it."`
}

const (
	soundDoc         = "WAV: linear PCM of 16 bits, mono or stereo, 8, 16 or 48 kHz; or Opus in Ogg. At most 32 MiB, ten minutes."
	maxAnnouncement  = 32 << 20 // bytes: five and a half minutes at 48 kHz mono
	announcementTime = 30 * time.Second
)

func (s *Server) registerParticipants(api huma.API) {
	huma.Register(api, paged(operation(tagParticipants, http.MethodGet, "/conferences/{id}/participants", "list-participants", "List participants")),
		func(ctx context.Context, in *listedParticipants) (*part[focus.ParticipantInfo], error) {
			found, err := s.focus.Participants(ctx, conference.ID(in.Conference))
			if err != nil {
				return nil, failure(err)
			}
			return inParts(s, &in.Paging, found, func(p *focus.ParticipantInfo) string { return string(p.ID) })
		})
	dial := operation(tagParticipants, http.MethodPost, "/conferences/{id}/participants", "dial-participant", "Call somebody")
	dial.Description = "The answer does not wait for the call: events tell whether it is answered."
	dial.DefaultStatus = http.StatusAccepted
	huma.Register(api, dial, s.dial)
	ask := operation(tagParticipants, http.MethodPost, "/conferences/{id}/ask", "ask-participant", "Ask somebody to call in")
	ask.Description = "By REFER, as somebody who calls himself needs no line of ours. The answer comes when he is willing (502: he is not): events tell whether he calls."
	ask.DefaultStatus = http.StatusAccepted
	huma.Register(api, ask, func(ctx context.Context, in *asked) (*struct{}, error) {
		return nil, failure(s.focus.Ask(ctx, conference.ID(in.Conference), in.Body.URI))
	})
	huma.Register(api, operation(tagParticipants, http.MethodGet, "/conferences/{id}/participants/{pid}", "get-participant", "Get a participant"),
		func(ctx context.Context, in *ParticipantPath) (*body[focus.ParticipantInfo], error) {
			found, err := s.focus.Participant(ctx, conference.ID(in.Conference), conference.ParticipantID(in.Participant))
			return answer(found, err)
		})
	huma.Register(api, operation(tagParticipants, http.MethodPatch, "/conferences/{id}/participants/{pid}", "change-participant", "Change a participant"), s.changeParticipant)
	huma.Register(api, operation(tagParticipants, http.MethodDelete, "/conferences/{id}/participants/{pid}", "kick-participant", "Disconnect a participant"),
		func(ctx context.Context, in *ParticipantPath) (*struct{}, error) {
			return nil, failure(s.focus.Eject(ctx, conference.ID(in.Conference), conference.ParticipantID(in.Participant), ""))
		})
	s.registerMove(api)
	say := operation(tagParticipants, http.MethodPost, "/conferences/{id}/announcements", "announce", "Play a sound to everybody or some")
	say.Description = "The answer comes when the sound begins. What is for some participants only is in no recording."
	say.DefaultStatus, say.MaxBodyBytes, say.BodyReadTimeout = http.StatusAccepted, maxAnnouncement, announcementTime
	say.RequestBody = &huma.RequestBody{}
	huma.Register(api, say, s.announce)
	say.RequestBody.Required = false // where prompts are named
	huma.Register(api, operation(tagParticipants, http.MethodDelete, "/conferences/{id}/announcements/{aid}", "stop-announcement", "Stop a sound"),
		func(ctx context.Context, in *stoppedAnnouncement) (*struct{}, error) {
			return nil, failure(s.focus.StopPlayback(ctx, conference.ID(in.Conference), focus.PlaybackID(in.Announcement)))
		})
}

func (s *Server) announce(ctx context.Context, in *announcement) (*body[announced], error) {
	sound := focus.Playback{WAV: in.RawBody, Prompts: in.Prompts, RollCall: in.RollCall, Replace: in.Mode == "replace", Duck: in.Mode == "duck", Loop: in.Loop}
	for _, pid := range in.Participants {
		sound.Participants = append(sound.Participants, conference.ParticipantID(pid))
	}
	id, err := s.focus.Play(ctx, conference.ID(in.Conference), sound)
	return answer(announced{ID: id}, err)
}

func (s *Server) dial(ctx context.Context, in *dialOut) (*body[focus.ParticipantInfo], error) {
	request, err := in.Body.request()
	if err != nil {
		return nil, failure(err)
	}
	pid, err := s.focus.DialAs(ctx, conference.ID(in.Conference), request)
	if err != nil {
		return nil, failure(err)
	}
	found, err := s.focus.Participant(ctx, conference.ID(in.Conference), pid)
	if err != nil { // refused within the moment
		found = focus.ParticipantInfo{ID: pid, URI: in.Body.URI, State: conference.Disconnected.String(), Method: conference.DialedOut.String()}
	}
	return answer(found, nil)
}

func (s *Server) changeParticipant(ctx context.Context, in *changedParticipant) (*body[focus.ParticipantInfo], error) {
	change := focus.ParticipantChange{
		Muted: in.Body.Muted, Deafened: in.Body.Deafened, Held: in.Body.Held, Unrecorded: in.Body.Unrecorded, Masked: in.Body.Masked,
		GainDB: in.Body.GainDB, ListenGainDB: in.Body.ListenGainDB, DisplayName: in.Body.DisplayName,
		Waiting: in.Body.Waiting, Marked: in.Body.Marked, Hand: in.Body.HandRaised, Floor: in.Body.Floor,
	}
	if in.Body.Coaching != nil {
		who := conference.ParticipantID(*in.Body.Coaching)
		change.Coaching = &who
	}
	if in.Body.Role != nil {
		role, err := conference.ParseRole(*in.Body.Role)
		if err != nil {
			return nil, failure(err)
		}
		change.Role = &role
	}
	found, err := s.focus.UpdateParticipant(ctx, conference.ID(in.Conference), conference.ParticipantID(in.Participant), change)
	return answer(found, err)
}

// answer makes a response of what the focus returned.
func answer[T any](found T, err error) (*body[T], error) {
	if err != nil {
		return nil, failure(err)
	}
	return &body[T]{Body: found}, nil
}
