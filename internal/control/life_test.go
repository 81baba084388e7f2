package control_test

import (
	"testing"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// Rules are set at creation and changed later; what is left out stays.
func TestRules(t *testing.T) {
	b := newBench(t, benchConfig{})
	made := object(t, b.do("POST", "/api/v1/conferences", `{"id":"1","wait_for_moderator":true,"wait_timeout":"10m","on_moderator_leave":"end",
		"moderator_grace":"30s","end_when_left":1,"end_grace":"1m","max_duration":"1h","duration_warnings":["5m"],"mute_above":9,"allow_unmute":false,
		"lecture":true,"entry":"tone","dial_out":{"when":"request","targets":[{"uri":"sip:x@127.0.0.1:9","role":"moderator"}],"attempts":2,"interval":"5s"}}`, 201))
	want := map[string]any{
		"wait_for_moderator": true, "lobby": false, "wait_timeout": "10m0s", "on_moderator_leave": "end", "moderator_grace": "30s", "end_when_left": 1.0,
		"end_grace": "1m0s", "max_duration": "1h0m0s", "mute_above": 9.0, "allow_unmute": false, "lecture": true, "entry": "tone", "present": 0.0, "waiting": 0.0,
	}
	for key, value := range want {
		if made[key] != value {
			t.Errorf("%s is %v, want %v", key, made[key], value)
		}
	}
	changed := object(t, b.do("PATCH", "/api/v1/conferences/1", `{"lecture":false,"allow_unmute":true,"max_duration":"0s","on_moderator_leave":"continue"}`, 200))
	want["lecture"], want["allow_unmute"], want["max_duration"], want["on_moderator_leave"] = false, true, "0s", "continue"
	for key, value := range want {
		if changed[key] != value {
			t.Errorf("%s is %v after the change, want %v", key, changed[key], value)
		}
	}
	if plain := object(t, b.do("POST", "/api/v1/conferences", `{}`, 201)); plain["allow_unmute"] != true || plain["entry"] != "none" {
		t.Errorf("by default %v", plain)
	}
	for body, detail := range map[string]string{
		`{"wait_timeout":"soon"}`:                                 "wait_timeout",
		`{"max_duration":"-1s"}`:                                  "max_duration",
		`{"duration_warnings":["x"]}`:                             "duration_warnings",
		`{"on_moderator_leave":"sulk"}`:                           "on_moderator_leave",
		`{"entry":"gong"}`:                                        "entry",
		`{"end_when_left":-1}`:                                    "end_when_left",
		`{"dial_out":{"targets":[{"uri":"mailto:x"}]}}`:           "mailto",
		`{"dial_out":{"targets":[],"interval":"x"}}`:              "interval",
		`{"dial_out":{"targets":[{"uri":"sip:x","role":"king"}]}`: "",
	} {
		status := 422
		if detail == "" {
			status = 400 // no JSON at all
		}
		b.do("POST", "/api/v1/conferences", body, status)
	}
	b.do("PATCH", "/api/v1/conferences/1", `{"moderator_grace":"x"}`, 422)
	b.do("POST", "/api/v1/conferences/2/admit", "", 404)
	b.do("GET", "/api/v1/conferences/2/hands", "", 404)
	b.do("GET", "/api/v1/conferences/2/roll-call", "", 404)
	b.do("POST", "/api/v1/conferences/2/mute", `{"muted":true}`, 404)
}

// The commands about those who are there: from the lobby to the floor.
func TestLobbyToFloor(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true, Defaults: focus.ConferenceConfig{Rules: conference.Rules{HardMute: true, Entry: conference.EntryTone}}}})
	at := "/api/v1/conferences/1000"
	if made := object(t, b.do("POST", "/api/v1/conferences", `{"id":"1000","lobby":true,"entry":"none"}`, 201)); made["allow_unmute"] != false || made["entry"] != "none" {
		t.Errorf("made %v", made) // as the defaults say, and as the request does
	}
	events := b.follow(at+"/events", "")
	b.phone("alice", "1000")
	b.phone("bob", "1000")
	events.until("two who wait", func(e streamed) bool {
		return e.Event == "participant.waiting" && e.Data.Object["display_name"] == "bob" && e.Data.Object["state"] == "on-hold"
	})
	roll := object(t, b.do("GET", at+"/roll-call", "", 200))
	waiting, _ := roll["waiting"].([]any)
	if len(waiting) != 2 {
		t.Fatalf("the roll is %v", roll)
	}
	if first, _ := waiting[0].(map[string]any); first["name"] != "alice" {
		t.Errorf("the roll is %v", roll)
	}
	found := objects(t, b.do("GET", at+"/participants", "", 200))
	alice, bob := at+"/participants/"+text(t, found[0], "id"), at+"/participants/"+text(t, found[1], "id")
	b.do("PATCH", alice, `{"hand_raised":true}`, 409) // not at the door
	if in := object(t, b.do("PATCH", alice, `{"waiting":false}`, 200)); in["waiting"] != false || in["joined_at"] == nil {
		t.Errorf("let in: %v", in)
	}
	if all := object(t, b.do("POST", at+"/admit", "", 200)); all["present"] != 2.0 || all["waiting"] != 0.0 {
		t.Errorf("all let in: %v", all)
	}
	b.do("PATCH", alice, `{"role":"moderator"}`, 200)
	b.do("PATCH", alice, `{"waiting":true}`, 409) // a moderator need not wait
	if muted := object(t, b.do("POST", at+"/mute", `{"muted":true,"allow_unmute":false}`, 200)); muted["allow_unmute"] != false {
		t.Errorf("muted all: %v", muted)
	}
	if one := object(t, b.do("GET", bob, "", 200)); one["muted"] != true {
		t.Errorf("bob: %v", one)
	}
	if one := object(t, b.do("GET", alice, "", 200)); one["muted"] != false {
		t.Errorf("the moderator: %v", one)
	}
	b.do("PATCH", bob, `{"hand_raised":true,"marked":true}`, 200)
	if hands := objects(t, b.do("GET", at+"/hands", "", 200)); len(hands) != 1 || hands[0]["display_name"] != "bob" || hands[0]["marked"] != true {
		t.Errorf("hands: %v", hands)
	}
	if floor := object(t, b.do("PATCH", bob, `{"floor":true}`, 200)); floor["floor"] != true || floor["hand_raised_at"] != nil {
		t.Errorf("the floor: %v", floor)
	}
	b.do("PATCH", bob, `{"hand_raised":true}`, 200)
	b.do("DELETE", at+"/hands", "", 200)
	if hands := objects(t, b.do("GET", at+"/hands", "", 200)); len(hands) != 0 {
		t.Errorf("hands: %v", hands)
	}
	b.do("POST", at+"/call-list", "", 409) // it has none
	b.do("DELETE", at+"?announce=true", "", 204)
	events.until("the announcement", func(e streamed) bool { return e.Event == "conference.ending" })
	events.until("the end", func(e streamed) bool { return e.Event == "conference.ended" })
	b.do("GET", at, "", 404)
}
