package focus

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// referNested has somebody sent to a conference: who is in this one is moved to another one of ours, in his call; anybody else is asked by REFER to
// call this one (RFC 4579, section 5.7). To call anything else nobody is asked.
func (c *controller) referNested(m referring, by conference.Participant, inside bool, target *conference.Participant) error {
	inner, own := m.referral.inner, c.focus.conferenceURI(c.id)
	switch to, ours := c.focus.ownConference(inner); {
	case ours && to != c.id && target != nil && inside:
		return c.referMove(m, by, target, to)
	case inner.UserPart() != string(c.id) || !strings.EqualFold(inner.Host, own.Host):
		return fmt.Errorf("%w: to %s", errRefused, inner.Bare())
	case !c.focus.live().Refer.admits(m.referral.target):
		return errRefused
	}
	outcome, who := m.outcome, m.referral.target
	c.focus.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, c.focus.cfg.DialTimeout)
		defer cancel()
		if err := c.focus.ask(ctx, c.id, who); err != nil {
			outcome <- status(err)
			return
		}
		outcome <- 200
	})
	return nil
}

// referMove moves a participant because another one, or he himself, asks for it. Who asks has to be somebody whom the other conference would let in,
// and who is moved is let in there as if he had called, but for the call.
func (c *controller) referMove(m referring, by conference.Participant, target *conference.Participant, to conference.ID) error {
	if _, err := c.focus.lookup(to); err != nil {
		return err
	}
	asker := c.participants[by.ID]
	if c.focus.cfg.MayEnter != nil && (asker == nil || asker.invite == nil || !c.focus.mayEnter(to, asker.invite)) {
		return fmt.Errorf("%w: to %s", errRefused, to)
	}
	reply, outcome := make(chan error, 1), m.outcome
	relocating{id: target.ID, to: to, asked: true, reply: reply}.handle(c)
	c.focus.spawn(func(ctx context.Context) {
		select {
		case err := <-reply:
			if err != nil {
				outcome <- status(err)
				return
			}
			outcome <- 200
		case <-ctx.Done():
		}
	})
	return nil
}

// ownConference gives the conference that a URI of ours names, whether there is one or not, by whatever transport it is reached.
func (f *Focus) ownConference(uri sipua.URI) (conference.ID, bool) {
	id := conference.ID(uri.UserPart())
	for _, transport := range []string{"", "tls", "ws", "wss"} { // those with ports of their own
		if own := f.contactURI(id, transport).Bare(); id != "" && sameBare(own.String(), uri.String()) {
			return id, true
		}
	}
	return "", false
}

// Ask asks somebody by REFER to call the conference himself (RFC 4579, section 5.6), and returns when he is willing; that he has come is told by the
// events. Errors: ErrNoConference, ErrInvalid, ErrForbidden for whom the rules do not allow to be called, ErrShutdown, ErrDeclined, and that of
// ctx.
func (f *Focus) Ask(ctx context.Context, id conference.ID, uri string) error {
	if _, err := f.lookup(id); err != nil {
		return err
	}
	_, target, err := DialRequest{URI: uri}.callee()
	if err != nil {
		return err
	}
	if f.refusing.Load() {
		return ErrShutdown
	}
	ctx, cancel := context.WithTimeout(ctx, f.cfg.DialTimeout)
	defer cancel()
	if err = f.ask(ctx, id, target); sipua.Status(err) != 0 || errors.Is(err, sipua.ErrTimeout) || errors.Is(err, sipua.ErrTransport) {
		return fmt.Errorf("%w: %w", ErrDeclined, err)
	}
	return err
}

// ask sends a REFER with the URI of a conference. Whether he comes is seen when he calls, hence without a subscription (RFC 4488).
func (f *Focus) ask(ctx context.Context, id conference.ID, target sipua.URI) error {
	agent := f.agent.Load()
	if agent == nil {
		return ErrShutdown
	}
	target, trunk, err := f.way(target)
	if err != nil {
		return err
	}
	own := sipua.Address{URI: f.conferenceURI(id)}
	_, err = agent.Request(ctx, sipua.OutgoingRequest{
		Method: methodRefer, URI: target, From: own, Trunk: trunk,
		Headers: sipua.Headers{
			{Name: "Contact", Value: own.With("isfocus", "").String()}, {Name: "Refer-To", Value: own.String()}, {Name: "Refer-Sub", Value: "false"},
		},
	})
	return err
}
