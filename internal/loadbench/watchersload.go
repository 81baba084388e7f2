package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// Each kind comes from an address of its own: a single one may have half of the connections.
	streamsFrom, asksFrom, bringsFrom = "127.0.0.2", "127.0.0.3", "127.0.0.4"

	longestBody   = 12 * time.Second // that of a route may take 5 or 10 s
	bodyPause     = 250 * time.Millisecond
	deafBuffer    = 4 << 10 // of the system, for who never reads
	longestEvent  = 1 << 20
	askingPause   = time.Second // of one that asks, after each answer
	askingTimeout = 20 * time.Second
)

// from dials from an address.
func from(address string) func(ctx context.Context, network, to string) (net.Conn, error) {
	return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext
}

// problem notes what went wrong, unless the load is over.
func (w *watchersLoad) problem(what string, count *int) {
	if w.ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	*count++
	w.problems[what]++
}

// follow reads a stream of events until the end, or, if it is deaf, does not.
func (w *watchersLoad) follow(path string, deaf bool) {
	conn, err := from(streamsFrom)(w.ctx, "tcp", httpAddress)
	if err != nil {
		w.problem("a stream: "+err.Error(), &w.streams)
		return
	}
	defer conn.Close() //nolint:errcheck // it was read
	defer context.AfterFunc(w.ctx, func() { _ = conn.Close() })()
	if tcp, ok := conn.(*net.TCPConn); ok && deaf {
		_ = tcp.SetReadBuffer(deafBuffer)
	}
	if _, err = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: "+httpAddress+"\r\n\r\n"); err != nil {
		w.problem("a stream: "+err.Error(), &w.streams)
		return
	}
	if deaf {
		<-w.ctx.Done()
		return
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != http.StatusOK {
		w.problem(fmt.Sprintf("a stream: %v %v", response, err), &w.streams)
		return
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	w.read(response.Body, strings.HasPrefix(path, "/api/v1/events"))
	w.problem("a stream ended", &w.streams)
}

// read counts events, and those that are missing: of all conferences by their identifiers, of one by their sequence.
func (w *watchersLoad) read(body io.Reader, all bool) {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, longestEvent)
	last := uint64(0)
	for lines.Scan() {
		text, found := strings.CutPrefix(lines.Text(), "data: ")
		if !found {
			continue
		}
		var event struct {
			ID       string    `json:"id"`
			Sequence uint64    `json:"sequence"`
			Time     time.Time `json:"time"`
		}
		if err := json.Unmarshal([]byte(text), &event); err != nil {
			w.problem("an event: "+err.Error(), &w.gaps)
			return
		}
		number := event.Sequence
		if all {
			_, digits, _ := strings.Cut(event.ID, "-")
			number, _ = strconv.ParseUint(digits, 10, 64)
		}
		if last > 0 && number != last+1 {
			w.problem(fmt.Sprintf("event %d follows %d", number, last), &w.gaps)
		}
		last = number
		w.mu.Lock()
		w.events++
		w.late = append(w.late, time.Since(event.Time))
		w.mu.Unlock()
	}
}

// ask asks for the list again and again, as all others do at the same time, each by a connection of its own.
func (w *watchersLoad) ask() {
	transport := &http.Transport{DialContext: from(asksFrom)}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: askingTimeout}
	for round := 1; w.ctx.Err() == nil; round++ {
		began := time.Now()
		status, listed, err := list1000(w.ctx, &client)
		switch {
		case err != nil:
			w.problem("a list: "+err.Error(), &w.unanswered)
		case status == http.StatusServiceUnavailable:
			w.problem("a list: busy", &w.busy)
		case status != http.StatusOK || listed != watchersListed:
			w.problem(fmt.Sprintf("a list of %d: %d", listed, status), &w.unanswered)
		default:
			w.mu.Lock()
			w.lists++
			w.took = append(w.took, time.Since(began))
			w.mu.Unlock()
		}
		if pause(w.ctx, max(askingPause, time.Until(w.asked.Add(time.Duration(round)*5*time.Second)))) != nil { //nolint:mnd // all of them every five seconds
			return
		}
	}
}

// list1000 asks for the list, and tells how many it has.
func list1000(ctx context.Context, client *http.Client) (status, listed int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+httpAddress+"/api/v1/conferences", http.NoBody)
	if err != nil {
		return 0, 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return response.StatusCode, 0, err
	}
	return response.StatusCode, strings.Count(string(text), `{"id":`), nil // not parsed: this process has others to care for
}

// bring sends a body octet by octet, again and again, each time until it is cut off.
func (w *watchersLoad) bring() {
	for w.ctx.Err() == nil {
		began := time.Now()
		err := w.bringOnce()
		if w.ctx.Err() != nil {
			return
		}
		w.mu.Lock()
		w.bodies++
		w.cut = append(w.cut, time.Since(began))
		w.mu.Unlock()
		if err != nil {
			w.problem("a body: "+err.Error(), &w.overlong)
		}
		_ = pause(w.ctx, bodyPause)
	}
}

var errNotCut = errors.New("a slow body is still waited for")

// bringOnce returns when the server has answered or has ended the connection; an error says that it has not.
func (w *watchersLoad) bringOnce() error {
	conn, err := from(bringsFrom)(w.ctx, "tcp", httpAddress)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // as is meant
	answered := make(chan error, 1)
	go func() {
		_ = conn.SetReadDeadline(time.Now().Add(longestBody))
		_, failed := conn.Read(make([]byte, 1))
		answered <- failed
	}()
	defer context.AfterFunc(w.ctx, func() { _ = conn.Close() })()
	if _, err = io.WriteString(conn, "POST /api/v1/conferences HTTP/1.1\r\nHost: "+httpAddress+"\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"); err != nil {
		return nil
	}
	tick := time.NewTicker(bodyPause)
	defer tick.Stop()
	for {
		select {
		case err = <-answered:
			if stuck, ok := errors.AsType[net.Error](err); ok && stuck.Timeout() {
				return errNotCut
			}
			return nil
		case <-tick.C:
			_, _ = io.WriteString(conn, " ") // fails when it has been ended, which is answered
		}
	}
}
