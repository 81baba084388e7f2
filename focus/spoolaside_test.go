package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
)

// Somebody is taken aside in a pause, and what he said before it goes to the spool when he is back, or has left from there. The server that gets it is told
// that he was in the conference when it was said, and since when there was the conference, although nobody was in it any more when that was written.
//
// Shows SR-ERR-08, SR-MET-06.
func TestSpoolOfBeforeSomebodyWasAside(t *testing.T) {
	for name, back := range map[string]bool{"back": true, "not back": false} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			srs.setRefuse(503)
			b := spoolBench(t, srs, t.TempDir(), func(c *focus.Config) {
				policy := &c.Defaults.Recording
				policy.Policy, policy.Modes, policy.Sidebars = conference.OnDemand, conference.Mixed, true
				c.Hold, c.Conferences = 8*time.Second, []focus.ConferenceConfig{{ID: "room", Recording: *policy}} // it stays when all have left
			})
			alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
			began := b.state("room").StartedAt
			pass(time.Second)
			recording, err := b.focus.StartRecording(t.Context(), "room", focus.RecordingRequest{Modes: conference.Mixed})
			must(t, err)
			pass(2 * time.Second)
			_, err = b.focus.PauseRecording(t.Context(), "room", recording.ID)
			must(t, err)
			pass(300 * time.Millisecond)
			aside, err := b.focus.OpenSidebar(t.Context(), "room", focus.SidebarRequest{Participants: []conference.ParticipantID{b.find("room", "bob").ID}})
			must(t, err)
			pass(300 * time.Millisecond)
			if back {
				must(t, b.focus.CloseSidebar(t.Context(), "room", aside.ID))
				pass(3 * time.Second)
			}
			bob.leave("room")
			alice.leave("room")
			b.await("the recording to be over", func() bool { return b.focus.Assurance()[0].EndedAt != nil })
			srs.setRefuse(0)
			b.await("the spool to be delivered", func() bool {
				s := b.focus.Stats()
				return s.SpooledFrames == s.DeliveredFrames && s.SpooledFrames > 50
			})
			if !srs.fed("bob", "1") {
				t.Error("no document says that bob feeds the stream")
			}
			for _, d := range srs.documents {
				for _, s := range d.Sessions {
					if !s.Start.Equal(began.UTC().Truncate(time.Millisecond)) {
						t.Errorf("the conference is said to have begun %v late", s.Start.Sub(began))
					}
				}
			}
			srs.sound()
		})
	}
}

// Who holds the call, with music for us, is heard by nobody and in no stream, and recorders are told so (RFC 3264, section 8.4).
//
// Shows SR-PTA-02.
func TestWhoHoldsFeedsNothing(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := lingerBench(t, both, srs)
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
		b.await("bob", func() bool { return srs.stream("3").packets > 20 })
		must(t, bob.Change(t.Context(), sdp.SendOnly))
		pass(time.Second)
		v := srs.known()
		if got := v.streams("bob"); got != "/" {
			t.Errorf("bob feeds and hears %s on hold", got)
		}
		srs.sound()
	})
}
