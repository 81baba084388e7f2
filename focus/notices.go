package focus

import (
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// notice is what participants are told about what has happened to them.
type notice struct {
	to      []conference.ParticipantID // empty: everybody who is in
	prompts []string
	replace bool // they hear nothing of the conference anyway, or are not to
	instead bool // of what is being said to them: they wait no more
}

// notices are what participants are to be told about a step: why they wait, that they are let in, and what somebody else has done with
// their voice. What they have done themselves by keys they have been told as the answer.
func notices(e conference.Event, old, next *conference.State) []notice {
	n := notifier{by: map[string][]conference.ParticipantID{}}
	if a, ok := e.(conference.Adjust); ok && a.By == a.ID {
		n.self = a.ID
	}
	for was, is := range conference.Changed(old, next) {
		if was != nil && is != nil {
			n.compare(was, is, next)
		}
	}
	var list []notice
	for _, name := range n.order {
		list = append(list, notice{to: n.by[name], prompts: []string{name}, replace: name == saidWaiting || name == saidLobby, instead: name == saidAdmitted || name == saidArrived})
	}
	if orphaned(old, next) {
		list = append(list, notice{prompts: []string{"moderator-left"}})
	}
	return list
}

// The prompts to who waits, and to who waits no more.
const (
	saidAdmitted = "admitted"
	saidArrived  = "moderator-arrived"
	saidWaiting  = "waiting"
	saidLobby    = "waiting-lobby"
)

// notifier collects who is told what.
type notifier struct {
	self  conference.ParticipantID // who has done it himself; empty: nobody
	order []string
	by    map[string][]conference.ParticipantID
}

func (n *notifier) tell(id conference.ParticipantID, name string) {
	if n.by[name] == nil {
		n.order = append(n.order, name)
	}
	n.by[name] = append(n.by[name], id)
}

// compare finds what has happened to a participant.
func (n *notifier) compare(a, b *conference.Participant, next *conference.State) {
	switch {
	case b.Waiting() && !a.Waiting():
		n.tell(b.ID, waitsFor(b, next))
		return
	case a.Waiting() && b.Present() && !b.Cleared && next.Rules.WaitForModerator:
		n.tell(b.ID, saidArrived)
	case a.Waiting() && b.Present():
		n.tell(b.ID, saidAdmitted)
	case b.Present() && !a.Present() && b.Muted:
		n.tell(b.ID, "muted") // on entry
		return
	}
	if !b.Present() || !a.Present() || b.ID == n.self {
		return
	}
	switch {
	case a.Muted != b.Muted:
		n.tell(b.ID, map[bool]string{true: "muted-by-moderator", false: "unmuted-by-moderator"}[b.Muted])
	case a.Floor != b.Floor && next.Rules.Lecture:
		n.tell(b.ID, map[bool]string{true: "floor-given", false: "floor-taken"}[b.Floor])
	case a.Lectured != b.Lectured && a.Role == b.Role:
		n.tell(b.ID, map[bool]string{true: "lecture-on", false: "lecture-off"}[b.Lectured])
	}
}

// waitsFor says what a participant waits for.
func waitsFor(p *conference.Participant, s *conference.State) string {
	if s.Rules.Lobby && p.Method == conference.DialedIn {
		return saidLobby
	}
	return saidWaiting
}

// leastNotice is how long before the end it is worth saying that it will come.
const leastNotice = 4 * time.Second

// orphaned tells whether the last one who led has left, and the conference will end for that.
func orphaned(old, next *conference.State) bool {
	return next.Rules.ModeratorLeaves == conference.EndConference && next.Rules.ModeratorGrace >= leastNotice &&
		len(next.Departed) > 0 && isLed(old) && !isLed(next) && !next.EndsAt.IsZero()
}

func isLed(s *conference.State) bool {
	for i := range s.Participants {
		if s.Participants[i].Present() && s.Participants[i].Leads() {
			return true
		}
	}
	return false
}

// notify tells participants what has happened to them: one by one, or many by one source.
func (c *controller) notify(e conference.Event, old, next *conference.State) {
	if _, only := e.(conference.Speaking); only || c.entry.cfg.Quiet {
		return
	}
	for _, n := range notices(e, old, next) {
		if n.instead {
			for _, id := range n.to {
				c.hush(id)
			}
		}
		if len(n.to) == 1 {
			c.say(n.to[0], phrase{prompts: n.prompts, replace: n.replace})
			continue
		}
		pcm, rate, err := c.focus.sound(Playback{Prompts: n.prompts})
		if err != nil || len(pcm) == 0 {
			continue // there is no such prompt
		}
		c.play(&announcement{pcm: pcm, rate: rate}, &playback{audience: n.to}, n.replace)
	}
}
