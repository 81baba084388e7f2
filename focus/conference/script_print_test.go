package conference

import (
	"fmt"
	"strings"
)

// scriptMembers reads a list of participants.
func scriptMembers(text string) []ParticipantID {
	members := []ParticipantID{}
	for id := range strings.SplitSeq(text, ",") {
		members = append(members, ParticipantID(id))
	}
	return members
}

// printState shows what of a state a reader of a scenario wants to see.
func printState(s *State) string {
	var out strings.Builder
	fmt.Fprintf(&out, "version %d", s.Version)
	for _, f := range []struct {
		on   bool
		name string
	}{{s.Active, "active"}, {s.Locked, "locked"}, {s.Ended, "ended"}} {
		if f.on {
			out.WriteString(" " + f.name)
		}
	}
	if s.Dominant != "" {
		fmt.Fprintf(&out, " dominant:%s", s.Dominant)
	}
	fmt.Fprintf(&out, " record:%s", s.Indication())
	if !s.EndsAt.IsZero() {
		fmt.Fprintf(&out, " ends:%v", s.EndsAt.Sub(epoch))
	}
	out.WriteByte('\n')
	for i := range s.Participants {
		p := s.Participants[i]
		fmt.Fprintf(&out, "  %s %s %s", p.ID, p.Role, p.Status)
		for _, f := range []struct {
			on   bool
			name string
		}{{p.Speaks(), "speaks"}, {p.Hears(), "hears"}, {s.Speaking(p.ID), "speaking"}, {p.Unrecorded, "unrecorded"}, {p.Masked, "masked"}, {p.Waiting(), "waiting"}, {p.HandRaised(), "hand"}, {p.Floor, "floor"}} {
			if f.on {
				out.WriteString(" " + f.name)
			}
		}
		if p.Sidebar != "" {
			fmt.Fprintf(&out, " in:%s", p.Sidebar)
		}
		if p.Awaits != AwaitsNothing {
			fmt.Fprintf(&out, " awaits:%s", p.Awaits)
		}
		if p.Coaching != "" {
			fmt.Fprintf(&out, " coaching:%s", p.Coaching)
		}
		fmt.Fprintf(&out, " told:%s", p.Told)
		if p.Recording != p.Told && p.Status.Present() {
			fmt.Fprintf(&out, " ours:%s", p.Recording)
		}
		out.WriteByte('\n')
	}
	for _, b := range s.Sidebars {
		fmt.Fprintf(&out, "  sidebar %s main:%v %g dB%s\n", b.ID, b.HearMain, b.MainGainDB, map[bool]string{true: " private"}[b.Private])
	}
	for i := range s.Departed {
		p := s.Departed[i]
		fmt.Fprintf(&out, "  -%s %s %s\n", p.ID, p.Disconnection.Method, p.Disconnection.Reason)
	}
	for i := range s.Recordings {
		r := &s.Recordings[i]
		fmt.Fprintf(&out, "  rec %s %s %v", r.ID, r.State, r.Modes.Strings())
		if r.Degraded {
			out.WriteString(" degraded")
		}
		for _, v := range r.Servers {
			fmt.Fprintf(&out, " %s:%s", v.Name, v.State)
		}
		out.WriteByte('\n')
	}
	return out.String()
}
