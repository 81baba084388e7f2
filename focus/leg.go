package focus

import (
	"sync"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// leg names one call of a participant: he may change it for another (RFC 3891), and what is still on its way from the first must not be taken
// for news of the second.
type leg struct {
	controller *controller
	id         conference.ParticipantID
	generation uint64 // of the participant's call, unique in the focus
}

// legOf names the call of a participant.
func (c *controller) legOf(p *participant) leg {
	return leg{controller: c, id: p.id, generation: p.generation}
}

// find gives what belongs to a call: that of a participant, or one that is about to take its place; nil when it is over.
func (l leg) find() *participant {
	for _, p := range []*participant{l.controller.participants[l.id], l.controller.successors[l.id]} {
		if p != nil && p.generation == l.generation {
			return p
		}
	}
	return nil
}

// legs knows which conference each call belongs to, by its dialog, as Replaces and Join name it. It is safe for concurrent use.
type legs struct {
	mu    sync.Mutex
	live  map[sipua.DialogID]leg
	twice map[sipua.DialogID]struct{} // of live, those that two calls have had: who names one means nobody for certain
	ended map[sipua.DialogID]struct{}
	order []sipua.DialogID // of ended, the oldest first
}

// keptEnded is how many dialogs are remembered after their end: naming one of them is answered otherwise than naming none.
const keptEnded = 1024

// add makes a dialog known; an early one, too (RFC 3911, section 4).
func (l *legs) add(id sipua.DialogID, at leg) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live == nil {
		l.live, l.ended, l.twice = map[sipua.DialogID]leg{}, map[sipua.DialogID]struct{}{}, map[sipua.DialogID]struct{}{}
	}
	if before, ok := l.live[id]; ok && before.generation != at.generation { // not the same call after a move
		l.twice[id] = struct{}{}
	}
	l.live[id] = at
}

// end forgets the dialogs of a call, but for the fact that they were there.
func (l *legs) end(ids []sipua.DialogID, at leg) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if l.live[id] != at {
			continue // it goes on elsewhere
		}
		delete(l.live, id)
		delete(l.twice, id)
		if _, known := l.ended[id]; !known {
			l.ended[id] = struct{}{}
			l.order = append(l.order, id)
		}
	}
	for len(l.order) > keptEnded {
		delete(l.ended, l.order[0])
		l.order = l.order[1:]
	}
}

// find gives the call with a dialog, or tells that it is over. Of several it finds none (RFC 3911, section 4; RFC 3891, section 3).
func (l *legs) find(id sipua.DialogID) (at leg, found, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, several := l.twice[id]; several {
		return leg{}, false, false
	}
	at, found = l.live[id]
	_, over = l.ended[id]
	return at, found, over && !found
}

// named makes a dialog of a participant known.
func (c *controller) named(p *participant, id sipua.DialogID) {
	p.dialogs = append(p.dialogs, id)
	c.focus.legs.add(id, c.legOf(p))
}
