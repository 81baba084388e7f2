package control_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/sipua"
)

func TestParticipantsAreShownAndChanged(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true}})
	events := b.follow("/api/v1/conferences/1000/events", "")
	alice := b.phone("alice", "1000")
	b.phone("bob", "1000")
	events.until("two participants", func(e streamed) bool {
		return e.Event == "participant.joined" && e.Data.Object["display_name"] == "bob"
	})
	found := objects(t, b.do("GET", "/api/v1/conferences/1000/participants", "", 200))
	if len(found) != 2 || found[0]["display_name"] != "alice" || found[1]["display_name"] != "bob" {
		t.Fatalf("the roster is %v", found)
	}
	for key, want := range map[string]any{
		"role": "speaker", "state": "connected", "muted": false, "deafened": false, "held": false, "gain_db": 0.0, "method": "dialed-in", "codec": "pcmu/8000",
		"srtp": false, "recording": "off",
	} {
		if found[0][key] != want {
			t.Errorf("%s of alice is %v, want %v", key, found[0][key], want)
		}
	}
	for _, key := range []string{"id", "uri", "speaking", "joined_at", "ssrc", "stats"} {
		if _, there := found[0][key]; !there {
			t.Errorf("alice has no %s", key)
		}
	}
	stats, _ := found[0]["stats"].(map[string]any)
	for _, key := range []string{"rx_packets", "rx_lost", "rx_jitter_ms", "rtt_ms", "mos"} {
		if _, there := stats[key]; !there {
			t.Errorf("the statistics have no %s", key)
		}
	}
	if joined, _ := found[0]["joined_at"].(string); !regexp.MustCompile(`^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ$`).MatchString(joined) {
		t.Errorf("joined at %q", joined)
	}
	at := "/api/v1/conferences/1000/participants/" + text(t, found[0], "id")
	if one := object(t, b.do("GET", at, "", 200)); one["id"] != found[0]["id"] {
		t.Errorf("alice alone is %v", one)
	}
	changed := object(t, b.do("PATCH", at, `{"muted":true,"deafened":true,"held":true,"gain_db":-6,"role":"moderator","display_name":"Alice B."}`, 200))
	for key, want := range map[string]any{"muted": true, "deafened": true, "held": true, "gain_db": -6.0, "role": "moderator", "display_name": "Alice B."} {
		if changed[key] != want {
			t.Errorf("%s is %v after the change, want %v", key, changed[key], want)
		}
	}
	if event := events.untilType("participant.updated"); event.Data.Object["id"] != found[0]["id"] {
		t.Errorf("the event is about %v", event.Data.Object)
	}
	b.do("DELETE", at, "", 204)
	<-alice.Over()
	if left := events.untilType("participant.left"); left.Data.Object["id"] != found[0]["id"] {
		t.Errorf("%v has left", left.Data.Object)
	}
	b.do("DELETE", "/api/v1/conferences/1000", "", 204)
}

func TestListenerIsNotUnmuted(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true}})
	b.phone("alice", "1000")
	found := objects(t, b.do("GET", "/api/v1/conferences/1000/participants", "", 200))
	at := "/api/v1/conferences/1000/participants/" + text(t, found[0], "id")
	b.do("PATCH", at, `{"role":"listener"}`, 200)
	b.do("PATCH", at, `{"muted":false}`, 409)
}

func TestLockedAndFullConferencesDialNobody(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true}})
	b.phone("alice", "1000")
	b.do("PATCH", "/api/v1/conferences/1000", `{"max_participants":1}`, 200)
	b.do("POST", "/api/v1/conferences/1000/participants", `{"uri":"sip:bob@127.0.0.1:9"}`, 409)
	b.do("PATCH", "/api/v1/conferences/1000", `{"max_participants":0,"locked":true}`, 200)
	b.do("POST", "/api/v1/conferences/1000/participants", `{"uri":"sip:bob@127.0.0.1:9"}`, 409)
}

// TestDialing calls somebody who is busy.
func TestDialing(t *testing.T) {
	b := newBench(t, benchConfig{})
	busy, err := sipua.New(sipua.Config{}, busyPhone{})
	must(t, err)
	must(t, busy.Start(t.Context()))
	t.Cleanup(func() { must(t, busy.Shutdown(context.Background())) })
	b.do("POST", "/api/v1/conferences", `{"id":"1000"}`, 201)
	events := b.follow("/api/v1/conferences/1000/events", "")
	uri := "sip:bob@" + busy.Addr("udp").String()
	made := object(t, b.do("POST", "/api/v1/conferences/1000/participants", `{"uri":"`+uri+`"}`, 202))
	if id, _ := made["id"].(string); id == "" || made["uri"] != uri || made["method"] != "dialed-out" {
		t.Errorf("the answer is %v", made)
	}
	left := events.untilType("participant.left")
	end, _ := left.Data.Object["disconnection"].(map[string]any)
	if left.Data.Object["id"] != made["id"] || end["method"] != "busy" {
		t.Errorf("the call ended as %v", left.Data.Object)
	}
}

type busyPhone struct{}

func (busyPhone) Invite(call *sipua.IncomingCall)         { _ = call.Reject(sipua.NewResponse(486)) }
func (busyPhone) Subscribe(s *sipua.IncomingSubscription) { _ = s.Reject(sipua.NewResponse(489)) }
func (busyPhone) Request(*sipua.Request) *sipua.Response  { return nil }

func TestAnnouncementIsHeard(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true}})
	alice := b.phone("alice", "1000")
	send := func(sound []byte, want int) {
		t.Helper()
		if got := b.request("POST", "/api/v1/conferences/1000/announcements", "audio/wav", sound, nil); got.status != want {
			t.Fatalf("%d, want %d: %s", got.status, want, got.body)
		} else if want >= 400 {
			b.problem(got)
		}
	}
	send([]byte("RIFF"), 422)
	send(nil, 422)
	send(bytes.Repeat([]byte{0}, 32<<20+1), 413)
	send(tone(8000, 440, 8000), 202)
	for range 50 {
		<-alice.Say(make([]int16, 1600)) // a fifth of a second
		heard, err := alice.Heard()
		must(t, err)
		if slices.ContainsFunc(heard, func(x float64) bool { return math.Abs(x) > 0.1 }) {
			return
		}
	}
	t.Error("nothing was heard in ten seconds")
}

// TestAnnouncementToOne plays to one in a loop, instead of the conference, and stops it.
func TestAnnouncementToOne(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true}})
	events := b.follow("/api/v1/events", "")
	b.phone("alice", "1000")
	pid, _ := events.untilType("participant.joined").Data.Object["id"].(string)
	to := "/api/v1/conferences/1000/announcements?mode=replace&loop=true&participants="
	got := b.request("POST", to+pid, "audio/wav", tone(8000, 440, 800), nil)
	id, _ := object(t, got)["id"].(string)
	if got.status != 202 || id == "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for at, want := range map[string]int{to + "x": 404, "/api/v1/conferences/1000/announcements?mode=loud": 422} {
		if got := b.request("POST", at, "audio/wav", tone(8000, 440, 800), nil); got.status != want {
			t.Errorf("%s: %d, want %d: %s", at, got.status, want, got.body)
		}
	}
	b.do("DELETE", "/api/v1/conferences/1000/announcements/"+id, "", 204)
	b.do("DELETE", "/api/v1/conferences/1000/announcements/"+id, "", 404)
}

// TestAnnouncementOfPrompts: what is in the library need not be sent; Opus in Ogg is taken as WAV is.
func TestAnnouncementOfPrompts(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true}})
	events := b.follow("/api/v1/events", "")
	b.phone("alice", "1000")
	events.untilType("participant.joined")
	ogg, err := os.ReadFile(filepath.Join("..", "prompts", "en", "welcome.opus"))
	if err != nil {
		t.Fatal(err)
	}
	const to = "/api/v1/conferences/1000/announcements"
	for _, test := range []struct {
		at, kind string
		sound    []byte
		want     int
	}{
		{to + "?prompts=there-are,number-2,participants", "", nil, 202},
		{to + "?prompts=there-are,number-ten", "", nil, 422},
		{to, "audio/ogg", ogg, 202},
		{to, "audio/ogg", ogg[:len(ogg)-1], 422},
		{to, "", nil, 422},
	} {
		if got := b.request("POST", test.at, test.kind, test.sound, nil); got.status != test.want {
			t.Errorf("%s of %d bytes: %d, want %d: %s", test.at, len(test.sound), got.status, test.want, got.body)
		}
	}
}

func TestAnnouncementToNobodyIsAConflict(t *testing.T) {
	empty := newBench(t, benchConfig{})
	empty.do("POST", "/api/v1/conferences", `{"id":"1"}`, 201)
	if got := empty.request("POST", "/api/v1/conferences/1/announcements", "audio/wav", tone(8000, 440, 800), nil); got.status != 409 {
		t.Errorf("an announcement to nobody: %d %s", got.status, got.body)
	}
}

// tone is a WAV file.
func tone(rate, frequency, samples int) []byte {
	var b bytes.Buffer
	b.WriteString("RIFF")
	put := func(values ...any) {
		for _, v := range values {
			_ = binary.Write(&b, binary.LittleEndian, v)
		}
	}
	put(uint32(36+2*samples), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2*rate), uint16(2), uint16(16), []byte("data"), uint32(2*samples))
	for i := range samples {
		put(int16(12000 * math.Sin(2*math.Pi*float64(frequency*i)/float64(rate))))
	}
	return b.Bytes()
}

func TestParticipantsOfNoConference(t *testing.T) {
	b := newBench(t, benchConfig{})
	if got := b.do("GET", "/api/v1/conferences/a%2Fb/participants", "", 404); !strings.Contains(string(got.body), "no such conference") {
		t.Errorf("an escaped identifier: %s", got.body)
	}
}

// Somebody is asked to call himself, and says what he thinks of it.
func TestAsk(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}}})
	asked := make(chan string, 2)
	agent, err := sipua.New(sipua.Config{}, willing{asked})
	if err != nil {
		t.Fatal(err)
	}
	if err = agent.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = agent.Shutdown(context.Background()) }()
	at := agent.Addr("udp").String()
	b.do("POST", "/api/v1/conferences/desk/ask", `{"uri":"sip:bob@`+at+`"}`, 202)
	if got := <-asked; !strings.Contains(got, "sip:desk@") {
		t.Errorf("referred to %s", got)
	}
	b.do("POST", "/api/v1/conferences/desk/ask", `{"uri":"sip:never@`+at+`"}`, 502)
	b.do("POST", "/api/v1/conferences/nowhere/ask", `{"uri":"sip:bob@`+at+`"}`, 404)
	b.do("POST", "/api/v1/conferences/desk/ask", `{"uri":"tel:+4420"}`, 422)
}

// willing is somebody who calls where he is referred to, unless he is called never.
type willing struct{ asked chan string }

func (willing) Invite(c *sipua.IncomingCall)            { _ = c.Reject(sipua.NewResponse(480)) }
func (willing) Subscribe(s *sipua.IncomingSubscription) { _ = s.Reject(sipua.NewResponse(489)) }

func (w willing) Request(r *sipua.Request) *sipua.Response {
	if r.URI.UserPart() == "never" {
		return sipua.NewResponse(603)
	}
	w.asked <- r.Headers.Get("Refer-To")
	return sipua.NewResponse(202)
}
