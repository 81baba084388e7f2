package focus_test

import (
	"strings"
	"testing"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
)

// A recorder that promises keys for text and makes none gets nothing that was written, neither in plain nor later, and the next one gets all of it.
//
// Shows SR-SEC-15, SR-SEC-17, ME-RTT-34.
func TestRecordedTextWaitsForKeys(t *testing.T) {
	one, two := newRecordingServer(t), newRecordingServer(t)
	for _, s := range []*recordingServer{one, two} {
		s.set(func(s *recordingServer) { s.texts = true })
	}
	one.set(func(s *recordingServer) {
		s.promises = sdp.Fingerprint{Hash: "sha-256", Value: strings.TrimSuffix(strings.Repeat("AB:", 32), ":")}
	})
	b := textRecordingBench(t, one, func(c *focus.Config) {
		c.Recorders[0].Security, c.Recorders[0].DTLS = sdp.SecurityRequired, true
		c.Recorders = append(c.Recorders, focus.Recorder{Name: "two", URI: two.uri()})
		c.Conferences[0].Recording.Servers = []string{c.Recorders[0].Name, "two"}
		c.Conferences[0].Recording.Copies = 1
	})
	ann, ben := b.texter("room", "ann", true, true), b.texter("room", "ben", true, true)
	b.record("room", conference.Mixed)
	b.await("a line of text at the first", func() bool { return one.openText() == 1 })
	b.recordable("ann")
	b.passed(ann, ben, "early.")
	b.await("all that was written at the second", func() bool {
		labels := two.textLabels()
		return len(labels) == 1 && two.written(labels[0]) == "early."
	})
	b.passed(ann, ben, "late.")
	b.await("what was written then", func() bool { return two.written(two.textLabels()[0]) == "early.late." })
	for label := range map[string]bool{"1": true, "2": true} {
		if h := one.stream(label); h.all() != "" || len(h.pcm) > 0 {
			t.Errorf("%q and %d samples without keys in the line %s", h.all(), len(h.pcm), label)
		}
	}
	if len(b.logged.with("alarm=unkeyed")) == 0 {
		t.Error("nobody is told of it")
	}
}
