package control_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/control"
)

// recordedOnce leaves a recording of alice, who says something for a second, and gives its path.
func (b *bench) recordedOnce() string {
	b.t.Helper()
	events := b.follow("/api/v1/conferences/1000/events", "")
	alice := b.phone("alice", "1000")
	made := object(b.t, b.do("POST", "/api/v1/conferences/1000/recordings", `{"mode":["separate"]}`, 201))
	events.untilType("recording.started")
	<-alice.Say(slices.Concat(make([]int16, 8000), hum(-20, time.Second), make([]int16, 4000))) // after she has been told, and before what is under way
	b.do("DELETE", "/api/v1/conferences/1000/recordings/"+text(b.t, made, "id"), "", 200)
	eventually(b.t, "it is over", func() bool { return len(b.recorder.Recordings()) == 0 })
	return "/api/v1/srs/recordings/" + text(b.t, objects(b.t, b.do("GET", "/api/v1/srs/recordings", "", 200))[0], "id")
}

var listeners = []control.Token{{Name: "wall", Secret: "see", ReadOnly: true}, {Name: "qa", Secret: "hear", ReadOnly: true, Listen: true}, {Name: "ops", Secret: "all"}}

// TestListeningByCookie: a player that sends no token reads the files of one recording with the cookie that a token has got for it, whole and in parts, and nothing else; the cookie is none of those
// that scripts read or other sites send, and good for nothing when the token is not.
func TestListeningByCookie(t *testing.T) {
	b := newBench(t, benchConfig{recorder: true, focus: focus.Config{Dynamic: true}, control: control.Config{Tokens: listeners}})
	b.token = "all"
	at := b.recordedOnce()
	b.token = "see"
	b.do("POST", at+"/listening", "", 403)
	b.token = "hear"
	b.do("POST", at+"x/listening", "", 404)
	b.do("POST", at+"/snapshot", "", 403) // may ask for nothing else
	got := b.do("POST", at+"/listening", "", 200)
	text(t, object(t, got), "expires_at")
	cookies := (&http.Response{Header: got.header}).Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode || cookies[0].Path != "" || cookies[0].Domain != "" || cookies[0].MaxAge <= 0 ||
		cookies[0].MaxAge > 900 || cookies[0].Secure || strings.Contains(cookies[0].Value, "hear") {
		t.Fatalf("cookies %v", got.header["Set-Cookie"])
	}
	byHTTPS := b.request("POST", at+"/listening", "", nil, func(r *http.Request) { r.Header.Set("Origin", "https://"+r.URL.Host) })
	if line := byHTTPS.header.Get("Set-Cookie"); !strings.Contains(line, "Secure") {
		t.Errorf("by HTTPS: %d, %q", byHTTPS.status, line)
	}
	b.token = ""
	with := func(method, path string, fields ...string) answer {
		return b.request(method, path, "", nil, func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: cookies[0].Name, Value: "other"}) // of a wider path
			r.AddCookie(&http.Cookie{Name: cookies[0].Name, Value: cookies[0].Value})
			for i := 0; i < len(fields); i += 2 {
				r.Header.Set(fields[i], fields[i+1])
			}
		})
	}
	part := with("GET", at+"/streams/1", "Range", "bytes=8-11", "Sec-Fetch-Site", "same-origin")
	if part.status != http.StatusPartialContent || string(part.body) != "WAVE" || part.header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
		t.Errorf("a part: %d %q %v", part.status, part.body, part.header)
	}
	for _, c := range []struct {
		method, path, from string
		want               int
	}{
		{"GET", at + "/streams/1", "", 200},
		{"HEAD", at + "/streams/1", "", 200},
		{"GET", at + "/audio", "", 200},
		{"GET", at + "/streams/1", "cross-site", 401},
		{"GET", at + "/streams/1", "same-site", 401},            // a page of another port
		{"GET", at, "", 401},                                    // what is known of it
		{"GET", "/api/v1/conferences", "", 401},                 // anything else
		{"GET", at[:len(at)-1] + "/streams/1", "", 401},         // another recording
		{"POST", at + "/listening", "", 401},                    // does not prolong itself
		{"DELETE", at, "", 401},                                 // changes nothing
		{"POST", at + "/snapshot", "", 401},                     // likewise
		{"GET", at + "/../other/streams/1", "same-origin", 401}, // the path as it is served counts
		{"GET", at + "%2F..%2F" + at[strings.LastIndexByte(at, '/')+1:] + "/streams/1", "", 401},
	} {
		if got := with(c.method, c.path, "Sec-Fetch-Site", c.from); got.status != c.want {
			t.Errorf("%s %s from %q: %d, want %d", c.method, c.path, c.from, got.status, c.want)
		}
	}
	b.server.SetTokens([]control.Token{listeners[0], listeners[2]})
	if got := with("GET", at+"/streams/1"); got.status != 401 {
		t.Errorf("after the token was taken away: %d", got.status)
	}
	narrowed := listeners[1]
	narrowed.Listen = false
	b.server.SetTokens([]control.Token{narrowed})
	if got := with("GET", at+"/streams/1"); got.status != 403 {
		t.Errorf("after the token may only see: %d", got.status)
	}
}

// TestListeningWithoutTokens wants no cookie.
func TestListeningWithoutTokens(t *testing.T) {
	b := newBench(t, benchConfig{recorder: true, focus: focus.Config{Dynamic: true}})
	at := b.recordedOnce()
	if got := b.do("POST", at+"/listening", "", 200); got.header.Get("Set-Cookie") != "" || strings.Contains(string(got.body), "expires") {
		t.Errorf("%v %s", got.header, got.body)
	}
}

// TestActivity finds when alice spoke, and wants the scope of who may hear.
func TestActivity(t *testing.T) {
	b := newBench(t, benchConfig{recorder: true, focus: focus.Config{Dynamic: true}, control: control.Config{Tokens: listeners}})
	b.token = "all"
	at := b.recordedOnce()
	for range 2 { // the second time from memory
		found := objects(t, b.do("GET", at+"/activity", "", 200))
		if len(found) != 1 || length(t, found[0], "spans") != 1 || length(t, found[0], "participants") != 1 {
			t.Fatalf("%v", found)
		}
		span, _ := found[0]["spans"].([]any)[0].(map[string]any)
		from, _ := span["from"].(float64)
		to, _ := span["to"].(float64)
		if to-from < 0.9 || to-from > 1.2 {
			t.Errorf("spoke from %v to %v, want a second", from, to)
		}
	}
	b.do("GET", at+"x/activity", "", 404)
	b.token = "see"
	b.do("GET", at+"/activity", "", 403)
}
