package focus

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// Who was aside when he was moved away has a place in the conference again before his call is there. Until he comes in he has not come back: in metadata he
// is still he who has left, and left before he came otherwise.
//
// Shows SR-MET-06.
func TestOnHisWayBackIsNotBack(t *testing.T) {
	left := time.Now()
	for name, row := range map[string]struct {
		p    conference.Participant
		back bool
	}{
		"on his way": {conference.Participant{ID: "p", Status: conference.DialingIn}, false},
		"there":      {conference.Participant{ID: "p", Status: conference.Connected, JoinedAt: left}, true},
	} {
		c := &controller{absences: map[conference.ParticipantID]absence{"p": {from: left}}}
		c.followSidebars(&conference.State{Participants: []*conference.Participant{&row.p}}, left.Add(time.Minute))
		if back := !c.absences["p"].back.IsZero(); back != row.back {
			t.Errorf("%s: back %t", name, back)
		}
	}
}
