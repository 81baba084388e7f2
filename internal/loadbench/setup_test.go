package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSetupReport: calls that SIPp says have succeeded have; all others have failed, those among them that it never made.
func TestSetupReport(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := setupReport(dir, 10); !errors.Is(err, errReport) {
		t.Errorf("nothing was written: %v", err)
	}
	write("setup_1_rtt.csv", "Date_ms;response_time_ms;rtd_no\n104.001;3;1\n152.001;12;1\n")
	write("counts.csv", "StartTime;SuccessfulCall(P);SuccessfulCall(C);\n1;1;1;\n2;1;7;\n")
	took, failed, err := setupReport(dir, 10)
	if err != nil || failed != 3 || len(took) != 2 || took[1] != 12*time.Millisecond {
		t.Errorf("%v, %d failed, %v", took, failed, err)
	}
	write("setup_1_rtt.csv", "Date_ms;response_time_ms;rtd_no\n")
	if _, _, err := setupReport(dir, 10); !errors.Is(err, errReport) {
		t.Errorf("nobody was answered: %v", err)
	}
}

// TestSetupFiles: SIPp understands the files, and gives up the calls when nobody is there.
func TestSetupFiles(t *testing.T) {
	dir := t.TempDir()
	if err := setupFiles(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "sound.pcmu")); err != nil || info.Size()%160 != 0 {
		t.Errorf("%v, %v", info, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	sipp := setupCall(ctx, dir, "127.0.0.1:9", 3)
	sipp.Args = append(sipp.Args, "-max_retrans", "1")
	out, _ := sipp.CombinedOutput()
	if !strings.Contains(string(out), "Test Terminated") {
		t.Fatalf("SIPp (Debian package sip-tester) says %s", out)
	}
	if _, _, err := setupReport(dir, 3); !errors.Is(err, errReport) {
		t.Errorf("calls that nobody answered: %v", err)
	}
}
