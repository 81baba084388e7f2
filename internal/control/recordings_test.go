package control_test

import (
	"testing"

	"github.com/parley-sip/parley/focus"
)

func TestRecordingsAreStartedPausedResumedAndStopped(t *testing.T) {
	b := newBench(t, benchConfig{recorder: true, focus: focus.Config{Dynamic: true}})
	events := b.follow("/api/v1/conferences/1000/events", "")
	b.phone("alice", "1000")
	made := object(t, b.do("POST", "/api/v1/conferences/1000/recordings", `{"mode":["mixed","separate"],"servers":["primary"]}`, 201))
	id, _ := made["id"].(string)
	if id == "" || made["conference"] != "1000" || length(t, made, "mode") != 2 || length(t, made, "servers") != 1 {
		t.Fatalf("started as %v", made)
	}
	if started := events.untilType("recording.started"); started.Data.Object["id"] != id {
		t.Errorf("%v has started", started.Data.Object)
	}
	at := "/api/v1/conferences/1000/recordings/" + id
	shown := object(t, b.do("GET", at, "", 200))
	if streams, _ := shown["streams"].([]any); shown["state"] != "recording" || len(streams) != 2 || shown["started_at"] == nil {
		t.Errorf("shown as %v", shown)
	}
	if all := objects(t, b.do("GET", "/api/v1/conferences/1000/recordings", "", 200)); len(all) != 1 || all[0]["id"] != id {
		t.Errorf("listed as %v", all)
	}
	for _, step := range []struct{ method, in, event, state string }{
		{"PATCH", `{"state":"paused"}`, "recording.paused", "paused"},
		{"PATCH", `{"state":"recording"}`, "recording.resumed", "recording"},
		{"DELETE", ``, "recording.stopped", "stopped"},
	} {
		if done := object(t, b.do(step.method, at, step.in, 200)); done["id"] != id {
			t.Errorf("%s %s: %v", step.method, step.in, done)
		}
		if event := events.untilType(step.event); event.Data.Object["id"] != id || event.Data.Object["state"] != step.state {
			t.Errorf("%s is about %v", step.event, event.Data.Object)
		}
	}
	b.do("PATCH", at, `{"state":"paused"}`, 404)
	b.do("DELETE", at, "", 404)
}

func TestNothingIsRecordedWhereNobodyIs(t *testing.T) {
	b := newBench(t, benchConfig{recorder: true})
	b.do("POST", "/api/v1/conferences", `{"id":"1000"}`, 201)
	b.do("POST", "/api/v1/conferences/1000/recordings", `{}`, 409)
}

func TestRecordingNeedsAServer(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true}})
	b.phone("alice", "1000")
	b.do("POST", "/api/v1/conferences/1000/recordings", `{}`, 409)
}
