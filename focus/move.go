package focus

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// moveRetry is how long a move waits for what is under way in the call.
const moveRetry = 20 * time.Millisecond

// transit is a call between two controllers.
type transit struct {
	mu    sync.Mutex
	there bool   // the other one has it
	ended *ended // it was over before that
}

// ofCall is a message about a call, which may have moved.
type ofCall interface {
	message
	call() leg
	at(leg) message // the same about the call where it is now
}

func (m acknowledged) call() leg { return m.leg }
func (m offered) call() leg      { return m.leg }
func (m refreshed) call() leg    { return m.leg }
func (m ended) call() leg        { return m.leg }
func (m keyed) call() leg        { return m.leg }
func (m referring) call() leg    { return m.from }

func (m acknowledged) at(l leg) message {
	m.leg = l
	return m
}

func (m offered) at(l leg) message {
	m.leg = l
	return m
}

func (m refreshed) at(l leg) message {
	m.leg = l
	return m
}

func (m ended) at(l leg) message {
	m.leg = l
	return m
}

func (m keyed) at(l leg) message {
	m.leg = l
	return m
}

func (m referring) at(l leg) message {
	m.from = l
	return m
}

// forwarded is the controller that a message is for, when its call has moved, and what to tell it; else nil.
func (c *controller) forwarded(m message) (to *controller, same message) {
	about, ok := m.(ofCall)
	if !ok {
		return nil, nil
	}
	at := about.call()
	found, ok := c.focus.moved.Load(at.generation)
	if !ok || found == c {
		return nil, nil
	}
	at.controller = found.(*controller) //nolint:forcetypeassert // the map holds nothing else
	return at.controller, about.at(at)
}

// move gives a call to another controller, where its participant has a place. The machine and the layout here have let go of it. Its
// media come into the other mix when they are out of this one.
func (c *controller) move(p *participant, to *controller) {
	delete(c.participants, p.id)
	delete(c.members, p.member)
	c.updateText()
	p.tape = nil
	way := &transit{}
	c.leaving[p.id] = way
	applied := c.applied
	c.background(func(context.Context) message {
		select {
		case <-applied:
		case <-c.silent:
		}
		if !to.post(arrived{participant: p, way: way}) {
			to.dismiss(p)
		}
		return departed{p.id}
	})
}

// departed says that a call has moved.
type departed struct{ id conference.ParticipantID }

func (m departed) handle(c *controller) { delete(c.leaving, m.id) }

// dismiss ends a call that nobody has any more. It may be called from any goroutine.
func (c *controller) dismiss(p *participant) {
	close(p.gone)
	c.focus.legs.end(p.dialogs, c.legOf(p))
	c.focus.talking.Add(-1)
	c.hangUp(p.dialog, "")
	d := conference.Participant{ID: p.id}
	d.Disconnection = conference.Disconnection{Method: conference.Booted, At: time.Now()}
	record := c.callRecord(p, &d)
	record.Stats = mediaStats(p.session.Stats())
	if p.text.session != nil {
		_ = p.text.session.Close() // never fails
	}
	if err := p.session.Close(); err != nil {
		c.log.Warn("closing media", slog.Any("error", err))
	}
	if h := c.focus.hooks.CallEnded; h != nil {
		h(record)
	}
}

// arrived brings a call from another controller.
type arrived struct {
	participant *participant
	way         *transit
}

func (m arrived) handle(c *controller) {
	c.jobs--
	p := m.participant
	c.focus.moved.Store(p.generation, c)
	for _, id := range p.dialogs {
		c.focus.legs.add(id, c.legOf(p))
	}
	p.member = c.newMember()
	c.participants[p.id], c.members[p.member] = p, p.id
	c.returned(p.id)
	m.way.mu.Lock()
	m.way.there = true
	over := m.way.ended
	m.way.mu.Unlock()
	switch _, ok := c.machine.State().Participant(p.id); {
	case !ok: // sent away before he came
		c.release(&conference.Participant{ID: p.id, Disconnection: conference.Disconnection{Method: conference.Booted, At: time.Now()}}, true, "")
		return
	case over != nil:
		over.at(c.legOf(p)).handle(c)
		return
	}
	c.keepAway(p)
	p.alive, p.probing = time.Now(), false
	p.text.offers, p.text.stale = c.machine.State().Rules.Text, false
	if p.text.session != nil {
		p.text.room.Store(&c.text)
	}
	told := conference.IndicateOff
	if p.peer.RecordAware {
		told = indicationOf(p.said.record)
	}
	p.want, p.wantVia = told, ""
	if err := c.step(conference.Bridged{ID: p.id, Session: p.peer, Told: told}); err != nil {
		c.log.Warn("participant cannot be bridged", slog.String("participant", string(p.id)), slog.Any("error", err))
		return
	}
	c.watchMedia()
	p.dialog.SetContact(c.contact(p))
	if c.participants[p.id] == p && !p.telling {
		c.offerIndication(p) // tells the new Contact, which is that of a focus (RFC 4579, section 5.3)
	}
}

// strayed takes the end of a call that is not here: it is kept for the controller that the call is on its way to.
func (c *controller) strayed(m ended) {
	way := c.leaving[m.leg.id]
	if way != nil {
		way.mu.Lock()
		defer way.mu.Unlock()
		if !way.there {
			way.ended = &m
			return
		}
	}
	if to, same := c.forwarded(m); to != nil {
		c.focus.spawn(func(context.Context) { to.post(same) })
	}
}
