package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
)

// halt ends a recording, and waits until it has ended.
func (b *bench) halt(conf string, id conference.RecordingID) {
	b.t.Helper()
	_, err := b.focus.StopRecording(b.t.Context(), conference.ID(conf), id)
	must(b.t, err)
	for range 90 { // seconds
		if r, ok := b.state(conf).Recording(id); !ok || r.Over() {
			return
		}
		pass(time.Second)
	}
	b.t.Fatal("the recording does not end")
}

// The one session that tries a server after its rest may be taken back before it has an outcome: then the next may try.
//
// Shows SR-ERR-07.
func TestTrialThatIsTakenBack(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		one, two := newRecordingServer(t), newRecordingServer(t)
		c := focus.Config{Dynamic: true, Recorders: []focus.Recorder{
			{Name: "one", URI: one.uri(), Health: siprec.HealthConfig{BreakAfter: 1, Cooldown: 5 * time.Second}}, {Name: "two", URI: two.uri()},
		}}
		c.Defaults.Recording = conference.RecordingConfig{Servers: []string{"one", "two"}, Copies: 1}
		b := newVirtualBenchWith(t, focus.Deps{}, c)
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		recording := func(name string) conference.RecordingID {
			t.Helper()
			id := b.record("room", conference.Mixed)
			b.await("the server "+name, func() bool { return b.serverState("room", id, name) == conference.RecordingActive })
			return id
		}
		one.setRefuse(500)
		b.halt("room", recording("two"))
		pass(6 * time.Second)
		one.set(func(s *recordingServer) { s.mute, s.refuse = true, 0 })
		trial := b.record("room", conference.Mixed)
		pass(time.Second)
		if state := b.serverState("room", trial, "one"); state != conference.RecordingStarting {
			t.Fatalf("the trial is %v", state)
		}
		b.halt("room", trial)
		one.set(func(s *recordingServer) { s.mute = false })
		b.halt("room", recording("one"))
	})
}
