package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// Somebody comes and is muted, and another comes and leaves, before the recorder has answered that either is there. It has both in what it gets then, and one
// document names them as who feeds the streams; the next one says what is true.
//
// Shows SR-MET-06, RQ-005.
func TestWhoWasMutedBeforeTheAnswerIsNamed(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := lingerBench(t, both, srs)
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		b.await("alice", func() bool { return srs.stream("2").packets > 20 })
		slow := srs.slowed()
		b.dial("room", conftest.PhoneConfig{Name: "dave", RecordAware: true}) // the request that is not answered for a while
		pass(300 * time.Millisecond)
		b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true}).hum(800, 10*time.Second)
		carol := b.dial("room", conftest.PhoneConfig{Name: "carol", RecordAware: true})
		pass(400 * time.Millisecond)
		muted := true
		_, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "bob").ID, focus.ParticipantChange{Muted: &muted})
		must(t, err)
		carol.leave("room")
		pass(600 * time.Millisecond)
		srs.prompt()
		close(slow)
		b.await("all that was kept", func() bool { return srs.stream("5").packets > 15 })
		pass(2 * time.Second)
		for name, own := range map[string]string{"bob": "4", "carol": "5"} {
			for _, label := range []string{"1", own} {
				if !srs.fed(name, label) {
					t.Errorf("no document says that %s feeds stream %s", name, label)
				}
			}
		}
		v := srs.known()
		if got := v.streams("bob"); got != "/1,2,3" {
			t.Errorf("bob feeds and hears %s in the end", got)
		}
		if got := v.streams("carol"); got != "/" {
			t.Errorf("carol feeds and hears %s in the end", got)
		}
		srs.sound()
	})
}

// Who is muted again after the recorder has been told of him is not named once more: there is one document for each change.
func TestWhoIsMutedIsNamedOnce(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := lingerBench(t, both, srs)
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
		b.await("bob", func() bool { return srs.stream("3").packets > 50 })
		for _, muted := range []bool{true, false, true} {
			before := len(srs.requests())
			_, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "bob").ID, focus.ParticipantChange{Muted: &muted})
			must(t, err)
			pass(2 * time.Second)
			v := srs.known()
			if n, feeds := len(srs.requests())-before, v.streams("bob") == "1,3/1,2"; n != 1 || feeds == muted {
				t.Errorf("muted %t: %d requests, the last says %s", muted, n, v.streams("bob"))
			}
		}
	})
}

// A server that takes over has never been told of anybody: who has been muted meanwhile is named, as he is in what it gets again.
func TestTakeoverNamesWhoIsMuted(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		one, two := newRecordingServer(t), newRecordingServer(t)
		b := serversBench(t, []*recordingServer{one, two}, func(c *focus.Config) {
			c.Defaults.Recording.Policy, c.Defaults.Recording.Modes = conference.Always, conference.Mixed
		})
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true}).hum(800, 10*time.Second)
		b.await("packets", func() bool { return one.stream("1").packets > 50 })
		pass(2 * time.Second)
		one.die()
		pass(200 * time.Millisecond)
		muted := true
		_, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "bob").ID, focus.ParticipantChange{Muted: &muted})
		must(t, err)
		b.await("the second server", func() bool { return two.stream("1").packets > 200 })
		pass(time.Second)
		if !two.fed("bob", "1") {
			t.Error("no document says that bob feeds the stream")
		}
		v := two.known()
		if got := v.streams("bob"); got != "/1" {
			t.Errorf("bob feeds and hears %s in the end", got)
		}
		two.sound()
	})
}

// A server that is lost for good while somebody is yet to be named is asked for nothing more: no stream is opened again for it, which the bench looks for at
// the end.
func TestLostBeforeSomebodyIsNamed(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := serversBench(t, []*recordingServer{srs}, func(c *focus.Config) {
			c.Recorders[0].Retry.Attempts = -1
			c.Defaults.Recording.Policy, c.Defaults.Recording.Modes = conference.Always, conference.Mixed
		})
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		b.await("packets", func() bool { return srs.stream("1").packets > 50 })
		srs.die()
		b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
		pass(100 * time.Millisecond)
		muted := true
		_, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "bob").ID, focus.ParticipantChange{Muted: &muted})
		must(t, err)
		b.await("the end of the recording", func() bool { return b.state("room").Recordings[0].Over() })
		pass(2 * time.Second)
	})
}
