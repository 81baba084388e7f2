package focus_test

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// silent has a server answer nothing any more, while its host takes packets as ever: one behind a firewall that has lost power. What it is sent is noted all the
// same.
func (s *recordingServer) silent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = true
	slow := make(chan struct{})
	s.slow = slow
	s.t.Cleanup(func() { close(slow) })
}

// lostAt checks what became of a stream whose server has died without a word, when it had so many packets as it gave the last sign: what it was sent after a look
// in the last half second before that is at the next server, or counts as lost, each frame once. It gives how many are lost.
func (s *recordingServer) lostAt(t *testing.T, next heardStream, label string, signed int, lost uint64) {
	t.Helper()
	sent := s.stream(label).stamps
	again := 0
	for _, stamp := range next.stamps {
		if slices.Contains(sent, stamp) {
			again++
		}
	}
	proven := len(sent) - again - int(lost)
	if proven > signed || proven < signed-int(watchTime/codecs.FrameDuration)-3 {
		t.Errorf("of %d frames sent %d are sent again, %d are lost; the server had %d as it gave the last sign", len(sent), again, lost, signed)
	}
	if next.packets == 0 {
		return
	}
	if first := int(next.stamps[0]-sent[0]) / 160; first != proven+int(lost) {
		t.Errorf("the next server begins with frame %d, not %d", first, proven+int(lost))
	}
	for i := 1; i < len(next.stamps); i++ {
		if next.stamps[i] != next.stamps[i-1]+160 {
			t.Fatalf("timestamp %d after %d", next.stamps[i], next.stamps[i-1])
		}
	}
}

// watchTime is how often the focus looks at recorders.
const watchTime = 500 * time.Millisecond

// A server dies without a word, and its host takes packets: what it was sent since its last sign of life, a report or an answer to a request, is in doubt when a
// request finds out, half a minute later. As much as is kept goes to the next server, and the rest counts as lost, to the packet: by metrics, in the verdict.
// A server that has made reports is missed at once, and more is kept of what it is sent than usual: nothing is lost before it has not been asked anything
// for a minute. Who keeps nothing loses all of it.
//
// Shows RQ-005, SR-ERR-08, SR-RTP-10.
func TestServerThatFallsSilent(t *testing.T) {
	for name, c := range map[string]struct {
		persistent, reports, tight, loses bool
		unasked                           time.Duration // for how long nothing asks it
	}{
		"answers": {loses: true}, "reports": {reports: true}, "nothing kept": {reports: true, tight: true, loses: true},
		"persistent": {persistent: true, reports: true}, "unasked": {reports: true, loses: true, unasked: time.Minute},
	} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			one, two := newRecordingServer(t), newRecordingServer(t)
			held := [2]int{}
			if c.persistent {
				held[0] = 2
			}
			b := persistentServers(t, one, two, held, func(f *focus.Config) {
				f.Hold = 5 * time.Second
				if c.tight {
					f.Hold = -1
				}
				f.Defaults.Recording.Policy, f.Defaults.Recording.Modes = conference.Always, conference.Mixed
			})
			b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			b.await("packets", func() bool { return one.stream("1").packets > 50 })
			signed := 0
			if c.reports {
				for range 4 {
					pass(5 * time.Second)
					one.reported("1", 0, 0)
					signed = one.stream("1").packets
				}
			} else {
				pass(7 * time.Second)
				asked := len(one.requests())
				b.dial("room", conftest.PhoneConfig{Name: "carol", RecordAware: true})
				b.await("the server to know", func() bool { return len(one.requests()) > asked })
				signed = one.stream("1").packets
				pass(time.Second)
			}
			one.silent()
			pass(15*time.Second + c.unasked)
			b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
			b.awaitLong("the second server", func() bool { return two.stream("1").packets > 500 })
			pass(20 * time.Second)
			lost := b.focus.Stats().UnrecordedFrames
			one.lostAt(t, two.stream("1"), "1", signed, lost)
			if a := b.focus.Assurance()[0].Copies[0].LostSeconds; (lost > 0) != c.loses || a != float64(lost)*codecs.FrameDuration.Seconds() {
				t.Errorf("%d frames are lost, %v s of the copy", lost, a)
			}
			if told := len(b.logged.with("captured audio is lost", "server=one")) == 1; told != c.loses {
				t.Error("the log does not tell of whom it was")
			}
		})
	}
}
