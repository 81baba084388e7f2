package focus

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/siprec"
)

// Of those who have left a conference that goes on, only some are remembered, and none who has never come in; all while something is recorded.
func TestRememberedDepartures(t *testing.T) {
	c := &controller{identities: map[conference.ParticipantID]siprec.ID{}, particulars: map[siprec.ID]particulars{}}
	n := 0
	leave := func(count int, recordings []conference.Recording, in bool) {
		for range count {
			n++
			p := conference.Participant{ID: conference.ParticipantID(fmt.Sprintf("p%d", n)), Entity: "sip:a@b"}
			if in {
				p.JoinedAt = time.Unix(int64(n), 0)
			}
			p.Disconnection.At = time.Unix(int64(n)+1, 0)
			c.particulars[c.identity(p.ID)] = particulars{role: conference.Speaker}
			c.remember(&conference.State{Departed: []*conference.Participant{&p}, Recordings: recordings})
		}
	}
	check := func(what string, want int) {
		t.Helper()
		if len(c.departed) != want || len(c.identities) != want || len(c.particulars) != want {
			t.Errorf("%s: %d departures, %d identities, %d particulars, want %d", what, len(c.departed), len(c.identities), len(c.particulars), want)
		}
	}
	leave(10, nil, false)
	check("never in", 0)
	leave(1000, nil, true)
	check("nothing recorded", keptGone)
	if last := c.departed[keptGone-1]; last.id != "p1010" || !last.roster.Left.Equal(time.Unix(1011, 0)) {
		t.Errorf("the last one is %+v", last)
	}
	leave(500, make([]conference.Recording, 1), true)
	check("recorded", keptGone+500)
	c.recorders = []*recorder{{client: &told{}}} // that still ends
	leave(1, nil, true)
	check("a recorder is left", keptGone+501)
	c.recorders = nil
	leave(1, []conference.Recording{{State: conference.RecordingStopped}}, true)
	check("afterwards", keptGone)
}

// told is a session that has acknowledged something.
type told struct {
	known  siprec.Recording
	synced bool
}

func (*told) Step(siprec.Event, time.Time) []siprec.Action { return nil }
func (*told) Codecs() []codecs.Codec                       { return nil }
func (*told) Label(string) string                          { return "" }
func (*told) Awaited(string) bool                          { return false }
func (t *told) Acknowledged() (siprec.Recording, bool)     { return t.known, t.synced }
func (t *told) leaves(id siprec.ID, at time.Time) {
	t.known.ParticipantSessions = append(t.known.ParticipantSessions, siprec.ParticipantSession{Participant: id, Disassociate: at})
}

// While something is recorded, of those who have left only some stay in the metadata of every change, and nobody goes from them whose leaving a
// recorder has not acknowledged.
func TestToldDepartures(t *testing.T) {
	one, two := &told{synced: true}, &told{synced: true}
	c := &controller{
		identities: map[conference.ParticipantID]siprec.ID{}, particulars: map[siprec.ID]particulars{},
		recorders: []*recorder{{client: one}, {client: two}},
	}
	leave := func(from, to int, to1, to2 bool) {
		for n := from; n < to; n++ {
			p := conference.Participant{ID: conference.ParticipantID(fmt.Sprintf("p%d", n)), Entity: "sip:a@b", JoinedAt: time.Unix(1, 0)}
			p.Disconnection.At = time.Unix(2, 0)
			id := c.identity(p.ID)
			if to1 {
				one.leaves(id, time.Unix(2, 0))
			}
			if to2 {
				two.leaves(id, time.Unix(2, 0))
			}
			c.remember(&conference.State{Departed: []*conference.Participant{&p}})
		}
	}
	check := func(what string, first string, want int) {
		t.Helper()
		if len(c.departed) != want || len(c.identities) != want || string(c.departed[0].id) != first {
			t.Errorf("%s: %d departures from %s on, %d identities, want %d from %s on", what, len(c.departed), c.departed[0].id, len(c.identities), want, first)
		}
	}
	leave(0, 700, true, true)
	leave(700, 701, true, false)
	leave(701, 1249, true, true)
	check("not worth a look", "p0", 1249)
	leave(1249, 1250, true, true)
	check("all know", "p250", 1000)
	leave(1250, 1750, true, true)
	check("up to whom one does not know of", "p700", 1050)
	leave(1750, 3000, true, true)
	check("one does not know", "p700", 2300)
	two.synced = false
	two.leaves(c.departed[0].roster.ID, time.Unix(2, 0))
	leave(3000, 3001, true, true)
	check("what it knows cannot be relied on", "p700", 2301)
	two.synced = true
	leave(3001, 3002, true, true)
	check("all know again", "p2002", 1000)
	two.known = siprec.Recording{}
	c.recorders[1].since = time.Unix(3, 0)
	leave(3002, 3252, true, false)
	check("the session of one began later", "p2252", 1000)
}
