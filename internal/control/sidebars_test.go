package control_test

import (
	"fmt"
	"testing"

	"github.com/parley-sip/parley/focus"
)

func TestSidebars(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true}})
	events := b.follow("/api/v1/conferences/1000/events", "")
	b.phone("alice", "1000")
	b.phone("bob", "1000")
	events.until("two participants", func(e streamed) bool {
		return e.Event == "participant.joined" && e.Data.Object["display_name"] == "bob"
	})
	found := objects(t, b.do("GET", "/api/v1/conferences/1000/participants", "", 200))
	alice, bob := text(t, found[0], "id"), text(t, found[1], "id")
	at := "/api/v1/conferences/1000/sidebars"
	if got := objects(t, b.do("GET", at, "", 200)); len(got) != 0 {
		t.Errorf("sidebars %v", got)
	}
	b.do("POST", at, `{"participants":[]}`, 422)
	b.do("POST", at, `{"participants":["nobody"]}`, 404)
	b.do("POST", at, fmt.Sprintf(`{"participants":[%q],"main_gain_db":1}`, alice), 422)
	b.do("POST", "/api/v1/conferences/none/sidebars", fmt.Sprintf(`{"participants":[%q]}`, alice), 404)
	made := object(t, b.do("POST", at, fmt.Sprintf(`{"name":"Aside","participants":[%q],"hear_main":true}`, alice), 201))
	if made["name"] != "Aside" || made["hear_main"] != true || made["main_gain_db"] != -12.0 || fmt.Sprint(made["participants"]) != "["+alice+"]" {
		t.Errorf("made %v", made)
	}
	if e := events.untilType("conference.updated"); fmt.Sprint(e.Data.Object["sidebars"]) == "[]" {
		t.Errorf("the event says %v", e.Data.Object)
	}
	if p := object(t, b.do("GET", "/api/v1/conferences/1000/participants/"+alice, "", 200)); p["sidebar"] != made["id"] {
		t.Errorf("alice is in %v", p["sidebar"])
	}
	one := at + "/" + text(t, made, "id")
	changed := object(t, b.do("PATCH", one, fmt.Sprintf(`{"participants":[%q,%q],"hear_main":false}`, bob, alice), 200))
	if changed["name"] != "Aside" || changed["private"] != false || changed["hear_main"] != false || len(changed["participants"].([]any)) != 2 { //nolint:forcetypeassert // a list by the schema
		t.Errorf("changed %v", changed)
	}
	b.do("PATCH", one, `{"private":true}`, 200)
	if got := object(t, b.do("GET", one, "", 200)); got["id"] != made["id"] || got["private"] != true || got["hear_main"] != false {
		t.Errorf("got %v", got)
	}
	b.do("DELETE", one, "", 204)
	b.do("DELETE", one, "", 404)
	b.do("GET", one, "", 404)
	b.do("PATCH", one, `{"hear_main":true}`, 404)
}
