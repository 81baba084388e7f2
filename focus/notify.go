package focus

import (
	"slices"
	"strconv"
	"strings"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus/conference"
)

// aspect is what a document shows beside the State.
type aspect struct {
	about  *About
	roster RosterPolicy
	view
	afar     *[]confevent.User         // who is in other conferences of a cascade; nil: nobody
	departed []*conference.Participant // who have gone since the subscribers were told last
}

// document is a State as conference-info (RFC 4575, section 5), as an viewer may see it (section 8.2). Who speaks is not in it: that is for
// CSRC lists and audio levels. Participants with one identity are one user with several endpoints (RFC 4575, section 5.6).
func document(s *conference.State, a aspect) confevent.Document {
	count, active := uint32(s.PresentCount()), !s.Ended //nolint:gosec // far below
	d := confevent.Document{
		Entity: s.URI, Description: a.about.description(s), Host: a.about.host(),
		ConferenceState: &confevent.ConferenceState{UserCount: &count, Active: &active, Locked: &s.Locked},
		Users:           &confevent.Users{},
	}
	at := map[string]int{}
	add := func(p *conference.Participant) {
		k, known := at[p.Entity]
		if !known {
			k = len(d.Users.Users)
			at[p.Entity] = k
			d.Users.Users = append(d.Users.Users, confevent.User{
				Entity: p.Entity, DisplayText: p.DisplayName, Roles: []string{userRole(p.Role)}, CascadedFocus: cascaded(p),
				Languages: strings.Fields(p.Languages),
			})
		}
		d.Users.Users[k].Endpoints = append(d.Users.Users[k].Endpoints, endpoint(s, p, a))
	}
	for i := range s.Participants {
		if p := s.Participants[i]; a.shows(p) {
			add(p)
		}
	}
	for i := range a.departed {
		p := a.departed[i]
		if a.shows(p) && !listed(s, p) {
			add(p)
		}
	}
	a.cascade(d.Users)
	a.sidebars(s, &d)
	return d
}

// listed tells whether the user agent of somebody who has gone is here again.
func listed(s *conference.State, p *conference.Participant) bool {
	return slices.ContainsFunc(s.Participants, func(q *conference.Participant) bool {
		return q.Entity == p.Entity && q.Endpoint == p.Endpoint
	})
}

// shows tells whether a participant is in the roster: of those whose media are not in the conference only who runs it is told (RFC 4575,
// section 5.7.3).
func (a aspect) shows(p *conference.Participant) bool {
	switch {
	case a.viewer == forHosts:
		return true
	case p.Anonymous && a.roster.HideAnonymous:
		return false
	default:
		return p.Status.Present() || !p.JoinedAt.IsZero()
	}
}

// userRole is what is usual as text of a role (RFC 4575, section 5.6.3).
func userRole(r conference.Role) string {
	switch r {
	case conference.Moderator:
		return "host"
	case conference.Listener:
		return "listener"
	case conference.Speaker:
		return "participant"
	default:
		return "participant"
	}
}

// cascaded is the conference URI of a participant that is itself a focus (RFC 4575, section 5.6.5).
func cascaded(p *conference.Participant) string {
	if p.Session.Focus && !p.Anonymous {
		return p.Session.Contact
	}
	return ""
}

// endpoint is one signalling session (RFC 4575, section 5.7).
func endpoint(s *conference.State, p *conference.Participant, a aspect) confevent.Endpoint {
	e := confevent.Endpoint{
		Entity: p.Endpoint, DisplayText: p.DisplayName, Status: endpointStatus(p.Status),
		JoiningMethod: joiningMethod(p.Method),
	}
	if p.InvitedBy != "" {
		e.Referred = &confevent.Execution{When: p.InvitedAt, By: p.InvitedBy}
	}
	if !p.JoinedAt.IsZero() {
		e.JoiningInfo = &confevent.Execution{When: p.JoinedAt, By: p.InvitedBy}
	}
	if gone := p.Disconnection; gone.Method != conference.NotDisconnected {
		e.DisconnectionMethod = disconnectionMethod(gone.Method)
		e.DisconnectionInfo = &confevent.Execution{When: gone.At, Reason: gone.Reason}
	}
	if a.viewer == forHosts && !a.roster.HideCalls && !p.Anonymous && p.Session.CallID != "" {
		// In the terms of the focus, so that they can go into Join or Replaces of a call to it as they are.
		e.CallInfo = &confevent.CallInfo{CallID: p.Session.CallID, FromTag: p.Session.RemoteTag, ToTag: p.Session.LocalTag}
	}
	if p.Status.Present() {
		m := confevent.Media{ID: audioID, Type: audioType, Label: mediaLabel, Status: mediaStatus(p, a.aside(s, p))}
		if p.Session.SSRC != 0 {
			m.SrcID = strconv.FormatUint(uint64(p.Session.SSRC), 10)
		}
		e.Media = []confevent.Media{m}
		if p.Session.Text.Agreed {
			status := direction(textStatus(*p, a.aside(s, p)))
			e.Media = append(e.Media, confevent.Media{ID: textID, Type: textType, Label: textLabel, Status: status})
		}
	}
	return e
}

// The only medium of an endpoint: its identifier stays the same over every re-INVITE (RFC 4575, section 5.8).
const (
	audioID   = "1"
	audioType = "audio"
)

// mediaStatus is the direction from the participant's point of view (RFC 4575, section 5.8.5); who is aside sends nothing to the conference.
func mediaStatus(p *conference.Participant, aside bool) confevent.MediaStatus {
	sends := p.Session.Sends && !p.Silenced() && !p.Held && !p.Waiting() && !aside
	return direction(sends, p.Hears())
}

func direction(sends, receives bool) confevent.MediaStatus {
	switch {
	case sends && receives:
		return confevent.SendRecv
	case sends:
		return confevent.SendOnly
	case receives:
		return confevent.RecvOnly
	default:
		return confevent.Inactive
	}
}

func endpointStatus(s conference.Status) confevent.Status {
	switch s {
	case conference.Pending:
		return confevent.StatusPending
	case conference.DialingIn:
		return confevent.StatusDialingIn
	case conference.DialingOut:
		return confevent.StatusDialingOut
	case conference.Alerting:
		return confevent.StatusAlerting
	case conference.Connected:
		return confevent.StatusConnected
	case conference.OnHold:
		return confevent.StatusOnHold
	case conference.MutedViaFocus:
		return confevent.StatusMutedViaFocus
	case conference.Disconnecting:
		return confevent.StatusDisconnecting
	case conference.Disconnected:
		return confevent.StatusDisconnected
	default:
		return confevent.StatusNone
	}
}

func joiningMethod(m conference.JoiningMethod) confevent.JoiningMethod {
	switch m {
	case conference.DialedIn:
		return confevent.DialedIn
	case conference.DialedOut:
		return confevent.DialedOut
	case conference.FocusOwner:
		return confevent.FocusOwner
	default:
		return confevent.JoiningNone
	}
}

func disconnectionMethod(m conference.DisconnectionMethod) confevent.DisconnectionMethod {
	switch m {
	case conference.Departed:
		return confevent.Departed
	case conference.Booted:
		return confevent.Booted
	case conference.Failed:
		return confevent.Failed
	case conference.Busy:
		return confevent.Busy
	case conference.NotDisconnected:
		return confevent.DisconnectionNone
	default:
		return confevent.DisconnectionNone
	}
}
