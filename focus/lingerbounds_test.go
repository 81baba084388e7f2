package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
)

// The server dies, and while nobody knows it yet somebody comes and leaves again: the one that takes over gets all of him as well.
//
// Shows RQ-005, SR-ERR-08.
func TestFailoverOfWhoHasLeft(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		one, two := newRecordingServer(t), newRecordingServer(t)
		b := serversBench(t, []*recordingServer{one, two}, func(c *focus.Config) {
			c.Defaults.Recording.Policy, c.Defaults.Recording.Modes = conference.Always, conference.Separate
		})
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		b.await("packets", func() bool { return one.stream("1").packets > 20 })
		early := b.dial("room", conftest.PhoneConfig{Name: "dave", RecordAware: true})
		b.await("packets", func() bool { return one.stream("2").packets > 20 })
		one.die()
		bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
		came := time.Now()
		pass(400 * time.Millisecond)
		bob.leave("room")
		gone := time.Now()
		early.leave("room")
		b.await("the second server", func() bool { return two.stream("1").packets > 200 })
		pass(2 * time.Second)
		labels := 0
		for _, h := range two.kept().streams {
			if h.packets > 0 {
				labels++
			}
			if n := int(gone.Sub(came) / codecs.FrameDuration); two.fed("bob", h.label) && (h.packets < n-2 || h.packets > n+2) {
				t.Errorf("%d packets of %d of bob", h.packets, n)
			}
		}
		if labels != 3 && labels != 2 {
			t.Errorf("%d streams have packets", labels)
		}
		if n := b.focus.Stats().UnrecordedFrames; n != 0 {
			t.Errorf("%d frames are lost", n)
		}
	})
}

// A recorder that has room for two streams is not refused that of somebody who is there because of one that nobody feeds any more.
func TestWhoIsThereComesFirst(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := serversBench(t, []*recordingServer{srs}, func(c *focus.Config) {
			c.Recorders[0].Profile.MaxStreams = 2
			c.Defaults.Recording.Policy, c.Defaults.Recording.Modes = conference.Always, conference.Separate
		})
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		b.await("alice", func() bool { return srs.stream("1").packets > 20 })
		slow := srs.slowed()
		bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
		pass(300 * time.Millisecond) // his stream has been offered
		bob.leave("room")
		carol := b.dial("room", conftest.PhoneConfig{Name: "carol", RecordAware: true})
		came := time.Now()
		carol.hum(1200, 10*time.Second)
		pass(time.Second)
		srs.prompt()
		close(slow)
		b.await("carol", func() bool { h := srs.stream("3"); return h.packets > 60 && h.level(1200, 200*time.Millisecond) > loud })
		pass(2 * time.Second)
		srs.whole("3", time.Since(came))
	})
}

// A stream that no recorder has ever taken, and of which nothing is kept, goes with its participant.
func TestStreamThatWasNeverTaken(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := serversBench(t, []*recordingServer{srs}, func(c *focus.Config) { c.Hold = -1 })
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		srs.setMute()
		id := b.record("room", conference.Separate)
		for range 5 {
			b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true}).leave("room")
		}
		list, err := b.focus.Recordings(t.Context(), "room")
		must(t, err)
		for _, r := range list {
			if r.ID == id && len(r.Streams) != 1 {
				t.Errorf("%d streams of one who is there", len(r.Streams))
			}
		}
	})
}

func (s *recordingServer) setMute() { s.set(func(s *recordingServer) { s.mute = true }) }

// A sidebar is opened and closed again while the recorder takes its time; one of its members leaves it for a moment. Its streams stay until the recorder
// has them, in the session of the sidebar; who comes back goes on in the stream that he had.
func TestSidebarOfAMoment(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := recordingBench(t, srs, sidebarsRecorded)
		for _, name := range []string{"customer", "agent", "supervisor"} {
			b.dial("room", conftest.PhoneConfig{Name: name, RecordAware: true})
		}
		id := b.record("room", conference.Separate)
		b.awaitRecording("room", id, conference.RecordingActive)
		b.await("packets", func() bool { return srs.stream("3").packets > 30 })
		slow := srs.slowed()
		agent, supervisor := b.find("room", "agent").ID, b.find("room", "supervisor").ID
		made, err := b.focus.OpenSidebar(t.Context(), "room", focus.SidebarRequest{Participants: []conference.ParticipantID{agent, supervisor}})
		must(t, err)
		opened := time.Now()
		pass(300 * time.Millisecond)
		_, err = b.focus.ChangeSidebar(t.Context(), "room", made.ID, focus.SidebarChange{Participants: []conference.ParticipantID{supervisor}})
		must(t, err)
		away := time.Now()
		pass(100 * time.Millisecond)
		_, err = b.focus.ChangeSidebar(t.Context(), "room", made.ID, focus.SidebarChange{Participants: []conference.ParticipantID{supervisor, agent}})
		must(t, err)
		back := time.Now()
		pass(300 * time.Millisecond)
		must(t, b.focus.CloseSidebar(t.Context(), "room", made.ID))
		closed := time.Now()
		pass(500 * time.Millisecond)
		srs.prompt()
		close(slow)
		b.await("the sidebar", func() bool { return srs.stream("5").packets > 0 })
		pass(2 * time.Second)
		srs.whole("5", closed.Sub(opened))
		got, want := srs.stream("4"), int((away.Sub(opened)+closed.Sub(back))/codecs.FrameDuration)
		if got.packets < want-3 || got.packets > want+3 {
			t.Errorf("%d packets of the agent, want %d", got.packets, want)
		}
		v := srs.known()
		for label, session := range map[string]siprec.ID{"3": v.Sessions[0].ID, "4": v.Sessions[1].ID, "5": v.Sessions[1].ID} {
			for _, s := range v.Streams {
				if v.labels[s.ID] == label && s.Session != session {
					t.Errorf("stream %s is of session %s", label, s.Session.Text())
				}
			}
		}
		must(t, stopped(b, id))
		b.nothingLost()
		srs.sound()
	})
}
