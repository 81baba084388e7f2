package siprec_test

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// Who is in a stream, and is named by no document, is named late: while he is muted, in the document that takes his stream out, and in the last one, with
// the time until when he was there. Of a stream that the recorder does not know nothing is said. Each time the document after it says what is true.
//
// Shows SR-MET-06, SR-PTA-01, SR-PTA-05.
func TestSendersNamedLate(t *testing.T) {
	for _, updates := range []siprec.Updates{siprec.PartialUpdates, siprec.SelfContainedUpdates, siprec.CompleteUpdates} {
		w, err := newWorld(t.Fatalf, siprec.Config{Profile: siprec.Profile{Updates: updates, DropEmptyStreams: true}}, "both")
		if err != nil {
			t.Fatal(err)
		}
		mix, own := idOf(kindStream, 100), idOf(kindStream, 1)
		tell := func(late ...siprec.ID) {
			t.Helper()
			d := w.desire()
			for _, stream := range late {
				d.Late = append(d.Late, siprec.Sender{Participant: personID("bob"), Stream: stream})
			}
			w.step(d)
			for w.advance(time.Second); w.open != 0; w.advance(time.Second) {
				w.respond(200)
			}
		}
		sends := func(what string, left bool, want ...siprec.ID) {
			t.Helper()
			for _, a := range w.known.ParticipantStreams {
				if a.Participant == personID("bob") {
					if slices.Sort(a.Send); !slices.Equal(a.Send, want) || a.Disassociate.IsZero() == left {
						t.Errorf("%v, %s: %+v", updates, what, a)
					}
					return
				}
			}
			if len(want) > 0 {
				t.Errorf("%v, %s: there is nothing", updates, what)
			}
		}
		w.join("alice", w.now)
		w.join("bob", w.now)
		tell()
		w.person("bob").Muted = true
		tell(mix, own, idOf(kindStream, 999))
		sends("muted", false, own, mix)
		tell()
		sends("muted for good", false)
		w.person("bob").Left = w.now
		tell(own) // and his stream is there no more
		sends("gone with his stream", true, own)
		tell()
		sends("gone", true)
		w.stopped, w.ended = true, w.now
		tell(mix)
		sends("the end", true, mix)
		if s := w.client.State(); s != siprec.StateStopped {
			t.Errorf("%v: the session is %v", updates, s)
		}
	}
}
