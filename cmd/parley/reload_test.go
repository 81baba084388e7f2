package main

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/config"
)

// reloading makes a service take another configuration with the next reload: the one that it has, changed.
func reloading(s *service, change func(*config.Config)) {
	s.reloads.mu.Lock()
	defer s.reloads.mu.Unlock()
	next := *s.reloads.cfg
	change(&next)
	s.reloads.load = func() (*config.Config, error) { return &next, nil }
}

// TestReloadOfApplicationsAndMedia: who wants events and records from now on gets them, also of calls that go on; new calls have what the file says of
// media; and one thing that cannot be keeps all others from changing.
func TestReloadOfApplicationsAndMedia(t *testing.T) {
	receiver := &hooked{asked: map[string]int{}}
	server := httptest.NewServer(receiver)
	t.Cleanup(server.Close) // after the service, which has something to tell in the end
	folder := t.TempDir()
	s := testService(t, func(cfg *config.Config) {
		cfg.SRS.Enabled = false
		cfg.Media.Ports = []int{21000, 21999}
	})
	watcher := s.focus.Watch("1000", "")
	defer watcher.Close()
	at := s.agent.Addr("udp").String()
	alice := testPhone(t, "alice")
	if err := alice.Call(t.Context(), "sip:1000@"+at); err != nil {
		t.Fatal(err)
	}
	await(t, watcher, focus.ParticipantJoined)
	wanted := func(cfg *config.Config) {
		cfg.CDR.File = filepath.Join(folder, "cdr.jsonl")
		cfg.Media.Ports, cfg.Media.Codecs = []int{22000, 22999}, []string{"pcma", "pcmu"}
		cfg.Events.Webhooks = []config.Webhook{{Name: "crm", URL: server.URL, Secret: "s3cret", RetryInitial: time.Millisecond}}
	}
	for what, spoil := range map[string]func(*config.Config){
		"cdr.file": func(cfg *config.Config) { cfg.CDR.File = filepath.Join(folder, "none", "cdr.jsonl") },
		"events.webhooks[0]": func(cfg *config.Config) {
			cfg.Events.Webhooks[0].Secret, cfg.Events.Webhooks[0].SecretEnv = "", "NO_SUCH_VARIABLE"
		},
		"media: ":             func(cfg *config.Config) { cfg.Media.ListenAddress = "192.0.2.1" },
		"media.workers":       func(cfg *config.Config) { cfg.Media.Workers = 7 },
		"sip.tls":             func(cfg *config.Config) { cfg.SIP.TLS.Cert, cfg.SIP.TLS.Key = folder, "x" },
		"events.undelivered":  func(cfg *config.Config) { cfg.Events.Undelivered = folder },
		"jitter buffer from ": func(cfg *config.Config) { cfg.Media.JitterBuffer.Max = time.Minute },
	} {
		reloading(s, func(cfg *config.Config) {
			wanted(cfg)
			spoil(cfg)
		})
		if _, err := s.reload(t.Context()); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "cdr.jsonl")); !errors.Is(err, os.ErrNotExist) || len(s.webhooks.Stats()) != 0 {
		t.Errorf("a part of what was wrong holds: %v, %+v", err, s.webhooks.Stats())
	}
	bob := testPhone(t, "bob")
	if err := bob.Call(t.Context(), "sip:1000@"+at); err != nil || bob.Remote().Media[0].Port > 21999 {
		t.Fatalf("bob: %v at %d", err, bob.Remote().Media[0].Port)
	}
	reloading(s, wanted)
	if changes, err := s.reload(t.Context()); err != nil || len(changes) != 4 {
		t.Fatalf("%v, %v", changes, err)
	}
	checkReloaded(t, s, alice.Hangup, receiver)
}

// checkReloaded goes on with the story: carol comes, and somebody who was there before goes.
func checkReloaded(t *testing.T, s *service, goes func(context.Context) error, receiver *hooked) {
	t.Helper()
	carol := testPhone(t, "carol")
	if err := carol.Call(t.Context(), "sip:1000@"+s.agent.Addr("udp").String()); err != nil {
		t.Fatal(err)
	}
	if port := carol.Remote().Media[0].Port; port < 22000 || port > 22999 {
		t.Errorf("carol's media are at %d", port)
	}
	if err := goes(t.Context()); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(20 * time.Second)
	for file := s.current().CDR.File; ; {
		receiver.mu.Lock()
		told := make([]string, 0, len(receiver.events))
		for _, e := range receiver.events {
			kind, _ := e["type"].(string)
			told = append(told, kind)
		}
		receiver.mu.Unlock()
		records := lines(t, file)
		all := strings.Join(told, " ")
		if strings.Contains(all, "participant.joined") && strings.Contains(all, "participant.left") && strings.Contains(all, "cdr.participant") && len(records) == 1 {
			if r := records[0]; r["joined_at"] == nil || r["meeting"] == nil || r["status"] != 200.0 {
				t.Errorf("the record of a call that was there before is %v", r)
			}
			return
		}
		select {
		case <-deadline:
			t.Fatalf("told %s, %d records", all, len(records))
		case <-time.After(10 * time.Millisecond):
		}
	}
}
