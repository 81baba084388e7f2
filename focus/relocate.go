package focus

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// Move takes a participant from one conference into another; his call goes on, and hears of it by an offer with the other conference in
// Contact. He needs no PIN there, but a place, and the rules of that conference have to let him in. It returns when he is on his way; what he
// says is in no mix until he is out of the first. Errors: ErrNoConference, ErrNoParticipant, ErrForbidden, ErrLocked, ErrFull, ErrConflict
// when he is not connected or the conferences are the same, ErrShutdown and that of ctx.
func (f *Focus) Move(ctx context.Context, from conference.ID, id conference.ParticipantID, to conference.ID) error {
	if from == to {
		return fmt.Errorf("%w: it is in that conference", ErrConflict)
	}
	if f.isFactory(string(to)) || f.accessNumber(to) != nil {
		return fmt.Errorf("%w: %q", ErrNoConference, to)
	}
	m := relocating{id: id, to: to, reply: make(chan error, 1)}
	if _, err := f.send(ctx, from, false, m); err != nil {
		return err
	}
	select {
	case err := <-m.reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// relocating asks for a place in another conference for a participant.
type relocating struct {
	id    conference.ParticipantID
	to    conference.ID
	asked bool       // by SIP: who is moved so has to say the PIN there, as if he had called
	reply chan error // of capacity 1
}

func (m relocating) handle(c *controller) {
	s, there := c.machine.State().Participant(m.id)
	p := c.participants[m.id]
	switch {
	case !there || p == nil:
		m.reply <- ErrNoParticipant
		return
	case !p.bridged || c.entry.access != nil:
		m.reply <- fmt.Errorf("%w: it is not connected", ErrConflict)
		return
	case p.invite != nil && !c.focus.mayEnter(m.to, p.invite):
		m.reply <- ErrForbidden
		return
	}
	f, place := c.focus, seating{participant: s, invite: p.invite, known: !m.asked, source: p.guesses, reply: make(chan error, 1)}
	c.background(func(ctx context.Context) message {
		ctx, cancel := context.WithTimeout(ctx, commandPatience)
		defer cancel()
		to, err := f.send(ctx, m.to, true, place)
		if err == nil {
			err = <-place.reply
		}
		if err != nil {
			m.reply <- err
			return nil
		}
		return relocated{id: m.id, generation: p.generation, to: to, reply: m.reply}
	})
}

// seating asks a conference for a place for a participant of another one.
type seating struct {
	participant conference.Participant
	invite      *sipua.Request // nil: he was called
	known       bool           // he is asked for no PIN
	source      string         // whose wrong PINs are counted together
	reply       chan error     // of capacity 1
}

func (m seating) handle(c *controller) {
	s := &m.participant
	join := conference.Join{
		ID: s.ID, Entity: s.Entity, Endpoint: s.Endpoint, DisplayName: s.DisplayName, Languages: s.Languages, Anonymous: s.Anonymous,
		RecordAware: s.Session.RecordAware, Known: m.known, Introduced: true, Source: m.source,
	}
	if s.Anonymous {
		c.anonymous++
		join.Entity, join.DisplayName = anonymousUser(c.anonymous)
	}
	arrival := Arrival{Conference: c.id, Request: m.invite, At: time.Now()}
	if m.invite == nil {
		arrival.Target, _ = sipua.ParseURI(s.Entity) // was one when he was called
	} else if caller := m.invite.Caller; caller != nil { // what he is elsewhere does not count here
		join.Marked = slices.Contains(caller.Roles, markedRole)
		if slices.Contains(caller.Roles, moderatorRole) {
			join.Role, join.Known = conference.Moderator, true
		}
	}
	if !join.Known && c.machine.State().Protected && c.focus.guard.keptOut(join.Source) {
		m.reply <- conference.ErrKeptOut
		return
	}
	join.Rule = c.focus.rule(arrival)
	err := unopened(c.step(join), c.machine.State())
	if err == nil {
		c.jobs++ // until he arrives, or does not
	}
	m.reply <- err
}

// keptAway is what keeps somebody who is moved out of recordings: it goes with him, as nobody has said that it is over.
type keptAway struct{ masked, unrecorded bool }

// keepAway has it so where he has come to, before anything of him can be recorded there.
func (c *controller) keepAway(p *participant) {
	kept, yes := p.keptAway, true
	p.keptAway = keptAway{}
	if kept.masked {
		_ = c.step(conference.Adjust{ID: p.id, Masked: &yes})
	}
	if !kept.unrecorded {
		return
	}
	if err := c.step(conference.Adjust{ID: p.id, Unrecorded: &yes}); err != nil { // by the policy here
		c.log.Warn("participant who was left out of recordings is recorded where he has been moved to",
			slog.String("participant", string(p.id)), slog.Any("error", err))
	}
}

// relocated says that there is a place in another conference.
type relocated struct {
	id         conference.ParticipantID
	generation uint64
	to         *controller
	reply      chan<- error // of capacity 1
}

func (m relocated) handle(c *controller) {
	p := c.participants[m.id]
	switch {
	case p == nil || p.generation != m.generation: // has left, or goes on with another phone
		c.focus.spawn(func(context.Context) { m.to.post(absent{m.id}) })
		m.reply <- ErrNoParticipant
		return
	case p.held != nil || p.dialog == nil || p.telling || p.pending != nil || c.successors[m.id] != nil: // something is under way in the call
		c.later(moveRetry, m)
		return
	}
	if s, there := c.machine.State().Participant(m.id); there {
		p.keptAway = keptAway{masked: s.Masked, unrecorded: s.Unrecorded && !s.Exempt} // a rule for him is asked anew
	}
	c.forgetVoice(p)
	c.silence(p)
	p.want, p.wantVia, p.untold, p.warned = conference.IndicateOff, "", false, unwarned
	delete(c.participants, m.id) // so that it is not let go of
	_ = c.step(conference.Left{ID: m.id, Reason: reasonHeader(200, "Moved")})
	c.move(p, m.to)
	m.reply <- nil
}
