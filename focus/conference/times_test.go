package conference_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// Nobody gets in before the conference opens, and when it closes all go, and nobody gets in any more.
func TestOpensAndCloses(t *testing.T) {
	opens := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	closes := opens.Add(time.Hour)
	m := conference.NewMachine(conference.Config{
		ID: "desk", Opens: opens, Closes: closes, Warnings: []time.Duration{time.Minute}, Rules: conference.Rules{MaxDuration: 2 * time.Hour},
	})
	reject := func(at time.Time, id conference.ParticipantID) error {
		for _, a := range m.Step(conference.Join{ID: id, Entity: "sip:" + string(id) + "@x"}, at) {
			if r, ok := a.(conference.Reject); ok {
				return r.Err
			}
		}
		return nil
	}
	if err := reject(opens.Add(-time.Nanosecond), "early"); !errors.Is(err, conference.ErrNotOpen) {
		t.Errorf("before it opens: %v", err)
	}
	if err := reject(opens, "p"); err != nil {
		t.Fatal(err)
	}
	m.Step(conference.Bridged{ID: "p"}, opens)
	if ends := m.State().EndsAt; !ends.Equal(closes) {
		t.Errorf("ends at %v", ends)
	}
	reminded := false
	for _, a := range m.Step(conference.Tick{}, closes.Add(-time.Minute)) {
		_, ok := a.(conference.Remind)
		reminded = reminded || ok
	}
	if !reminded {
		t.Error("no warning")
	}
	var reason string
	for _, a := range m.Step(conference.Tick{}, closes) {
		if e, ok := a.(conference.Eject); ok {
			reason = e.Reason
		}
	}
	if len(m.State().Participants) != 0 || !strings.Contains(reason, "time is over") {
		t.Errorf("at its end %+v, reason %q", m.State().Participants, reason)
	}
	if err := reject(closes, "late"); !errors.Is(err, conference.ErrEnded) {
		t.Errorf("after it has closed: %v", err)
	}
}
