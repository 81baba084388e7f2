package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// hostile is a name that any caller may have.
const hostile = "Ann\x1b[2J\nBob\t\u009b31m \u202egnp.exe\u2066 \x7f"

// TestNamesDoNotCommandTheTerminal: what callers say of themselves is shown, and never obeyed.
func TestNamesDoNotCommandTheTerminal(t *testing.T) {
	list, err := json.Marshal([]map[string]any{{"id": "1", "display_name": hostile, "participants": []map[string]any{{"name": hostile}}}})
	if err != nil {
		t.Fatal(err)
	}
	event, err := json.Marshal(map[string]any{"time": "now", "conference": "1000", "object": map[string]any{"display_name": hostile}})
	if err != nil {
		t.Fatal(err)
	}
	var out, complaints bytes.Buffer
	user := &terminal{out: &out, err: &complaints}
	for name, lines := range map[string]struct {
		show  func() error
		count int
	}{
		"table": {func() error { return user.show(false, list, "id", "display_name", "participants") }, 2},
		"JSON":  {func() error { return user.json(list) }, 11},
		"event": {func() error {
			user.printf("%s\n", eventLine(serverEvent{name: "participant.joined", data: event}))
			return nil
		}, 1},
		"complaint": {func() error { user.complain("%s", strings.ReplaceAll(hostile, "\n", " ")); return nil }, 1},
	} {
		out.Reset()
		complaints.Reset()
		if err := lines.show(); err != nil {
			t.Fatal(err)
		}
		shown := out.String() + complaints.String()
		if strings.ContainsAny(shown, "\x1b\t\x7f\u009b\u202e\u2066") || strings.Count(shown, "\n") != lines.count || !strings.Contains(shown, `\u001b[2J`) {
			t.Errorf("%s: %q", name, shown)
		}
		if name == "JSON" {
			var back []map[string]any
			if err := json.Unmarshal(out.Bytes(), &back); err != nil || back[0]["display_name"] != hostile {
				t.Errorf("not the same any more: %v, %v", back, err)
			}
		}
	}
}

// TestCellsOfPeople: people have no state in a list of recordings.
func TestCellsOfPeople(t *testing.T) {
	var rows any
	if err := json.Unmarshal([]byte(`[{"name":"primary","state":"up"},{"name":"Ann"},{"id":"x","aor":"sip:bob@example.com"}]`), &rows); err != nil {
		t.Fatal(err)
	}
	if got := cell(rows); got != "primary:up,Ann,sip:bob@example.com" {
		t.Errorf("got %q", got)
	}
}
