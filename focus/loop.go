package focus

import (
	"errors"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// errLoop refuses a link between focuses that would make what is said come back: with itself, or a second one with the same other.
var errLoop = errors.New("leads back to where it comes from")

// loops refuses to call the conference itself, or another focus once more.
func (c *controller) loops(id conference.ParticipantID, target sipua.URI) error {
	if c.isSelf(target) || c.linked(id, target.String()) {
		return errLoop
	}
	return nil
}

// loopsIn refuses a call of a focus (RFC 4579, section 4.2) that is this conference, or linked with it already. When two call each other at the
// same moment one of both calls has to stay: that to the one with the greater URI.
func (c *controller) loopsIn(request *sipua.Request, replaces conference.ParticipantID) error {
	contact, ok := request.Contact()
	if !ok || !contact.Params.Has("isfocus") {
		return nil
	}
	own := c.focus.conferenceURI(c.id).String()
	if c.isSelf(contact.URI) || c.linked(replaces, contact.URI.String()) {
		return errLoop
	}
	s := c.machine.State()
	for i := range s.Participants {
		if p := s.Participants[i]; p.Method == conference.DialedOut && !p.Status.Present() && sameBare(p.Entity, contact.URI.String()) && own < contact.URI.Bare().String() {
			return errLoop // it will take ours
		}
	}
	return nil
}

// linked tells whether another participant than this one is the focus of that URI, from the moment of its call on. A URI without a user part is that of
// something in between, which may stand for several.
func (c *controller) linked(id conference.ParticipantID, uri string) bool {
	if to, err := sipua.ParseURI(uri); err != nil || to.User == "" {
		return false
	}
	for other, p := range c.participants {
		if other != id && p.peer.Focus && sameBare(p.peer.Contact, uri) {
			return true
		}
	}
	return false
}

// isSelf tells whether a URI is that of this conference.
func (c *controller) isSelf(uri sipua.URI) bool {
	id, ours := c.focus.ownConference(uri)
	return ours && id == c.id
}

// sameBare compares two URIs without their parameters.
func sameBare(x, y string) bool {
	a, err1 := sipua.ParseURI(x)
	b, err2 := sipua.ParseURI(y)
	return errors.Join(err1, err2) == nil && a.Bare().Equal(b.Bare())
}
