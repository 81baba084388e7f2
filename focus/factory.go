package focus

import (
	"fmt"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// creation is a call to the conference factory URI (RFC 4579, section 5.4).
type creation struct {
	recipients []recipient
}

// create makes an ad-hoc conference for a call to the factory. Its name cannot be guessed (RFC 4579, section 5.3). Whom its creator wants
// called is looked at before anything is made.
func (f *Focus) create(request *sipua.Request) (conference.ID, *creation, error) {
	_, document, err := bodies(request)
	if err != nil {
		return "", nil, err
	}
	made := &creation{}
	if document != nil {
		if made.recipients, err = readRecipients(document); err != nil {
			return "", nil, err
		}
	} else if request.Headers.Contains("Require", recipientListInvite) {
		return "", nil, fmt.Errorf("%w: there is none", errRecipients)
	}
	for _, r := range made.recipients {
		if f.live().Refer.From == ReferNobody || !f.live().Refer.admits(r.uri) {
			return "", nil, fmt.Errorf("%w: %s may not be called out", errRefused, r.uri.Bare())
		}
	}
	cfg := f.live().Defaults
	cfg.ID = conference.ID(newName())
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.draining:
		return "", nil, ErrShutdown
	case f.full():
		return "", nil, ErrBusy
	}
	f.entries[cfg.ID] = newEntry(cfg, false, true)
	return cfg.ID, made, nil
}

// uncreate takes back a conference that nobody came into.
func (f *Focus) uncreate(id conference.ID) {
	f.mu.Lock()
	e := f.entries[id]
	if e != nil && e.ctl == nil {
		delete(f.entries, id)
	}
	f.mu.Unlock()
	if e != nil && e.ctl == nil {
		e.retire()
	}
}

// isFactory tells whether a user part is that of the factory.
func (f *Focus) isFactory(user string) bool { return f.cfg.Factory != "" && user == f.cfg.Factory }

// invite calls all who are on a list, as if each had been asked for alone (RFC 5366, section 5).
func (c *controller) inviteAll(list []recipient) {
	seen := history(list)
	for _, r := range list {
		id := conference.ParticipantID(shortName("p"))
		c.calls[id] = outgoing{history: seen}
		err := c.step(conference.Invite{ID: id, Entity: r.uri.Bare().String(), Target: r.uri.String(), DisplayName: r.uri.UserPart()})
		if err != nil {
			delete(c.calls, id)
		}
	}
}
