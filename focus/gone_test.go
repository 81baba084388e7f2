package focus

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// What the mix still has of a stream when there is nobody left whom it could be of is not lost: neither of one, nor of all.
func TestNobodysLastTick(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	c := &controller{machine: conference.NewMachine(conference.Config{ID: "1000"})}
	for _, id := range []conference.ParticipantID{"a", "b"} {
		c.machine.Step(conference.Join{ID: id}, now)
		c.machine.Step(conference.Bridged{ID: id, Session: conference.Session{Sends: true, Receives: true}}, now)
	}
	all, first, sidebar := &recorded{}, &recorded{participant: "a"}, &recorded{sidebar: "s"}
	expect := func(when string, allGone, firstGone bool) {
		t.Helper()
		if c.gone(all) != allGone || c.gone(first) != firstGone {
			t.Errorf("%s: the mix gone %t, want %t; the first participant %t, want %t", when, c.gone(all), allGone, c.gone(first), firstGone)
		}
		if !c.gone(sidebar) {
			t.Errorf("%s: a sidebar that there is not lives", when)
		}
	}
	expect("two talk", false, false)
	c.machine.Step(conference.Left{ID: "a"}, now)
	expect("the first has left", false, true)
	c.machine.Step(conference.Left{ID: "b"}, now)
	expect("all have left", true, true)
}
