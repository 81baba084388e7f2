package focus

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// TestNotices: everybody is told what others do with him, and nothing that he has done himself.
func TestNotices(t *testing.T) {
	at := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	in := conference.Participant{ID: "a", Status: conference.Connected, JoinedAt: at}
	with := func(change func(*conference.Participant)) conference.Participant {
		p := in
		change(&p)
		return p
	}
	waiting := with(func(p *conference.Participant) { p.WaitingSince, p.JoinedAt = at, time.Time{} })
	muted := with(func(p *conference.Participant) { p.Muted = true })
	room := func(rules conference.Rules, list ...conference.Participant) *conference.State {
		s := &conference.State{Rules: rules}
		for _, p := range list {
			s.Participants = append(s.Participants, &p)
		}
		return s
	}
	moderator := conference.Participant{ID: "m", Status: conference.Connected, Role: conference.Moderator, JoinedAt: at}
	other := with(func(p *conference.Participant) { p.ID = "b" })
	otherMuted := with(func(p *conference.Participant) { p.ID, p.Muted = "b", true })
	waits, lobby := conference.Rules{WaitForModerator: true}, conference.Rules{Lobby: true}
	ends := conference.Rules{ModeratorLeaves: conference.EndConference, ModeratorGrace: time.Minute}
	no := false
	gone := room(ends, in)
	gone.Departed, gone.EndsAt = []*conference.Participant{&moderator}, at
	for name, test := range map[string]struct {
		event     conference.Event
		old, next *conference.State
		want      string
	}{
		"waits":         {nil, room(waits, conference.Participant{ID: "a"}), room(waits, waiting), "[{[a] [waiting] true false}]"},
		"lobby":         {nil, room(lobby, conference.Participant{ID: "a"}), room(lobby, waiting), "[{[a] [waiting-lobby] true false}]"},
		"sent out":      {nil, room(lobby, in), room(lobby, waiting), "[{[a] [waiting-lobby] true false}]"},
		"let in":        {nil, room(lobby, waiting), room(lobby, in), "[{[a] [admitted] false true}]"},
		"moderator":     {nil, room(waits, waiting), room(waits, in, moderator), "[{[a] [moderator-arrived] false true}]"},
		"muted at once": {nil, room(waits, conference.Participant{ID: "a"}), room(conference.Rules{}, muted), "[{[a] [muted] false false}]"},
		"muted":         {conference.Adjust{ID: "a"}, room(waits, in), room(waits, muted), "[{[a] [muted-by-moderator] false false}]"},
		"all muted": {
			conference.MuteAll{}, room(waits, in, moderator, other), room(waits, muted, moderator, otherMuted), "[{[a b] [muted-by-moderator] false false}]",
		},
		"unmuted by m":    {conference.Adjust{ID: "a", By: "m", Muted: &no}, room(waits, muted), room(waits, in), "[{[a] [unmuted-by-moderator] false false}]"},
		"unmuted himself": {conference.Adjust{ID: "a", By: "a", Muted: &no}, room(waits, muted), room(waits, in), "[]"},
		"lecture": {
			nil, room(waits, in), room(conference.Rules{Lecture: true}, with(func(p *conference.Participant) { p.Lectured = true })), "[{[a] [lecture-on] false false}]",
		},
		"floor": {
			nil, room(waits, with(func(p *conference.Participant) { p.Lectured = true })),
			room(conference.Rules{Lecture: true}, with(func(p *conference.Participant) { p.Floor = true })), "[{[a] [floor-given] false false}]",
		},
		"left alone": {nil, room(ends, in, moderator), gone, "[{[] [moderator-left] false false}]"},
		"others":     {nil, room(waits, other, in), room(waits, in), "[]"},
	} {
		if got := fmt.Sprint(notices(test.event, test.old, test.next)); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
