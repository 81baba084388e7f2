package conference

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// minutes is a time in the life of a conference.
func minutes(n int) time.Time { return epoch.Add(time.Duration(n) * time.Minute) }

// Whoever waits at the door is there from when he is let in, which is the time that is told of him; it stays so when he is sent out and back.
func TestJoinedWhenLetIn(t *testing.T) {
	m := NewMachine(Config{ID: "1000", Rules: Rules{Lobby: true}})
	m.Step(Join{ID: "m", Role: Moderator}, minutes(0))
	m.Step(Bridged{ID: "m"}, minutes(1))
	m.Step(Join{ID: "a"}, minutes(2))
	m.Step(Bridged{ID: "a"}, minutes(3))
	at := func() (joined, waits time.Time) {
		p, _ := m.State().Participant("a")
		return p.JoinedAt, p.WaitingSince
	}
	if joined, waits := at(); !joined.IsZero() || !waits.Equal(minutes(3)) {
		t.Errorf("at the door: joined %v, waits since %v", joined, waits)
	}
	if n := m.State().WaitingCount(); n != 1 || m.State().PresentCount() != 1 {
		t.Errorf("%d wait, %d are there", n, m.State().PresentCount())
	}
	yes, no := true, false
	for i, waiting := range []*bool{&no, &yes, &no} {
		m.Step(Adjust{ID: "a", By: "m", Waiting: waiting}, minutes(5+i))
		if joined, waits := at(); !joined.Equal(minutes(5)) || waits.IsZero() == *waiting {
			t.Errorf("step %d: joined %v, waits since %v", i, joined, waits)
		}
	}
	if n := m.State().WaitingCount(); n != 0 {
		t.Errorf("%d wait", n)
	}
}

// Hands are answered in the order in which they were raised: who raises his again keeps his place, who has lowered it goes to the end.
func TestHandsAreInOrder(t *testing.T) {
	m := NewMachine(Config{ID: "1000"})
	for _, id := range []ParticipantID{"a", "b", "c"} {
		m.Step(Join{ID: id}, minutes(0))
		m.Step(Bridged{ID: id}, minutes(0))
	}
	yes, no := true, false
	for i, step := range []struct {
		id   ParticipantID
		hand *bool
		want []ParticipantID
	}{
		{"b", &yes, []ParticipantID{"b"}},
		{"a", &yes, []ParticipantID{"b", "a"}},
		{"b", &yes, []ParticipantID{"b", "a"}},
		{"c", &yes, []ParticipantID{"b", "a", "c"}},
		{"b", &no, []ParticipantID{"a", "c"}},
		{"b", &no, []ParticipantID{"a", "c"}},
		{"b", &yes, []ParticipantID{"a", "c", "b"}},
	} {
		m.Step(Adjust{ID: step.id, Hand: step.hand}, minutes(i+1))
		hands := m.State().Hands()
		got := make([]ParticipantID, 0, len(hands))
		for _, p := range hands {
			got = append(got, p.ID)
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}

// What a participant says may be in a recording only if he has been told, and is neither left out, nor masked, nor at the door (RFC 7866, section 6.1.2).
func TestRecordable(t *testing.T) {
	told := Participant{Status: Connected, Recording: IndicateOn}
	if !told.Recordable() {
		t.Error("who has been told may not be recorded")
	}
	for name, change := range map[string]func(*Participant){
		"not told":    func(p *Participant) { p.Recording = IndicateOff },
		"paused":      func(p *Participant) { p.Recording = IndicatePaused },
		"left out":    func(p *Participant) { p.Unrecorded = true },
		"masked":      func(p *Participant) { p.Masked = true },
		"at the door": func(p *Participant) { p.WaitingSince = epoch },
	} {
		p := told
		if change(&p); p.Recordable() {
			t.Errorf("%s: may be recorded", name)
		}
	}
	s := State{Recordings: []Recording{{ID: "r"}, {ID: "s", Broken: true}}}
	if r, ok := s.Recording("s"); !ok || !r.Broken {
		t.Errorf("%+v, %v", r, ok)
	}
	if r, ok := s.Recording("none"); ok || r.ID != "" {
		t.Errorf("%+v", r)
	}
}

// How it is known that others record: by the shortest way there is, and never by way of who is to be told, so that it cannot go round in a ring of focuses.
func TestShortestVia(t *testing.T) {
	far := func(id ParticipantID, via string, records Indication) *Participant {
		return &Participant{ID: id, Status: Connected, JoinedAt: epoch, Session: Session{Focus: true, Records: records, RecordsVia: via}}
	}
	gone := far("gone", "", IndicateOn)
	gone.Status = Alerting
	for name, test := range map[string]struct {
		others []*Participant
		want   string
	}{
		"nobody":                   {nil, ""},
		"one":                      {[]*Participant{far("b", "x y", IndicateOn)}, "x y"},
		"the shortest first":       {[]*Participant{far("b", "z", IndicateOn), far("c", "x y", IndicateOn)}, "z"},
		"the shortest last":        {[]*Participant{far("b", "x y", IndicateOn), far("c", "z", IndicateOn)}, "z"},
		"the first of equals":      {[]*Participant{far("b", "z", IndicateOn), far("c", "x", IndicateOn)}, "x"},
		"one that does not say":    {[]*Participant{far("b", "z", IndicateOn), far("c", "", IndicateOn), far("d", "x", IndicateOn)}, ""},
		"one that does not record": {[]*Participant{far("b", "x y", IndicateOn), far("c", "z", IndicateOff)}, "x y"},
		"one that has paused":      {[]*Participant{far("b", "x y", IndicateOn), far("c", "z", IndicatePaused)}, "x y"},
		"one that is not there":    {[]*Participant{far("b", "x y", IndicateOn), gone}, "x y"},
	} {
		self := far("a", "q", IndicateOn)
		s := State{Participants: append([]*Participant{self}, test.others...)}
		if got := s.IndicationVia(self); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// What the configuration calls by name is what is shown by that name, and nothing else is taken.
func TestNamesOfModesAndEntries(t *testing.T) {
	for m := range Mode(8) {
		if got, err := ParseModes(m.Strings()); err != nil || got != m {
			t.Errorf("%v: %v, %v", m.Strings(), got, err)
		}
	}
	if m, err := ParseModes([]string{"mixed", "other"}); !errors.Is(err, ErrRange) || m != 0 {
		t.Errorf("%v, %v", m, err)
	}
	for e := EntryNone; e <= EntryAnnounce; e++ {
		if got, err := ParseEntry(e.String()); err != nil || got != e {
			t.Errorf("%v: %v, %v", e, got, err)
		}
	}
	if _, err := ParseEntry("other"); !errors.Is(err, ErrRange) {
		t.Errorf("%v", err)
	}
}
