package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptServer is the parley serve of a script, with what it has said so far.
type scriptServer struct {
	process *exec.Cmd
	stderr  record
	drained chan struct{} // closed when all of stdout has been read
	stop    context.CancelFunc

	mu      sync.Mutex
	stdout  strings.Builder
	events  []serverEvent
	changed chan struct{} // closed and replaced with each event
	read    int           // events that the script has seen
}

// record is what has been written so far. It may be read at any time.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

// String is all of it.
func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("serve does not fail; use exits")
	}
	s := &scriptServer{drained: make(chan struct{}), changed: make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	program := ""
	for _, folder := range filepath.SplitList(ts.Getenv("PATH")) {
		if file := filepath.Join(folder, "parley"); program == "" && exec.CommandContext(ctx, file, "version").Run() == nil {
			program = file
		}
	}
	s.process = exec.CommandContext(ctx, program, append([]string{"serve"}, args...)...)
	s.process.Dir, s.process.Stderr = ts.MkAbs("."), &s.stderr
	s.process.Env = os.Environ()
	for _, name := range []string{"HOME", "PARLEY_LOG_LEVEL", "PARLEY_MEDIA_CODECS"} {
		if value := ts.Getenv(name); value != "" {
			s.process.Env = append(s.process.Env, name+"="+value)
		}
	}
	out, err := s.process.StdoutPipe()
	ts.Check(err)
	ts.Check(s.process.Start())
	ts.Defer(func() {
		stop()
		<-s.drained
		_ = s.process.Wait() // also after term
	})
	ready := make(chan string, 1)
	go s.readOutput(bufio.NewScanner(out), ready)
	select {
	case line := <-ready:
		s.announce(ts, line)
	case <-s.drained:
		_ = s.process.Wait()
		ts.Fatalf("the server has ended: %s", s.stderr.String())
	case <-time.After(scriptPatience):
		ts.Fatalf("the server is not ready")
	}
	stageOf(ts).server = s
	go s.follow(ctx, &server{API: ts.Getenv("PARLEY_API"), Token: ts.Getenv("PARLEY_TOKEN")})
}

func (s *scriptServer) readOutput(lines *bufio.Scanner, ready chan<- string) {
	defer close(s.drained)
	for lines.Scan() {
		s.mu.Lock()
		s.stdout.WriteString(lines.Text() + "\n")
		s.mu.Unlock()
		if strings.Contains(lines.Text(), " ready:") {
			ready <- lines.Text()
		}
	}
}

// announce gives the script the addresses of the line that says that the server is ready.
func (s *scriptServer) announce(ts *testscript.TestScript, line string) {
	found := regexp.MustCompile(`^parley \S+ ready: sip:([0-9.:]+);transport=udp .*(http://[0-9.:]+)`).FindStringSubmatch(line)
	if found == nil {
		ts.Fatalf("the server says %q", line)
	}
	ts.Setenv("SIP", found[1])
	ts.Setenv("PARLEY_API", found[2])
	ts.Setenv("HTTP", strings.TrimPrefix(found[2], "http://"))
}

// follow keeps all events of the server, from its first one.
func (s *scriptServer) follow(ctx context.Context, at *server) {
	_ = at.client().follow(ctx, "/events", "0", func(e serverEvent) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, e)
		close(s.changed)
		s.changed = make(chan struct{})
		return nil
	})
}

func serverOf(ts *testscript.TestScript) *scriptServer {
	found := stageOf(ts).server
	if found == nil {
		ts.Fatalf("there is no server")
	}
	return found
}

// next gives the first event that matches and was not seen before, or what to wait for.
func (s *scriptServer) next(name string, pattern *regexp.Regexp) (found *serverEvent, seen []string, wait <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := s.read; i < len(s.events); i++ {
		e := s.events[i]
		if e.name == name && pattern.Match(e.data) {
			s.read = i + 1
			return &e, nil, nil
		}
		seen = append(seen, e.name+" "+string(e.data))
	}
	return nil, seen, s.changed
}

func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: await EVENT [PATTERN]")
	}
	s, pattern := serverOf(ts), regexp.MustCompile(strings.Join(args[1:], ""))
	timeout := time.After(scriptPatience)
	for {
		found, seen, wait := s.next(args[0], pattern)
		if found == nil {
			select {
			case <-wait:
			case <-timeout:
				ts.Fatalf("no %s; there were\n%s", strings.Join(args, " "), strings.Join(seen, "\n"))
			}
			continue
		}
		var event struct {
			Object struct {
				ID string `json:"id"`
			} `json:"object"`
		}
		ts.Check(json.Unmarshal(found.data, &event))
		ts.Setenv("ID", event.Object.ID)
		return
	}
}

func scriptGet(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: get PATH [PATTERN]")
	}
	ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
	defer cancel()
	pattern := regexp.MustCompile("(?m)" + strings.Join(args[1:], ""))
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		status, text := ask(ctx, ts, args[0])
		if (status == http.StatusOK) == neg {
			ts.Fatalf("%s: %d\n%s", args[0], status, text)
		}
		if pattern.Match(text) {
			_, err := ts.Stdout().Write(text)
			ts.Check(err)
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			ts.Fatalf("%s never matches:\n%s", args[0], text)
		}
	}
}

func ask(ctx context.Context, ts *testscript.TestScript, path string) (status int, text []byte) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, ts.Getenv("PARLEY_API")+path, nil)
	ts.Check(err)
	if token := ts.Getenv("PARLEY_TOKEN"); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer response.Body.Close() //nolint:errcheck // read only
	text, err = io.ReadAll(response.Body)
	ts.Check(err)
	return response.StatusCode, text
}

func scriptTerm(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: term")
	}
	s := serverOf(ts)
	ts.Check(s.process.Process.Signal(syscall.SIGTERM))
	scriptEnded(ts, false, nil)
}

func scriptEnded(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: ended [STATUS]")
	}
	s := serverOf(ts)
	select {
	case <-s.drained:
	case <-time.After(scriptPatience):
		ts.Fatalf("the server does not end")
	}
	if err := s.process.Wait(); len(args) == 0 {
		if err != nil {
			ts.Logf("the server wrote:\n%s", s.stderr.String())
		}
		ts.Check(err)
	} else if got := strconv.Itoa(s.process.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
	_, err := ts.Stdout().Write([]byte(s.stdout.String()))
	ts.Check(err)
	_, err = ts.Stderr().Write([]byte(s.stderr.String()))
	ts.Check(err)
}

func scriptSignal(ts *testscript.TestScript, neg bool, args []string) {
	known := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM}
	if neg || len(args) != 1 || known[args[0]] == 0 {
		ts.Fatalf("usage: signal HUP|TERM")
	}
	ts.Check(serverOf(ts).process.Process.Signal(known[args[0]]))
}

func scriptLogged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: logged PATTERN")
	}
	s, pattern := serverOf(ts), regexp.MustCompile("(?m)"+args[0])
	timeout := time.After(scriptPatience)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !pattern.MatchString(s.stderr.String()) {
		select {
		case <-again.C:
		case <-timeout:
			ts.Fatalf("%s is not in the log:\n%s", args[0], s.stderr.String())
		}
	}
}
