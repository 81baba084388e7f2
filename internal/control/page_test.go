package control_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/parley-sip/parley/internal/control"
)

// TestPageNeedsNoToken: the page has no secrets and comes to everybody, but not under a foreign name where everything is open; what it shows is of the API.
func TestPageNeedsNoToken(t *testing.T) {
	open := newBench(t, benchConfig{control: control.Config{Page: true}})
	guarded := newBench(t, benchConfig{control: control.Config{Page: true, Tokens: []control.Token{{Name: "ops", Secret: "s"}}}})
	for _, b := range []*bench{open, guarded} {
		for _, at := range []string{"/", "/ui/main.js"} {
			got := b.do("GET", at, "", 200)
			if strings.Contains(string(got.body), "ops") || got.header.Get("Content-Security-Policy") == "" {
				t.Errorf("%s has %v", at, got.header)
			}
		}
		b.do("POST", "/", "", 405)
	}
	if got := open.request("GET", "/", "", nil, func(r *http.Request) { r.Host = "evil.example" }); got.status != 421 {
		t.Errorf("under a foreign name: %d, want 421", got.status)
	}
	guarded.do("GET", "/api/v1/access", "", 401)
}

// TestPageCanBeOff: the address alone leads to the description of the API then.
func TestPageCanBeOff(t *testing.T) {
	b := newBench(t, benchConfig{})
	if got := b.do("GET", "/", "", 200); !strings.Contains(string(got.body), "openapi.json") { // it has gone on
		t.Errorf("the page is there: %.100s", got.body)
	}
	b.do("GET", "/ui/main.js", "", 404)
}

// TestAccess: a client learns what it may do before it is refused.
func TestAccess(t *testing.T) {
	open := newBench(t, benchConfig{recorder: true, control: control.Config{Version: "1.2"}})
	got := object(t, open.do("GET", "/api/v1/access", "", 200))
	if got["scope"] != "admin" || got["token"] != nil || got["conferences"] != true || got["recorder"] != true || got["operation"] != false || got["version"] != "1.2" {
		t.Errorf("without tokens: %v", got)
	}
	guarded := newBench(t, benchConfig{control: control.Config{Tokens: []control.Token{
		{Name: "ops", Secret: "a"}, {Name: "wall", Secret: "r", ReadOnly: true}, {Name: "ears", Secret: "l", ReadOnly: true, Listen: true},
	}}})
	for secret, want := range map[string][2]string{"a": {"admin", "ops"}, "r": {"read", "wall"}, "l": {"listen", "ears"}} {
		guarded.token = secret
		got := object(t, guarded.do("GET", "/api/v1/access", "", 200))
		if got["scope"] != want[0] || got["token"] != want[1] || got["recorder"] != false {
			t.Errorf("%s: %v, want %v", secret, got, want)
		}
	}
}
