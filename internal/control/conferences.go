package control

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// body wraps a JSON object for huma.
type body[T any] struct {
	Body T
}

// ConferencePath names a conference. The types that are embedded are exported because huma fills exported fields only.
type ConferencePath struct {
	Conference string `path:"id" doc:"Conference: the user part of its URI."`
}

type newConference struct {
	Body struct {
		ID              string     `json:"id,omitempty" doc:"User part of the URI; left out: one that nobody can guess." maxLength:"128"`
		Name            string     `json:"name,omitempty" maxLength:"256"`
		MaxParticipants int        `json:"max_participants,omitempty" minimum:"0" doc:"0: no limit."`
		MaxSpeakers     int        `json:"max_speakers,omitempty" minimum:"0" doc:"How many are heard at once; 0: everybody."`
		Locked          bool       `json:"locked,omitempty"`
		MutedOnEntry    bool       `json:"muted_on_entry,omitempty"`
		PIN             string     `json:"pin,omitempty" doc:"4 to 32 digits. Who calls in has to enter it; it is never shown. Left out: nobody."`
		ModeratorPIN    string     `json:"moderator_pin,omitempty" doc:"4 to 32 digits. Makes who enters it a moderator; it is never shown."`
		Opens           *time.Time `json:"opens,omitempty" doc:"When callers are let in; left out: always."`
		Closes          *time.Time `json:"closes,omitempty" doc:"When it ends, and nobody is let in any more; left out: never."`
		RuleFields
		DurationWarnings []string         `json:"duration_warnings,omitempty" doc:"So long before the end by max_duration, such as 5m."`
		DialOut          *callList        `json:"dial_out,omitempty" doc:"Whom the conference calls by itself."`
		Recording        *recordingPolicy `json:"recording,omitempty"`
	}
}

type recordingPolicy struct {
	Policy    string   `json:"policy,omitempty" enum:"always,on_demand,never" default:"on_demand"`
	Mode      []string `json:"mode,omitempty" enum:"mixed,separate,pair"`
	Pair      string   `json:"pair,omitempty" enum:"first,moderators" default:"first" doc:"Who is on the first of the two streams of mode pair; all others are on the second."`
	Servers   []string `json:"servers,omitempty"`
	OnFailure string   `json:"on_failure,omitempty" enum:"continue,notify,terminate" default:"notify"`
	Sidebars  string   `json:"sidebars,omitempty" enum:"none,same" default:"none" doc:"Whether sidebars are recorded like the conference, as sessions of their own."`
	Text      string   `json:"text,omitempty" enum:"keep,none" default:"keep" doc:"Whether real-time text is recorded, where there is some."`
}

func (p *recordingPolicy) config() (conference.RecordingConfig, error) {
	var out conference.RecordingConfig
	if p == nil {
		return out, nil
	}
	for _, policy := range []conference.RecordingPolicy{conference.OnDemand, conference.Always, conference.Never} {
		if policy.String() == p.Policy {
			out.Policy = policy
		}
	}
	for _, policy := range []conference.FailurePolicy{conference.OnFailureNotify, conference.OnFailureContinue, conference.OnFailureTerminate} {
		if policy.String() == p.OnFailure {
			out.OnFailure = policy
		}
	}
	modes, err := conference.ParseModes(p.Mode)
	if p.Pair == "moderators" {
		out.Pair = conference.PairModerators
	}
	out.Modes, out.Servers, out.Sidebars = modes, p.Servers, p.Sidebars == "same"
	out.NoText = p.Text == "none"
	return out, err
}

type changedConference struct {
	ConferencePath

	Body struct {
		Name            *string `json:"name,omitempty" maxLength:"256"`
		Locked          *bool   `json:"locked,omitempty" doc:"Nobody more may join."`
		MutedOnEntry    *bool   `json:"muted_on_entry,omitempty" doc:"Who joins from now on starts muted."`
		MaxParticipants *int    `json:"max_participants,omitempty" minimum:"0"`
		RuleFields
	}
}

func (s *Server) registerConferences(api huma.API) {
	huma.Register(api, operation(tagConferences, http.MethodGet, "/conferences", "list-conferences", "List conferences"),
		func(context.Context, *struct{}) (*body[[]focus.ConferenceInfo], error) {
			out := &body[[]focus.ConferenceInfo]{Body: []focus.ConferenceInfo{}}
			for _, state := range s.focus.Conferences() {
				out.Body = append(out.Body, focus.DescribeConference(state))
			}
			return out, nil
		})
	create := operation(tagConferences, http.MethodPost, "/conferences", "create-conference", "Create a conference")
	create.Description = "It stays until it is deleted. Rules that are left out are those of conference_defaults."
	create.DefaultStatus = http.StatusCreated
	huma.Register(api, create, s.createConference)
	huma.Register(api, operation(tagConferences, http.MethodGet, "/conferences/{id}", "get-conference", "Get a conference"),
		func(_ context.Context, in *ConferencePath) (*body[focus.ConferenceInfo], error) {
			state, err := s.focus.Conference(conference.ID(in.Conference))
			return describe(state, err)
		})
	huma.Register(api, operation(tagConferences, http.MethodPatch, "/conferences/{id}", "change-conference", "Change a conference"),
		func(ctx context.Context, in *changedConference) (*body[focus.ConferenceInfo], error) {
			rules, err := in.Body.change()
			if err != nil {
				return nil, failure(err)
			}
			state, err := s.focus.Update(ctx, conference.ID(in.Conference), focus.ConferenceChange{
				Name: in.Body.Name, Locked: in.Body.Locked, MutedOnEntry: in.Body.MutedOnEntry, MaxParticipants: in.Body.MaxParticipants, Rules: rules,
			})
			return describe(state, err)
		})
	end := operation(tagConferences, http.MethodDelete, "/conferences/{id}", "delete-conference", "End a conference")
	end.Description = "Everybody is disconnected. A conference of the configuration comes into being again, empty."
	huma.Register(api, end,
		func(ctx context.Context, in *endedConference) (*struct{}, error) {
			if in.Announce {
				return nil, failure(s.focus.End(ctx, conference.ID(in.Conference)))
			}
			return nil, failure(s.focus.Delete(ctx, conference.ID(in.Conference)))
		})
}

func (s *Server) createConference(ctx context.Context, in *newConference) (*body[focus.ConferenceInfo], error) {
	recording, err := in.Body.Recording.config()
	if err != nil {
		return nil, failure(err)
	}
	settings := focus.ConferenceConfig{
		ID: conference.ID(in.Body.ID), Name: in.Body.Name, MaxParticipants: in.Body.MaxParticipants, MaxSpeakers: in.Body.MaxSpeakers,
		Locked: in.Body.Locked, MutedOnEntry: in.Body.MutedOnEntry, Recording: recording,
		PIN: focus.PIN(in.Body.PIN), ModeratorPIN: focus.PIN(in.Body.ModeratorPIN),
	}
	if in.Body.Opens != nil {
		settings.Opens = *in.Body.Opens
	}
	if in.Body.Closes != nil {
		settings.Closes = *in.Body.Closes
	}
	if err = in.live(&settings, s.focus.Defaults()); err != nil {
		return nil, failure(err)
	}
	state, err := s.focus.Create(ctx, settings)
	return describe(state, err)
}

// live fills in the rules. What the request leaves out is as in the defaults.
func (n *newConference) live(out *focus.ConferenceConfig, defaults focus.ConferenceConfig) error {
	change, err := n.Body.change()
	if err != nil {
		return err
	}
	if out.Rules, err = defaults.Rules.With(change); err != nil {
		return err
	}
	out.Warnings, out.Music, out.NoMusicAlone = defaults.Warnings, defaults.Music, defaults.NoMusicAlone
	out.Goodbye, out.Quiet = defaults.Goodbye, defaults.Quiet
	if n.Body.DurationWarnings != nil {
		out.Warnings = nil
	}
	for _, text := range n.Body.DurationWarnings {
		warning, bad := parseDuration("duration_warnings", text)
		if bad != nil {
			return bad
		}
		out.Warnings = append(out.Warnings, warning)
	}
	out.Calls, err = n.Body.DialOut.config()
	return err
}

func describe(state *conference.State, err error) (*body[focus.ConferenceInfo], error) {
	if err != nil {
		return nil, failure(err)
	}
	return &body[focus.ConferenceInfo]{Body: focus.DescribeConference(state)}, nil
}
