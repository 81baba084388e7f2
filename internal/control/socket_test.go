package control_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/control"
)

// socket opens a WebSocket; the error is that of the handshake.
func (b *bench) socket(path string, header http.Header) (conn *websocket.Conn, status int, err error) {
	b.t.Helper()
	conn, response, err := websocket.Dial( //nolint:bodyclose // a body of a handshake is no more than bytes that have been read
		b.t.Context(), "ws"+strings.TrimPrefix(b.base, "http")+path, &websocket.DialOptions{HTTPHeader: header})
	if err == nil {
		b.t.Cleanup(func() { _ = conn.CloseNow() })
	}
	if response != nil {
		status = response.StatusCode
	}
	return conn, status, err
}

func (b *bench) mustSocket(path string, header http.Header) *websocket.Conn {
	b.t.Helper()
	conn, _, err := b.socket(path, header)
	must(b.t, err)
	return conn
}

// until reads events up to the first of a type.
func until(t *testing.T, conn *websocket.Conn, kind string) (seen []focus.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		form, text, err := conn.Read(ctx)
		if err != nil {
			t.Fatalf("waiting for %s: %v", kind, err)
		}
		var e focus.Event
		if err := json.Unmarshal(text, &e); err != nil || form != websocket.MessageText {
			t.Fatalf("%v: %v %q", err, form, text)
		}
		if seen = append(seen, e); string(e.Type) == kind {
			return seen
		}
	}
}

// TestSocketHasTheEventsOfTheStream and goes on after the last one known, which header or query may say.
func TestSocketHasTheEventsOfTheStream(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true}})
	stream := b.follow("/api/v1/conferences/1000/events", "")
	conn := b.mustSocket("/api/v1/conferences/1000/events/socket", nil)
	all := b.mustSocket("/api/v1/events/socket", nil)
	alice := b.phone("alice", "1000")
	b.phone("bob", "2000")
	must(t, alice.Hangup(t.Context()))
	want := stream.until("the end", func(e streamed) bool { return e.Event == "conference.ended" })
	got := until(t, conn, "conference.ended")
	if len(got) != len(want) {
		t.Fatalf("%d events, the stream has %d", len(got), len(want))
	}
	for i := range got {
		if got[i].ID != want[i].ID || string(got[i].Type) != want[i].Event || got[i].Sequence != want[i].Data.Sequence {
			t.Errorf("event %d is %+v, in the stream %+v", i, got[i], want[i])
		}
	}
	others := false
	for _, e := range until(t, all, "conference.ended") {
		others = others || e.Conference == "2000"
	}
	if !others {
		t.Error("the socket of all conferences has only one")
	}
	for name, resumed := range map[string]*websocket.Conn{
		"header": b.mustSocket("/api/v1/conferences/1000/events/socket", http.Header{"Last-Event-Id": {got[0].ID}}),
		"query":  b.mustSocket("/api/v1/conferences/1000/events/socket?last_event_id="+got[0].ID, nil),
	} {
		if again := until(t, resumed, "conference.ended"); len(again) != len(got)-1 || again[0].ID != got[1].ID {
			t.Errorf("resumed by %s: %d events of %d", name, len(again), len(got))
		}
	}
}

func TestSocketIsRefused(t *testing.T) {
	b := newBench(t, benchConfig{control: control.Config{Tokens: []control.Token{{Name: "a", Secret: "s3cret", ReadOnly: true}}}})
	path := "/api/v1/events/socket"
	allowed := http.Header{"Authorization": {"Bearer s3cret"}}
	foreign, own := allowed.Clone(), allowed.Clone()
	foreign.Set("Origin", "https://evil.example.com")
	own.Set("Origin", b.base)
	for name, test := range map[string]struct {
		header http.Header
		want   int
	}{
		"no token": {nil, 401}, "wrong token": {http.Header{"Authorization": {"Bearer x"}}, 401}, "another origin": {foreign, 403},
		"the own origin": {own, 101}, "no page": {allowed, 101},
	} {
		if _, status, err := b.socket(path, test.header); status != test.want {
			t.Errorf("%s: %d, %v", name, status, err)
		}
	}
	b.token = "s3cret"
	plain := b.do("GET", path, "", http.StatusUpgradeRequired)
	if plain.header.Get("Upgrade") != "websocket" {
		t.Errorf("426 without Upgrade: %v", plain.header)
	}
}

// TestSocketEndsWithTheServer by a closing handshake, and the server waits for it, but not for long when nobody answers.
func TestSocketEndsWithTheServer(t *testing.T) {
	b := newBench(t, benchConfig{})
	conn := b.mustSocket("/api/v1/events/socket", nil)
	b.mustSocket("/api/v1/events/socket", nil) // nobody reads it
	read := make(chan error, 1)
	go func() {
		_, _, err := conn.Read(t.Context())
		read <- err
	}()
	began := time.Now()
	must(t, b.server.Close(t.Context()))
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the end took %v", took)
	}
	if err := <-read; websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("closed with %v", err)
	}
}

// TestSocketOfAPeerThatGoes does not stay open.
func TestSocketOfAPeerThatGoes(t *testing.T) {
	b := newBench(t, benchConfig{})
	conn := b.mustSocket("/api/v1/events/socket", nil)
	must(t, conn.Close(websocket.StatusNormalClosure, "enough"))
	loud := b.mustSocket("/api/v1/events/socket", nil)
	must(t, loud.Write(t.Context(), websocket.MessageText, []byte("who talks is sent away")))
	if _, _, err := loud.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("got %v", err)
	}
}
