package main

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// recorded is a conference with alice and bob in it, on a server whose recorder is SIPp with a scenario.
func recorded(t *testing.T, scenario string) (s *service, alice, bob *conftest.Phone, wait func()) {
	t.Helper()
	port := freePort(t)
	s = testService(t, func(cfg *config.Config) {
		cfg.SRS.Enabled = false
		cfg.Recording.Servers = []config.RecordingServer{{Name: "primary", URI: fmt.Sprintf("sip:srs@127.0.0.1:%d", port), Codecs: []string{"pcmu"}, SRTP: "disabled"}}
	})
	wait = sipp(t, scenario, "-m", "1", "-p", strconv.Itoa(port))
	alice, bob = testPhone(t, "alice"), testPhone(t, "bob")
	for _, phone := range []*conftest.Phone{alice, bob} {
		if err := phone.Call(t.Context(), fmt.Sprintf("sip:1000@%v", s.agent.Addr("udp"))); err != nil {
			t.Fatal(err)
		}
	}
	return s, alice, bob, wait
}

// await follows the events until one has a type.
func await(t *testing.T, watcher *focus.Watcher, want focus.EventType) focus.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		event, err := watcher.Next(ctx)
		if err != nil {
			t.Fatalf("waiting for %s: %v", want, err)
		}
		if event.Type == want {
			return event
		}
	}
}

// TestSIPpRecordsMixed: SR-EST-03, SR-EST-05, SR-MET-05, SR-MET-11. A foreign recorder gets what RFC 7866 says, and the BYE.
func TestSIPpRecordsMixed(t *testing.T) {
	s, _, _, wait := recorded(t, "srs-mixed")
	watcher := s.focus.Watch("1000", "")
	defer watcher.Close()
	recording, err := s.focus.StartRecording(t.Context(), "1000", focus.RecordingRequest{Modes: conference.Mixed})
	if err != nil {
		t.Fatal(err)
	}
	await(t, watcher, focus.RecordingStarted)
	if _, err := s.focus.StopRecording(t.Context(), "1000", recording.ID); err != nil {
		t.Fatal(err)
	}
	await(t, watcher, focus.RecordingStopped)
	wait()
}

// TestRudeRecordersHarmNoCall: a recorder that refuses, or never answers, is no business of the participants: they go on hearing each
// other, and others can still join.
func TestRudeRecordersHarmNoCall(t *testing.T) {
	for _, scenario := range []string{"srs-503", "srs-silent"} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			s, alice, bob, wait := recorded(t, scenario)
			if _, err := s.focus.StartRecording(t.Context(), "1000", focus.RecordingRequest{Modes: conference.Mixed | conference.Separate}); err != nil {
				t.Fatal(err)
			}
			<-alice.Say(voice(t, "alice", 8000))
			carol := testPhone(t, "carol")
			if err := carol.Call(t.Context(), fmt.Sprintf("sip:1000@%v", s.agent.Addr("udp"))); err != nil {
				t.Fatal("joining while the recorder is rude:", err)
			}
			wait()
			heard, err := bob.Heard()
			if err != nil {
				t.Fatal(err)
			}
			expect(t, "bob hears alice", heard, voice(t, "alice", conftest.AnalysisRate))
			found, err := s.focus.Recordings(t.Context(), "1000")
			if err != nil || len(found) != 1 || found[0].State == "recording" {
				t.Errorf("recordings %+v, %v: must not claim to record", found, err)
			}
		})
	}
}

// Shows SR-SRS-14. A recorder begins by itself only from where its entries say: an account, a trunk, a network.
func TestRecorderCalling(t *testing.T) {
	cfg := &config.Config{Recording: config.Recording{Servers: []config.RecordingServer{
		{Name: "never"}, {Name: "account", MayStart: []string{"user:srs", "role:recorder"}}, {Name: "network", MayStart: []string{"192.0.2.0/24", "trunk:vault"}},
	}}}
	calling, err := recorderCalling(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		caller *sipua.Caller
		source string
		want   string
	}{
		{nil, "198.51.100.1:5060", ""},
		{nil, "[::ffff:192.0.2.7]:5060", "network"},
		{&sipua.Caller{User: "srs"}, "198.51.100.1:5060", "account"},
		{&sipua.Caller{User: "alice", Roles: []string{"recorder"}}, "198.51.100.1:5060", "account"},
		{&sipua.Caller{Trunk: "vault"}, "198.51.100.1:5060", "network"},
		{&sipua.Caller{User: "alice", Trunk: "other"}, "198.51.100.1:5060", ""},
	} {
		if got := calling(&sipua.Request{Caller: test.caller, Source: netip.MustParseAddrPort(test.source)}); got != test.want {
			t.Errorf("%+v from %s: %q, want %q", test.caller, test.source, got, test.want)
		}
	}
	cfg.Recording.Servers = cfg.Recording.Servers[:1]
	if calling, err = recorderCalling(cfg); calling != nil || err != nil {
		t.Errorf("somebody may begin: %v", err)
	}
	cfg.Recording.Servers[0].MayStart = []string{"nonsense"}
	if _, err = recorderCalling(cfg); err == nil {
		t.Error("nonsense is taken")
	}
}
