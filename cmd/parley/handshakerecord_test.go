package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/siprec/srs"
)

// TestRecordingByHandshake: where signalling is open, SRTP toward a recorder that takes nothing else has its keys by a handshake; everything
// from the first packet on is there, and the certificate is told where a key would be.
//
// Shows SR-SEC-04, SR-SEC-10, SR-SEC-12, SR-SEC-15, ME-DTL-08, ME-DTL-10.
func TestRecordingByHandshake(t *testing.T) {
	log, finished := &logText{}, make(chan srs.Recording, 10)
	recorder, err := srs.New(srs.Config{
		Listen: []string{"tcp://127.0.0.1:0"}, Directory: t.TempDir(), Security: srs.SecurityRequired, Logger: slog.New(slog.NewTextHandler(log, nil)),
		Hooks: srs.Hooks{Finished: func(r srs.Recording) { finished <- r }},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err = recorder.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		if err := recorder.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	s := testServiceTo(t, log, func(cfg *config.Config) {
		cfg.SRS.Enabled = false
		cfg.Recording.Servers = []config.RecordingServer{{
			Name: "vault", URI: fmt.Sprintf("sip:srs@%v;transport=tcp", recorder.Addr("tcp")), Codecs: []string{"g722"}, SRTP: "required", DTLS: "accept",
		}}
	})
	report := recordSpeech(t, s, finished, func() bool { return true })
	for _, stream := range report.Streams {
		if !stream.SRTP || stream.Packets < 6*50 || stream.Discarded > 0 || stream.Lost > 0 {
			t.Errorf("%+v", stream)
		}
	}
	if text := log.String(); strings.Contains(text, "a=crypto") || strings.Contains(text, "alarm=") || strings.Contains(text, "captured audio is lost") {
		t.Error(text)
	}
}
