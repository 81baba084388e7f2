package focus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// AccessNumber is where callers enter the number of a conference, which is its identifier (RFC 4579, section 5.3 lets an IVR application
// stand before conferences). It is no conference: nobody can subscribe to it, and no interface shows it.
type AccessNumber struct {
	ID conference.ID // user part of its URI
	// Create lets a number of no conference make one, as a call to it would where conferences are dynamic.
	Create bool
}

// addAccess makes the access numbers; for New.
func (f *Focus) addAccess(numbers []AccessNumber) error {
	for _, n := range numbers {
		c := ConferenceConfig{ID: n.ID}
		if err := f.checkConference(c); err != nil {
			return err
		}
		if f.entries[n.ID] != nil || f.isFactory(string(n.ID)) {
			return fmt.Errorf("%w: access number %q is something else already", ErrInvalid, n.ID)
		}
		e := newEntry(c, true, false)
		e.access = &n
		f.entries[n.ID] = e
	}
	return nil
}

// accessNumber gives the access number of an identifier, nil for none.
func (f *Focus) accessNumber(id conference.ID) *AccessNumber {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.entries[id]; e != nil {
		return e.access
	}
	return nil
}

// mayRoute tells whether a caller of an access number may go to a conference. Errors: ErrNoConference, ErrForbidden.
func (f *Focus) mayRoute(from *AccessNumber, id conference.ID, request *sipua.Request) error {
	f.mu.Lock()
	e := f.entries[id]
	f.mu.Unlock()
	switch {
	case f.isFactory(string(id)), e == nil && !from.Create, e != nil && e.access != nil:
		return fmt.Errorf("%w: %q", ErrNoConference, id)
	case !f.mayEnter(id, request):
		return ErrForbidden
	default:
		return nil
	}
}

// whyNot is what a caller hears who does not get to a conference.
func whyNot(err error) conference.Prompt {
	for _, w := range []struct {
		err error
		say conference.Prompt
	}{
		{ErrNoConference, conference.SayConferenceUnknown},
		{conference.ErrEnded, conference.SayConferenceUnknown},
		{conference.ErrEnding, conference.SayConferenceEnded},
		{ErrForbidden, conference.SayNotAllowed},
		{ErrLocked, conference.SayConferenceLocked},
		{ErrFull, conference.SayConferenceFull},
		{conference.ErrKeptOut, conference.SayTooManyAttempts},
	} {
		if errors.Is(err, w.err) {
			return w.say
		}
	}
	return conference.SayConferenceBusy
}

// route brings a caller to the conference of a number: first a place there is asked for, then the call moves.
func (c *controller) route(id conference.ParticipantID, number string) {
	p := c.participants[id]
	if p == nil || p.invite == nil || c.entry.access == nil {
		return
	}
	f, from, request, target := c.focus, c.entry.access, p.invite, conference.ID(number)
	c.background(func(ctx context.Context) message {
		err := f.mayRoute(from, target, request)
		var to *controller
		if err == nil {
			place := placing{id: id, request: request, reply: make(chan error, 1)}
			if to, err = f.send(ctx, target, from.Create, place); err == nil {
				err = <-place.reply
			}
		}
		return placed{id: id, to: to, err: err}
	})
}

// placing asks a conference for a place for a call that another controller has.
type placing struct {
	id      conference.ParticipantID
	request *sipua.Request
	reply   chan error // of capacity 1
}

func (m placing) handle(c *controller) {
	if c.entry.access != nil {
		m.reply <- ErrNoConference
		return
	}
	_, err := c.admit(m.id, m.request, "", false)
	if err == nil {
		c.jobs++ // until he arrives, or does not
	}
	m.reply <- err
}

// placed is the outcome of placing.
type placed struct {
	id  conference.ParticipantID
	to  *controller
	err error
}

func (m placed) handle(c *controller) {
	if m.err != nil {
		c.log.Info("caller not let in", slog.String("participant", string(m.id)), slog.Any("error", m.err))
		_ = c.step(conference.Routed{ID: m.id, Why: whyNot(m.err)})
		return
	}
	p := c.participants[m.id]
	switch {
	case p == nil:
	case p.held != nil || p.dialog == nil: // a change of its media, or its dialog, is on the way
		c.later(moveRetry, m)
		return
	default:
		c.forgetVoice(p)
		if c.step(conference.Routed{ID: m.id}) == nil {
			c.move(p, m.to)
			return
		}
	}
	c.focus.spawn(func(context.Context) { m.to.post(absent{m.id}) }) // he has left, or waited for too long
}

// absent says that who has a place does not come.
type absent struct{ id conference.ParticipantID }

func (m absent) handle(c *controller) {
	c.jobs--
	_ = c.step(conference.Left{ID: m.id})
}
