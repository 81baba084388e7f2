package focus

import (
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/mixer"
)

// gathering is a controller with a mix that nobody ticks.
func gathering(t *testing.T, participants int) *controller {
	t.Helper()
	engine, err := mixer.New(mixer.Config{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	c := &controller{
		log: slog.New(slog.DiscardHandler), entry: &entry{}, mix: engine.NewMix(mixer.MixConfig{}), applied: closedChannel(), mixTimer: newIdleTimer(),
		machine: conference.NewMachine(conference.Config{ID: "1000"}), participants: map[conference.ParticipantID]*participant{},
		members: map[mixer.MemberID]conference.ParticipantID{}, sources: map[mixer.MemberID]source{},
	}
	for i := range participants {
		c.participants[conference.ParticipantID(fmt.Sprint("p", i))] = &participant{}
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
		select {
		case <-c.applied:
		default:
			t.Error("somebody waits for ever for a layout to be in effect")
		}
	})
	return c
}

// In a small conference the mixer gets every change at the end of the message that made it.
func TestLayoutAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := gathering(t, gatherFrom-1)
		for range 3 {
			c.updateMix()
			first := c.applied
			c.updateMix()
			if c.applied != first {
				t.Error("two layouts for one message")
			}
			c.arrangeMix()
			if c.unmixed != nil {
				t.Error("a change waits in a small conference")
			}
		}
	})
}

// Thousand who leave at once are not a thousand layouts of a thousand: there is one for half a tick, and it does not wait longer.
func TestLayoutsAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := gathering(t, 1000)
		c.updateMix()
		c.arrangeMix()
		if c.unmixed != nil {
			t.Fatal("the first change waits")
		}
		given, began := 0, time.Now()
		for range 1000 {
			c.updateMix()
			c.arrangeMix()
			if c.unmixed == nil {
				given++
			}
			<-time.After(100 * time.Microsecond)
		}
		if most := int(time.Since(began)/layoutPeriod) + 1; given == 0 || given > most {
			t.Errorf("%d layouts in %v, want at most %d", given, time.Since(began), most)
		}
		c.updateMix()
		changed := time.Now()
		if c.arrangeMix(); c.unmixed != nil {
			<-c.mixTimer.C
			c.arrangeMix()
		}
		if waited := time.Since(changed); c.unmixed != nil || waited > layoutPeriod {
			t.Errorf("the last change waited for %v", waited)
		}
	})
}

// What nobody may be recorded of any more does not wait for other changes.
func TestWithdrawalDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := gathering(t, 1000)
		c.updateMix()
		c.arrangeMix()
		recorded := conference.State{Participants: []*conference.Participant{{ID: "p", Status: conference.Connected, Recording: conference.IndicateOn}}}
		masked := recorded
		masked.Participants = []*conference.Participant{{ID: "p", Status: conference.Connected, Recording: conference.IndicateOn, Masked: true}}
		if !withdraws(&recorded, &masked) {
			t.Fatal("nothing is withdrawn")
		}
		c.withdraw(&recorded, &masked)
		if c.unmixed != nil {
			t.Error("a capture goes on that has to end")
		}
	})
}

// The layouts of a large conference are made in the same room, which holds nobody between them; a small one keeps none.
func TestDraft(t *testing.T) {
	var d draft
	fill := func(n int) (map[conference.ParticipantID]port, []mixer.Member) {
		ports, room := d.take(n)
		if len(ports) != 0 || len(room) != 0 {
			t.Fatalf("the room for %d has %d ports and %d members in it", n, len(ports), len(room))
		}
		s := &conference.State{}
		for i := range n {
			p := &conference.Participant{ID: conference.ParticipantID(fmt.Sprint("p", i)), Status: conference.Connected}
			s.Participants = append(s.Participants, p)
			ports[p.ID] = port{Member: mixer.MemberID(i + 1), In: deaf{}, Out: deaf{}}
		}
		l := layout(room, s, ports, nil, nil)
		if len(l.Members) != n || l.Members[n-1].ID != mixer.MemberID(n) {
			t.Fatalf("a layout of %d for %d", len(l.Members), n)
		}
		return ports, l.Members
	}
	ports, first := fill(1000)
	d.give(ports, first)
	if first[0].In != nil || len(ports) != 0 {
		t.Error("the room holds somebody")
	}
	ports, second := fill(999)
	if &first[0] != &second[0] {
		t.Error("the second layout has room of its own")
	}
	d.give(ports, second)
	ports, shrunk := fill(gatherFrom)
	d.give(ports, shrunk)
	if _, room := d.take(1); cap(room) != 0 {
		t.Errorf("room for %d is kept for %d", cap(room), gatherFrom)
	}
	ports, small := fill(gatherFrom - 1)
	d.give(ports, small)
	if _, room := d.take(1); cap(room) != 0 {
		t.Error("a small conference keeps room")
	}
}
