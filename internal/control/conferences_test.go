package control_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/parley-sip/parley/focus"
)

func TestConferencesAreCreatedShownChangedAndDeleted(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Domain: "conf.example.com"}})
	if got := objects(t, b.do("GET", "/api/v1/conferences", "", 200)); len(got) != 0 {
		t.Errorf("conferences in the beginning: %v", got)
	}
	made := object(t, b.do("POST", "/api/v1/conferences", `{"id":"1000","name":"Desk","max_participants":3,"max_speakers":2,"muted_on_entry":true}`, 201))
	for key, want := range map[string]any{
		"id": "1000", "name": "Desk", "uri": "sip:1000@conf.example.com", "max_participants": 3.0, "muted_on_entry": true, "locked": false, "active": false,
		"dynamic": false, "recording": "off", "participants": 0.0,
	} {
		if made[key] != want {
			t.Errorf("%s is %v, want %v", key, made[key], want)
		}
	}
	changed := object(t, b.do("PATCH", "/api/v1/conferences/1000", `{"name":"Other","locked":true,"muted_on_entry":false,"max_participants":9}`, 200))
	if changed["name"] != "Other" || changed["locked"] != true || changed["muted_on_entry"] != false || changed["max_participants"] != 9.0 {
		t.Errorf("changed to %v", changed)
	}
	same := object(t, b.do("PATCH", "/api/v1/conferences/1000", `{}`, 200))
	if same["name"] != "Other" || same["locked"] != true {
		t.Errorf("an empty change made %v", same)
	}
	if shown := object(t, b.do("GET", "/api/v1/conferences/1000", "", 200)); shown["name"] != "Other" {
		t.Errorf("shown as %v", shown)
	}
	secret := b.do("POST", "/api/v1/conferences", `{"id":"secret","pin":"4711","moderator_pin":"815815"}`, 201)
	if object(t, secret)["pin_protected"] != true || strings.Contains(string(secret.body), "4711") || strings.Contains(string(secret.body), "815815") {
		t.Errorf("with PINs: %s", secret.body)
	}
	b.do("DELETE", "/api/v1/conferences/secret", "", 204)
	unnamed := object(t, b.do("POST", "/api/v1/conferences", `{}`, 201))
	if id, _ := unnamed["id"].(string); len(id) < 8 {
		t.Errorf("a conference without a name got %q", id)
	}
	if got := objects(t, b.do("GET", "/api/v1/conferences", "", 200)); len(got) != 2 {
		t.Errorf("there are %v, want two", got)
	}
	for _, path := range []string{"/participants", "/recordings"} {
		if got := objects(t, b.do("GET", "/api/v1/conferences/1000"+path, "", 200)); len(got) != 0 {
			t.Errorf("%s of an empty conference: %v", path, got)
		}
	}
	if got := b.do("DELETE", "/api/v1/conferences/1000", "", 204); len(got.body) != 0 {
		t.Errorf("a deletion answers %q", got.body)
	}
	b.do("GET", "/api/v1/conferences/1000", "", 404)
}

// TestRefusals has what the API itself refuses, and one example of each error of the focus that needs no call.
func TestRefusals(t *testing.T) {
	b := newBench(t, benchConfig{})
	b.do("POST", "/api/v1/conferences", `{"id":"1000","recording":{"policy":"never"}}`, 201)
	big := `{"name":"` + strings.Repeat("x", 2<<20) + `"}`
	for name, test := range map[string]struct {
		method, path, body string
		status             int
		detail             string // a regular expression for the whole document
	}{
		"no JSON":            {"POST", "/conferences", `{"id":`, 400, "unexpected end"},
		"no body":            {"POST", "/conferences", ``, 400, "body"},
		"wrong type":         {"POST", "/conferences", `{"id":7}`, 422, "expected string.*body.id"},
		"unknown field":      {"POST", "/conferences", `{"idd":"7"}`, 422, "unexpected property.*body.idd"},
		"negative limit":     {"POST", "/conferences", `{"max_participants":-1}`, 422, ">= 0"},
		"unknown policy":     {"POST", "/conferences", `{"recording":{"policy":"maybe"}}`, 422, "always.*on_demand.*never"},
		"unknown mode":       {"POST", "/conferences", `{"recording":{"mode":["stereo"]}}`, 422, "mixed.*separate"},
		"unknown server":     {"POST", "/conferences", `{"recording":{"policy":"always","servers":["nowhere"]}}`, 422, "nowhere"},
		"bad identifier":     {"POST", "/conferences", `{"id":"a b"}`, 422, "invalid"},
		"long identifier":    {"POST", "/conferences", `{"id":"` + strings.Repeat("1", 129) + `"}`, 422, "128"},
		"PIN of letters":     {"POST", "/conferences", `{"pin":"12a4"}`, 422, `of 4 to 32 digits`},
		"taken identifier":   {"POST", "/conferences", `{"id":"1000"}`, 409, "taken"},
		"too large":          {"POST", "/conferences", big, 413, "too large"},
		"no conference":      {"GET", "/conferences/1", ``, 404, "no such conference"},
		"nothing to change":  {"PATCH", "/conferences/1", `{"locked":true}`, 404, "no such conference"},
		"nothing to delete":  {"DELETE", "/conferences/1", ``, 404, "no such conference"},
		"no roster":          {"GET", "/conferences/1/participants", ``, 404, "no such conference"},
		"no recordings":      {"GET", "/conferences/1/recordings", ``, 404, "no such conference"},
		"no participant":     {"GET", "/conferences/1000/participants/p", ``, 404, "no such participant"},
		"nobody to mute":     {"PATCH", "/conferences/1000/participants/p", `{"muted":true}`, 404, "no such participant"},
		"nobody to kick":     {"DELETE", "/conferences/1000/participants/p", ``, 404, "no such participant"},
		"gain too high":      {"PATCH", "/conferences/1000/participants/p", `{"gain_db":21}`, 422, "<= 20"},
		"unknown role":       {"PATCH", "/conferences/1000/participants/p", `{"role":"king"}`, 422, "moderator.*speaker.*listener"},
		"no URI":             {"POST", "/conferences/1000/participants", `{}`, 422, "required property uri"},
		"bad URI":            {"POST", "/conferences/1000/participants", `{"uri":"mailto:x"}`, 422, "invalid"},
		"no recording":       {"GET", "/conferences/1000/recordings/r", ``, 404, "no such recording"},
		"nothing to pause":   {"PATCH", "/conferences/1000/recordings/r", `{"state":"paused"}`, 404, "no such recording"},
		"nothing to stop":    {"DELETE", "/conferences/1000/recordings/r", ``, 404, "no such recording"},
		"unknown state":      {"PATCH", "/conferences/1000/recordings/r", `{"state":"stopped"}`, 422, "paused.*recording"},
		"never recorded":     {"POST", "/conferences/1000/recordings", `{}`, 409, ""},
		"unknown recorder":   {"POST", "/conferences/1000/recordings", `{"servers":["nowhere"]}`, 422, "nowhere"},
		"no sound":           {"POST", "/conferences/1000/announcements", `{}`, 422, ""},
		"no such path":       {"GET", "/sidebars", ``, 404, "there is nothing at /api/v1/sidebars"},
		"no such method":     {"PUT", "/conferences/1000", `{}`, 405, "GET, PATCH, DELETE"},
		"no method of lists": {"DELETE", "/conferences", ``, 405, "GET, POST"},
	} {
		t.Run(name, func(t *testing.T) {
			inner := *b
			inner.t = t
			got := inner.do(test.method, "/api/v1"+test.path, test.body, test.status)
			if !regexp.MustCompile("(?s)" + test.detail).Match(got.body) {
				t.Errorf("says %s, want %q", got.body, test.detail)
			}
			if test.status == http.StatusMethodNotAllowed && got.header.Get("Allow") != test.detail {
				t.Errorf("allows %q, want %q", got.header.Get("Allow"), test.detail)
			}
		})
	}
}

func TestLimitOfConferencesIs503(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Limits: focus.Limits{Conferences: 1}}})
	b.do("POST", "/api/v1/conferences", `{"id":"1"}`, 201)
	b.do("POST", "/api/v1/conferences", `{"id":"2"}`, 503)
}
