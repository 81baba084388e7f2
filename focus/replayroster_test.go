package focus

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// Who came after the last frame of a segment is not in the metadata with which it is delivered, unless a stream of it is his: he was there before.
func TestRosterOfSegment(t *testing.T) {
	at := func(s int) time.Time { return time.Date(2026, 5, 1, 12, 0, s, 0, time.UTC) }
	p := &replay{content: &spooled{first: at(10), last: at(15), streams: []spoolStream{{Key: "a", ID: "stream", Participant: "again"}}}}
	roster := siprec.Roster{Session: "s", Started: at(1), Participants: []siprec.RosterParticipant{
		{ID: "there", Joined: at(2)}, {ID: "later", Joined: at(16)}, {ID: "again", Joined: at(17)}, {ID: "focus", Joined: at(1), Focus: true},
	}}
	for _, stopped := range []bool{false, true} {
		var got []siprec.ID
		for _, q := range p.roster(roster, stopped).Participants {
			got = append(got, q.ID)
			if q.Joined.After(at(15)) {
				t.Errorf("%s joined at %v", q.ID, q.Joined)
			}
		}
		if len(got) != 3 || got[0] != "there" || got[1] != "again" || got[2] != "focus" {
			t.Errorf("stopped %t: %v", stopped, got)
		}
	}
	if !roster.Participants[2].Joined.Equal(at(17)) {
		t.Error("what was read has been written to")
	}
}
