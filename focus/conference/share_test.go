package conference

import (
	"fmt"
	"slices"
	"testing"
)

// TestVersionsShare: a step makes anew who is changed by it, and nobody else, so that what one of a thousand does costs what it costs in a small conference.
func TestVersionsShare(t *testing.T) {
	m := NewMachine(Config{ID: "1000"})
	for i := range 100 {
		id := ParticipantID(fmt.Sprint("p", i))
		m.Step(Join{ID: id}, epoch)
		m.Step(Bridged{ID: id, Session: Session{Sends: true, Receives: true}}, epoch)
	}
	muted := true
	for _, test := range []struct {
		event Event
		want  []ParticipantID
	}{
		{Adjust{ID: "p7", Muted: &muted}, []ParticipantID{"p7"}},
		{Speaking{Active: []ParticipantID{"p8"}}, nil},
		{Left{ID: "p0"}, []ParticipantID{"p0"}},
		{Join{ID: "new"}, []ParticipantID{"new"}},
		{Bridged{ID: "new", Session: Session{Sends: true}}, []ParticipantID{"new"}},
		{OpenSidebar{ID: "s", Members: []ParticipantID{"p50", "p51"}}, []ParticipantID{"p50", "p51"}},
		{CloseSidebar{ID: "s"}, []ParticipantID{"p50", "p51"}},
	} {
		old := m.State()
		m.Step(test.event, epoch)
		var changed []ParticipantID
		for was, is := range Changed(old, m.State()) {
			switch {
			case was == nil:
				changed = append(changed, is.ID)
			case is == nil || *was != *is:
				changed = append(changed, was.ID)
			default:
				t.Errorf("%T made %s anew, who is as before", test.event, was.ID)
			}
		}
		if m.State() == old || !slices.Equal(changed, test.want) {
			t.Errorf("%T changed %v, want %v", test.event, changed, test.want)
		}
	}
}

// TestChanged: each difference between two rosters is given once, in order of arrival, and nothing more once nobody wants it.
func TestChanged(t *testing.T) {
	a, b, c, d := &Participant{ID: "a"}, &Participant{ID: "b"}, &Participant{ID: "c"}, &Participant{ID: "d"}
	held := &Participant{ID: "b", Held: true}
	old, next := &State{Participants: []*Participant{a, b, c}}, &State{Participants: []*Participant{held, c, d}}
	type pair struct{ was, is *Participant }
	want := []pair{{a, nil}, {b, held}, {nil, d}}
	for most := range 4 {
		var got []pair
		for was, is := range Changed(old, next) {
			if len(got) == most {
				break
			}
			got = append(got, pair{was, is})
		}
		if !slices.Equal(got, want[:most]) {
			t.Errorf("of %d: %v", most, got)
		}
	}
	for was, is := range Changed(old, old) {
		t.Errorf("the same differs in %v, %v", was, is)
	}
}

// TestViaFollows: a focus is told anew through which others it is known that somebody records when that alone has changed, in the session of another.
func TestViaFollows(t *testing.T) {
	m := NewMachine(Config{ID: "1000"})
	session := Session{Sends: true, Receives: true}
	linked, records := session, session
	linked.Focus, records.Records, records.RecordsVia = true, IndicateOn, "one"
	for id, s := range map[ParticipantID]Session{"focus": linked, "far": records} {
		m.Step(Join{ID: id}, epoch)
		m.Step(Bridged{ID: id, Session: s}, epoch)
	}
	records.RecordsVia = "two"
	actions := m.Step(SessionChanged{ID: "far", Session: records}, epoch)
	if want := (Indicate{ID: "focus", Indication: IndicateOn, Via: "two"}); !slices.Contains(actions, Action(want)) {
		t.Errorf("%+v are done, and not %+v", actions, want)
	}
}
