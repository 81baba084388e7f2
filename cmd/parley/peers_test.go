package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/conftest"
)

// testService is a server on free loopback ports that ends with the test.
func testService(t *testing.T, change func(*config.Config)) *service {
	t.Helper()
	return testServiceTo(t, outputOf(t), change)
}

// testOutput is the output of a test until the test is over: whatever were written to it later would end the program, with all tests.
type testOutput struct {
	mu   sync.Mutex
	out  io.Writer
	over bool
}

// Write implements io.Writer.
func (o *testOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return len(p), nil
	}
	return o.out.Write(p)
}

// outputOf is for servers, which are given up when they do not end in time.
func outputOf(t *testing.T) io.Writer {
	t.Helper()
	o := &testOutput{out: t.Output()}
	t.Cleanup(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.over = true
	})
	return o
}

// explain has a test that listens say, if it fails, what the mixer, the focus and a phone have counted by now: whose sound was not whole, and whether the machine
// had time for it.
func explain(t *testing.T, s *service, conf conference.ID, phone *conftest.Phone) {
	t.Helper()
	ticks := s.mixer.Stats()
	sent, received, missing := phone.Counts()
	late, latest := phone.Lateness(0.99), phone.Lateness(1)
	list, err := s.focus.Participants(t.Context(), conf)
	if err != nil {
		t.Error(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		t.Logf("mixer: %d ticks, %d late, %d missed; the phone: %d sent, %d received, %d missing, late by %v, once by %v",
			ticks.Ticks, ticks.LateTicks, ticks.MissedTicks, sent, received, missing, late, latest)
		for _, p := range list {
			if p.Stats != nil {
				t.Logf("%s: %+v", p.URI, *p.Stats)
			}
		}
	})
}

// testServiceTo has its log somewhere.
func testServiceTo(t *testing.T, log io.Writer, change func(*config.Config)) *service {
	t.Helper()
	cfg := config.Default()
	cfg.SIP.Listen = []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}
	cfg.SRS.Listen = []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0"}
	cfg.SRS.Directory = t.TempDir()
	cfg.HTTP.Listen = "127.0.0.1:0"
	cfg.Log.Level = "warn"
	cfg.Events.MinInterval = 20 * time.Millisecond
	if change != nil {
		change(&cfg)
	}
	s, err := start(t.Context(), &cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		if err := s.close(ctx); err != nil {
			t.Error("close:", err)
		}
	})
	return s
}

// freePort is a port that was free a moment ago, for UDP and TCP, for peers that cannot choose one themselves. It is none of those that the system
// gives to others who want any (32768 to 60999).
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 61100 + rand.IntN(4400)
		udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			continue
		}
		tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		_ = udp.Close()
		if err != nil {
			continue
		}
		_ = tcp.Close()
		return port
	}
	t.Fatal("no free port")
	return 0
}

// sipp plays a scenario of testdata/sipp. It returns the process, already started, and what waits for it and judges.
func sipp(t *testing.T, scenario string, args ...string) (wait func()) {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("..", "..", "testdata", "sipp", scenario+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args = append([]string{
		"-sf", file, "-i", "127.0.0.1", "-nostdin", "-trace_err", "-error_file", filepath.Join(dir, "errors"), "-timeout", "60", "-timeout_error",
		"-trace_msg", "-message_file", filepath.Join(dir, "messages"),
	}, args...)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	command := exec.CommandContext(ctx, "sipp", args...)
	command.Dir = dir
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		t.Fatal("sipp (Debian package sip-tester):", err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, name := range []string{"errors", "messages"} {
			text, _ := os.ReadFile(filepath.Join(dir, name))
			t.Logf("%s of SIPp:\n%s", name, text)
		}
	})
	return func() {
		t.Helper()
		defer cancel()
		if err := command.Wait(); err != nil {
			t.Errorf("sipp %s: %v", scenario, err)
		}
	}
}

// TestSIPpScenarios lets a foreign user agent dial in, hold, change, cancel, subscribe, and be refused.
func TestSIPpScenarios(t *testing.T) {
	s := testService(t, func(cfg *config.Config) {
		cfg.Conferences = []config.Conference{{ID: "locked", Locked: true}, {ID: "1003"}}
		cfg.SIP.Takeover = "anyone"
	})
	ringing := testService(t, func(cfg *config.Config) { cfg.SIP.Ring = 250 * time.Millisecond })
	static := testService(t, func(cfg *config.Config) { cfg.ConferenceDefaults.Dynamic = false })
	for _, test := range []struct {
		scenario, user string
		calls          int
		at             *service
	}{
		{"dialin-early", "1000", 20, s},
		{"dialin-late", "1000", 20, s},
		{"hold", "1001", 5, s},
		{"update", "1001", 5, s},
		{"reinvite-codec", "1001", 5, s},
		{"cancel-unknown", "1002", 5, s},
		{"cancel-late", "1002", 20, s},
		{"replaces", "1004", 5, s},
		{"transfer", "1007", 5, s},
		{"join", "1005", 5, s},
		{"prack", "1006", 5, ringing},
		{"options", "1000", 1, s},
		{"subscribe", "1003", 5, s},
		{"refuse-488", "1000", 5, s},
		{"refuse-420", "1000", 1, s},
		{"refuse-415", "1000", 1, s},
		{"refuse-404", "1000", 1, static},
		{"refuse-403", "locked", 1, s},
		{"refuse-501", "1000", 1, s},
		{"refuse-489", "1000", 1, s},
		{"refuse-481", "1000", 1, s},
	} {
		for transport, flag := range map[string]string{"udp": "u1", "tcp": "t1"} {
			t.Run(test.scenario+"/"+transport, func(t *testing.T) {
				sipp(t, test.scenario, "-t", flag, "-s", test.user, "-m", strconv.Itoa(test.calls), "-r", "50", "-p", strconv.Itoa(freePort(t)),
					test.at.agent.Addr(transport).String())()
			})
		}
	}
	if n := s.agent.Calls(); n != 0 {
		t.Errorf("%d calls are left over", n)
	}
}

// TestSIPpFullConference: FO-ERR-17, the second caller of a conference for one.
func TestSIPpFullConference(t *testing.T) {
	s := testService(t, func(cfg *config.Config) {
		one := 1
		cfg.Conferences = []config.Conference{{ID: "one", MaxParticipants: &one}}
	})
	phone := testPhone(t, "alice")
	if err := phone.Call(t.Context(), fmt.Sprintf("sip:one@%v", s.agent.Addr("udp"))); err != nil {
		t.Fatal(err)
	}
	sipp(t, "refuse-486", "-s", "one", "-m", "1", "-p", strconv.Itoa(freePort(t)), s.agent.Addr("udp").String())()
}
