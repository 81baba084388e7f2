package siprec_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// roster is a conference of three and its focus, recorded since its fifth minute.
func roster() siprec.Roster {
	at := func(minutes int) time.Time {
		return base.Add(time.Duration(minutes)*time.Minute + 123456*time.Nanosecond)
	}
	person := func(n int, joined, left time.Time) siprec.RosterParticipant {
		return siprec.RosterParticipant{ID: idOf(kindParticipant, n), Names: []siprec.NameID{{AOR: "sip:p@example.com"}}, Joined: joined, Left: left}
	}
	r := siprec.Roster{
		Session: idOf(kindSession, 1), Started: at(0), RecordedSince: at(5),
		Participants: []siprec.RosterParticipant{
			person(0, at(0), time.Time{}), person(1, at(1), at(2)), person(2, at(6), time.Time{}), person(3, at(0), time.Time{}),
		},
		Streams: []siprec.RosterStream{
			{ID: idOf(kindStream, 9), Label: "1"},
			{ID: idOf(kindStream, 0), Label: "2", Participant: idOf(kindParticipant, 0)},
			{ID: idOf(kindStream, 2), Label: "3", Participant: idOf(kindParticipant, 2), Members: []siprec.ID{idOf(kindParticipant, 2)}},
		},
	}
	r.Participants[3].Focus = true
	return r
}

func TestDocument(t *testing.T) {
	minute := func(n int) time.Time { return base.Add(time.Duration(n) * time.Minute) }
	mix, own, side := idOf(kindStream, 9), idOf(kindStream, 0), idOf(kindStream, 2)
	for _, test := range []struct {
		name   string
		change func(r *siprec.Roster)
		want   []siprec.ParticipantStream
	}{
		{
			// SR-PTA-01, SR-PTA-06, SR-PTA-07, SR-PTA-08, SR-RTP-20: mixed and separate; someone
			// who left before recording began is in no stream, nor is the focus.
			"all speak",
			func(*siprec.Roster) {},
			[]siprec.ParticipantStream{
				{Participant: idOf(kindParticipant, 0), Send: []siprec.ID{mix, own}, Recv: []siprec.ID{mix}, Associate: minute(5)},
				{Participant: idOf(kindParticipant, 2), Send: []siprec.ID{mix, side}, Recv: []siprec.ID{mix, own}, Associate: minute(6)},
			},
		},
		{
			// SR-PTA-02, SR-PTA-03, SR-PTA-05
			"muted and held",
			func(r *siprec.Roster) { r.Participants[0].Muted, r.Participants[2].Held = true, true },
			[]siprec.ParticipantStream{
				{Participant: idOf(kindParticipant, 0), Recv: []siprec.ID{mix}, Associate: minute(5)},
				{Participant: idOf(kindParticipant, 2), Associate: minute(6)},
			},
		},
		{
			"deafened",
			func(r *siprec.Roster) { r.Participants[0].Deafened = true },
			[]siprec.ParticipantStream{
				{Participant: idOf(kindParticipant, 0), Send: []siprec.ID{mix, own}, Associate: minute(5)},
				{Participant: idOf(kindParticipant, 2), Send: []siprec.ID{mix, side}, Recv: []siprec.ID{mix, own}, Associate: minute(6)},
			},
		},
		{
			// What was captured is still on its way: nobody feeds it or hears it, and whoever fed it is named until then.
			"left, and on its way",
			func(r *siprec.Roster) {
				r.Participants[0].Left, r.Streams[1].Rest, r.Streams[2].Rest = minute(7), true, true
			},
			[]siprec.ParticipantStream{
				{Participant: idOf(kindParticipant, 0), Send: []siprec.ID{own}, Associate: minute(5), Disassociate: minute(7)},
				{Participant: idOf(kindParticipant, 2), Send: []siprec.ID{mix}, Recv: []siprec.ID{mix}, Associate: minute(6)},
			},
		},
		{
			// SR-CS-10, SR-PSA-04, SR-CSR-02: the end disassociates everybody, and the session from the recording.
			"ended",
			func(r *siprec.Roster) { r.Ended = minute(9) },
			[]siprec.ParticipantStream{
				{Participant: idOf(kindParticipant, 0), Associate: minute(5), Disassociate: minute(9)},
				{Participant: idOf(kindParticipant, 2), Associate: minute(6), Disassociate: minute(9)},
			},
		},
	} {
		r := roster()
		test.change(&r)
		d := siprec.Document(r)
		if !reflect.DeepEqual(d.ParticipantStreams, test.want) {
			t.Errorf("%s: got %+v", test.name, d.ParticipantStreams)
		}
		// SR-PSA-01, SR-PSA-02, SR-PSA-03, SR-CSR-01, SR-CSR-02, SR-MS-01
		if len(d.ParticipantSessions) != 4 || !d.ParticipantSessions[1].Disassociate.Equal(minute(2)) ||
			d.ParticipantSessions[3].Params[0] != (siprec.Param{Name: "isfocus", Value: "true"}) || !d.SessionRecordings[0].Associate.Equal(minute(5)) || len(d.Streams) != 3 {
			t.Errorf("%s: got %+v", test.name, d)
		}
		for i, s := range d.Streams {
			if s.Session != r.Session || s.ID != r.Streams[i].ID || s.Label != r.Streams[i].Label {
				t.Errorf("%s: stream %+v", test.name, s)
			}
		}
		if end := d.SessionRecordings[0].Disassociate; !end.Equal(r.Ended) {
			t.Errorf("%s: the recording ends at %v, the conference at %v", test.name, end, r.Ended)
		}
		if len(d.SessionRecordings) != len(d.Sessions) || d.SessionRecordings[0].Session != d.Sessions[0].ID {
			t.Errorf("%s: sessions %+v are of the recording as %+v", test.name, d.Sessions, d.SessionRecordings)
		}
		if issues := siprec.Verify(d, []string{"1", "2", "3"}); len(issues) > 0 {
			t.Errorf("%s: %v", test.name, issues)
		}
	}
}

// SR-PER-02, SR-CS-09: a persistent recording session without a conference.
func TestDocumentPersistent(t *testing.T) {
	if d := siprec.Document(siprec.Roster{}); !d.IsEmpty() || d.Mode != siprec.Complete {
		t.Errorf("got %+v", d)
	}
	d := siprec.Document(siprec.Roster{Streams: []siprec.RosterStream{{ID: idOf(kindStream, 1), Label: "1"}}})
	if len(d.Streams) != 1 || d.Streams[0].Session != "" {
		t.Errorf("got %+v", d)
	}
}

// A session that is over, a sidebar say, has left the recording session when it ended, whenever that ends.
//
// Shows SR-CSR-02.
func TestSessionThatIsOverIsNotRecorded(t *testing.T) {
	for name, test := range map[string]struct{ ended, until, want time.Duration }{
		"it lives, and is recorded":         {},
		"it lives, and is recorded no more": {until: time.Hour, want: time.Hour},
		"over before":                       {ended: 20 * time.Minute, until: time.Hour, want: 20 * time.Minute},
		"over later":                        {ended: time.Hour, until: 20 * time.Minute, want: 20 * time.Minute},
		"over with the recording":           {ended: time.Hour, want: time.Hour},
		"over before it was recorded":       {ended: time.Minute, until: time.Hour, want: 5 * time.Minute},
	} {
		r := roster()
		at := func(d time.Duration) (at time.Time) {
			if d > 0 {
				at = base.Add(d)
			}
			return at
		}
		r.Ended, r.RecordedUntil = at(test.ended), at(test.until)
		if got := siprec.Document(r).SessionRecordings[0].Disassociate; !got.Equal(at(test.want)) {
			t.Errorf("%s: recorded until %v", name, got.Sub(base))
		}
	}
}
