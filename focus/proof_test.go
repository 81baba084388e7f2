package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// deadServers is a focus with two servers in order, of which the first has a persistent session or not, and a conference with bob, who is heard, and others.
func deadServers(t *testing.T, persistent bool) (b *bench, one, two *recordingServer, bob, dave *phone) {
	t.Helper()
	one, two = newRecordingServer(t), newRecordingServer(t)
	held := [2]int{}
	if persistent {
		held[0] = 4
	}
	b = persistentServers(t, one, two, held, func(c *focus.Config) {
		c.Defaults.Recording.Policy, c.Defaults.Recording.Modes = conference.Always, conference.Separate
	})
	b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	bob = b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	dave = b.dial("room", conftest.PhoneConfig{Name: "dave", RecordAware: true})
	bob.hum(900, 3*time.Minute)
	b.await("packets", func() bool {
		bobs := one.linesOf("bob")["bob"]
		return one.stream(bobs).packets > 200 && one.levelOf(bobs, 900) > loud
	})
	one.reported(one.linesOf("bob")["bob"], 0, 0)
	pass(20 * time.Millisecond)
	return b, one, two, bob, dave
}

// bobs checks that the second server has what bob said from one time to another, and at most so much before.
func (b *bench) bobs(two *recordingServer, from, to time.Time, before time.Duration) {
	b.t.Helper()
	streams := 0
	for _, h := range two.kept().streams {
		if !two.fed("bob", h.label) {
			continue
		}
		streams++
		least, most := int(to.Sub(from)/codecs.FrameDuration), int((to.Sub(from)+before)/codecs.FrameDuration)
		if h.packets < least || h.packets > most+2 || h.level(900, 300*time.Millisecond) < loud {
			b.t.Errorf("%d packets of bob, of %d to %d", h.packets, least, most)
		}
	}
	if streams != 1 {
		b.t.Errorf("%d streams are of bob", streams)
	}
	if n := b.focus.Stats().UnrecordedFrames; n != 0 {
		b.t.Errorf("%d frames are lost", n)
	}
}

// The server dies, and before anybody can know of it the recording is paused, so that nothing is sent any more that could be refused: only the request
// that tells of the pause tells of the death, half a minute later. What the server was sent last, when it was not there any more, the next one has when the
// recording goes on, with a session of its own and in a persistent one.
//
// Shows RQ-005, SR-ERR-08, SR-UPD-02.
func TestDeathBeforeAPause(t *testing.T) {
	for name, persistent := range map[string]bool{"own": false, "persistent": true} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			b, one, two, _, _ := deadServers(t, persistent)
			id := b.state("room").Recordings[0].ID
			one.die()
			died := time.Now()
			pass(300 * time.Millisecond)
			paused := time.Now()
			done := make(chan error, 1)
			go func() {
				_, err := b.focus.PauseRecording(t.Context(), "room", id)
				done <- err
			}()
			must(t, <-done)
			b.awaitLong("the second server", func() bool { return two.begun() > 0 })
			pass(time.Second)
			_, err := b.focus.ResumeRecording(t.Context(), "room", id)
			must(t, err)
			resumed := time.Now()
			pass(4 * time.Second)
			b.bobs(two, died.Add(-time.Since(resumed)), paused, 3*time.Second+200*time.Millisecond)
			two.sound()
		})
	}
}

// In a persistent session the server dies, and before anybody can know of it somebody leaves: his line is nobody else's before it is known whether the
// server was there, and what he said last is with the next one. Of whom the server has acknowledged that he has left nothing is sent again.
//
// Shows RQ-005, SR-ERR-08, SC-21.
func TestDeathBeforeSomebodyLeavesALine(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		b, one, two, bob, dave := deadServers(t, true)
		dave.leave("room")
		pass(time.Second)
		one.die()
		died := time.Now()
		pass(400 * time.Millisecond)
		bob.leave("room")
		left := time.Now()
		b.await("the second server", func() bool { return two.begun() > 0 })
		pass(5 * time.Second)
		for _, h := range two.kept().streams {
			if two.fed("dave", h.label) {
				t.Errorf("stream %s is of dave", h.label)
			}
		}
		b.bobs(two, died, left, 3*time.Second)
		two.sound()
	})
}
