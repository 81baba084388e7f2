package focus

import (
	"slices"

	"github.com/parley-sip/parley/focus/conference"
)

// toggleSidebar takes who presses it aside, where he meets the others who have, or brings him back. Into sidebars that were
// opened otherwise no key leads: their members were chosen. Where the policy wants all to be recorded,
// but not sidebars, only moderators may talk there.
func toggleSidebar(c *controller, p *conference.Participant) ([]string, error) {
	if p.Sidebar != "" {
		return leaveSidebar(c, p)
	}
	s := c.machine.State()
	unrecorded := func(r conference.Recording) bool {
		return r.Automatic && !r.Over() && (r.Config == nil || !r.Config.Sidebars)
	}
	if p.Role != conference.Moderator && slices.ContainsFunc(s.Recordings, unrecorded) {
		return nil, conference.ErrNotModerator
	}
	answer := []string{"sidebar-entered"}
	if b, open := s.Sidebar(c.aside); open && !b.Private {
		return answer, c.step(conference.ChangeSidebar{ID: b.ID, Members: append(s.SidebarMembers(b.ID), p.ID)})
	}
	c.aside = conference.SidebarID(shortName("s"))
	return answer, c.step(conference.OpenSidebar{ID: c.aside, Members: []conference.ParticipantID{p.ID}})
}

// leaveSidebar brings back who is aside; with the last one the sidebar ends.
func leaveSidebar(c *controller, p *conference.Participant) ([]string, error) {
	answer := []string{"sidebar-left"}
	if p.Sidebar == "" {
		return answer, nil
	}
	members := slices.DeleteFunc(c.machine.State().SidebarMembers(p.Sidebar), func(id conference.ParticipantID) bool { return id == p.ID })
	if len(members) == 0 {
		return answer, c.step(conference.CloseSidebar{ID: p.Sidebar})
	}
	return answer, c.step(conference.ChangeSidebar{ID: p.Sidebar, Members: members})
}

// coachNext has a moderator heard by one participant alone: by who came last, and with each press by who came before him. After
// the first one he begins anew.
func coachNext(c *controller, p *conference.Participant) ([]string, error) {
	if p.Role != conference.Moderator {
		return nil, conference.ErrNotModerator
	}
	var others []conference.ParticipantID // who came last first
	for _, q := range slices.Backward(c.machine.State().Participants) {
		if q.ID != p.ID && q.Present() {
			others = append(others, q.ID)
		}
	}
	if len(others) == 0 {
		return []string{"only-participant"}, nil
	}
	next := others[(slices.Index(others, p.Coaching)+1)%len(others)] // of nobody: the first
	return append([]string{"coaching"}, c.nameFor(next)...), c.step(conference.Adjust{ID: p.ID, Coaching: &next})
}

// endCoaching lets everybody hear a coach again.
func endCoaching(c *controller, p *conference.Participant) ([]string, error) {
	nobody := conference.ParticipantID("")
	return []string{"coaching-over"}, c.step(conference.Adjust{ID: p.ID, Coaching: &nobody})
}

// nameFor says who a participant is: the place in which he stands in the roster.
func (c *controller) nameFor(id conference.ParticipantID) []string {
	n := slices.IndexFunc(c.machine.State().Participants, func(p *conference.Participant) bool { return p.ID == id })
	return append([]string{"participant"}, c.focus.prompts.Number(n+1)...)
}
