package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServiceManagerIsTold: a unit of type notify waits for the first word, and of type notify-reload for what comes after its signal.
func TestServiceManagerIsTold(t *testing.T) {
	folder := t.TempDir()
	socket := filepath.Join(folder, "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: socket})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close() //nolint:errcheck // a test
	if err = manager.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	hears := func(want ...string) {
		t.Helper()
		var buffer [1024]byte
		n, failed := manager.Read(buffer[:])
		if failed != nil {
			t.Fatal(failed)
		}
		lines := strings.Split(string(buffer[:n]), "\n")
		if len(lines) != len(want) {
			t.Fatalf("it says %q, want %q", lines, want)
		}
		for i := range want {
			if !strings.HasPrefix(lines[i], want[i]) {
				t.Errorf("it says %q, want %q", lines, want)
			}
		}
	}
	file := filepath.Join(folder, "parley.yml")
	settings := "sip: {listen: [\"udp://127.0.0.1:0\"]}\nsrs: {listen: [\"udp://127.0.0.1:0\"], directory: " + folder + "/recordings}\nhttp: {listen: \"127.0.0.1:0\"}\n"
	if err = os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"serve", "srs"} {
		t.Setenv("NOTIFY_SOCKET", socket)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan int, 1)
		var out, complaints bytes.Buffer
		go func() { ended <- run(ctx, []string{command, "-c", file}, &out, &complaints) }()
		hears("READY=1", "STATUS=")
		if command == "serve" {
			if err = syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			hears("RELOADING=1", "MONOTONIC_USEC=")
			hears("READY=1", "STATUS=")
		}
		stop()
		hears("STOPPING=1")
		if status := <-ended; status != exitDone {
			t.Errorf("%s ends with %d: %s", command, status, &complaints)
		}
	}
	if err = (notifier{}).ready(""); err != nil {
		t.Errorf("without a manager: %v", err)
	}
	if err = (notifier{filepath.Join(folder, "nobody")}).stopping(); err == nil {
		t.Error("a manager that is not there has heard it")
	}
}
