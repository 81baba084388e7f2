package control_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/control"
)

// logged is a log to be looked into.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

// TestAcknowledge: what was not recorded is acknowledged by who may change something, with a name and a note, stays in the list with its verdict, and can be taken back.
func TestAcknowledge(t *testing.T) {
	log := &logged{}
	nowhere := focus.Recorder{Name: "nowhere", URI: "sip:srs@127.0.0.1:9;transport=tcp"}
	b := newBench(t, benchConfig{
		focus:   focus.Config{Dynamic: true, Recorders: []focus.Recorder{nowhere}},
		control: control.Config{Tokens: []control.Token{{Name: "ops", Secret: "all"}, {Name: "wall", Secret: "see", ReadOnly: true}}, Logger: slog.New(slog.NewTextHandler(log, nil))},
	})
	b.token = "all"
	alice := b.phone("alice", "1000")
	made := object(t, b.do("POST", "/api/v1/conferences/1000/recordings", `{"mode":["mixed"]}`, 201))
	at := "/api/v1/recordings/assurance/1000/" + text(t, made, "id")
	must(t, alice.Hangup(t.Context()))
	one := func() map[string]any {
		list := objects(t, b.do("GET", "/api/v1/recordings/assurance", "", 200))
		if len(list) != 1 {
			t.Fatalf("%v", list)
		}
		return list[0]
	}
	eventually(t, "it is missing", func() bool { return one()["verdict"] == "missing" })
	b.do("PATCH", at, `{"acknowledged":"yes"}`, 422)
	b.do("PATCH", at+"x", `{"acknowledged":true}`, 404)
	b.token = "see"
	b.do("PATCH", at, `{"acknowledged":true}`, 403)
	b.token = "all"
	got := object(t, b.do("PATCH", at, `{"acknowledged":true,"by":"Jane Doe","note":"cable cut"}`, 200))
	for _, shown := range []map[string]any{got, one()} {
		seen := inside(t, shown, "acknowledged")
		if shown["verdict"] != "missing" || seen["token"] != "ops" || seen["by"] != "Jane Doe" || seen["note"] != "cable cut" || seen["verdict"] != "missing" || text(t, seen, "at") == "" {
			t.Errorf("%v", shown)
		}
	}
	if !log.has(`recording acknowledged`) || !log.has(`note="cable cut"`) {
		t.Error("the log does not tell")
	}
	b.do("PATCH", at, `{"acknowledged":false}`, 200)
	if one()["acknowledged"] != nil {
		t.Errorf("taken back: %v", one())
	}
}
