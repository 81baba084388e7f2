package main

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/config"
)

// TestSIPpPIN: a foreign user agent enters a PIN, or a number and a PIN, by INFO, and mutes itself by a menu; another one guesses.
//
// Shows FO-FAC-07.
func TestSIPpPIN(t *testing.T) {
	s := testService(t, func(cfg *config.Config) {
		cfg.Conferences = []config.Conference{{ID: "1004", PIN: "4711"}}
		cfg.Access = []config.Access{{URI: "8000"}}
	})
	watcher := s.focus.Watch("1004", "")
	defer watcher.Close()
	for _, test := range []struct {
		scenario, user, transport, flag string
		gotIn                           bool
	}{
		{"pin", "1004", "udp", "u1", true},
		{"pin", "1004", "tcp", "t1", true},
		{"access", "8000", "udp", "u1", true},
		{"access", "8000", "tcp", "t1", true},
		{"pin-wrong", "1004", "udp", "u1", false},
	} {
		sipp(t, test.scenario, "-t", test.flag, "-s", test.user, "-m", "1", "-p", strconv.Itoa(freePort(t)), s.agent.Addr(test.transport).String())()
		joined, muted, digits := false, false, ""
		for left := false; !left; {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			e, err := watcher.Next(ctx)
			cancel()
			if err != nil {
				t.Fatalf("%s over %s: %v", test.scenario, test.transport, err)
			}
			switch o := e.Object.(type) {
			case focus.ParticipantInfo:
				joined = joined || e.Type == focus.ParticipantJoined
				muted = muted || o.Muted
				left = e.Type == focus.ParticipantLeft
			case focus.DigitInfo:
				digits += o.Digit
			}
		}
		if joined != test.gotIn || muted != test.gotIn || test.gotIn && digits != "*6" || !test.gotIn && digits != "" {
			t.Errorf("%s over %s: joined %t, muted %t, digits %q", test.scenario, test.transport, joined, muted, digits)
		}
	}
	if n := s.agent.Calls(); n != 0 {
		t.Errorf("%d calls are left over", n)
	}
}
