package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/webhook"
)

// deliver posts one event and returns what went wrong, "" for nothing.
func deliver(t *testing.T, h webhook.Hook) string {
	t.Helper()
	h.Name = "hook"
	h.MaxAge = time.Millisecond // one attempt
	var mu sync.Mutex
	var why string
	s, err := webhook.New(webhook.Config{Hooks: []webhook.Hook{h}, UserAgent: "parley/test", Dead: func(_ string, _ webhook.Message, reason string) {
		mu.Lock()
		defer mu.Unlock()
		why = reason
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.Publish(webhook.Message{ID: "id-1", Type: "participant.joined", Conference: "salle é", Object: map[string]int{"n": 1}})
	_ = s.Close(context.Background()) // its error is in why
	mu.Lock()
	defer mu.Unlock()
	return why
}

// TestRequest holds what is posted to the form of Standard Webhooks, with a signature that is made again from the description.
func TestRequest(t *testing.T) {
	key := []byte("0123456789")
	for name, secret := range map[string]string{"plain": string(key), "coded": "whsec_" + base64.StdEncoding.EncodeToString(key)} {
		t.Run(name, func(t *testing.T) {
			var got *http.Request
			var body []byte
			server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got = r
				body, _ = io.ReadAll(r.Body)
			}))
			defer server.Close()
			pool := x509.NewCertPool()
			pool.AddCert(server.Certificate())
			if why := deliver(t, webhook.Hook{URL: server.URL + "/in?x=1", Secret: secret, TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}); why != "" {
				t.Fatal(why)
			}
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte("id-1." + got.Header.Get("Webhook-Timestamp") + "." + string(body)))
			for header, want := range map[string]string{
				"Webhook-Id": "id-1", "Webhook-Signature": "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), "Content-Type": "application/json",
				"Parley-Event": "participant.joined", "Parley-Conference": "salle%20%C3%A9", "Parley-Attempt": "1", "User-Agent": "parley/test",
			} {
				if got.Header.Get(header) != want {
					t.Errorf("%s: %q, want %q", header, got.Header.Get(header), want)
				}
			}
			if at, err := strconv.ParseInt(got.Header.Get("Webhook-Timestamp"), 10, 64); err != nil || time.Since(time.Unix(at, 0)).Abs() > time.Minute {
				t.Errorf("timestamp %v", err)
			}
			if got.Method != http.MethodPost || got.URL.String() != "/in?x=1" || string(body) != `{"n":1}` {
				t.Errorf("%s %s %s", got.Method, got.URL, body)
			}
		})
	}
}

func TestUnknownAuthorityGetsNothing(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	if why := deliver(t, webhook.Hook{URL: server.URL, Secret: "s"}); !strings.Contains(why, "certificate") {
		t.Errorf("got %q", why)
	}
}

func TestRedirects(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the other host was asked") }))
	defer other.Close()
	for name, test := range map[string]struct {
		status   int
		to, want string
	}{
		"same host":          {307, "/there", ""},
		"same host for good": {308, "/there", ""},
		"to another host":    {307, other.URL, "redirected to another host"},
		"to a GET":           {302, "/there", "makes a GET"},
		"in a circle":        {307, "/", "too often"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/there" {
					http.Redirect(w, r, test.to, test.status)
				} else if body, _ := io.ReadAll(r.Body); string(body) != `{"n":1}` || r.Header.Get("Webhook-Signature") == "" {
					t.Errorf("after the redirect: %s %v", body, r.Header)
				}
			}))
			defer server.Close()
			if why := deliver(t, webhook.Hook{URL: server.URL, Secret: "s"}); !strings.Contains(why, test.want) || why != "" && test.want == "" {
				t.Errorf("got %q", why)
			}
		})
	}
}

func TestBadHooks(t *testing.T) {
	for name, h := range map[string]webhook.Hook{
		"no URL": {Secret: "s"}, "another scheme": {URL: "ftp://x/", Secret: "s"}, "in the clear": {URL: "http://example.com/", Secret: "s"},
		"no secret": {URL: "https://x/"}, "bad secret": {URL: "https://x/", Secret: "whsec_%"}, "bad pattern": {URL: "https://x/", Secret: "s", Events: []string{"["}},
	} {
		if _, err := webhook.New(webhook.Config{Hooks: []webhook.Hook{h}}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	twice := webhook.Hook{Name: "a", URL: "https://x/", Secret: "s"}
	if _, err := webhook.New(webhook.Config{Hooks: []webhook.Hook{twice, twice}}); err == nil {
		t.Error("the same name twice is accepted")
	}
	plain := webhook.Hook{URL: "http://example.com/", Plain: true, Secret: "s"}
	if err := plain.Validate(); err != nil {
		t.Error(err)
	}
}
