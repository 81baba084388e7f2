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
		Name            string     `json:"name,omitempty" maxLength:"256" doc:"For people."`
		MaxParticipants *int       `json:"max_participants,omitempty" minimum:"0" doc:"0: no limit."`
		MaxSpeakers     *int       `json:"max_speakers,omitempty" minimum:"0" doc:"How many are heard at once; 0: everybody."`
		Locked          bool       `json:"locked,omitempty" doc:"Nobody is let in."`
		MutedOnEntry    *bool      `json:"muted_on_entry,omitempty" doc:"Speakers come in muted."`
		PIN             string     `json:"pin,omitempty" doc:"4 to 32 digits, or none. Who calls in has to enter it; it is never shown."`
		ModeratorPIN    string     `json:"moderator_pin,omitempty" doc:"4 to 32 digits, or none. Makes who enters it a moderator; it is never shown."`
		Opens           *time.Time `json:"opens,omitempty" doc:"When callers are let in; left out: always."`
		Closes          *time.Time `json:"closes,omitempty" doc:"When it ends, and nobody is let in any more; left out: never."`
		RuleFields
		DurationWarnings []string         `json:"duration_warnings,omitempty" doc:"So long before the end by max_duration, such as 5m."`
		DialOut          *callList        `json:"dial_out,omitempty" doc:"Whom the conference calls by itself."`
		Recording        *recordingPolicy `json:"recording,omitempty" doc:"What is left out of it is that of conference_defaults.recording."`
	}
}

type recordingPolicy struct {
	Policy    string   `json:"policy,omitempty" enum:"always,on_demand,never" doc:"Whether all of it is recorded, what somebody asks for, or nothing."`
	Mode      []string `json:"mode,omitempty" enum:"mixed,separate,pair" doc:"Which streams recorders get."`
	Pair      string   `json:"pair,omitempty" enum:"first,moderators" doc:"Who is on the first of the two streams of mode pair; all others are on the second."`
	Servers   []string `json:"servers,omitempty" doc:"Recording servers, or groups of them, by name."`
	OnFailure string   `json:"on_failure,omitempty" enum:"continue,notify,terminate" doc:"What follows when no server records any more: nothing, the participants and events tell it, or the conference ends."`
	Sidebars  string   `json:"sidebars,omitempty" enum:"none,same" doc:"Whether sidebars are recorded like the conference, as sessions of their own."`
	Text      string   `json:"text,omitempty" enum:"keep,none" doc:"Whether real-time text is recorded, where there is some."`
}

// over gives the policy, with what is left out as in the defaults: a conference that somebody creates is recorded as all others are.
func (p *recordingPolicy) over(out conference.RecordingConfig) (conference.RecordingConfig, error) {
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
	switch p.Pair {
	case "first":
		out.Pair = conference.PairFirst
	case "moderators":
		out.Pair = conference.PairModerators
	}
	if p.Servers != nil {
		out.Servers = p.Servers
	}
	if p.Sidebars != "" {
		out.Sidebars = p.Sidebars == "same"
	}
	if p.Text != "" {
		out.NoText = p.Text == "none"
	}
	var err error
	if p.Mode != nil {
		out.Modes, err = conference.ParseModes(p.Mode)
	}
	return out, err
}

type changedConference struct {
	ConferencePath

	Body struct {
		Name            *string `json:"name,omitempty" maxLength:"256" doc:"For people."`
		Locked          *bool   `json:"locked,omitempty" doc:"Nobody more may join."`
		MutedOnEntry    *bool   `json:"muted_on_entry,omitempty" doc:"Who joins from now on starts muted."`
		MaxParticipants *int    `json:"max_participants,omitempty" minimum:"0" doc:"0: no limit."`
		RuleFields
	}
}

func (s *Server) registerConferences(api huma.API) {
	huma.Register(api, paged(operation(tagConferences, http.MethodGet, "/conferences", "list-conferences", "List conferences")),
		func(_ context.Context, in *Paging) (*part[focus.ConferenceInfo], error) {
			wanted, err := inParts(s, in, s.focus.Conferences(), func(state **conference.State) string { return string((*state).ID) })
			if err != nil {
				return nil, err
			}
			out := &part[focus.ConferenceInfo]{Link: wanted.Link, Body: make([]focus.ConferenceInfo, 0, len(wanted.Body))}
			for _, state := range wanted.Body { // only these
				out.Body = append(out.Body, focus.DescribeConference(state))
			}
			return out, nil
		})
	create := operation(tagConferences, http.MethodPost, "/conferences", "create-conference", "Create a conference")
	create.Description = "It stays until it is deleted. What is left out is that of conference_defaults."
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

// createConference makes a conference of the defaults and what the request says otherwise.
func (s *Server) createConference(ctx context.Context, in *newConference) (*body[focus.ConferenceInfo], error) {
	settings := s.focus.Defaults()
	var err error
	if settings.Recording, err = in.Body.Recording.over(settings.Recording); err != nil {
		return nil, failure(err)
	}
	settings.ID, settings.Name, settings.Locked = conference.ID(in.Body.ID), in.Body.Name, in.Body.Locked
	override(&settings.MaxParticipants, in.Body.MaxParticipants)
	override(&settings.MaxSpeakers, in.Body.MaxSpeakers)
	override(&settings.MutedOnEntry, in.Body.MutedOnEntry)
	override(&settings.Opens, in.Body.Opens)
	override(&settings.Closes, in.Body.Closes)
	settings.PIN, settings.ModeratorPIN = pin(in.Body.PIN, settings.PIN), pin(in.Body.ModeratorPIN, settings.ModeratorPIN)
	if err = in.live(&settings); err != nil {
		return nil, failure(err)
	}
	state, err := s.focus.Create(ctx, settings)
	return describe(state, err)
}

func override[T any](to, value *T) {
	if value != nil {
		*to = *value
	}
}

// noPIN takes away that of the defaults, as in the configuration.
const noPIN = "none"

func pin(said string, otherwise focus.PIN) focus.PIN {
	switch said {
	case "":
		return otherwise
	case noPIN:
		return ""
	}
	return focus.PIN(said)
}

// live changes the rules of the defaults.
func (n *newConference) live(out *focus.ConferenceConfig) error {
	change, err := n.Body.change()
	if err != nil {
		return err
	}
	if out.Rules, err = out.Rules.With(change); err != nil {
		return err
	}
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
