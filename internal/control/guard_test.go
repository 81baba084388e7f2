package control_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-sip/parley/internal/control"
)

func TestTokens(t *testing.T) {
	var log bytes.Buffer
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x 1\n")) })
	b := newBench(t, benchConfig{metrics: metrics, control: control.Config{
		Tokens: []control.Token{{Name: "ops", Secret: "admin-secret"}, {Name: "wall", Secret: "read-secret", ReadOnly: true}, {Name: "empty"}},
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}})
	const list = "/api/v1/conferences"
	for name, test := range map[string]struct {
		method, path, authorization string
		status                      int
	}{
		"none":                  {"GET", list, "", 401},
		"none, to change":       {"POST", list, "", 401},
		"none, unknown path":    {"GET", "/api/v1/nothing", "", 401},
		"none, stream":          {"GET", "/api/v1/events", "", 401},
		"none, metrics":         {"GET", "/metrics", "", 401},
		"wrong":                 {"GET", list, "Bearer wrong", 401},
		"prefix of one":         {"GET", list, "Bearer admin", 401},
		"empty":                 {"GET", list, "Bearer ", 401},
		"other scheme":          {"GET", list, "Basic admin-secret", 401},
		"no scheme":             {"GET", list, "admin-secret", 401},
		"read":                  {"GET", list, "Bearer read-secret", 200},
		"read, metrics":         {"GET", "/metrics", "Bearer read-secret", 200},
		"read, to change":       {"POST", list, "Bearer read-secret", 403},
		"read, to delete":       {"DELETE", list + "/1", "Bearer read-secret", 403},
		"admin":                 {"GET", list, "Bearer admin-secret", 200},
		"scheme in small":       {"GET", list, "bearer  admin-secret", 200},
		"admin, to change":      {"POST", list, "Bearer admin-secret", 201},
		"none, health":          {"GET", "/healthz", "", 200},
		"none, readiness":       {"GET", "/readyz", "", 200},
		"none, description":     {"GET", "/openapi.json", "", 200},
		"none, pages":           {"GET", "/docs", "", 200},
		"none, address alone":   {"GET", "/", "", 200}, // goes on to the pages
		"none, another metrics": {"GET", "/metrics/", "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			inner := *b
			inner.t = t
			got := inner.request(test.method, test.path, "application/json", []byte(`{}`), func(r *http.Request) {
				if test.authorization != "" {
					r.Header.Set("Authorization", test.authorization)
				}
			})
			if got.status != test.status {
				t.Fatalf("%d, want %d: %s", got.status, test.status, got.body)
			}
			if got.status >= 400 {
				inner.problem(got)
			}
			if challenge := got.header.Get("WWW-Authenticate"); (challenge != "") != (got.status == 401) {
				t.Errorf("status %d with challenge %q", got.status, challenge)
			}
		})
	}
	if text := log.String(); !strings.Contains(text, "token=ops") || strings.Contains(text, "secret") {
		t.Errorf("the log must name the token that changed something, and no secret:\n%s", text)
	}
}

func TestPagesOfOtherOriginsMayNotChangeAnything(t *testing.T) {
	b := newBench(t, benchConfig{})
	host := strings.TrimPrefix(b.base, "http://")
	for name, test := range map[string]struct {
		method, header, value string
		status                int
	}{
		"old browser":         {"POST", "Origin", "https://evil.example", 403},
		"browser":             {"POST", "Sec-Fetch-Site", "cross-site", 403},
		"other port":          {"POST", "Sec-Fetch-Site", "same-site", 403},
		"same origin":         {"POST", "Sec-Fetch-Site", "same-origin", 201},
		"old and same origin": {"POST", "Origin", "http://" + host, 201},
		"no browser":          {"POST", "X-Other", "", 201},
		"reads":               {"GET", "Sec-Fetch-Site", "cross-site", 200},
	} {
		t.Run(name, func(t *testing.T) {
			inner := *b
			inner.t = t
			got := inner.request(test.method, "/api/v1/conferences", "application/json", []byte(`{}`), func(r *http.Request) { r.Header.Set(test.header, test.value) })
			if got.status != test.status {
				t.Fatalf("%d, want %d: %s", got.status, test.status, got.body)
			}
			if got.status >= 400 {
				inner.problem(got)
			}
			if allowed := got.header.Get("Access-Control-Allow-Origin"); allowed != "" {
				t.Errorf("lets %q read", allowed)
			}
		})
	}
}

// TestLoopbackAnswersToItsOwnNames refuses a page that has made its own name point to the loopback (DNS rebinding): to the browser
// that is the same origin.
func TestLoopbackAnswersToItsOwnNames(t *testing.T) {
	open := newBench(t, benchConfig{})
	guarded := newBench(t, benchConfig{control: control.Config{Tokens: []control.Token{{Name: "ops", Secret: "s"}}}})
	guarded.token = "s"
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "localhost": 200, "LOCALHOST:8080": 200, "parley.localhost:1": 200,
		"evil.example": 421, "evil.example:8080": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421,
	} {
		if got := open.request("GET", "/api/v1/conferences", "", nil, func(r *http.Request) { r.Host = host }); got.status != want {
			t.Errorf("%s without tokens: %d, want %d", host, got.status, want)
		}
		if got := guarded.request("GET", "/api/v1/conferences", "", nil, func(r *http.Request) { r.Host = host }); got.status != 200 {
			t.Errorf("%s with a token: %d, want 200", host, got.status)
		}
	}
}

func TestPanicIsA500(t *testing.T) {
	var log bytes.Buffer
	b := newBench(t, benchConfig{
		metrics: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("trouble") }),
		control: control.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))},
	})
	b.do("GET", "/metrics", "", 500)
	if !strings.Contains(log.String(), "trouble") {
		t.Error("the panic is not in the log")
	}
}
