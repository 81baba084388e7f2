package focus

import (
	"context"
	"slices"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// lent opens the part of a conference in the session; nil: it is ending, or about to, and would not be told of anything any more.
func (h *persistent) lent(c *controller) *lease {
	l := &lease{session: h, playing: map[string]siprec.StartMedia{}, lines: map[string]*line{}, known: make(chan struct{})}
	l.notify = func() { h.focus.spawn(func(context.Context) { c.post(leaseChanged{l}) }) }
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopping {
		return nil
	}
	if h.client.State() == siprec.StateFailed {
		l.troubled(lostLine(), time.Now())
		l.wake()
	}
	l.sent, l.from = h.sent, h.sent.count()
	i := slices.IndexFunc(h.leases, func(other *lease) bool { return other.stopped })
	if i < 0 {
		i = len(h.leases)
	}
	h.leases = slices.Insert(h.leases, i, l) // before one of the same conference that has ended: what is now counts
	return l
}

var _ protocol = (*lease)(nil)

// leaseChanged says that something has become of a persistent session.
type leaseChanged struct{ lease *lease }

func (m leaseChanged) handle(c *controller) {
	for _, r := range c.recorders {
		if r.client == protocol(m.lease) && !r.over {
			m.lease.waking.Store(false)
			c.recorderStep(r, siprec.Tick{})
			return
		}
	}
}

// lend opens the part of a recording in the persistent session with a server, and refuses where it cannot record; nil: there is to be a session of its own, as where
// the server has begun it (passive).
func (c *controller) lend(server Recorder, from *recorder, passive bool) (*lease, error) {
	if passive || server.Persistent <= 0 {
		return nil, nil
	}
	if from != nil && !server.movable() {
		return nil, errPersistent
	}
	if _, err := c.focus.recorderSecurity(server, c.secret()); err != nil {
		return nil, err
	}
	for range 2 { // one that is retired at this moment, as the server is spoken to in another way, has a successor
		if h := c.focus.persistentSession(server.Name); h != nil {
			if l := h.lent(c); l != nil {
				return l, nil
			}
		}
	}
	return nil, errPersistent
}
