package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// A recorder hears soon of each who comes and who goes, while that goes on all the time, and what it knows is true with every document. `make bench` does
// the same with five hundred.
//
// Shows SR-MET-02, SR-MET-17.
func TestTurnover(t *testing.T) {
	recorder, err := conftest.NewRoster(t.Context(), "tcp://127.0.0.1:0")
	must(t, err)
	defer func() { must(t, recorder.Close(t.Context())) }()
	b := newBench(t, focus.Config{
		Recorders:    []focus.Recorder{{Name: "srs", URI: recorder.URI()}},
		Conferences:  []focus.ConferenceConfig{{ID: "hall", Recording: conference.RecordingConfig{Policy: conference.Always, Modes: conference.Mixed, Servers: []string{"srs"}}}},
		Notification: focus.Notification{ToneLength: toneTime, ToneInterval: time.Second},
	})
	r, err := conftest.Turnover{
		Target: b.addr.String(), Conference: "hall", Recorder: recorder, Participants: 10, PerSecond: 10, Lasts: 3 * time.Second, Settle: 30 * time.Second,
	}.Run(t.Context())
	must(t, err)
	if len(r.Wrong) > 0 || r.Missing > 0 || r.Changes != 60 {
		t.Errorf("%+v", r)
	}
	// Were there a request each second, it would be half a second in the middle. A busy machine adds to it.
	if r.P50 > 400*time.Millisecond || r.Documents < 8 || r.Complete > 1 {
		t.Errorf("%+v", r)
	}
}
