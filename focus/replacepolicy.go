package focus

import (
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// ReplacePolicy says who may take the place of somebody else's call, as who is transferred into a conference does (RFC 3891, section 3; RFC 5589,
// section 7). A user goes on in his own place from another phone under all of them, and who is asserted by a trunk that we trust takes another's. Whoever comes
// in another's place is a participant of his own: with his own role, a PIN and the lobby before him as before everybody else, and not in a locked conference.
type ReplacePolicy uint8

const (
	// ReplaceAdmitted lets whoever may call the conference take the place of a call whose tags he knows.
	ReplaceAdmitted ReplacePolicy = iota
	// ReplaceReferred lets him if Referred-By names whose place it is (RFC 3892). That is a claim of his.
	ReplaceReferred
	// ReplaceOwn lets nobody else.
	ReplaceOwn
)

// admits tells whether the caller, who is somebody else, may take the place of a participant.
func (p ReplacePolicy) admits(request *sipua.Request, s *conference.Participant) bool {
	switch {
	case request.Caller != nil && request.Caller.Asserted:
		return true
	case p == ReplaceReferred:
		return referredBy(request, s)
	default:
		return p == ReplaceAdmitted
	}
}

// referredBy tells whether Referred-By names a participant, whose identity is no secret.
func referredBy(request *sipua.Request, s *conference.Participant) bool {
	values := request.Headers.Values(headerReferredBy)
	if len(values) != 1 || s.Anonymous {
		return false
	}
	by, err := sipua.ParseAddress(values[0])
	return err == nil && sameBare(by.URI.String(), s.Entity)
}

// awaited tells whether somebody is about to take the place of a participant.
func (c *controller) awaited(id conference.ParticipantID) bool {
	for _, p := range c.participants {
		if p.replaces == id {
			return true
		}
	}
	return false
}

// giveWay ends the call whose place somebody else has taken, who is there now.
func (c *controller) giveWay(p *participant) {
	id := p.replaces
	p.replaces = ""
	old := c.participants[id]
	if old == nil {
		return
	}
	reason := reasonHeader(200, "Replaced")
	if old.dialog == nil { // picked up elsewhere (RFC 3326, section 3.1)
		reason = reasonHeader(200, "Call completed elsewhere")
	}
	old.hangUp = true
	_ = c.step(conference.Left{ID: id, Reason: reason, Replaced: true})
}
