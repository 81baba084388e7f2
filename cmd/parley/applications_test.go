package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/cdr"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/webhook"
)

// hooked is a receiver of webhooks that refuses each event once before it takes it.
type hooked struct {
	mu     sync.Mutex
	asked  map[string]int
	events []map[string]any
	forged int
}

func (h *hooked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	id, at := r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp")
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil || r.Header.Get("Webhook-Signature") != webhook.Sign([]byte("s3cret"), id, at, body) {
		h.forged++
	}
	if h.asked[id]++; h.asked[id] == 1 {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	var event map[string]any
	if json.Unmarshal(body, &event) != nil || event["id"] != id || event["type"] != r.Header.Get("Parley-Event") {
		h.forged++
	}
	h.events = append(h.events, event)
}

// lines reads a file of JSON lines.
func lines(t *testing.T, path string) (list []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		list = append(list, record)
	}
	return list
}

// TestApplicationsAreTold what happens in calls: every event reaches a webhook in order although each is refused once, and call
// records are in the file and at the webhook when the service has ended, those of calls that still went on among them.
func TestApplicationsAreTold(t *testing.T) {
	receiver := &hooked{asked: map[string]int{}}
	server := httptest.NewServer(receiver)
	defer server.Close()
	folder := t.TempDir()
	secret := filepath.Join(folder, "secret")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "cdr.jsonl")
	one := 1
	s := testService(t, func(cfg *config.Config) {
		cfg.SRS.Enabled, cfg.SRS.Directory = true, t.TempDir()
		cfg.SRS.Listen = []string{"tcp://127.0.0.1:0"}
		cfg.CDR.File = file
		cfg.Conferences = []config.Conference{{ID: "one", MaxParticipants: &one}, {ID: "closed", Deny: []string{"erin@*"}}}
		cfg.Events.Webhooks = []config.Webhook{{URL: server.URL, SecretFile: secret, RetryInitial: time.Millisecond}}
	})
	watcher := s.focus.Watch("1000", "")
	defer watcher.Close()
	at := s.agent.Addr("udp").String()
	alice, bob, carol, dave := testPhone(t, "alice"), testPhone(t, "bob"), testPhone(t, "carol"), testPhone(t, "dave")
	for _, call := range []func() error{
		func() error { return alice.Call(t.Context(), "sip:1000@"+at) },
		func() error { return bob.Call(t.Context(), "sip:1000@"+at) },
		func() error { return carol.Call(t.Context(), "sip:one@"+at) },
	} {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	if err := dave.Call(t.Context(), "sip:one@"+at); sipua.Status(err) != 486 {
		t.Fatalf("dave: %v", err)
	}
	if err := testPhone(t, "erin").Call(t.Context(), "sip:closed@"+at); sipua.Status(err) != 403 {
		t.Fatalf("erin: %v", err)
	}
	recording, err := s.focus.StartRecording(t.Context(), "1000", focus.RecordingRequest{Modes: conference.Mixed})
	if err != nil {
		t.Fatal(err)
	}
	await(t, watcher, focus.RecordingStarted)
	<-alice.Say(voice(t, "alice", 8000))
	if _, err := s.focus.StopRecording(t.Context(), "1000", recording.ID); err != nil {
		t.Fatal(err)
	}
	await(t, watcher, focus.RecordingStopped)
	if err := alice.Hangup(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, watcher, focus.ParticipantLeft)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.close(ctx); err != nil { // bob and carol are still there
		t.Fatal(err)
	}
	checkRecords(t, lines(t, file))
	checkHooked(t, receiver, len(lines(t, file)))
}

// checkRecords looks at the lines of the story above.
func checkRecords(t *testing.T, records []map[string]any) {
	t.Helper()
	count := map[string]int{}
	for _, r := range records {
		kind, _ := r["type"].(string)
		result, _ := r["result"].(string)
		count[strings.TrimSpace(kind+" "+result)]++
		uri, _ := r["uri"].(string)
		talk, _ := r["talk_seconds"].(float64)
		switch {
		case kind == string(cdr.KindParticipant) && strings.Contains(uri, "alice"):
			if talk < 0.5 || r["recorded_seconds"] == 0.0 || r["codec"] != "pcmu/8000" || r["rx_packets"] == 0.0 || r["status"] != 200.0 || r["disconnection"] != "departed" {
				t.Errorf("alice: %v", r)
			}
		case kind == string(cdr.KindParticipant) && strings.Contains(uri, "bob"):
			if talk != 0 || r["disconnection"] != "booted" {
				t.Errorf("bob: %v", r)
			}
		case result == "refused" && r["conference"] == "closed":
			if r["status"] != 403.0 || r["reason"] != `SIP;cause=403;text="the rules of the conference"` || !strings.Contains(uri, "erin") {
				t.Errorf("erin: %v", r)
			}
		case result == "refused":
			if r["status"] != 486.0 || r["conference"] != "one" || !strings.Contains(uri, "dave") {
				t.Errorf("dave: %v", r)
			}
		case kind == string(cdr.KindRecording):
			if r["verdict"] != "complete" || r["recorded_seconds"] == 0.0 || r["unrecorded_seconds"] != 0.0 {
				t.Errorf("recording: %v", r)
			}
		}
	}
	for what, want := range map[string]int{"conference": 2, "participant answered": 3, "participant refused": 2, "recording": 1} {
		if count[what] != want {
			t.Errorf("%d of %s, want %d: %v", count[what], what, want, records)
		}
	}
}

// checkHooked looks at what the webhook has got: all events of 1000 without gap, and all records.
func checkHooked(t *testing.T, receiver *hooked, wanted int) {
	t.Helper()
	receiver.mu.Lock()
	defer receiver.mu.Unlock()
	if receiver.forged > 0 {
		t.Errorf("%d requests are not what they should be", receiver.forged)
	}
	records, last := 0, map[any]float64{}
	for _, e := range receiver.events {
		kind, _ := e["type"].(string)
		if strings.HasPrefix(kind, cdr.EventPrefix) {
			records++
			continue
		}
		sequence, _ := e["sequence"].(float64)
		if sequence != last[e["conference"]]+1 {
			t.Errorf("%s has sequence %v after %v", kind, sequence, last[e["conference"]])
		}
		last[e["conference"]] = sequence
	}
	if records != wanted || last["1000"] < 8 {
		t.Errorf("%d records, want %d; %v events of 1000", records, wanted, last["1000"])
	}
}

func TestWebhookWithoutItsSecretDoesNotStart(t *testing.T) {
	for what, hook := range map[string]config.Webhook{
		"secret_file": {URL: "https://x/", SecretFile: filepath.Join(t.TempDir(), "none")}, "secret_env": {URL: "https://x/", SecretEnv: "NO_SUCH_VARIABLE"},
		"ca": {URL: "https://x/", Secret: "s", CA: filepath.Join(t.TempDir(), "none")},
	} {
		if _, err := webhookConfig(&hook); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestUndeliveredEventsAreSentByTheNextRun: what a receiver that is away does not take is not lost with the process.
func TestUndeliveredEventsAreSentByTheNextRun(t *testing.T) {
	var back atomic.Bool
	got := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !back.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		got <- r.Header.Get("Parley-Event")
	}))
	defer server.Close()
	folder := filepath.Join(t.TempDir(), "undelivered")
	run := func() *service {
		cfg := config.Default()
		cfg.SIP.Listen, cfg.SRS.Enabled, cfg.HTTP.Listen, cfg.Log.Level = []string{"udp://127.0.0.1:0"}, false, "", "error"
		cfg.Events.Undelivered = folder
		cfg.Events.Webhooks = []config.Webhook{{Name: "crm", URL: server.URL, Secret: "s3cret", Events: []string{"conference.started", "participant.joined"}}}
		s, err := start(t.Context(), &cfg, outputOf(t))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	end := func(s *service) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // which the events that nobody takes use up
		defer cancel()
		if err := s.close(ctx); err != nil {
			t.Error(err)
		}
	}
	s := run()
	watcher := s.focus.Watch("1000", "")
	defer watcher.Close()
	alice := testPhone(t, "alice")
	if err := alice.Call(t.Context(), "sip:1000@"+s.agent.Addr("udp").String()); err != nil {
		t.Fatal(err)
	}
	await(t, watcher, focus.ParticipantJoined)
	if err := alice.Hangup(t.Context()); err != nil {
		t.Fatal(err)
	}
	end(s)
	back.Store(true)
	s = run()
	for _, want := range []string{"conference.started", "participant.joined"} {
		select {
		case kind := <-got:
			if kind != want {
				t.Errorf("%s, want %s", kind, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("waited in vain for %s", want)
		}
	}
	end(s)
}
