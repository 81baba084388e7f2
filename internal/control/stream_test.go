package control_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// streamed is one event as a reader of Server-Sent Events sees it.
type streamed struct {
	ID, Event string
	Data      struct {
		ID         string         `json:"id"`
		Type       string         `json:"type"`
		Time       string         `json:"time"`
		Conference string         `json:"conference"`
		Sequence   uint64         `json:"sequence"`
		Object     map[string]any `json:"object"`
	}
}

// follower reads a stream of events; both channels are closed at its end.
type follower struct {
	t      *testing.T
	events chan streamed
	stop   context.CancelFunc
	ended  chan struct{}
}

// follow returns when the stream is open: what happens after that is in it.
func (b *bench) follow(path, after string) *follower {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	b.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+path, nil)
	must(b.t, err)
	if after != "" {
		r.Header.Set("Last-Event-ID", after)
	}
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	response, err := http.DefaultClient.Do(r) //nolint:bodyclose // the goroutine below does
	must(b.t, err)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" || response.Header.Get("Cache-Control") != "no-store" {
		b.t.Fatalf("stream: %d %v", response.StatusCode, response.Header)
	}
	f := &follower{t: b.t, events: make(chan streamed, 1000), stop: cancel, ended: make(chan struct{})}
	lines := bufio.NewScanner(response.Body)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), ":") {
		b.t.Fatalf("the stream begins with %q, want a comment", lines.Text())
	}
	go func() {
		defer close(f.ended)
		defer close(f.events)
		defer response.Body.Close() //nolint:errcheck // read only
		var event streamed
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch field {
			case "id":
				event.ID = value
			case "event":
				event.Event = value
			case "data":
				if err := json.Unmarshal([]byte(value), &event.Data); err != nil {
					if ctx.Err() == nil { // else it was cut off, and the test may be over
						b.t.Error(err)
					}
					return
				}
			case "":
				if event.ID != "" {
					f.events <- event
				}
				event = streamed{}
			}
		}
	}()
	return f
}

// until reads up to the first event that is wanted, and returns all of them.
func (f *follower) until(what string, wanted func(streamed) bool) []streamed {
	f.t.Helper()
	var seen []streamed
	timeout := time.After(patience)
	for {
		select {
		case event, more := <-f.events:
			if !more {
				f.t.Fatalf("the stream ended before %s; there were %v", what, types(seen))
			}
			if seen = append(seen, event); wanted(event) {
				return seen
			}
		case <-timeout:
			f.t.Fatalf("no %s; there were %v", what, types(seen))
		}
	}
}

func (f *follower) untilType(name string) streamed {
	f.t.Helper()
	seen := f.until(name, func(e streamed) bool { return e.Event == name })
	return seen[len(seen)-1]
}

func types(events []streamed) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = e.Event
	}
	return out
}
