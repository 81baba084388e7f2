package focus

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/mixer"
)

// duckGainDB is what is taken from the conference while an announcement is heard that turns it down.
const duckGainDB = -15

// SidebarRequest asks for a sidebar (RFC 4353, section 2).
type SidebarRequest struct {
	Name         string
	Participants []conference.ParticipantID // at least one
	// HearMain lets them hear the rest of the conference, with MainGainDB, -60 to 0.
	HearMain   bool
	MainGainDB float64
	// Private keeps it from the conference documents of all who are not in it (RFC 4575, section 8.2).
	Private bool
}

// SidebarChange changes a sidebar; nil fields stay. Participants are all who shall be in it.
type SidebarChange struct {
	Name         *string
	HearMain     *bool
	MainGainDB   *float64
	Private      *bool
	Participants []conference.ParticipantID
}

// SidebarInfo is a sidebar as the API and the events show it.
type SidebarInfo struct {
	ID           conference.SidebarID       `json:"id" doc:"Unique within the conference for ever."`
	Name         string                     `json:"name" doc:"Display text; may be empty."`
	Participants []conference.ParticipantID `json:"participants" doc:"Who is in it, in order of arrival in the conference."`
	HearMain     bool                       `json:"hear_main" doc:"They hear the rest of the conference."`
	MainGainDB   float64                    `json:"main_gain_db" doc:"How loud, in dB."`
	Private      bool                       `json:"private" doc:"Conference documents tell of it only those who are in it."`
	OpenedAt     Time                       `json:"opened_at" doc:"When it was opened."`
}

// OpenSidebar takes participants aside. When it returns the others do not hear them any more. Errors: ErrNoConference, ErrNoParticipant,
// conference.ErrRange, ErrConflict when one of them is not in the conference yet.
func (f *Focus) OpenSidebar(ctx context.Context, id conference.ID, r SidebarRequest) (SidebarInfo, error) {
	sid := conference.SidebarID(shortName("s"))
	state, err := f.command(ctx, id, conference.OpenSidebar{
		ID: sid, Name: r.Name, HearMain: r.HearMain, MainGainDB: r.MainGainDB, Private: r.Private, Members: r.Participants,
	})
	return describeSidebar(state, sid, err)
}

// ChangeSidebar changes one. It returns when the change is in the mix. Errors as of OpenSidebar, and ErrNoSidebar.
func (f *Focus) ChangeSidebar(ctx context.Context, id conference.ID, sid conference.SidebarID, c SidebarChange) (SidebarInfo, error) {
	state, err := f.command(ctx, id, conference.ChangeSidebar{
		ID: sid, Name: c.Name, HearMain: c.HearMain, MainGainDB: c.MainGainDB, Private: c.Private, Members: c.Participants,
	})
	return describeSidebar(state, sid, err)
}

// CloseSidebar brings its members back. Error: ErrNoSidebar.
func (f *Focus) CloseSidebar(ctx context.Context, id conference.ID, sid conference.SidebarID) error {
	_, err := f.command(ctx, id, conference.CloseSidebar{ID: sid})
	return err
}

// Sidebars gives the sidebars of a conference in order of opening. Error: ErrNoConference.
func (f *Focus) Sidebars(id conference.ID) ([]SidebarInfo, error) {
	state, err := f.Conference(id)
	if err != nil {
		return nil, err
	}
	return describeSidebars(state), nil
}

// Sidebar gives one. Errors: ErrNoConference, ErrNoSidebar.
func (f *Focus) Sidebar(id conference.ID, sid conference.SidebarID) (SidebarInfo, error) {
	state, err := f.Conference(id)
	return describeSidebar(state, sid, err)
}

func describeSidebar(s *conference.State, id conference.SidebarID, err error) (SidebarInfo, error) {
	if err != nil {
		return SidebarInfo{}, err
	}
	for _, info := range describeSidebars(s) {
		if info.ID == id {
			return info, nil
		}
	}
	return SidebarInfo{}, fmt.Errorf("%w: %q", ErrNoSidebar, id)
}

// describeSidebars gives the JSON objects; never nil.
func describeSidebars(s *conference.State) []SidebarInfo {
	list := make([]SidebarInfo, 0, len(s.Sidebars))
	for _, b := range s.Sidebars {
		list = append(list, SidebarInfo{
			ID: b.ID, Name: b.Name, Participants: s.SidebarMembers(b.ID), HearMain: b.HearMain, MainGainDB: b.MainGainDB,
			Private: b.Private, OpenedAt: Time(b.OpenedAt),
		})
	}
	return list
}

// sameSidebars tells whether two versions have the same sidebars with the same members.
func sameSidebars(a, b *conference.State) bool {
	return slices.EqualFunc(a.Sidebars, b.Sidebars, func(x, y conference.Sidebar) bool {
		return x == y && slices.Equal(a.SidebarMembers(x.ID), b.SidebarMembers(y.ID))
	})
}

// ears says what participants hear of the others.
type ears struct {
	state   *conference.State
	ports   map[conference.ParticipantID]port
	sources map[mixer.MemberID]source
	all     []mixer.MemberID                              // participants
	main    []mixer.MemberID                              // those who are in no sidebar
	aside   map[conference.SidebarID][]mixer.MemberID     // those who are
	records map[conference.SidebarID][]mixer.MemberID     // taps of sidebars
	ducking bool                                          // some source turns the conference down
	named   map[conference.ParticipantID][]mixer.MemberID // sources for a participant by name, in order
	open    []mixer.MemberID                              // sources for everybody
}

func newEars(s *conference.State, ports map[conference.ParticipantID]port, sources map[mixer.MemberID]source) *ears {
	e := &ears{state: s, ports: ports, sources: sources}
	if len(sources) > 0 {
		e.named = map[conference.ParticipantID][]mixer.MemberID{}
	}
	for _, id := range slices.Sorted(maps.Keys(sources)) {
		from := sources[id]
		e.ducking = e.ducking || from.Duck
		if from.Recorded != "" {
			continue
		}
		if len(from.Audience) == 0 {
			e.open = append(e.open, id)
		}
		for _, who := range from.Audience {
			e.named[who] = append(e.named[who], id)
		}
	}
	if len(s.Sidebars) == 0 && !e.ducking {
		return e
	}
	e.aside = map[conference.SidebarID][]mixer.MemberID{}
	for i := range s.Participants {
		p := s.Participants[i]
		at, ok := ports[p.ID]
		if !ok {
			continue
		}
		e.all = append(e.all, at.Member)
		if p.Sidebar == "" {
			e.main = append(e.main, at.Member)
		} else {
			e.aside[p.Sidebar] = append(e.aside[p.Sidebar], at.Member)
		}
	}
	return e
}

// audience are the only ones who may hear a participant; nil: all may. A coach is heard by one wherever he is.
func (e *ears) audience(p *conference.Participant) []mixer.MemberID {
	switch {
	case p.Coaching != "":
		return audience(e.ports, p.Coaching) // not nil even if he has gone: then nobody hears it
	case p.Sidebar != "":
		return append(slices.Clip(e.aside[p.Sidebar]), e.records[p.Sidebar]...)
	default:
		return nil
	}
}

// record lets a tap hear the sidebar that it is of.
func (e *ears) record(t tap) {
	if t.Sidebar == "" {
		return
	}
	if e.records == nil {
		e.records = map[conference.SidebarID][]mixer.MemberID{}
	}
	e.records[t.Sidebar] = append(e.records[t.Sidebar], t.Member)
}

// hearing is what a participant hears, as long as nothing replaces it.
func (e *ears) hearing(p *conference.Participant) mixer.Hearing {
	if !p.Hears() {
		return mixer.Hearing{}
	}
	h := mixer.Hearing{Mode: mixer.Everyone}
	if b, in := e.state.Sidebar(p.Sidebar); in {
		if b.HearMain {
			h.Background, h.BackgroundDB = e.main, b.MainGainDB
		} else {
			h.Except = e.others(p)
		}
	}
	if e.ducked(p.ID) {
		h.Background, h.BackgroundDB = e.all, min(h.BackgroundDB, duckGainDB)
	}
	return h
}

// others are those outside of a sidebar whom a member of it does not hear: all but who coaches him.
func (e *ears) others(p *conference.Participant) []mixer.MemberID {
	var list []mixer.MemberID
	for i := range e.state.Participants {
		q := e.state.Participants[i]
		if at, ok := e.ports[q.ID]; ok && q.Sidebar == "" && q.Coaching != p.ID {
			list = append(list, at.Member)
		}
	}
	return list
}

// ducked tells whether a participant hears something that turns the conference down.
func (e *ears) ducked(id conference.ParticipantID) bool {
	if !e.ducking {
		return false
	}
	for _, from := range e.sources {
		if from.Duck && from.heardBy(id) {
			return true
		}
	}
	return false
}
