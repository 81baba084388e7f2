package focus

import (
	"context"
	"log/slog"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
)

// outlet is a media session that the mix sends to. What the session writes into the headers of packets and what the mix puts
// into them are set apart from each other; a change of the codec goes through silence, so that no packet can say it holds
// what it does not.
type outlet struct {
	session *media.Session
	codec   codecs.Codec  // that the mix makes, or will when the last layout is in effect; None: nothing yet
	held    *media.Params // silent until the mix has the new codec; then these hold
	turn    int           // counts the changes, the last of which is the one that counts
}

// configure gives the session its parameters. After a change of the codec it receives by them, but sends nothing; the caller
// makes the next layout have the new codec, and then calls resume.
func (o *outlet) configure(p media.Params) error {
	now := p
	silent := o.held != nil || o.codec.Valid() && o.codec != p.SendCodec
	if silent {
		now.Send, now.SendCodec = false, o.codec
	}
	if err := o.session.Configure(now); err != nil {
		return err
	}
	o.codec = p.SendCodec
	if silent {
		o.turn++
		o.held = &p
	}
	return nil
}

// resume lets an outlet send again when the mix has its new codec, if it is waiting for that. then may be nil.
func (c *controller) resume(o *outlet, then func()) {
	if o.held == nil {
		return
	}
	c.updateMix()
	applied, turn := c.applied, o.turn
	c.background(func(ctx context.Context) message {
		select {
		case <-applied:
		case <-ctx.Done():
		}
		return resumed{outlet: o, turn: turn, then: then}
	})
}

// resumed says that the mix has the codec of an outlet.
type resumed struct {
	outlet *outlet
	turn   int
	then   func() // nil: nothing
}

func (m resumed) handle(c *controller) {
	o := m.outlet
	if o.held == nil || o.turn != m.turn {
		return // another change came in between
	}
	p := *o.held
	o.held = nil
	if err := o.session.Configure(p); err != nil {
		c.log.Debug("resuming media", slog.Any("error", err)) // has been closed
	}
	if m.then != nil {
		m.then()
	}
}
