package main

import (
	"bytes"
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/mixer"
)

// TestLimitsAreTold: who starts a server learns at once what the system does not allow it.
func TestLimitsAreTold(t *testing.T) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	lower := files
	lower.Cur = min(files.Cur, 2048)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lower); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
			t.Error(err)
		}
	}()
	for ports, warned := range map[int]bool{100: false, 2040: true} {
		cfg := config.Default()
		cfg.Media.Ports = []int{20000, 20000 + ports - 1}
		var log bytes.Buffer
		warnOfLimits(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), &cfg)
		if strings.Contains(log.String(), "LimitNOFILE") != warned {
			t.Errorf("%d ports: %q", ports, log.String())
		}
		if strings.Contains(log.String(), "LimitRTPRIO") != (mixer.RealTime() != nil) {
			t.Errorf("about real-time threads: %q", log.String())
		}
	}
}
