package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// TestDrainWaitsForNoKeptSession: a recording session that is kept up while nobody is recorded is no call in progress (operating.md, "Start, stop, health").
func TestDrainWaitsForNoKeptSession(t *testing.T) {
	folder := t.TempDir()
	begin := func(command, settings string) (said *bufio.Scanner, end func() int) {
		file := filepath.Join(folder, command+".yml")
		if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		out, in := io.Pipe()
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, []string{command, "-c", file}, in, io.Discard)
			_ = in.Close()
		}()
		said = bufio.NewScanner(out)
		if !said.Scan() {
			t.Fatalf("%s is not ready", command)
		}
		return said, func() int {
			stop()
			return <-ended
		}
	}
	recorder, endRecorder := begin("srs", "srs: {listen: [\"udp://127.0.0.1:0\", \"tcp://127.0.0.1:0\"], directory: "+folder+"/recordings}\n")
	at := regexp.MustCompile(`127\.0\.0\.1:[0-9]+`).FindString(recorder.Text())
	server, endServer := begin("serve", `
sip: {listen: ["udp://127.0.0.1:0", "tcp://127.0.0.1:0"]}
http: {listen: "127.0.0.1:0"}
srs: {enabled: false}
recording: {servers: [{name: kept, uri: "sip:srs@`+at+`", persistent: 2}]}
shutdown: {drain: 10m}
`)
	go func() {
		for server.Scan() {
		}
	}()
	if !recorder.Scan() { // the session has begun
		t.Fatal("there is no session")
	}
	go func() {
		for recorder.Scan() {
		}
	}()
	ended := make(chan int, 1)
	go func() { ended <- endServer() }()
	select {
	case status := <-ended:
		if status != exitDone {
			t.Errorf("exit status %d", status)
		}
	case <-time.After(time.Minute):
		t.Fatal("it waits for a session that nobody is in")
	}
	if status := endRecorder(); status != exitDone {
		t.Errorf("exit status %d of the recorder", status)
	}
}
