package focus

import (
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus/conference"
)

// Who speaks is nothing to conference events: no document shows it, and nobody who waits for the next one is woken, as often as it changes.
//
// Shows CE-WHN-10.
func TestSpeechIsNoNews(t *testing.T) {
	alice := &conference.Participant{
		ID: "alice", Entity: "sip:alice@example.com", DisplayName: "Alice", Status: conference.Connected, JoinedAt: time.Unix(1, 0),
		Session: conference.Session{Sends: true, Receives: true, SSRC: 1},
	}
	quiet := &conference.State{ID: "1000", Version: 1, Active: true, Participants: []*conference.Participant{alice}}
	speaks := *quiet
	speaks.Version, speaks.Speakers, speaks.Dominant = 2, []conference.ParticipantID{"alice"}, "alice"
	for _, who := range []viewer{forAll, forHosts} {
		a := aspect{about: &About{}, view: view{viewer: who}}
		if got, want := document(&speaks, a), document(quiet, a); !reflect.DeepEqual(got, want) {
			t.Errorf("while she speaks it says\n%+v\nand else\n%+v", got, want)
		}
	}
	c := &controller{
		id: "1000", log: slog.New(slog.DiscardHandler), focus: &Focus{events: newEventLog(10, nil)},
		entry: newEntry(ConferenceConfig{ID: "1000"}, true, false),
	}
	news := c.entry.observe(0).news
	<-news // what there was when he came
	c.publish(conference.Speaking{Active: speaks.Speakers, Dominant: "alice"}, quiet, &speaks)
	if len(news) > 0 {
		t.Error("a subscriber is woken for speech")
	}
	locked := speaks
	locked.Version, locked.Locked = 3, true
	c.publish(conference.Configure{}, &speaks, &locked)
	if len(news) == 0 {
		t.Error("a subscriber is not woken for a lock")
	}
}
