package main

import (
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
)

// TestCycles: of calls that have come and gone nothing is left, neither of those to a conference that stays nor of those that begin one and end it.
// PARLEY_CYCLES is how many there are; then it waits, too, until transactions are forgotten, and looks at the heap. `make bench` does that with
// 100 000 calls to the program.
func TestCycles(t *testing.T) {
	calls, long := 2000, os.Getenv("PARLEY_CYCLES")
	if long != "" {
		n, err := strconv.Atoi(long)
		if err != nil {
			t.Fatal(err)
		}
		calls = n
	}
	s := testServiceTo(t, io.Discard, func(cfg *config.Config) {
		cfg.SRS.Enabled = false
		cfg.Conferences = []config.Conference{{ID: "stays"}}
	})
	target := s.agent.Addr("udp").String()
	alice := testPhone(t, "alice")
	if err := alice.Call(t.Context(), "sip:stays@"+target); err != nil {
		t.Fatal(err)
	}
	if err := alice.Change(t.Context(), sdp.Inactive); err != nil { // what she hears would be kept
		t.Fatal(err)
	}
	cycle := func(n int) {
		r, err := conftest.Callers{Target: target}.Cycle(t.Context(), n, 4, "stays", "comes-and-goes", "and-another", "stays")
		if err != nil || r.Failed > 0 || r.Calls != n {
			t.Fatalf("%v; %d of %d calls failed: %v", err, r.Failed, r.Calls, r.First)
		}
		t.Logf("%d calls, %.0f a second, p99 from INVITE to 200 %v", n, float64(n)/r.Took.Seconds(), r.Setup)
	}
	gone := func() bool {
		state, err := s.focus.Conference("stays")
		return err == nil && len(s.focus.Conferences()) == 1 && len(state.Participants) == 1 && s.agent.Calls() == 1 &&
			s.mixer.Stats().Members == 1 && s.media.Stats().Sessions == 1
	}
	settle := func(d time.Duration) {
		if long != "" {
			<-time.After(d) // transactions are kept for 32 s (RFC 3261, section 17)
		}
		waitFor(t, "nobody else to be there", gone)
	}
	warm := 50
	if long != "" {
		warm = 5000 // what is kept for a number of calls, such as the last events, is full then
	}
	cycle(warm)
	settle(40 * time.Second)
	before := measure(t)
	cycle(calls)
	settle(40 * time.Second)
	cycle(10) // what has expired is swept when something is added
	settle(0)
	after := before
	waitFor(t, "as many goroutines and files as before", func() bool {
		after = measure(t)
		return after.goroutines <= before.goroutines+2 && after.files <= before.files
	})
	t.Logf("heap %d -> %d KiB, goroutines %d -> %d, files %d -> %d", before.heap>>10, after.heap>>10, before.goroutines, after.goroutines, before.files, after.files)
	if grown := int64(after.heap) - int64(before.heap); long != "" && grown > 2<<20 {
		t.Errorf("%d bytes are left, of %d calls", grown, calls)
	}
}

// TestSurge: many who come within seconds come in, and when all leave at once nobody is left, nor held up.
func TestSurge(t *testing.T) {
	const calls = 150
	s := testServiceTo(t, io.Discard, func(cfg *config.Config) {
		cfg.SRS.Enabled = false
		cfg.Conferences = []config.Conference{{ID: "hall"}}
	})
	r, err := conftest.Callers{Target: s.agent.Addr("udp").String()}.Surge(t.Context(), calls, 1500*time.Millisecond, func() {
		waitFor(t, "all to be mixed", func() bool { return s.mixer.Stats().Members == calls })
	}, "hall", "room")
	if err != nil || r.Failed > 0 || r.Calls != calls {
		t.Errorf("%v; %d of %d calls failed: %v", err, r.Failed, r.Calls, r.First)
	}
	waitFor(t, "all to be gone", func() bool {
		return s.agent.Calls() == 0 && s.mixer.Stats().Members == 0 && s.media.Stats().Sessions == 0 && len(s.focus.Conferences()) == 1
	})
	stats := s.mixer.Stats()
	t.Logf("p99 from INVITE to 200 %v, from BYE to 200 %v, %d late ticks of %d", r.Setup, r.Leave, stats.LateTicks, stats.Ticks)
}
