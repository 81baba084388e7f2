package control

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// RuleFields are the rules of a conference in requests; what is left out stays. Embedded, hence exported: huma fills exported fields only.
type RuleFields struct {
	WaitForModerator *bool   `json:"wait_for_moderator,omitempty" doc:"Others wait until a moderator, or somebody who is marked, is there."`
	Lobby            *bool   `json:"lobby,omitempty" doc:"Callers wait until they are admitted."`
	WaitTimeout      *string `json:"wait_timeout,omitempty" doc:"After which who waits is sent away, such as 10m; 0s: never."`
	OnModeratorLeave *string `json:"on_moderator_leave,omitempty" enum:"continue,wait,end" doc:"What follows when the last moderator has left; wait needs wait_for_moderator."`
	ModeratorGrace   *string `json:"moderator_grace,omitempty" doc:"How long one may be away before it follows."`
	EndWhenLeft      *int    `json:"end_when_left,omitempty" minimum:"0" doc:"It ends when, after there were more, only so many are left; 0: it goes on."`
	EndGrace         *string `json:"end_grace,omitempty" doc:"How long there may be so few before it ends."`
	MaxDuration      *string `json:"max_duration,omitempty" doc:"Longest duration, from the first participant; 0s: any."`
	MuteAbove        *int    `json:"mute_above,omitempty" minimum:"0" doc:"Who comes when so many are in starts muted; 0: nobody."`
	AllowUnmute      *bool   `json:"allow_unmute,omitempty" doc:"Participants may unmute themselves."`
	Lecture          *bool   `json:"lecture,omitempty" doc:"Only moderators and those who have the floor are heard."`
	Text             *bool   `json:"text,omitempty" doc:"There is real-time text; changed while the conference goes on, everybody is offered it, or loses it."`
	Entry            *string `json:"entry,omitempty" enum:"none,tone,announce" doc:"How the others learn that somebody comes or goes."`
}

// change gives the rules to the focus.
func (r *RuleFields) change() (conference.RulesChange, error) {
	out := conference.RulesChange{
		WaitForModerator: r.WaitForModerator, Lobby: r.Lobby, Lecture: r.Lecture, Text: r.Text, EndAt: r.EndWhenLeft, MuteAbove: r.MuteAbove,
	}
	for _, d := range []struct {
		name string
		text *string
		to   **time.Duration
	}{
		{"wait_timeout", r.WaitTimeout, &out.WaitTimeout},
		{"moderator_grace", r.ModeratorGrace, &out.ModeratorGrace},
		{"end_grace", r.EndGrace, &out.EndAtGrace},
		{"max_duration", r.MaxDuration, &out.MaxDuration},
	} {
		if d.text == nil {
			continue
		}
		value, err := parseDuration(d.name, *d.text)
		if err != nil {
			return out, err
		}
		*d.to = &value
	}
	if r.AllowUnmute != nil {
		hard := !*r.AllowUnmute
		out.HardMute = &hard
	}
	if r.OnModeratorLeave != nil {
		after, err := conference.ParseAfterModerator(*r.OnModeratorLeave)
		if err != nil {
			return out, err
		}
		out.ModeratorLeaves = &after
	}
	if r.Entry != nil {
		entry, err := conference.ParseEntry(*r.Entry)
		if err != nil {
			return out, err
		}
		out.Entry = &entry
	}
	return out, nil
}

// parseDuration reads a duration such as 90s. Error: focus.ErrInvalid.
func parseDuration(name, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%w: %s wants a duration such as 90s or 10m, has %q", focus.ErrInvalid, name, text)
	}
	return d, nil
}

// callee is who is called.
type callee struct {
	URI         string `json:"uri" doc:"Whom to call, for example sip:bob@example.com." minLength:"5" maxLength:"1024"`
	DisplayName string `json:"display_name,omitempty" maxLength:"256" doc:"Name for the roster; left out: the user part of the URI."`
	Role        string `json:"role,omitempty" enum:"moderator,speaker,listener" doc:"Left out: speaker."`
	Consent     bool   `json:"consent,omitempty" doc:"It is asked to press 1 before it comes in, as a voice mailbox would not."`
	Marked      bool   `json:"marked,omitempty" doc:"The others need not wait when it is there, as with a moderator."`
}

func (c *callee) request() (focus.DialRequest, error) {
	out := focus.DialRequest{URI: c.URI, DisplayName: c.DisplayName, Marked: c.Marked, Consent: c.Consent}
	if c.Role == "" {
		return out, nil
	}
	var err error
	out.Role, err = conference.ParseRole(c.Role)
	return out, err
}

// callList is whom a conference calls by itself.
type callList struct {
	When     string   `json:"when,omitempty" enum:"create,start,request" default:"create" doc:"At once, when the first participant comes, or only when call-list is posted to."`
	Targets  []callee `json:"targets" doc:"Whom."`
	Attempts int      `json:"attempts,omitempty" minimum:"0" doc:"To reach each of them; 0: one."`
	Interval string   `json:"interval,omitempty" doc:"From a failure to the next attempt; left out: 30s."`
}

func (l *callList) config() (focus.CallList, error) {
	if l == nil {
		return focus.CallList{}, nil
	}
	out := focus.CallList{
		Attempts: l.Attempts,
		When:     map[string]focus.CallWhen{"create": focus.CallAtCreation, "request": focus.CallOnRequest}[l.When],
	}
	if l.Interval != "" {
		var err error
		if out.Interval, err = parseDuration("interval", l.Interval); err != nil {
			return out, err
		}
	}
	for i := range l.Targets {
		r, err := l.Targets[i].request()
		if err != nil {
			return out, err
		}
		out.Callees = append(out.Callees, r)
	}
	return out, nil
}

type muteAll struct {
	ConferencePath

	Body struct {
		Muted       bool  `json:"muted" doc:"Or heard again."`
		AllowUnmute *bool `json:"allow_unmute,omitempty" doc:"Whether participants may unmute themselves from now on; left out: as before."`
	}
}

type endedConference struct {
	ConferencePath

	Announce bool `query:"announce" doc:"The participants hear it first; the answer does not wait for that."`
}

// attendance is who is in a conference, in order of arrival.
type attendance struct {
	Present []attendant `json:"present" doc:"Who is in it."`
	Waiting []attendant `json:"waiting" doc:"Who waits to be let in."`
}

type attendant struct {
	ID       conference.ParticipantID `json:"id" doc:"Participant."`
	Name     string                   `json:"name" doc:"Name to call out: the display name, else the URI."`
	Role     string                   `json:"role" doc:"moderator, speaker or listener."`
	JoinedAt *focus.Time              `json:"joined_at,omitempty" doc:"When it first came in."`
}

// callRoll lists who is there.
func callRoll(state *conference.State) attendance {
	out := attendance{Present: []attendant{}, Waiting: []attendant{}}
	for i := range state.Participants {
		p := state.Participants[i]
		who := attendant{ID: p.ID, Name: p.DisplayName, Role: p.Role.String()}
		if who.Name == "" {
			who.Name = p.Entity
		}
		switch {
		case p.Waiting():
			out.Waiting = append(out.Waiting, who)
		case p.Present():
			at := focus.Time(p.JoinedAt)
			who.JoinedAt = &at
			out.Present = append(out.Present, who)
		}
	}
	return out
}

func (s *Server) registerLife(api huma.API) {
	type stateFunc func(context.Context, conference.ID) (*conference.State, error)
	command := func(method, at, id, summary, text string, do stateFunc) {
		o := operation(tagConferences, method, "/conferences/{id}/"+at, id, summary)
		o.Description, o.DefaultStatus = text, http.StatusOK
		huma.Register(api, o, func(ctx context.Context, in *ConferencePath) (*body[focus.ConferenceInfo], error) {
			return describe(do(ctx, conference.ID(in.Conference)))
		})
	}
	command(http.MethodPost, "admit", "admit-all", "Let in everybody who waits", "One alone is let in by waiting: false of the participant.", s.focus.AdmitAll)
	command(http.MethodPost, "call-list", "call-list", "Call those of the call list who are not there", "The answer does not wait for the calls.", s.focus.CallOut)
	command(http.MethodDelete, "hands", "lower-hands", "Lower all hands", "", s.focus.LowerHands)
	mute := operation(tagConferences, http.MethodPost, "/conferences/{id}/mute", "mute-all", "Mute or unmute everybody but the moderators")
	mute.DefaultStatus = http.StatusOK
	huma.Register(api, mute, func(ctx context.Context, in *muteAll) (*body[focus.ConferenceInfo], error) {
		var hard *bool
		if in.Body.AllowUnmute != nil {
			forbid := !*in.Body.AllowUnmute
			hard = &forbid
		}
		return describe(s.focus.MuteAll(ctx, conference.ID(in.Conference), in.Body.Muted, hard))
	})
	huma.Register(api, operation(tagConferences, http.MethodGet, "/conferences/{id}/hands", "list-hands", "List who wants to speak, the first one first"),
		func(_ context.Context, in *ConferencePath) (*body[[]focus.ParticipantInfo], error) {
			state, err := s.focus.Conference(conference.ID(in.Conference))
			if err != nil {
				return nil, failure(err)
			}
			list := []focus.ParticipantInfo{}
			for _, p := range state.Hands() {
				list = append(list, focus.DescribeParticipant(state, &p))
			}
			return answer(list, nil)
		})
	huma.Register(api, operation(tagConferences, http.MethodGet, "/conferences/{id}/roll-call", "call-roll", "List who is in, by name"),
		func(_ context.Context, in *ConferencePath) (*body[attendance], error) {
			state, err := s.focus.Conference(conference.ID(in.Conference))
			if err != nil {
				return nil, failure(err)
			}
			return answer(callRoll(state), nil)
		})
}
