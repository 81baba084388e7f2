package conference

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestStorm throws random events at a conference and holds what must always be true.
func TestStorm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{
			ID: "1000", Dynamic: rapid.Bool().Draw(t, "dynamic"), MaxParticipants: rapid.IntRange(0, 4).Draw(t, "max"),
			Recording: RecordingConfig{
				Policy: RecordingPolicy(rapid.IntRange(0, 2).Draw(t, "policy")), Servers: []string{"one", "two"},
				OnFailure:   FailurePolicy(rapid.IntRange(0, 2).Draw(t, "failure")),
				Preferences: PreferencePolicy(rapid.IntRange(0, 3).Draw(t, "preferences")), NoExclusion: rapid.Bool().Draw(t, "exclusion"),
			},
			Rules:    drawRules(t),
			Warnings: []time.Duration{2 * time.Second, 5 * time.Second},
			Farewell: time.Duration(rapid.IntRange(0, 2).Draw(t, "farewell")) * time.Second,
			Door:     DoorConfig{PIN: rapid.SampledFrom([]string{"", "12"}).Draw(t, "pin"), ModeratorPIN: rapid.SampledFrom([]string{"", "13"}).Draw(t, "moderator pin"), Failures: 6},
			Menu:     MenuConfig{Participants: Menu{"1": "one", "12": "two"}},
			Calls: CallList{
				Callees:  []Callee{{Entity: "sip:x"}, {Entity: "sip:y"}}[:rapid.IntRange(0, 2).Draw(t, "callees")],
				Attempts: 2, Interval: time.Second, OnCreate: rapid.Bool().Draw(t, "oncreate"),
			},
			Grace: time.Duration(rapid.IntRange(0, 5).Draw(t, "grace")) * time.Second,
		}
		m := NewMachine(cfg)
		w := &storm{m: m, t: t, now: epoch, indicated: map[ParticipantID]Indication{}}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.pass(w.now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond))
			w.step(drawEvent(t))
		}
	})
}

type storm struct {
	m         *Machine
	t         *rapid.T
	now       time.Time
	wake      time.Time
	indicated map[ParticipantID]Indication
	records   int
	dials     int
}

// pass lets time go by; the machine gets the ticks that it has asked for.
func (w *storm) pass(until time.Time) {
	for !w.wake.IsZero() && !w.wake.After(until) {
		w.now, w.wake = w.wake, time.Time{}
		w.step(Tick{})
	}
	w.now = until
}

func (w *storm) step(e Event) {
	before := w.m.State()
	frozen := deepCopy(before)
	actions := w.m.Step(e, w.now)
	after := w.m.State()
	if !reflect.DeepEqual(*before, frozen) {
		w.t.Fatalf("%T%+v wrote to a state that was handed out", e, e)
	}
	published := slices.Contains(actions, Action(Publish{}))
	switch {
	case published && after.Version != before.Version+1:
		w.t.Fatalf("published version %d after %d", after.Version, before.Version)
	case !published && after != before:
		w.t.Fatalf("%T%+v changed the state without publishing it", e, e)
	}
	w.roster(e, before, after)
	for _, a := range actions {
		switch a := a.(type) {
		case Reject:
			if len(actions) != 1 || after != before {
				w.t.Fatalf("a refused %T did something: %v", e, actions)
			}
		case AutoRecord:
			w.records++
			w.step(Record{ID: RecordingID(rune('A' + w.records)), Automatic: !a.Demanded, Config: a.Config})
		case AutoDial:
			w.dials++
			w.step(Invite{
				ID: ParticipantID(rune('0' + w.dials)), Entity: w.m.cfg.Calls.Callees[a.Callee].Entity, Callee: a.Callee + 1,
			})
		case WakeAt:
			w.wake = w.m.Wake() // not a.At: a step within this one may have asked for another time
		case Indicate:
			w.indicated[a.ID] = a.Indication
		}
	}
	w.recordings(w.m.State())
}

// roster holds what is true of participants.
func (w *storm) roster(e Event, before, after *State) {
	seen := map[ParticipantID]bool{}
	var counted tally
	for i := range after.Participants {
		p := after.Participants[i]
		counted.count(p, 1)
		if seen[p.ID] {
			w.t.Fatalf("%s is in the roster twice", p.ID)
		}
		seen[p.ID] = true
		if p.Awaits != AwaitsNothing && (p.Status.Present() || p.Waiting() || p.Speaks() || p.Hears() || !p.JoinedAt.IsZero()) {
			w.t.Fatalf("%s is in without having entered a PIN: %+v", p.ID, p)
		}
		if p.Present() && p.JoinedAt.IsZero() || !p.Status.Present() && !p.JoinedAt.IsZero() {
			w.t.Fatalf("%s is %s since %v", p.ID, p.Status, p.JoinedAt)
		}
		w.door(after, p)
		if p.Speaks() && p.Status != Connected {
			w.t.Fatalf("%s speaks while %s", p.ID, p.Status)
		}
		if _, there := after.Sidebar(p.Sidebar); there != (p.Sidebar != "") {
			w.t.Fatalf("%s is in sidebar %q, which is not there", p.ID, p.Sidebar)
		}
		if p.ID == after.Dominant && !p.Public() {
			w.t.Fatalf("%s dominates but is not heard", p.ID)
		}
		if after.Speaking(p.ID) && !p.Speaks() {
			w.t.Fatalf("%s is speaking but not heard", p.ID)
		}
	}
	if w.m.tally != counted {
		w.t.Fatalf("counted %+v, there are %+v", w.m.tally, counted)
	}
	for _, id := range after.Speakers {
		if !seen[id] {
			w.t.Fatalf("%s speaks but is not here", id)
		}
	}
	for _, b := range after.Sidebars {
		if len(after.SidebarMembers(b.ID)) == 0 {
			w.t.Fatalf("sidebar %s has nobody in it", b.ID)
		}
	}
	for i := range after.Departed {
		if seen[after.Departed[i].ID] || after.Departed[i].Disconnection.Method == NotDisconnected {
			w.t.Fatalf("departed: %+v", after.Departed[i])
		}
	}
	if after.Dominant != "" && !seen[after.Dominant] {
		w.t.Fatalf("%s dominates but is not there", after.Dominant)
	}
	grew := len(after.Participants) > len(before.Participants)
	switch {
	case grew && (before.Locked || before.Ended):
		w.t.Fatalf("%T got into a closed conference", e)
	case grew && before.MaxParticipants > 0 && len(after.Participants) > before.MaxParticipants:
		w.t.Fatalf("%d participants, limit %d", len(after.Participants), before.MaxParticipants)
	case after.Ended && len(after.Participants) > 0:
		w.t.Fatal("ended with participants")
	}
}

// door holds that who waits has no part in the conference, and that nobody waits who need not.
func (w *storm) door(s *State, p *Participant) {
	if p.Waiting() && (p.Present() || p.Speaks() || p.Hears() || p.Recordable() || p.Status != OnHold) {
		w.t.Fatalf("%s waits and has a part in the conference: %+v", p.ID, p)
	}
	if p.Waiting() && (p.Leads() || p.Cleared || !s.Rules.Lobby && !s.Rules.WaitForModerator) {
		w.t.Fatalf("%s waits for nothing", p.ID)
	}
	lectured := s.Rules.Lecture && p.Role != Moderator && !p.Floor
	if lectured && p.Speaks() {
		w.t.Fatalf("%s speaks in a lecture", p.ID)
	}
	if !s.EndsAt.IsZero() && s.EndsAt.Before(w.now) {
		w.t.Fatalf("should have ended at %v, now %v", s.EndsAt, w.now)
	}
}

// recordings holds what is true of recordings, once all actions are done.
func (w *storm) recordings(s *State) {
	for i := range s.Participants {
		p := s.Participants[i]
		want := indicationFor(s, p)
		if got := s.IndicationFor(p); got != want {
			w.t.Fatalf("%s is to be told %s, not %s", p.ID, want, got)
		}
		if p.Told > want && p.Status.Present() {
			w.t.Fatalf("%s counts as told %s where %s is to be told", p.ID, p.Told, want)
		}
		if p.Status.Present() && p.Recording != min(p.Told, ownIndicationFor(s, p)) {
			w.t.Fatalf("%s was told %s, our recordings are %s, and may hold him: %s", p.ID, p.Told, ownIndicationFor(s, p), p.Recording)
		}
		if told, ok := w.indicated[p.ID]; ok && p.Present() && told != want && p.Told != want {
			w.t.Fatalf("%s was asked to be told %s last, not %s", p.ID, told, want)
		}
		if p.Recordable() && (p.Masked || p.Unrecorded || p.Waiting() || s.Indication() != IndicateOn) {
			w.t.Fatalf("%s may be recorded: %+v", p.ID, p)
		}
		if p.Exempt && !p.Unrecorded || p.Unrecorded && !p.Exempt && w.m.cfg.Recording.NoExclusion {
			w.t.Fatalf("%s is left out: %t, by a rule: %t", p.ID, p.Unrecorded, p.Exempt)
		}
	}
	for i := range s.Recordings {
		r := &s.Recordings[i]
		inside := slices.ContainsFunc(s.Participants, func(p *Participant) bool { return p.Awaits == AwaitsNothing })
		if !inside && r.Captures() {
			w.t.Fatalf("recording %s runs in an empty conference", r.ID)
		}
	}
	if s.Ended && s.Indication() != IndicateOff {
		w.t.Fatal("ended while recording")
	}
}

// indicationFor is what one participant has to be told, found by looking at everybody else.
func indicationFor(s *State, p *Participant) Indication {
	all := ownIndicationFor(s, p)
	for i := range s.Participants {
		if q := s.Participants[i]; q.ID != p.ID && q.Present() {
			all = max(all, q.Session.Records)
		}
	}
	return all
}

// ownIndicationFor is what our recordings come to for one participant.
func ownIndicationFor(s *State, p *Participant) Indication {
	switch {
	case p.Unrecorded:
		return IndicateOff
	case p.Masked:
		return min(s.Indication(), IndicatePaused)
	default:
		return s.Indication()
	}
}

func copies(list []*Participant) []*Participant {
	if list == nil {
		return nil
	}
	out := make([]*Participant, 0, len(list))
	for _, p := range list {
		q := *p
		out = append(out, &q)
	}
	return out
}

func deepCopy(s *State) State {
	c := *s
	c.Participants, c.Departed = copies(s.Participants), copies(s.Departed)
	c.Recordings, c.Sidebars = slices.Clone(s.Recordings), slices.Clone(s.Sidebars)
	for i := range c.Recordings {
		c.Recordings[i].Servers = slices.Clone(c.Recordings[i].Servers)
	}
	return c
}

func drawRules(t *rapid.T) Rules {
	seconds := func(name string) time.Duration {
		return time.Duration(rapid.IntRange(0, 9).Draw(t, name)) * time.Second
	}
	return Rules{
		WaitForModerator: rapid.Bool().Draw(t, "wait"), Lobby: rapid.Bool().Draw(t, "lobby"), WaitTimeout: seconds("timeout"),
		ModeratorLeaves: AfterModerator(rapid.IntRange(0, 2).Draw(t, "after")), ModeratorGrace: seconds("moderator"),
		EndAt: rapid.IntRange(0, 2).Draw(t, "end at"), EndAtGrace: seconds("few"), MaxDuration: 10 * seconds("duration"),
		MuteAbove: rapid.IntRange(0, 2).Draw(t, "above"), HardMute: rapid.Bool().Draw(t, "hard"), Lecture: rapid.Bool().Draw(t, "lecture"),
		Entry: Entry(rapid.IntRange(0, 2).Draw(t, "entry")),
	}
}

// drawRuling is an event about the life of the conference.
func drawRuling(t *rapid.T, id, by ParticipantID, yes bool) Event {
	switch rapid.IntRange(0, 8).Draw(t, "ruling") {
	case 0:
		return AdmitAll{By: by}
	case 1:
		return MuteAll{By: by, Muted: yes, HardMute: &yes}
	case 2:
		return LowerHands{By: by}
	case 3:
		return CallOut{}
	case 4:
		return Adjust{ID: id, By: by, Waiting: &yes}
	case 5:
		return Adjust{ID: id, By: by, Hand: &yes}
	case 6:
		return Adjust{ID: id, By: by, Floor: &yes}
	case 7:
		return Configure{By: by, Rules: RulesChange{Lecture: &yes, Lobby: &yes}}
	default:
		return End{By: by, Announce: true, Delete: yes}
	}
}

// drawSidebar is an event about a sidebar.
func drawSidebar(t *rapid.T, id ParticipantID) Event {
	sid := rapid.SampledFrom([]SidebarID{"s", "t"}).Draw(t, "sidebar")
	members := []ParticipantID{id}
	if other := rapid.SampledFrom([]ParticipantID{"a", "b", "c"}).Draw(t, "other"); other != id {
		members = append(members, other)
	}
	switch rapid.IntRange(0, 3).Draw(t, "aside") {
	case 0, 1:
		return OpenSidebar{ID: sid, Members: members, HearMain: true, MainGainDB: -12}
	case 2:
		private := len(members) == 1
		return ChangeSidebar{ID: sid, Members: members, Private: &private}
	default:
		return CloseSidebar{ID: sid}
	}
}

func drawEvent(t *rapid.T) Event {
	id := rapid.SampledFrom([]ParticipantID{"a", "b", "c", "d", "e"}).Draw(t, "pid")
	rid := rapid.SampledFrom([]RecordingID{"B", "C", "x", "y"}).Draw(t, "rid")
	server := rapid.SampledFrom([]string{"one", "two"}).Draw(t, "server")
	yes := rapid.Bool().Draw(t, "yes")
	session := Session{Sends: yes, Receives: true, OnHold: rapid.Bool().Draw(t, "hold"), Records: Indication(max(0, rapid.IntRange(-6, 2).Draw(t, "records")))}
	switch rapid.IntRange(-6, 27).Draw(t, "event") {
	case -5, -4:
		return drawSidebar(t, id)
	case -3, -2:
		return Key{ID: id, Key: rapid.SampledFrom([]byte("1123#*")).Draw(t, "key")}
	case -6:
		return Named{ID: id, Turn: rapid.IntRange(1, 3).Draw(t, "turn")}
	case -1:
		return Said{ID: id, Turn: rapid.IntRange(1, 3).Draw(t, "turn")}
	case 0, 1, 2:
		return Join{ID: id, Role: Role(rapid.IntRange(0, 2).Draw(t, "role")), Known: yes, Rule: drawRule(t)}
	case 24, 25, 26:
		by := rapid.SampledFrom([]ParticipantID{"", "a", "b"}).Draw(t, "by")
		return drawRuling(t, id, by, yes)
	case 3:
		return Invite{ID: id}
	case 4:
		return Ringing{ID: id}
	case 5, 6, 7:
		return Bridged{ID: id, Session: session}
	case 8:
		return SessionChanged{ID: id, Session: session}
	case 9:
		return Left{ID: id}
	case 10:
		return Failure{ID: id, Busy: yes}
	case 11:
		return EjectParticipant{ID: id}
	case 12:
		role := Role(rapid.IntRange(0, 2).Draw(t, "role"))
		return Adjust{ID: id, Muted: &yes, Role: &role}
	case 13:
		return Speaking{Active: []ParticipantID{id}}
	case 14:
		return Record{ID: rid}
	case 15:
		return PauseRecording{ID: rid}
	case 16:
		return ResumeRecording{ID: rid}
	case 17:
		return StopRecording{ID: rid}
	case 18:
		return Report{Recording: rid, Server: server, State: RecordingState(rapid.IntRange(0, 5).Draw(t, "state")), Retrying: yes}
	case 20:
		return Steer{Wish: Preference(rapid.IntRange(0, 3).Draw(t, "wish"))}
	case 21:
		return Prefer{ID: id, Preference: Preference(rapid.IntRange(0, 3).Draw(t, "wish"))}
	case 22:
		return Adjust{ID: id, Unrecorded: &yes}
	case 23:
		return Adjust{ID: id, Masked: &yes}
	case 19:
		return Indicated{ID: id, Indication: Indication(rapid.IntRange(0, 2).Draw(t, "told"))}
	default:
		if yes {
			return Configure{Locked: &session.OnHold}
		}
		return rapid.SampledFrom([]Event{Tick{}, Tick{}, End{}, End{Delete: true}}).Draw(t, "conf")
	}
}

// drawRule draws a rule of the same exclusion policy as the conference may have: only a personal one, or none.
func drawRule(t *rapid.T) *Rule {
	policy := RecordingPolicy(rapid.IntRange(0, 2).Draw(t, "rule policy"))
	if rapid.Bool().Draw(t, "no rule") {
		return nil
	}
	return &Rule{Personal: true, Recording: RecordingConfig{Policy: policy, Servers: []string{"two"}}}
}
