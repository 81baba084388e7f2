package cdr

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
)

// origin is when the stories of these tests begin.
var origin = time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return origin.Add(time.Duration(seconds) * time.Second) }

// story tells a book what happens, and keeps the records.
type story struct {
	book    *book
	records []Record
}

func (s *story) tell(items ...any) {
	for _, item := range items {
		if record := s.book.enter(item); record != nil {
			s.records = append(s.records, record)
		}
	}
}

func happened(second int, kind focus.EventType, object any) focus.Event {
	return focus.Event{Type: kind, Time: focus.Time(at(second)), Conference: "desk", Object: object}
}

func pointer(t time.Time) *focus.Time { p := focus.Time(t); return &p }

func person(id, role string, joined int) focus.ParticipantInfo {
	info := focus.ParticipantInfo{URI: "sip:" + id + "@example.com", Role: role}
	info.ID = "p" + info.ID
	reflect.ValueOf(&info.ID).Elem().SetString(id)
	if joined >= 0 {
		info.JoinedAt = pointer(at(joined))
	}
	return info
}

func recording(state string, servers ...string) focus.RecordingInfo {
	info := focus.RecordingInfo{ID: "r1", State: state, Mode: []string{"mixed"}, StartedAt: pointer(at(10))}
	for _, name := range servers {
		info.Servers = append(info.Servers, focus.RecorderInfo{Name: name, State: state})
	}
	return info
}

func callOf(id, result string, from, answered, to int) focus.CallRecord {
	r := focus.CallRecord{
		Conference: "desk", Direction: "inbound", Result: result, StartedAt: at(from), EndedAt: at(to),
		Peer: netip.MustParseAddr("192.0.2.1"),
	}
	reflect.ValueOf(&r.Participant).Elem().SetString(id)
	if answered >= 0 {
		r.AnsweredAt = at(answered)
	}
	return r
}

// TestMeeting follows a meeting from the first call to the last record.
func TestMeeting(t *testing.T) {
	s := story{book: newBook()}
	alice, bob, carol := person("alice", "moderator", 1), person("bob", "speaker", 5), person("carol", "speaker", -1)
	muted := alice
	muted.Muted, muted.Role = true, "speaker"
	held, apart := bob, bob
	held.Held, apart.Unrecorded = true, true
	leftBob, leftCarol := bob, carol
	leftBob.Disconnection = &focus.DisconnectionInfo{Method: "departed"}
	s.tell(
		happened(0, focus.ConferenceStarted, focus.ConferenceInfo{ID: "desk", URI: "sip:desk@example.com"}),
		happened(1, focus.ParticipantJoined, alice), happened(5, focus.ParticipantJoined, bob),
		happened(10, focus.RecordingStarted, recording("recording", "primary")),
		happened(12, focus.ParticipantUpdated, muted), happened(15, focus.ParticipantUpdated, alice),
		happened(16, focus.ParticipantUpdated, held), happened(18, focus.ParticipantUpdated, bob),
		happened(20, focus.ParticipantUpdated, apart), happened(24, focus.ParticipantUpdated, bob),
		happened(26, focus.RecordingPaused, recording("paused", "primary")),
		happened(27, focus.RecordingResumed, recording("recording", "primary", "second")),
		happened(28, focus.ParticipantLeft, leftCarol), callOf("carol", "busy", 25, -1, 28),
		focus.CallRecord{Conference: "desk", Direction: "inbound", Result: "refused", Reason: `SIP;cause=486;text="Busy Here"`, StartedAt: at(29), EndedAt: at(29)},
		happened(30, focus.ParticipantLeft, leftBob),
	)
	bobs := callOf("bob", "answered", 4, 5, 30)
	bobs.Spoken = 7 * time.Second
	bobs.Stats = focus.ParticipantStats{ReceivedPackets: 950, ReceivedLost: 50, MOS: 4.1, SentPackets: 1000, RemoteLost: 20, RemoteLoss: 0.5, RemoteMOS: 3.9}
	s.tell(
		happened(40, focus.RecordingStopped, recording("stopped", "primary", "second")),
		happened(41, focus.ParticipantLeft, alice),
		happened(41, focus.ConferenceEnded, focus.ConferenceInfo{ID: "desk", URI: "sip:desk@example.com", Name: "Desk"}),
		bobs, callOf("alice", "answered", 0, 1, 41),
		focus.Assurance{
			Conference: "desk", Recording: "r1", Verdict: "partial", StartedAt: focus.Time(at(10)), EndedAt: pointer(at(40)),
			Copies: []focus.AssuredCopy{{LostSeconds: 3}, {LostSeconds: 0.5}},
		},
	)
	if len(s.records) != 6 {
		t.Fatalf("%d records: %+v", len(s.records), s.records)
	}
	meeting := s.records[0].Common().Meeting
	ids := map[string]bool{}
	for _, r := range s.records {
		if h := r.Common(); h.Meeting != meeting || meeting == "" || h.Conference != "desk" || ids[h.ID] {
			t.Errorf("head %+v", h)
		}
		ids[r.Common().ID] = true
	}
	calls := map[string]*ParticipantRecord{}
	for _, r := range s.records {
		if p, ok := r.(*ParticipantRecord); ok {
			calls[string(p.Participant)] = p
		}
	}
	check := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	c, ok := s.records[2].(*ConferenceRecord)
	if !ok {
		t.Fatalf("the third record is %+v", s.records[2])
	}
	check("conference", []any{c.Name, c.Duration, c.Participants, c.Peak, c.ParticipantsTotal, c.Unanswered, c.Refused, c.Recordings, c.Recorded},
		[]any{"Desk", 41.0, 2, 2, 65.0, 1, 1, 1, 29.0})
	b := calls["bob"]
	check("bob", []any{b.Status, b.Setup, b.Duration, b.Held, b.Muted, b.Talk, b.LossRatio, b.MOS, b.Peer}, []any{200, 1.0, 25.0, 2.0, 0.0, 7.0, 0.05, 4.1, "192.0.2.1"})
	check("what bob heard", []any{b.RemoteLost, b.RemoteLoss, b.RemoteMOS}, []any{uint64(20), 0.02, 3.9})
	check("bob's recording", []any{b.Recorded, b.Unrecorded, b.Recorders}, []any{15.0, 10.0, []string{"primary", "second"}})
	a := calls["alice"]
	check("alice", []any{a.Muted, a.Roles, a.Recorded, time.Time(*a.JoinedAt)}, []any{3.0, []string{"moderator", "speaker", "moderator"}, 29.0, at(1)})
	check("carol", []any{calls["carol"].Result, calls["carol"].AnsweredAt, calls["carol"].Duration}, []any{"busy", (*focus.Time)(nil), 0.0})
	check("refused", []any{calls[""].Result, calls[""].Status}, []any{"refused", 486})
	r, ok := s.records[5].(*RecordingRecord)
	if !ok {
		t.Fatalf("the last record is %+v", s.records[5])
	}
	check("recording", []any{r.Verdict, r.State, r.Recorded, r.Paused, r.Unrecorded, r.Duration, r.Mode, len(r.Recorders)},
		[]any{"partial", "stopped", 29.0, 1.0, 0.5, 30.0, []string{"mixed"}, 2})
	if len(s.book.meetings) != 0 {
		t.Errorf("still remembered: %+v", s.book.meetings)
	}
}

// TestMeetingsAreToldApart: what comes late belongs to the meeting before.
func TestMeetingsAreToldApart(t *testing.T) {
	s := story{book: newBook()}
	end := focus.ConferenceInfo{ID: "desk"}
	s.tell(happened(0, focus.ConferenceStarted, end), happened(0, focus.ParticipantJoined, person("a", "speaker", 0)),
		happened(5, focus.ParticipantLeft, person("a", "speaker", 0)), happened(5, focus.ConferenceEnded, end),
		happened(6, focus.ConferenceStarted, end), happened(6, focus.ParticipantJoined, person("b", "speaker", 6)),
		callOf("a", "answered", 0, 0, 5), happened(9, focus.ParticipantLeft, person("b", "speaker", 6)), happened(9, focus.ConferenceEnded, end),
		callOf("b", "answered", 6, 6, 9), callOf("stranger", "refused", 10, -1, 10))
	meetings := make([]string, 0, len(s.records))
	for _, r := range s.records {
		meetings = append(meetings, r.Common().Meeting)
	}
	if len(meetings) != 5 || meetings[0] != meetings[1] || meetings[2] != meetings[3] || meetings[0] == meetings[2] || meetings[4] != "" {
		t.Errorf("meetings: %v", meetings)
	}
	if c, ok := s.records[2].(*ConferenceRecord); !ok || c.Duration != 3 || c.Participants != 1 {
		t.Errorf("second meeting: %+v", s.records[2])
	}
	if len(s.book.meetings) != 0 {
		t.Errorf("still remembered: %+v", s.book.meetings)
	}
}

// TestCallIsReplaced: two calls of one participant have a record each, the participant counts once.
func TestCallIsReplaced(t *testing.T) {
	s := story{book: newBook()}
	alice, info := person("alice", "speaker", 0), focus.ConferenceInfo{ID: "desk"}
	s.tell(happened(0, focus.ConferenceStarted, info), happened(0, focus.ParticipantJoined, alice), callOf("alice", "answered", 0, 0, 5),
		happened(6, focus.ParticipantUpdated, alice), happened(9, focus.ParticipantLeft, alice), happened(9, focus.ConferenceEnded, info),
		callOf("alice", "answered", 5, 5, 9))
	if c, ok := s.records[1].(*ConferenceRecord); !ok || len(s.records) != 3 || c.Participants != 1 || c.Unanswered != 0 || c.ParticipantsTotal != 9 {
		t.Errorf("records %+v", s.records)
	}
	if a, b := s.records[0].Common().Meeting, s.records[2].Common().Meeting; a != b || a == "" || len(s.book.meetings) != 0 {
		t.Errorf("meetings %q, %q, %v", a, b, s.book.meetings)
	}
}

// TestRecordThatNeverComes: a meeting is forgotten although a call has gone on elsewhere.
func TestRecordThatNeverComes(t *testing.T) {
	s := story{book: newBook()}
	alice, info := person("alice", "speaker", 0), focus.ConferenceInfo{ID: "desk"}
	s.tell(happened(0, focus.ConferenceStarted, info), happened(0, focus.ParticipantJoined, alice),
		happened(9, focus.ParticipantLeft, alice), happened(9, focus.ConferenceEnded, info))
	if len(s.book.meetings["desk"]) != 1 {
		t.Error("forgotten at once")
	}
	other := happened(9+301, focus.ConferenceStarted, focus.ConferenceInfo{ID: "other"})
	other.Conference = "other"
	s.tell(other)
	if len(s.book.meetings["desk"]) != 0 || s.book.left.Len() != 0 {
		t.Errorf("still remembered: %+v", s.book.meetings)
	}
}

// TestNothingIsKeptOfThoseWhoHaveGone: what is remembered of participants goes when their call records come, not when those would be late: of
// a conference that begins anew for each call, of one that stays, and of a participant who leaves twice.
func TestNothingIsKeptOfThoseWhoHaveGone(t *testing.T) {
	s := story{book: newBook()}
	info := focus.ConferenceInfo{ID: "desk"}
	for second := range 100 {
		alice := person("alice", "speaker", second)
		s.tell(happened(second, focus.ConferenceStarted, info), happened(second, focus.ParticipantJoined, alice),
			happened(second, focus.ParticipantLeft, alice), happened(second, focus.ParticipantLeft, alice), happened(second, focus.ConferenceEnded, info))
		if s.book.left.Len() != 1 || len(s.book.meetings) != 1 {
			t.Fatalf("%d departures, %d conferences before the record has come", s.book.left.Len(), len(s.book.meetings))
		}
		s.tell(callOf("alice", "answered", second, second, second))
	}
	if s.book.left.Len() != 0 || len(s.book.meetings) != 0 {
		t.Errorf("%d departures, %d conferences are kept", s.book.left.Len(), len(s.book.meetings))
	}
	for second := 100; second < 200; second++ {
		bob := person("bob", "speaker", second)
		s.tell(happened(second, focus.ParticipantJoined, bob), happened(second, focus.ParticipantLeft, bob), callOf("bob", "answered", second, second, second))
	}
	if m := s.book.current("desk"); s.book.left.Len() != 0 || m == nil || len(m.present) != 0 {
		t.Errorf("%d departures from a conference that stays, %+v", s.book.left.Len(), m)
	}
}

func TestStatusOf(t *testing.T) {
	for reason, want := range map[string]int{
		`SIP;cause=486;text="Busy Here"`: 486, `SIP ;text="x";cause=603`: 603, `Q.850;cause=17`: 0, "": 0, `SIP;cause=4860`: 0,
	} {
		if got := statusOf(&focus.CallRecord{Result: "failed", Reason: reason}); got != want {
			t.Errorf("%s: %d, want %d", reason, got, want)
		}
	}
}
