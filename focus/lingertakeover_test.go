package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// A server refuses after a second, and in that second a sidebar has come and gone, and one participant as well. The one that takes over gets the streams of
// both, and its first document says what they are: of a session that is over, and of somebody who has left.
//
// Shows RQ-005, SR-ERR-08, RQ-UC09.
func TestTakeoverOfWhatIsOver(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		one, two := newRecordingServer(t), newRecordingServer(t)
		b := serversBench(t, []*recordingServer{one, two}, func(c *focus.Config) { c.Defaults.Recording.Sidebars = true })
		for _, name := range []string{"customer", "agent", "supervisor"} {
			b.dial("room", conftest.PhoneConfig{Name: name, RecordAware: true})
		}
		slow := one.slowed()
		id := b.record("room", conference.Separate)
		b.await("everybody to be told", func() bool {
			c, a, s := b.find("room", "customer"), b.find("room", "agent"), b.find("room", "supervisor")
			return c.Recordable() && a.Recordable() && s.Recordable()
		})
		made, err := b.focus.OpenSidebar(t.Context(), "room", focus.SidebarRequest{
			Participants: []conference.ParticipantID{b.find("room", "agent").ID, b.find("room", "supervisor").ID},
		})
		must(t, err)
		guest := b.dial("room", conftest.PhoneConfig{Name: "guest", RecordAware: true})
		pass(400 * time.Millisecond)
		must(t, b.focus.CloseSidebar(t.Context(), "room", made.ID))
		guest.leave("room")
		pass(600 * time.Millisecond)
		one.setRefuse(503)
		close(slow)
		b.await("the second server", func() bool { return two.stream("1").packets > 100 })
		pass(2 * time.Second)
		two.mu.Lock()
		first, offered := two.documents[0], len(two.offers[0].Media)
		two.mu.Unlock()
		if len(first.Streams) != offered || offered != 6 {
			t.Errorf("%d of %d streams are in the first document", len(first.Streams), offered)
		}
		if len(first.Sessions) != 2 || first.Sessions[1].Stop.IsZero() {
			t.Errorf("sessions: %+v", first.Sessions)
		}
		aside := 0
		for _, s := range first.Streams {
			if len(first.Sessions) > 1 && s.Session == first.Sessions[1].ID {
				aside++
			}
		}
		if aside != 2 {
			t.Errorf("%d streams are of the sidebar", aside)
		}
		fed := 0
		for _, h := range two.kept().streams {
			if h.packets > 0 && two.fed("guest", h.label) {
				fed++
			}
		}
		if fed != 1 {
			t.Errorf("the guest who has left feeds %d streams", fed)
		}
		must(t, stopped(b, id))
		b.nothingLost()
		two.sound()
	})
}
