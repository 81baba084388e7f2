package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
)

// Who is in the other conference of a cascade is in the metadata of a recording, as a participant of the session who feeds the mixed stream and
// that of the focus behind which he is; he gets a time when he leaves, and is there again when he comes back.
//
// Shows SR-CS-07.
func TestRecordedCascade(t *testing.T) {
	srs := newRecordingServer(t)
	policy := focus.RosterPolicy{Cascades: focus.CascadesCalled}
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.NotifyInterval, c.DialTimeout = -1, 20*time.Second
		c.Conferences = []focus.ConferenceConfig{{ID: "one", Roster: policy}, {ID: "two"}}
	})
	b.dial("one", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	b.dial("two", conftest.PhoneConfig{Name: "bob"})
	id := b.record("one", both)
	b.awaitRecording("one", id, conference.RecordingActive)
	if srs.listed("bob") != nil {
		t.Error("bob is listed before the conferences are linked")
	}
	link, err := b.focus.Dial(t.Context(), "one", b.uri("two"))
	must(t, err)
	b.await("bob in the metadata", func() bool { a := srs.listed("bob"); return a != nil && a.Disassociate.IsZero() })
	b.await("bob in the mixed stream and in that of the other focus", func() bool {
		v := srs.known()
		return v.streams("bob") == "1,3/1,2" // 2 is alice's
	})
	who := conftest.PhoneConfig{Name: "carol", Identity: "sip:carol@example.com"}
	carol := b.dial("two", who)
	b.await("carol in the metadata", func() bool { return srs.listed("carol") != nil })
	first := srs.listed("carol")
	carol.leave("two")
	b.await("the time when carol has left", func() bool { a := srs.listed("carol"); return a != nil && !a.Disassociate.IsZero() })
	b.dial("two", who)
	b.await("carol again", func() bool { a := srs.listed("carol"); return a != nil && a.Disassociate.IsZero() })
	if again := srs.listed("carol"); again.Associate.Before(first.Associate) {
		t.Errorf("she came at %v, and again at %v", first.Associate, again.Associate)
	}
	must(t, b.focus.Eject(t.Context(), "one", link, ""))
	b.await("both to have left with their focus", func() bool {
		x, y := srs.listed("bob"), srs.listed("carol")
		return x != nil && y != nil && !x.Disassociate.IsZero() && !y.Disassociate.IsZero()
	})
	srs.sound()
}

// listed is how somebody is associated with the session in what the server knows; nil: he is not.
func (s *recordingServer) listed(name string) *siprec.ParticipantSession {
	v := s.known()
	for i := range v.ParticipantSessions {
		if a := &v.ParticipantSessions[i]; a.Participant == v.person(name) {
			return a
		}
	}
	return nil
}
