package focus

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/siprec"
)

// beyond is somebody who has no dialog with us, but with another focus of the cascade: recording metadata list him as well (RFC 7865, section 6.3.2).
type beyond struct {
	entity string
	name   string
	since  time.Time // when he came in there, as far as the other focus says so
	via    string    // the URI of the focus, one of our participants, through which he is heard
}

// beyondOf is a user of a link as recorders are told of him.
func beyondOf(u *confevent.User, via string) beyond {
	b := beyond{entity: u.Entity, name: u.DisplayText, via: via}
	for _, e := range u.Endpoints {
		if e.JoiningInfo != nil && !e.JoiningInfo.When.IsZero() && (b.since.IsZero() || e.JoiningInfo.When.Before(b.since)) {
			b.since = e.JoiningInfo.When
		}
	}
	return b
}

// beyondID stands for one of them where participants have an identifier; no participant has one like it.
func beyondID(entity string) conference.ParticipantID {
	return conference.ParticipantID("afar " + entity)
}

// afarChanged says that others are beyond than before.
type afarChanged struct{}

func (afarChanged) handle(c *controller) {
	if c.followBeyond(c.machine.State(), time.Now()) {
		for _, r := range slices.Clone(c.recorders) {
			c.desire(r)
		}
	}
}

// tellRecorders has the recorders of a conference told who is beyond, if it has a controller: without one nothing is recorded.
func (e *entry) tellRecorders(f *Focus) {
	f.mu.Lock()
	c := e.ctl
	f.mu.Unlock()
	if c != nil {
		f.spawn(func(context.Context) { c.post(afarChanged{}) })
	}
}

// followBeyond notes who has come and gone beyond, and tells whether anybody has. Who is here himself is no longer there.
func (c *controller) followBeyond(state *conference.State, now time.Time) bool {
	known := map[string]beyond{}
	if list := c.entry.afar.recorded.Load(); list != nil {
		for _, b := range *list {
			known[b.entity] = b
		}
	}
	links := map[string]*conference.Participant{}
	for i := range state.Participants {
		p := state.Participants[i]
		delete(known, p.Entity)
		if p.Session.Focus && cameIn(p) {
			links[p.Session.Contact] = p
		}
	}
	for entity, b := range known {
		if links[b.via] == nil {
			delete(known, entity)
		}
	}
	changed := false
	for _, entity := range slices.Sorted(maps.Keys(c.beyond)) {
		if _, still := known[entity]; !still {
			left := c.beyond[entity]
			delete(c.beyond, entity)
			left.Left = now
			c.departed = append(c.departed, gone{beyondID(entity), left})
			changed = true
		}
	}
	for entity, b := range known {
		before, there := c.beyond[entity]
		q := c.beyondParticipant(&b, links[b.via], now)
		if there {
			q.Joined = before.Joined
		} else { // who comes back is the same, and there
			c.departed = slices.DeleteFunc(c.departed, func(g gone) bool { return g.id == beyondID(entity) })
		}
		if c.beyond == nil {
			c.beyond = map[string]siprec.RosterParticipant{}
		}
		changed = changed || !there || before.Names[0] != q.Names[0] || before.Through != q.Through
		c.beyond[entity] = q
	}
	return changed
}

// beyondParticipant is one of them in metadata: he feeds and gets what the focus does that he is behind.
func (c *controller) beyondParticipant(b *beyond, via *conference.Participant, now time.Time) siprec.RosterParticipant {
	q := c.rosterParticipant(via)
	q.Through, q.ID = q.ID, c.identity(beyondID(b.entity))
	q.Names = []siprec.NameID{{AOR: b.entity, Name: b.name}}
	q.SIPSessionID, q.Params, q.Extensions = "", nil, nil
	if b.since.After(q.Joined) && b.since.Before(now) {
		q.Joined = b.since // else he was there before the conferences were linked
	}
	return q
}

// beyondRoster are those who are beyond, in a fixed order.
func (c *controller) beyondRoster() []siprec.RosterParticipant {
	list := make([]siprec.RosterParticipant, 0, len(c.beyond))
	for _, entity := range slices.Sorted(maps.Keys(c.beyond)) {
		list = append(list, c.beyond[entity])
	}
	return list
}
