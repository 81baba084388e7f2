package focus

import (
	"fmt"
	"testing"
	"time"

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
	c.recorders = make([]*recorder, 1) // that still ends
	leave(1, nil, true)
	check("a recorder is left", keptGone+501)
	c.recorders = nil
	leave(1, []conference.Recording{{State: conference.RecordingStopped}}, true)
	check("afterwards", keptGone)
}
