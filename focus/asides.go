package focus

import (
	"strings"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// SidebarsShown says how conference documents tell of sidebars (RFC 4575, section 5.9).
type SidebarsShown uint8

// SidebarsByValue are in the document of the conference, with who is in them. SidebarsByReference are only named there: who wants to know more
// subscribes to their URIs, which can be done in both cases.
const (
	SidebarsByValue SidebarsShown = iota
	SidebarsByReference
)

// sidebarParam is the URI parameter that makes the URI of a sidebar of that of its conference.
const sidebarParam = "sidebar"

// sidebarURI is what to subscribe to for the events of a sidebar alone, and its key in documents (RFC 4575, sections 5.9.1 and 5.9.2).
func sidebarURI(s *conference.State, id conference.SidebarID) string {
	return s.URI + ";" + sidebarParam + "=" + string(id)
}

// sidebarOf is the sidebar that a request is for; empty: the conference itself.
func sidebarOf(request *sipua.Request) conference.SidebarID {
	return conference.SidebarID(strings.ToLower(request.URI.Param(sidebarParam)))
}

// view is what a subscriber is shown: who has an equal one gets the same documents.
type view struct {
	viewer  viewer
	sidebar conference.SidebarID // that he has subscribed to; empty: the conference
	inside  string               // private sidebars that he is in himself, each with a space before and behind
}

// enter adds a private sidebar that he is in.
func (v *view) enter(id conference.SidebarID) {
	if name := " " + string(id) + " "; !strings.Contains(v.inside, name) {
		v.inside += name
	}
}

// knows tells whether he may know of a sidebar. That he moderates does not help him: he may be whom it is kept from.
func (v *view) knows(b *conference.Sidebar) bool {
	return v.viewer != forNobody && !b.Private || strings.Contains(v.inside, " "+string(b.ID)+" ")
}

// document is what he has subscribed to.
func (v *view) document(s *conference.State, a aspect) confevent.Document {
	if v.viewer == forNobody {
		return harmless(s)
	}
	if v.sidebar == "" {
		return document(s, a)
	}
	if b, there := s.Sidebar(v.sidebar); there {
		return a.sidebar(s, &b)
	}
	return confevent.Document{Entity: sidebarURI(s, v.sidebar), Description: &confevent.Description{}, Users: &confevent.Users{}} // its subscriptions end
}

// harmless is a conference as it looks when nobody is in it, whatever is so (RFC 6665, section 6.2).
func harmless(s *conference.State) confevent.Document {
	count, yes, no := uint32(0), true, false
	return confevent.Document{
		Entity: s.URI, Description: &confevent.Description{AvailableMedia: availableMedia(s)},
		ConferenceState: &confevent.ConferenceState{UserCount: &count, Active: &yes, Locked: &no}, Users: &confevent.Users{},
	}
}

// aside tells whether somebody is in a sidebar that the subscriber may know of. Of one that he may not know of nothing shows, not even that its
// members do not speak to the conference.
func (a aspect) aside(s *conference.State, p *conference.Participant) bool {
	b, in := s.Sidebar(p.Sidebar)
	return in && a.knows(&b)
}

// sidebars puts them into a document of the conference, as the policy wants them.
func (a aspect) sidebars(s *conference.State, d *confevent.Document) {
	for i := range s.Sidebars {
		b := &s.Sidebars[i]
		switch {
		case !a.knows(b):
		case a.roster.Sidebars == SidebarsByReference:
			if d.SidebarsByRef == nil {
				d.SidebarsByRef = &confevent.URIs{}
			}
			d.SidebarsByRef.Entries = append(d.SidebarsByRef.Entries, confevent.URI{URI: sidebarURI(s, b.ID), DisplayText: b.Name})
		default:
			if d.SidebarsByVal == nil {
				d.SidebarsByVal = &confevent.Sidebars{}
			}
			d.SidebarsByVal.Entries = append(d.SidebarsByVal.Entries, a.sidebar(s, b))
		}
	}
}

// sidebar is one with its users, of those that the roster shows, who stay there too (RFC 4575, section 5.9). It is locked: nobody gets into it by
// calling its URI.
func (a aspect) sidebar(s *conference.State, b *conference.Sidebar) confevent.Document {
	count, yes := uint32(0), true
	users, at := &confevent.Users{}, map[string]int{}
	for i := range s.Participants {
		p := s.Participants[i]
		if p.Sidebar != b.ID {
			continue
		}
		count++
		if !a.shows(p) {
			continue
		}
		k, known := at[p.Entity]
		if !known {
			k = len(users.Users)
			at[p.Entity] = k
			users.Users = append(users.Users, confevent.User{Entity: p.Entity, DisplayText: p.DisplayName, Roles: []string{userRole(p.Role)}})
		}
		users.Users[k].Endpoints = append(users.Users[k].Endpoints, sidebarEndpoint(p))
	}
	return confevent.Document{
		Entity:          sidebarURI(s, b.ID),
		Description:     &confevent.Description{DisplayText: b.Name, AvailableMedia: availableMedia(s)},
		ConferenceState: &confevent.ConferenceState{UserCount: &count, Active: &yes, Locked: &yes},
		Users:           users,
	}
}

// sidebarEndpoint is the signalling session of a member, with the direction of its audio within the sidebar. The rest is in the roster of the
// conference, where it has the same key.
func sidebarEndpoint(p *conference.Participant) confevent.Endpoint {
	e := confevent.Endpoint{Entity: p.Endpoint, Status: endpointStatus(p.Status)}
	if p.Status.Present() {
		e.Media = []confevent.Media{{ID: audioID, Type: audioType, Label: mediaLabel, Status: mediaStatus(p, false)}}
	}
	return e
}
