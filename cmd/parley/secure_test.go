package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec/srs"
)

// logText is a log that many may write.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// secureRecorder is a reference recorder that wants client certificates and, if told so, SRTP.
func secureRecorder(t *testing.T, cert, key string, security srs.Security, log *slog.Logger) (*srs.Server, <-chan srs.Recording) {
	t.Helper()
	settings, err := ownTLS("test", &config.TLS{Cert: cert, Key: config.Secret(key), ClientCA: cert, RequireClientCert: true})
	if err != nil {
		t.Fatal(err)
	}
	finished := make(chan srs.Recording, 10)
	recorder, err := srs.New(srs.Config{
		Listen: []string{"tls://127.0.0.1:0"}, Directory: t.TempDir(), TLS: settings, Security: security, Logger: log,
		Hooks: srs.Hooks{Finished: func(r srs.Recording) { finished <- r }},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := recorder.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		if err := recorder.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return recorder, finished
}

// TestSecureRecording: mutual TLS and SRTP toward a recorder that takes nothing else; what it records is what was said, and no key is
// in any log.
//
// Shows RQ-025, RQ-028, RQ-030, SR-SEC-04, SR-SEC-05, SR-SEC-08, SR-SEC-09, SR-SEC-11, SR-SEC-13.
func TestSecureRecording(t *testing.T) {
	for _, x := range []struct {
		name      string
		recorder  srs.Security
		wish      string
		protected bool
	}{
		{"both want it", srs.SecurityRequired, "required", true},
		{"the recorder may", srs.SecurityOptional, "optional", true},
		{"the recorder cannot", srs.SecurityNone, "optional", false},
	} {
		t.Run(x.name, func(t *testing.T) {
			cert, key := selfSigned(t)
			log := &logText{}
			recorder, finished := secureRecorder(t, cert, key, x.recorder, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
			s := testServiceTo(t, log, func(cfg *config.Config) {
				cfg.Log.Level, cfg.SRS.Enabled = "debug", false
				cfg.SIP.TLS = config.TLS{Cert: cert, Key: config.Secret(key), CA: cert}
				cfg.Recording.Servers = []config.RecordingServer{{
					Name: "vault", URI: fmt.Sprintf("sip:srs@%v;transport=tls", recorder.Addr("tls")), Codecs: []string{"g722"}, SRTP: x.wish,
				}}
			})
			report := recordSpeech(t, s, finished, func() bool { // the first report may be lost, and the next comes up to seven seconds later
				live := recorder.Recordings()
				return len(live) == 1 && slices.ContainsFunc(live[0].Streams, func(stream srs.Stream) bool { return stream.Clock == "rtcp" })
			})
			reported := false
			for _, stream := range report.Streams {
				if stream.SRTP != x.protected || stream.Packets < 50 || stream.Discarded > 0 || stream.Lost > 0 {
					t.Errorf("%+v", stream)
				}
				reported = reported || stream.Clock == "rtcp"
			}
			if !reported {
				t.Error("no sender report was understood")
			}
			text := log.String()
			if strings.Contains(text, "inline:") || strings.Contains(text, "a=crypto") {
				t.Error("a key is in the log")
			}
			if got := strings.Contains(text, "alarm=unprotected"); got == x.protected {
				t.Errorf("told that there is no protection: %v", got)
			}
		})
	}
}

// recordSpeech has somebody speak in a conference that is recorded, until enough is there, too, and gives what the recorder made of it.
func recordSpeech(t *testing.T, s *service, finished <-chan srs.Recording, enough func() bool) srs.Recording {
	t.Helper()
	watcher := s.focus.Watch("1000", "")
	defer watcher.Close()
	alice, bob := testPhone(t, "alice"), testPhone(t, "bob")
	for _, phone := range []*conftest.Phone{alice, bob} {
		if err := phone.Call(t.Context(), fmt.Sprintf("sip:1000@%v", s.agent.Addr("udp"))); err != nil {
			t.Fatal(err)
		}
	}
	recording, err := s.focus.StartRecording(t.Context(), "1000", focus.RecordingRequest{Modes: conference.Mixed | conference.Separate})
	if err != nil {
		t.Fatal(err)
	}
	await(t, watcher, focus.RecordingStarted)
	speech := voice(t, "alice", 8000)
	alice.Say(speech[:min(len(speech), 6*8000)])
	waitFor(t, "six seconds of each stream", func() bool {
		info, err := s.focus.Recording(t.Context(), "1000", recording.ID)
		if err != nil || len(info.Streams) < 3 {
			return false
		}
		for _, stream := range info.Streams {
			if stream.Packets < 6*50 {
				return false
			}
		}
		return enough()
	})
	if _, err := s.focus.StopRecording(t.Context(), "1000", recording.ID); err != nil {
		t.Fatal(err)
	}
	select {
	case report := <-finished:
		return report
	case <-time.After(20 * time.Second):
		t.Fatal("the recorder does not finish")
		return srs.Recording{}
	}
}

// waitFor asks until something is so.
func waitFor(t *testing.T, what string, so func() bool) {
	t.Helper()
	ticker, deadline := time.NewTicker(20*time.Millisecond), time.After(40*time.Second)
	defer ticker.Stop()
	for !so() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatal("never: ", what)
		}
	}
}

// TestForeignRecorderIsNotTrusted: no metadata goes to a server that proves to be nobody, or somebody else.
//
// Shows RQ-026, SR-SEC-05, SR-SEC-06.
func TestForeignRecorderIsNotTrusted(t *testing.T) {
	cert, key := selfSigned(t)
	other, _ := selfSigned(t)
	for name, x := range map[string]struct{ trusted, host string }{
		"signed by nobody we know": {other, "127.0.0.1"},
		"another name":             {cert, "localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			log := &logText{}
			recorder, _ := secureRecorder(t, cert, key, srs.SecurityOptional, slog.New(slog.NewTextHandler(log, nil)))
			agent, err := sipua.New(sipua.Config{TLS: mustTLS(t, &config.TLS{Cert: cert, Key: config.Secret(key), CA: x.trusted})}, &admission{})
			if err != nil {
				t.Fatal(err)
			}
			if err = agent.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = agent.Shutdown(t.Context()) }()
			uri, err := sipua.ParseURI(fmt.Sprintf("sip:srs@%s:%d;transport=tls", x.host, recorder.Addr("tls").Port()))
			if err != nil {
				t.Fatal(err)
			}
			_, err = agent.Request(t.Context(), sipua.OutgoingRequest{Method: "OPTIONS", URI: uri})
			if err == nil || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("%v", err)
			}
		})
	}
}

func mustTLS(t *testing.T, cfg *config.TLS) sipua.TLS {
	t.Helper()
	settings, err := ownTLS("test", cfg)
	if err != nil {
		t.Fatal(err)
	}
	return settings
}
