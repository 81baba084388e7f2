package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// answering is a client of a server that always gives this answer.
func answering(t *testing.T, status int, contentType, body string) *client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer secret" {
			t.Errorf("sent %q", got)
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return (&server{API: strings.TrimPrefix(s.URL, "http://") + "/", Token: "secret"}).client()
}

func TestErrorsSayWhatTheServerSays(t *testing.T) {
	for body, want := range map[string]string{
		`{"title":"Conflict","status":409,"detail":"the conference is full"}`: "the conference is full (409)",
		`{"title":"Conflict","status":409}`:                                   "Conflict (409)",
		`<html>proxy`:                                                         "Conflict (409)",
		`{"status":409,"detail":"validation failed","errors":[{"message":"expected string","location":"body.id"},{"message":"no"}]}`: "validation failed; body.id expected string; no (409)",
	} {
		err := answering(t, http.StatusConflict, "application/problem+json", body).do(t.Context(), http.MethodPost, "/conferences", map[string]any{}, nil)
		if failed, ok := errors.AsType[*apiError](err); !ok || failed.Error() != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

func TestAnswerThatIsNoJSONIsAnError(t *testing.T) {
	var found json.RawMessage
	if err := answering(t, http.StatusOK, "text/html", "<html>").get(t.Context(), "/conferences", &found); err == nil || !strings.Contains(err.Error(), "the server's answer") {
		t.Errorf("got %v", err)
	}
}

func TestStreamIsReadAsTheStandardSays(t *testing.T) {
	const text = ": comment\n\nid: a-1\nevent: one\ndata: {\"a\":\ndata: 1}\n\nretry: 5\r\nid: a-2\r\nevent:two\r\ndata:{}\r\n\r\nevent: cut off"
	var got []serverEvent
	err := answering(t, http.StatusOK, "text/event-stream", text).follow(t.Context(), "/events", "", func(e serverEvent) error {
		got = append(got, e)
		return nil
	})
	if err != nil || len(got) != 2 {
		t.Fatalf("%d events and %v, want 2 and no error at the end of the stream", len(got), err)
	}
	if got[0].id != "a-1" || got[0].name != "one" || string(got[0].data) != "{\"a\":\n1}" || got[1].name != "two" || string(got[1].data) != "{}" {
		t.Errorf("got %+v", got)
	}
	enough := errors.New("enough")
	if err := answering(t, http.StatusOK, "text/event-stream", text).follow(t.Context(), "/events", "", func(serverEvent) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("a reader that has enough gets %v", err)
	}
}

func TestEventsAreSaidInOneLine(t *testing.T) {
	for data, want := range map[string]string{
		`{"time":"T","conference":"1","object":{"id":"p1","uri":"sip:a@b","display_name":"alice","state":"connected","muted":true,"held":false}}`: "T  1  x  p1 sip:a@b alice connected muted",
		`{"time":"T","conference":"1","object":{"id":"1","locked":true}}`:                                                                         "T  1  x  locked",
		`{"time":"T","conference":"1","object":{"digit":"5"}}`:                                                                                    "T  1  x  5",
		`no JSON`: "x no JSON",
	} {
		if got := eventLine(serverEvent{name: "x", data: []byte(data)}); got != want {
			t.Errorf("%s: %q, want %q", data, got, want)
		}
	}
}

func TestTableShowsNumbersAndListsAsTheyAre(t *testing.T) {
	var out strings.Builder
	to := &terminal{out: &out}
	list := `[{"id":"1","n":3000000,"none":null,"empty":"","modes":["a","b"],"servers":[{"name":"x","state":"up"}],"streams":[{},{}]}]`
	if err := to.show(false, json.RawMessage(list), "id", "n", "none", "empty", "modes", "servers", "streams", "gone"); err != nil {
		t.Fatal(err)
	}
	want := "ID  N        NONE  EMPTY  MODES  SERVERS  STREAMS  GONE\n1   3000000  -     -      a,b    x:up     2        -\n"
	if out.String() != want {
		t.Errorf("got\n%s, want\n%s", out.String(), want)
	}
	if err := to.show(false, json.RawMessage(`{}`), "id"); err == nil {
		t.Error("an object is no list")
	}
}

// TestServerThatGoes: a stream that the server has not ended says so, rather than what broke.
func TestServerThatGoes(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("id: 1\nevent: participant.joined\ndata: {}\n\n"))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // the connection breaks
	}))
	defer page.Close()
	came := 0
	err := (&server{API: page.URL}).client().follow(t.Context(), "/events", "", func(serverEvent) error {
		came++
		return nil
	})
	if came != 1 || err == nil || !strings.Contains(err.Error(), "the server has gone without ending the stream") {
		t.Errorf("%d events, then %v", came, err)
	}
}
