package control_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/control"
	"github.com/parley-sip/parley/siprec/srs/export"
)

// eventually waits for what nobody tells about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

// Shows SR-SNP-01. What was recorded is listed, shown, heard in whole and in part, exported, held and deleted.
func TestRecorded(t *testing.T) {
	b := newBench(t, benchConfig{recorder: true, focus: focus.Config{Dynamic: true}})
	events := b.follow("/api/v1/conferences/1000/events", "")
	b.phone("alice", "1000")
	b.phone("bob", "1000")
	made := object(t, b.do("POST", "/api/v1/conferences/1000/recordings", `{"mode":["separate"]}`, 201))
	events.untilType("recording.started")
	const list = "/api/v1/srs/recordings"
	var one map[string]any
	eventually(t, "two streams", func() bool {
		all := objects(t, b.do("GET", list, "", 200))
		if len(all) == 1 {
			one = all[0]
		}
		return one != nil && length(t, one, "streams") == 2
	})
	at := list + "/" + text(t, one, "id")
	b.do("DELETE", at, "", 409)
	documents := length(t, one, "metadata")
	b.do("POST", at+"/snapshot", "", 202)
	eventually(t, "a snapshot", func() bool {
		one = object(t, b.do("GET", at, "", 200))
		all, _ := one["metadata"].([]any)
		if len(all) <= documents {
			return false
		}
		last, _ := all[len(all)-1].(map[string]any)
		return last["mode"] == "complete"
	})
	eventually(t, "packets", func() bool {
		packets, _ := object(t, b.do("GET", "/api/v1/srs/status", "", 200))["packets"].(float64)
		return packets > 5
	})
	b.do("DELETE", "/api/v1/conferences/1000/recordings/"+text(t, made, "id"), "", 200)
	eventually(t, "finished", func() bool { return len(b.recorder.Recordings()) == 0 })
	b.do("POST", at+"/snapshot", "", 404)
	if found := objects(t, b.do("GET", list+"?q=alice&state=finished&limit=1", "", 200)); len(found) != 1 {
		t.Errorf("found %v", found)
	}
	if found := objects(t, b.do("GET", list+"?to=2020-01-01T00:00:00Z", "", 200)); len(found) != 0 {
		t.Errorf("found %v", found)
	}
	b.checkRecorded(at, one)
	b.do("PATCH", at, `{"held":true}`, 200)
	b.do("DELETE", at, "", 409)
	if held := object(t, b.do("PATCH", at, `{"held":false}`, 200)); held["held"] == true {
		t.Errorf("still held: %v", held)
	}
	b.do("DELETE", at, "", 204)
	b.do("GET", at, "", 404)
	b.do("GET", at+"/streams/1", "", 404)
	if status := object(t, b.do("GET", "/api/v1/srs/status", "", 200)); status["accepted"] != 1.0 || status["recordings"] != 0.0 || status["packets"] == 0.0 {
		t.Errorf("status %v", status)
	}
}

func (b *bench) checkRecorded(at string, one map[string]any) {
	t := b.t
	t.Helper()
	stream := b.do("GET", at+"/streams/1", "", 200)
	if stream.header.Get("Content-Type") != "audio/wav" || stream.header.Get("Cache-Control") != "no-store" || string(stream.body[:4]) != "RIFF" {
		t.Errorf("%v %q", stream.header, stream.body[:min(len(stream.body), 16)])
	}
	part := b.request("GET", at+"/streams/1", "", nil, func(r *http.Request) { r.Header.Set("Range", "bytes=8-11") })
	if part.status != http.StatusPartialContent || string(part.body) != "WAVE" {
		t.Errorf("a part: %d %q", part.status, part.body)
	}
	b.do("GET", at+"/streams/nobody", "", 404)
	all := b.do("GET", at+"/audio", "", 200)
	if channels := binary.LittleEndian.Uint16(all.body[22:]); channels != 2 || !strings.Contains(all.header.Get("Content-Disposition"), text(t, one, "id")+".wav") {
		t.Errorf("%d channels, %v", channels, all.header)
	}
	var v export.VCon
	must(t, json.Unmarshal(b.do("GET", at+"/vcon", "", 200).body, &v))
	if len(v.Dialog) != 2 || len(v.Parties) < 2 || len(v.Attachments) < 2 {
		t.Fatalf("%d dialogs, %d parties, %d attachments", len(v.Dialog), len(v.Parties), len(v.Attachments))
	}
	audio, err := base64.RawURLEncoding.DecodeString(v.Dialog[0].Body)
	if file := b.do("GET", at+"/streams/"+v.Dialog[0].Filename, "", 200); err != nil || !bytes.Equal(audio, file.body) {
		t.Errorf("the container has another audio: %d octets, %v", len(audio), err)
	}
	must(t, json.Unmarshal(b.do("GET", at+"/vcon?inline=false", "", 200).body, &v))
	if got := b.request("GET", strings.TrimPrefix(v.Dialog[1].URL, b.base), "", nil, nil); got.status != 200 || v.Dialog[1].ContentHash == "" {
		t.Errorf("%s leads to %d", v.Dialog[1].URL, got.status)
	}
	b.do("GET", at+"/vcon?signed=true", "", 409)
}

// Who may only see does not hear.
func TestWhoMayHear(t *testing.T) {
	b := newBench(t, benchConfig{recorder: true, control: control.Config{Tokens: []control.Token{
		{Name: "wall", Secret: "see", ReadOnly: true}, {Name: "qa", Secret: "hear", ReadOnly: true, Listen: true}, {Name: "ops", Secret: "all"},
	}}})
	for _, x := range []struct {
		method, path, token string
		want                int
	}{
		{"GET", "", "see", 200},
		{"GET", "/x", "see", 404},
		{"GET", "/x/streams/1", "see", 403},
		{"GET", "/x/audio", "see", 403},
		{"GET", "/x/vcon", "see", 403},
		{"HEAD", "/x/audio", "see", 403},
		{"GET", "/x/streams/1", "hear", 404},
		{"GET", "/x/vcon", "hear", 404},
		{"DELETE", "/x", "hear", 403},
		{"POST", "/x/snapshot", "hear", 403},
		{"GET", "/x/audio", "all", 404},
		{"DELETE", "/x", "all", 404},
		{"GET", "//x/audio", "see", 403},
	} {
		b.token = x.token
		if got := b.request(x.method, "/api/v1/srs/recordings"+x.path, "", nil, nil); got.status != x.want {
			t.Errorf("%s %s with %q: %d, want %d", x.method, x.path, x.token, got.status, x.want)
		}
	}
}

// A recorder alone has its part of the API and nothing else.
func TestRecorderAlone(t *testing.T) {
	recorder := startRecorder(t)
	server := control.New(control.Config{Listen: "127.0.0.1:0", Recorder: recorder}, nil, http.NotFoundHandler())
	must(t, server.Start(t.Context()))
	t.Cleanup(func() { must(t, server.Close(context.Background())) })
	b := &bench{t: t, recorder: recorder, server: server, base: "http://" + server.Addr()}
	b.do("GET", "/api/v1/srs/recordings", "", 200)
	b.do("GET", "/api/v1/conferences", "", 404)
	b.do("GET", "/readyz", "", 200)
	b.do("GET", "/docs", "", 200)
}
