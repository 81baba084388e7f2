package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	sipPort       = "15060"
	httpAddress   = "127.0.0.1:18080"
	reflectorPort = "61000"
	startTime     = 30 * time.Second
)

const settings = `log: {level: error}
sip: {listen: ["udp://127.0.0.1:` + sipPort + `", "tcp://127.0.0.1:` + sipPort + `"]}
srs: {enabled: false}
http: {listen: "` + httpAddress + `"}
`

// serve starts the server, with more settings, and gives its process identifier and what ends it.
func (b *bench) serve(ctx context.Context, more string) (pid int, stop func(), err error) {
	config := filepath.Join(b.work, "parley.yml")
	if err = os.WriteFile(config, []byte(settings+more), 0o600); err != nil {
		return 0, nil, err
	}
	server := exec.CommandContext(ctx, b.parley, "serve", "-c", config) //nolint:gosec // the program to measure
	server.SysProcAttr = &syscall.SysProcAttr{Setsid: true}             // as an init system would
	if err = start(server); err != nil {
		return 0, nil, err
	}
	return server.Process.Pid, func() {
		_ = server.Process.Signal(os.Interrupt)
		_ = server.Wait()
	}, nil
}

// start starts a process and waits until it is ready.
func start(server *exec.Cmd) error {
	out, err := server.StdoutPipe()
	if err != nil {
		return err
	}
	server.Stderr = os.Stderr
	if err = server.Start(); err != nil {
		return err
	}
	ready := make(chan error, 1)
	go func() {
		_, failed := out.Read(make([]byte, 1)) // the first thing it prints is that it is ready
		ready <- failed
	}()
	select {
	case err = <-ready:
	case <-time.After(startTime):
		err = errors.New("it did not start")
	}
	return err
}

// reflect measures the reflector with the same packets.
func (b *bench) reflect(ctx context.Context, rooms, legs, talkers int) (result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reflector := exec.CommandContext(ctx, b.reflector, "-m", "perport", "-n", strconv.Itoa(rooms*legs), "-p", reflectorPort, "-t", "120") //nolint:gosec // our own words
	if err := reflector.Start(); err != nil {
		return result{}, err
	}
	defer func() {
		cancel()
		_ = reflector.Wait()
	}()
	return b.load(ctx, "-raw", "-target", "127.0.0.1:"+reflectorPort, "-rooms", strconv.Itoa(rooms), "-legs", strconv.Itoa(legs),
		"-talkers", strconv.Itoa(talkers), "-pid", strconv.Itoa(reflector.Process.Pid))
}

// metrics reads the server's counters by name and labels.
func metrics(ctx context.Context) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+httpAddress+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	values := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		name, text, found := strings.Cut(lines.Text(), " ")
		if value, err := strconv.ParseFloat(text, 64); err == nil && found && name != "#" {
			values[name] = value
		}
	}
	return values, lines.Err()
}

// processorTime is what a process has used so far.
func processorTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const user, system, hertz = 11, 12, 100
	var ticks int
	for _, i := range []int{user, system} {
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / hertz, nil
}
