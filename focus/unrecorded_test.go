package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// TestUnrecorded: from the return of the command on, no recorded stream holds who is left out, the conference still hears him,
// and who comes back is recorded on the label that was his.
func TestUnrecorded(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	alice.hum(500, 20*time.Second)
	bob.hum(900, 20*time.Second)
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	holds := func(label string, hz float64) bool {
		h := srs.stream(label)
		return h.level(hz, 300*time.Millisecond) > loud
	}
	b.await("both to be recorded", func() bool { return holds("1", 500) && holds("1", 900) && holds("3", 900) })

	b.leaveOut(bob.name, true)
	before := srs.stream("3").packets
	start := srs.stream("1").packets
	b.await("half a second more of the mix", func() bool { return srs.stream("1").packets > start+25 })
	if holds("1", 900) || !holds("1", 500) {
		t.Errorf("the mix holds bob: %t, alice: %t", holds("1", 900), holds("1", 500))
	}
	if after := srs.stream("3").packets; after > before+5 { // what was on the way
		t.Errorf("%d packets of bob after he was left out", after-before)
	}
	if level := alice.hearsNow(900); level < loud {
		t.Errorf("alice hears bob at %.0f dB", level)
	}

	b.leaveOut(bob.name, false)
	b.await("bob to be recorded again", func() bool { return holds("1", 900) && srs.stream("3").packets > before+30 })
	for _, issue := range srs.kept().issues {
		t.Errorf("metadata: %+v", issue)
	}
}

// leaveOut has a participant left out of recordings, or taken in again.
func (b *bench) leaveOut(name string, out bool) {
	b.t.Helper()
	b.leaveOutOf("room", name, out)
}

// leaveOutOf does so in a conference.
func (b *bench) leaveOutOf(conf, name string, out bool) {
	b.t.Helper()
	_, err := b.focus.UpdateParticipant(b.t.Context(), conference.ID(conf), b.find(conf, name).ID, focus.ParticipantChange{Unrecorded: &out})
	must(b.t, err)
}
