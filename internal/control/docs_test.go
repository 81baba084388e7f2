package control_test

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/control"
)

// routes are the operations that the project's interface page promises.
var routes = []string{
	"GET /api/v1/conferences", "POST /api/v1/conferences", "GET /api/v1/conferences/{id}", "PATCH /api/v1/conferences/{id}", "DELETE /api/v1/conferences/{id}",
	"GET /api/v1/conferences/{id}/participants", "POST /api/v1/conferences/{id}/participants", "GET /api/v1/conferences/{id}/participants/{pid}",
	"PATCH /api/v1/conferences/{id}/participants/{pid}", "DELETE /api/v1/conferences/{id}/participants/{pid}",
	"POST /api/v1/conferences/{id}/participants/{pid}/move",
	"GET /api/v1/conferences/{id}/recordings", "POST /api/v1/conferences/{id}/recordings", "GET /api/v1/conferences/{id}/recordings/{rid}",
	"PATCH /api/v1/conferences/{id}/recordings/{rid}", "DELETE /api/v1/conferences/{id}/recordings/{rid}",
	"GET /api/v1/recording/servers", "GET /api/v1/recordings/assurance", "PATCH /api/v1/recordings/assurance/{id}/{rid}",
	"POST /api/v1/conferences/{id}/admit", "POST /api/v1/conferences/{id}/mute", "POST /api/v1/conferences/{id}/ask", "POST /api/v1/conferences/{id}/call-list",
	"GET /api/v1/conferences/{id}/hands", "DELETE /api/v1/conferences/{id}/hands", "GET /api/v1/conferences/{id}/roll-call",
	"GET /api/v1/conferences/{id}/sidebars", "POST /api/v1/conferences/{id}/sidebars", "GET /api/v1/conferences/{id}/sidebars/{sid}",
	"PATCH /api/v1/conferences/{id}/sidebars/{sid}", "DELETE /api/v1/conferences/{id}/sidebars/{sid}",
	"POST /api/v1/conferences/{id}/announcements", "DELETE /api/v1/conferences/{id}/announcements/{aid}", "GET /api/v1/events", "GET /api/v1/conferences/{id}/events", "GET /api/v1/conferences/{id}/levels",
	"GET /api/v1/events/socket", "GET /api/v1/conferences/{id}/events/socket",
	"GET /api/v1/srs/status", "GET /api/v1/srs/recordings", "GET /api/v1/srs/recordings/{id}", "PATCH /api/v1/srs/recordings/{id}",
	"DELETE /api/v1/srs/recordings/{id}", "POST /api/v1/srs/recordings/{id}/snapshot", "GET /api/v1/srs/recordings/{id}/streams/{label}",
	"GET /api/v1/srs/recordings/{id}/audio", "GET /api/v1/srs/recordings/{id}/vcon", "GET /api/v1/srs/recordings/{id}/activity", "POST /api/v1/srs/recordings/{id}/listening",
	"GET /api/v1/access", "GET /api/v1/alarms", "PATCH /api/v1/alarms/{name}", "GET /api/v1/trunks", "GET /api/v1/bans", "DELETE /api/v1/bans/{source}", "GET /api/v1/connections", "POST /api/v1/reload",
	"GET /healthz", "GET /readyz", "GET /metrics",
}

func documented(t *testing.T) *bench {
	t.Helper()
	return newBench(t, benchConfig{metrics: http.NotFoundHandler(), recorder: true, control: control.Config{Operation: &operation{}}})
}

func TestDescriptionIsOpenAPI31AndNamesEveryRoute(t *testing.T) {
	b := documented(t)
	got := b.do("GET", "/openapi.json", "", 200)
	if kind := got.header.Get("Content-Type"); kind != "application/openapi+json" {
		t.Errorf("it is of type %q", kind)
	}
	document := object(t, got)
	if version, _ := document["openapi"].(string); !strings.HasPrefix(version, "3.1.") {
		t.Errorf("it is OpenAPI %q", version)
	}
	var found []string
	seen := map[string]bool{}
	for path, item := range inside(t, document, "paths") {
		methods, _ := item.(map[string]any)
		for method := range methods {
			found = append(found, strings.ToUpper(method)+" "+path)
			o := inside(t, methods, method)
			id, _ := o["operationId"].(string)
			if id == "" || seen[id] || o["summary"] == "" || o["tags"] == nil {
				t.Errorf("%s %s: operationId %q, summary %q, tags %v", method, path, id, o["summary"], o["tags"])
			}
			seen[id] = true
		}
	}
	slices.Sort(found)
	want := slices.Sorted(slices.Values(routes))
	if !slices.Equal(found, want) {
		t.Errorf("it names\n%s\nwant\n%s", strings.Join(found, "\n"), strings.Join(want, "\n"))
	}
	// Every reference leads somewhere.
	schemas := inside(t, document, "components", "schemas")
	for _, reference := range regexp.MustCompile(`"\$ref":"#/components/schemas/([^"]*)"`).FindAllSubmatch(got.body, -1) {
		if schemas[string(reference[1])] == nil {
			t.Errorf("there is no schema %s", reference[1])
		}
	}
	// Everything says what it means.
	for name := range schemas {
		fields, _ := inside(t, schemas, name)["properties"].(map[string]any)
		for field, about := range fields {
			if about, _ := about.(map[string]any); about["description"] == nil && field != "$schema" {
				t.Errorf("%s.%s has no description", name, field)
			}
		}
	}
	joined := inside(t, schemas, "ParticipantInfo", "properties", "joined_at")
	if joined["format"] != "date-time" {
		t.Errorf("a time is described as %v", joined)
	}
}

func TestEveryRouteIsServed(t *testing.T) {
	b := documented(t)
	for _, route := range routes {
		method, path, _ := strings.Cut(route, " ")
		if strings.HasSuffix(path, "/events") || path == "/metrics" {
			method = http.MethodHead // a stream has no end
		}
		path = strings.NewReplacer("{id}", "1", "{pid}", "p", "{rid}", "r", "{label}", "l").Replace(path)
		got := b.request(method, path, "application/json", []byte(`{}`), nil)
		if got.status == http.StatusMethodNotAllowed || strings.Contains(string(got.body), "there is nothing at") {
			t.Errorf("%s is not served: %d %s", route, got.status, got.body)
		}
	}
}

func TestPagesShowEveryOperationAndLoadNothing(t *testing.T) {
	b := documented(t)
	got := b.do("GET", "/docs", "", 200)
	if kind := got.header.Get("Content-Type"); kind != "text/html; charset=utf-8" {
		t.Errorf("the page is of type %q", kind)
	}
	if policy := got.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'unsafe-inline';") {
		t.Errorf("the page may load what it likes: %q", policy)
	}
	page := string(got.body)
	for _, route := range routes {
		method, path, _ := strings.Cut(route, " ")
		if want := fmt.Sprintf(`<span class="method %s">%s</span> <code>%s</code>`, method, method, html.EscapeString(path)); !strings.Contains(page, want) {
			t.Errorf("the page does not show %s", route)
		}
	}
	for _, event := range []focus.EventType{
		focus.ConferenceStarted, focus.ConferenceEnded, focus.ConferenceUpdated, focus.ParticipantJoined, focus.ParticipantLeft, focus.ParticipantUpdated,
		focus.SpeakerChanged, focus.RecordingStarted, focus.RecordingPaused, focus.RecordingResumed, focus.RecordingStopped, focus.RecordingFailed,
		focus.DigitReceived, focus.ConferenceEnding, focus.ParticipantWaiting,
	} {
		if !strings.Contains(page, "<code>"+string(event)+"</code>") {
			t.Errorf("the page does not explain %s", event)
		}
	}
	for _, what := range []string{"<script", "<link", "<img", "<iframe", "@import", "url(", "src="} {
		if strings.Contains(page, what) {
			t.Errorf("the page has %q in it", what)
		}
	}
	anchors := map[string]bool{}
	for _, id := range regexp.MustCompile(`id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		anchors[id[1]] = true
	}
	for _, link := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if anchor, ok := strings.CutPrefix(link[1], "#"); link[1] != "/openapi.json" && link[1] != "/asyncapi.json" && (!ok || !anchors[anchor]) {
			t.Errorf("a link leads to %q", link[1])
		}
	}
}
