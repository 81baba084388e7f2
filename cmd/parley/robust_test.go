package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/config"
)

// footprint is what a process holds.
type footprint struct {
	goroutines, files int
	heap              uint64
}

func measure(t *testing.T) footprint {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return footprint{goroutines: runtime.NumGoroutine(), files: len(open), heap: m.HeapAlloc}
}

// TestSilentConnections: a thousand peers that connect and say nothing are no hindrance to calls, and leave nothing.
func TestSilentConnections(t *testing.T) {
	cert, key := selfSigned(t)
	s := testService(t, func(cfg *config.Config) {
		cfg.SRS.Enabled = false
		cfg.SIP.Listen = []string{"udp://127.0.0.1:0", "tcp://127.0.0.1:0", "tls://127.0.0.1:0", "ws://127.0.0.1:0"}
		cfg.SIP.TLS = config.TLS{Cert: cert, Key: config.Secret(key)}
	})
	before := measure(t)
	const each = 334
	silent := make([]net.Conn, 0, 3*each)
	for _, transport := range []string{"tcp", "tls", "ws"} {
		for range each {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.agent.Addr(transport).String())
			if err != nil {
				t.Fatal(err)
			}
			silent = append(silent, conn)
		}
	}
	waitFor(t, "the connections", func() bool { return s.agent.Stats().Connections == 3*each })
	for _, transport := range []string{"udp", "tcp"} {
		flag := map[string]string{"udp": "u1", "tcp": "t1"}[transport]
		sipp(t, "dialin-early", "-t", flag, "-s", "1000", "-m", "50", "-r", "50", "-p", strconv.Itoa(freePort(t)), s.agent.Addr(transport).String())()
	}
	during := measure(t)
	t.Logf("%d silent connections: heap %d -> %d KiB, goroutines %d -> %d", len(silent), before.heap>>10, during.heap>>10, before.goroutines, during.goroutines)
	for _, conn := range silent {
		_ = conn.Close()
	}
	waitFor(t, "their end", func() bool { return s.agent.Stats().Connections == 0 && len(s.agent.Connections()) == 0 })
}

// TestParameterBombs: messages of 32 KB and more of parameters cost nobody anything; calls go on meanwhile.
func TestParameterBombs(t *testing.T) {
	s := testService(t, func(cfg *config.Config) { cfg.SRS.Enabled = false })
	phone := testPhone(t, "alice")
	if err := phone.Call(t.Context(), fmt.Sprintf("sip:1000@%v", s.agent.Addr("udp"))); err != nil {
		t.Fatal(err)
	}
	late := s.mixer.Stats().LateTicks
	socket, err := new(net.Dialer).DialContext(t.Context(), "udp", s.agent.Addr("udp").String())
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close() //nolint:errcheck // nothing was written that counts
	many := strings.Repeat(";p=1", 8<<10)
	for name, text := range map[string]string{
		"URI": "sip:1000" + many + "@h", "Via": many, "From": many, "Contact": strings.Repeat("<sip:a@b>,", 3<<10), "quotes": strings.Repeat(`;a="\\"`, 4<<10),
	} {
		uri, via, from, contact := "sip:1000@h", "", "", "<sip:x@127.0.0.1>"
		switch name {
		case "URI":
			uri = text
		case "Via":
			via = text
		case "Contact":
			contact = text
		default:
			from = text
		}
		for i := range 200 {
			message := fmt.Sprintf("INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK%s%d%s\r\nFrom: <sip:x@h>;tag=1%s\r\nTo: <sip:1000@h>\r\nCall-ID: %s%d\r\nCSeq: 1 INVITE\r\n"+
				"Contact: %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n", uri, name, i, via, from, name, i, contact)
			if _, err := socket.Write([]byte(message)); err != nil {
				t.Fatal(name, len(message), err)
			}
		}
	}
	sipp(t, "dialin-early", "-t", "u1", "-s", "1001", "-m", "20", "-r", "50", "-p", strconv.Itoa(freePort(t)), s.agent.Addr("udp").String())()
	waitFor(t, "alice's call to be the only one", func() bool { return s.agent.Calls() == 1 })
	t.Logf("late ticks: %d", s.mixer.Stats().LateTicks-late)
}

// TestScanners: the tools by which toll fraud begins find out nothing, and who guesses is ignored; nobody else is.
func TestScanners(t *testing.T) {
	s := testService(t, func(cfg *config.Config) {
		withUsers(cfg)
		cfg.SRS.Enabled = false
		cfg.SIP.Listen = []string{"udp://127.0.0.1:0"}
	})
	port := strconv.Itoa(int(s.agent.Addr("udp").Port()))
	words := filepath.Join(t.TempDir(), "words")
	var guesses strings.Builder
	for i := range 50 {
		fmt.Fprintf(&guesses, "guess%d\n", i)
	}
	if err := os.WriteFile(words, []byte(guesses.String()+"s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	scan := func(tool string, args ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second) // it waits for answers that do not come
		defer cancel()
		command := exec.CommandContext(ctx, tool, args...)
		command.Env = append(os.Environ(), "HOME="+t.TempDir())
		var out bytes.Buffer
		command.Stdout, command.Stderr = &out, &out
		if err := command.Run(); err != nil && command.ProcessState == nil {
			t.Fatal(tool+" (Debian package sipvicious):", err)
		}
		return out.String()
	}
	if out := scan("svwar", "--maximumtime=2", "-p", port, "-m", "INVITE", "-e", "1000-1020", "127.0.0.1"); strings.Contains(out, "noauth") {
		t.Errorf("svwar gets in:\n%s", out)
	}
	out := ""
	for range 5 { // on a machine that is busy that time may be over before it has guessed three times
		if out = scan("svcrack", "--maximumtime=2", "-m", "INVITE", "-p", port, "-u", "alice", "-d", words, "127.0.0.1"); strings.Contains(out, "s3cret") {
			t.Errorf("svcrack has found the password:\n%s", out)
		}
		if len(s.Bans()) > 0 {
			break
		}
	}
	if bans := s.Bans(); len(bans) != 1 || bans[0].Source != "127.0.0.1" {
		t.Errorf("ignored: %v after\n%s", bans, out)
	}
	sipp(t, "digest", "-i", "127.0.0.3", "-s", "1000", "-m", "3", "-p", strconv.Itoa(freePort(t)), s.agent.Addr("udp").String())()
}
