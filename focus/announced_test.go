package focus_test

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/prompts"
	"github.com/parley-sip/parley/internal/sdp"
)

// Where recordings are announced everybody has heard it before his first packet is recorded: who is there at the start, and who comes
// later, whether his phone is record-aware or not. Who cuts it short by a key hears it again.
//
// Shows RQ-018, SR-REC-15.
func TestRecordingAnnounced(t *testing.T) { virtual(t, testRecordingAnnounced) }

func testRecordingAnnounced(t *testing.T) {
	t.Helper()
	said := library(t)
	pcm, _ := said.Sound("recorded")
	length := time.Duration(len(pcm)) * time.Second / prompts.Rate
	srs := newRecordingServer(t)
	b := newBenchWith(t, focus.Deps{Prompts: said}, focus.Config{
		Dynamic: true, Recorders: []focus.Recorder{{Name: "srs", URI: srs.uri()}},
		Notification: focus.Notification{ToneLength: toneTime, ToneInterval: time.Minute, Announce: true},
	})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	start := time.Now()
	b.record("room", both)
	alice.keys("5")
	again := time.Now()
	bob.heardPrompt(said, "recorded")
	b.await("packets of all", func() bool {
		return srs.stream("1").packets > 5 && srs.stream("2").packets > 5 && srs.stream("3").packets > 5
	})
	if got := srs.stream("2").first.Sub(again); got < length {
		t.Errorf("alice is recorded %v after she has pressed a key, the announcement takes %v", got, length)
	}
	if got := srs.stream("3").first.Sub(start); got < length+toneTime {
		t.Errorf("bob is recorded %v after the start, the announcement and the tone take %v", got, length+toneTime)
	}
	if got := alice.Indications(); !slices.Contains(got, sdp.RecordOn) {
		t.Errorf("alice was told %v", got)
	}

	came := time.Now()
	carol := b.dial("room", conftest.PhoneConfig{Name: "carol", RecordAware: true})
	carol.heardPrompt(said, "recorded")
	b.await("packets of carol", func() bool { return srs.stream("4").packets > 5 })
	if got := srs.stream("4").first.Sub(came); got < length {
		t.Errorf("carol is recorded %v after she came, the announcement takes %v", got, length)
	}
	for _, label := range []string{"1", "2", "3", "4"} {
		if h := srs.stream(label); h.level(1400, 0) > quiet {
			t.Errorf("stream %s holds the tone", label)
		}
	}
}
