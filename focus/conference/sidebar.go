package conference

import (
	"slices"
	"time"
)

// SidebarID names a sidebar, unique within its conference for ever.
type SidebarID string

// Sidebar is a conversation of some participants among themselves (RFC 4353, section 2). Who is in it is said by Participant.Sidebar:
// they hear each other, the others do not hear them, and no recorded stream of the conference holds what they say; a recording with
// [RecordingConfig.Sidebars] has streams of the sidebar beside those. A sidebar ends with its last member.
type Sidebar struct {
	ID         SidebarID
	Name       string  // display text; may be empty
	HearMain   bool    // its members hear the rest of the conference, with MainGainDB
	MainGainDB float64 // -60 to 0
	Private    bool    // other participants are not to know of it (RFC 4575, section 8.2)
	OpenedAt   time.Time
}

// OpenSidebar takes participants aside; those who are in another sidebar change. Rejected with ErrExists, ErrNoParticipant, ErrRange (no
// members, or a gain), or ErrConflict when one of them is not in the conference yet.
type OpenSidebar struct {
	ID         SidebarID
	Name       string
	HearMain   bool
	MainGainDB float64
	Private    bool
	Members    []ParticipantID
}

// ChangeSidebar changes one; nil stays. Members are all who shall be in it. Rejected like OpenSidebar, or with ErrNoSidebar.
type ChangeSidebar struct {
	ID         SidebarID
	Name       *string
	HearMain   *bool
	MainGainDB *float64
	Private    *bool
	Members    []ParticipantID
}

// CloseSidebar brings the members back. Rejected with ErrNoSidebar.
type CloseSidebar struct{ ID SidebarID }

func (OpenSidebar) event()   {}
func (ChangeSidebar) event() {}
func (CloseSidebar) event()  {}

// minMainGainDB is that of the rest of the conference in a sidebar.
const minMainGainDB = -60

// Sidebar gives the sidebar of that identifier.
func (s *State) Sidebar(id SidebarID) (Sidebar, bool) {
	i := s.sidebar(id)
	if i < 0 {
		return Sidebar{}, false
	}
	return s.Sidebars[i], true
}

// SidebarMembers gives those who are in a sidebar, in order of arrival.
func (s *State) SidebarMembers(id SidebarID) []ParticipantID {
	members := []ParticipantID{}
	for i := range s.Participants {
		if s.Participants[i].Sidebar == id {
			members = append(members, s.Participants[i].ID)
		}
	}
	return members
}

func (s *State) sidebar(id SidebarID) int {
	return slices.IndexFunc(s.Sidebars, func(b Sidebar) bool { return b.ID == id })
}

func (s *step) openSidebar(e OpenSidebar) error {
	if e.ID == "" || s.next.sidebar(e.ID) >= 0 {
		return ErrExists
	}
	b := Sidebar{ID: e.ID, Name: e.Name, HearMain: e.HearMain, MainGainDB: e.MainGainDB, Private: e.Private, OpenedAt: s.now}
	if err := s.checkSidebar(&b, e.Members); err != nil {
		return err
	}
	s.next.Sidebars = append(slices.Clone(s.next.Sidebars), b)
	s.dirty = true
	s.seatSidebar(e.ID, e.Members)
	return nil
}

func (s *step) changeSidebar(e ChangeSidebar) error {
	i := s.next.sidebar(e.ID)
	if i < 0 {
		return ErrNoSidebar
	}
	b := s.next.Sidebars[i]
	assign(&b.Name, e.Name)
	assign(&b.HearMain, e.HearMain)
	assign(&b.MainGainDB, e.MainGainDB)
	assign(&b.Private, e.Private)
	members := e.Members
	if members == nil {
		members = s.next.SidebarMembers(e.ID)
	}
	if err := s.checkSidebar(&b, members); err != nil {
		return err
	}
	if b != s.next.Sidebars[i] {
		s.next.Sidebars = slices.Clone(s.next.Sidebars)
		s.next.Sidebars[i] = b
		s.dirty = true
	}
	s.seatSidebar(e.ID, members)
	return nil
}

func (s *step) closeSidebar(e CloseSidebar) error {
	if s.next.sidebar(e.ID) < 0 {
		return ErrNoSidebar
	}
	s.seatSidebar(e.ID, nil) // settle does the rest
	return nil
}

func (s *step) checkSidebar(b *Sidebar, members []ParticipantID) error {
	if len(members) == 0 || !(b.MainGainDB >= minMainGainDB && b.MainGainDB <= 0) {
		return ErrRange
	}
	for _, id := range members {
		p, ok := s.next.Participant(id)
		switch {
		case !ok:
			return ErrNoParticipant
		case !p.Present() && p.Sidebar != b.ID:
			return ErrConflict
		}
	}
	return nil
}

// seatSidebar puts exactly these into a sidebar.
func (s *step) seatSidebar(id SidebarID, members []ParticipantID) {
	for i := range s.next.Participants {
		p := s.next.Participants[i]
		where := p.Sidebar
		switch in := slices.Contains(members, p.ID); {
		case in:
			where = id
		case where == id:
			where = ""
		}
		if where != p.Sidebar {
			s.change(i, func(p *Participant) { p.Sidebar = where })
		}
	}
}

// settleSidebars ends those that nobody is left in.
func (s *step) settleSidebars() {
	if len(s.next.Sidebars) == 0 {
		return
	}
	empty := func(b Sidebar) bool { return len(s.next.SidebarMembers(b.ID)) == 0 }
	if slices.ContainsFunc(s.next.Sidebars, empty) {
		s.next.Sidebars = slices.DeleteFunc(slices.Clone(s.next.Sidebars), empty)
		s.dirty = true
	}
}
