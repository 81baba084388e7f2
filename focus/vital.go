package focus

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// looksPerTimeout is how often a participant is looked at while it has the time to be silent.
const looksPerTimeout = 4

// watchMedia begins to look after participants whose media do not come any more.
func (c *controller) watchMedia() {
	if timeout := c.focus.live().MediaTimeout; timeout > 0 && !c.watchesMedia {
		c.watchesMedia = true
		c.later(timeout/looksPerTimeout, vitalSigns{})
	}
}

// vitalSigns looks at everybody.
type vitalSigns struct{}

func (m vitalSigns) handle(c *controller) {
	now := time.Now()
	bridged := false
	for _, p := range c.participants {
		if p.bridged {
			bridged = true
			c.checkVitalSigns(p, now)
		}
	}
	c.watchesMedia = false
	if bridged {
		c.watchMedia()
	}
}

// checkVitalSigns asks the user agent of a participant whether it still has the call, when neither media nor reports have come for
// the timeout. Silence alone proves nothing: it may be suppressed (RFC 3551, section 4.1), and who is on hold or only listens need
// not send at all. So it is the answer in the dialog that counts: a 408, a 481 or none ends it (RFC 3261, section 12.2.1.2), any
// other keeps it. Nobody to send the question to ends it, too: who is not heard is not to come back.
func (c *controller) checkVitalSigns(p *participant, now time.Time) {
	if !p.stream.Receive || p.dialog == nil {
		p.alive = now
		return
	}
	if heard := p.session.LastHeard(); heard.After(p.alive) {
		p.alive = heard
	}
	if timeout := c.focus.live().MediaTimeout; p.probing || timeout <= 0 || now.Sub(p.alive) < timeout {
		return
	}
	p.probing = true
	c.log.Info("no media from a participant, asking whether it is there", slog.String("participant", string(p.id)),
		slog.Duration("silent", now.Sub(p.alive)))
	dialog, at, gone := p.dialog, c.legOf(p), p.gone
	c.background(func(ctx context.Context) message {
		ctx, cancel := context.WithTimeout(ctx, offerTimeout)
		defer cancel()
		ctx, release := c.focus.patient(ctx, participantPatience)
		defer release()
		m, _ := ask(gone, func() message {
			_, err := dialog.Request(ctx, "OPTIONS", sipua.Body{})
			return probed{leg: at, err: err}
		})
		return m
	})
}

// probed is the outcome of the question. A dialog that has ended by it is reported by its handler.
type probed struct {
	leg leg
	err error
}

func (m probed) handle(c *controller) {
	p := m.leg.find()
	if p == nil {
		return
	}
	p.probing = false
	switch {
	case m.err == nil || sipua.Status(m.err) != 0:
		p.alive = time.Now()
	case errors.Is(m.err, sipua.ErrTransport) && p.dialog != nil: // neither heard nor to be reached
		p.hangUp = true
		_ = c.step(conference.Failure{ID: p.id, Reason: reasonHeader(408, "")})
	}
}
