package focus

import (
	"strconv"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus/conference"
)

// document is a State as conference-info (RFC 4575, section 5). Who speaks is not in it: that is for CSRC lists and audio
// levels. Participants with one identity are one user with several endpoints (RFC 4575, section 5.6).
func document(s *conference.State) confevent.Document {
	count, active := uint32(s.PresentCount()), !s.Ended //nolint:gosec // far below
	d := confevent.Document{
		Entity: s.URI,
		Description: &confevent.Description{
			DisplayText: s.Name,
			ConfURIs:    []confevent.URI{{URI: s.URI, Purpose: confevent.PurposeParticipation}},
			AvailableMedia: []confevent.Medium{{
				Label: mediaLabel, Type: "audio", Status: confevent.SendRecv,
			}},
		},
		ConferenceState: &confevent.ConferenceState{UserCount: &count, Active: &active, Locked: &s.Locked},
		Users:           &confevent.Users{},
	}
	if s.MaxParticipants > 0 {
		d.Description.MaximumUserCount = uint32(s.MaxParticipants) //nolint:gosec // a limit of participants
	}
	at := map[string]int{}
	for i := range s.Participants {
		p := &s.Participants[i]
		k, known := at[p.Entity]
		if !known {
			k = len(d.Users.Users)
			at[p.Entity] = k
			d.Users.Users = append(d.Users.Users, confevent.User{
				Entity: p.Entity, DisplayText: p.DisplayName, Roles: []string{userRole(p.Role)}, CascadedFocus: cascaded(p),
			})
		}
		d.Users.Users[k].Endpoints = append(d.Users.Users[k].Endpoints, endpoint(p))
	}
	return d
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
	if p.Session.Focus {
		return p.Session.Contact
	}
	return ""
}

// endpoint is one signalling session (RFC 4575, section 5.7).
func endpoint(p *conference.Participant) confevent.Endpoint {
	e := confevent.Endpoint{
		Entity: p.Endpoint, DisplayText: p.DisplayName, Status: endpointStatus(p.Status),
		JoiningMethod: joiningMethod(p.Method),
	}
	if !p.JoinedAt.IsZero() {
		e.JoiningInfo = &confevent.Execution{When: p.JoinedAt}
	}
	if p.Status.Present() {
		m := confevent.Media{ID: "1", Type: "audio", Label: mediaLabel, Status: mediaStatus(p)}
		if p.Session.SSRC != 0 {
			m.SrcID = strconv.FormatUint(uint64(p.Session.SSRC), 10)
		}
		e.Media = []confevent.Media{m}
	}
	return e
}

// mediaStatus is the direction from the participant's point of view (RFC 4575, section 5.8.5).
func mediaStatus(p *conference.Participant) confevent.MediaStatus {
	sends := p.Session.Sends && !p.Silenced() && !p.Held && !p.Waiting()
	switch receives := p.Hears(); {
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
