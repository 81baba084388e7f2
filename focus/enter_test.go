package focus

import (
	"testing"
	"testing/synctest"

	"github.com/parley-sip/parley/focus/conference"
)

// Who was told in the answer to his call is told nothing more, whether his ACK is known of before or after the answer is: there was once an offer
// after the other, each saying what the one before had said.
func TestToldInTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, known := range []conference.Indication{conference.IndicateOff, conference.IndicateOn, conference.IndicatePaused} {
			c := gathering(t, 0)
			p := &participant{id: "p"}
			p.peer.RecordAware, p.said = true, statement{record: recordOf(known)}
			c.enter(p, known)
			if p.want != known || !c.tells(p) {
				t.Errorf("told %v, and yet to be told %v", known, p.want)
			}
		}
	})
}
