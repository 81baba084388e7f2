package main

import (
	"net/netip"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/sipua"
)

func parseRules(t *testing.T, source string) []focus.RecordingRule {
	t.Helper()
	cfg, err := config.Parse("parley.yml", []byte(source), nil)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := recordingRules(&cfg, []focus.Recorder{{Name: "embedded"}})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// TestRecordingRules: all that a rule names must fit, and only what names somebody is personal.
func TestRecordingRules(t *testing.T) {
	rules := parseRules(t, `
sip: {users: [{username: alice, password: x, roles: [agent]}]}
conference_defaults: {recording: {mode: [mixed]}}
recording:
  rules:
    - {conference: ["desk-*", "*-recorded"], recording: {policy: always}}
    - {caller: ["role:agent", "*@bank.example", "10.0.0.0/8"], recording: {policy: always, mode: [separate]}}
    - {headers: [{name: x-record, value: "no*"}, {name: X-Site}], recording: {policy: never}}
    - {caller: ["+49*@*"], conference: ["7"], recording: {policy: never}}
`)
	invite := func(from string, source string, caller *sipua.Caller, headers ...sipua.Header) *sipua.Request {
		uri, err := sipua.ParseURI(from)
		if err != nil {
			t.Fatal(err)
		}
		return &sipua.Request{
			From: sipua.Address{URI: uri}, Source: netip.MustParseAddrPort(source), Caller: caller, Headers: headers,
		}
	}
	target, err := sipua.ParseURI("sip:+4930123@carrier")
	if err != nil {
		t.Fatal(err)
	}
	anybody := invite("sip:bob@example.com", "192.0.2.1:5060", nil)
	for name, test := range map[string]struct {
		arrival focus.Arrival
		want    int // index of the first rule; -1: none
	}{
		"nothing fits":       {focus.Arrival{Conference: "1000", Request: anybody}, -1},
		"conference":         {focus.Arrival{Conference: "desk-3", Request: anybody}, 0},
		"conference, end":    {focus.Arrival{Conference: "x-recorded", Request: anybody}, 0},
		"conference, called": {focus.Arrival{Conference: "desk-3", Target: target}, 0},
		"role":               {focus.Arrival{Request: invite("sip:a@b", "192.0.2.1:1", &sipua.Caller{Roles: []string{"agent"}})}, 1},
		"From":               {focus.Arrival{Request: invite("sip:a@BANK.example", "192.0.2.1:1", nil)}, 1},
		"network":            {focus.Arrival{Request: invite("sip:a@b", "[::ffff:10.1.1.1]:1", nil)}, 1},
		"whom From pretends": {focus.Arrival{Request: invite("sip:a@bank.example", "192.0.2.1:1", &sipua.Caller{Identity: sipua.Address{URI: target}})}, -1},
		"headers":            {focus.Arrival{Request: invite("sip:a@b", "192.0.2.1:1", nil, sipua.Header{Name: "X-Record", Value: "nope"}, sipua.Header{Name: "X-Site", Value: "1"})}, 2},
		"one header":         {focus.Arrival{Request: invite("sip:a@b", "192.0.2.1:1", nil, sipua.Header{Name: "X-Record", Value: "nope"})}, -1},
		"header, other text": {focus.Arrival{Request: invite("sip:a@b", "192.0.2.1:1", nil, sipua.Header{Name: "X-Record", Value: "yes"}, sipua.Header{Name: "X-Site", Value: "1"})}, -1},
		"both":               {focus.Arrival{Conference: "7", Target: target}, 3},
		"one of both":        {focus.Arrival{Conference: "8", Target: target}, -1},
	} {
		got := -1
		for i := range rules {
			if rules[i].Matches(test.arrival) {
				got = i
				break
			}
		}
		if got != test.want {
			t.Errorf("%s: rule %d, want %d", name, got, test.want)
		}
	}
	if rules[0].Personal || !rules[1].Personal || !rules[2].Personal || !rules[3].Personal {
		t.Errorf("personal: %+v", rules)
	}
	if r := rules[0].Recording; r.Modes != conference.Mixed || r.Policy != conference.Always || len(r.Servers) != 1 {
		t.Errorf("the defaults are missing: %+v", r)
	}
	if rules[1].Recording.Modes != conference.Separate {
		t.Errorf("%+v", rules[1].Recording)
	}
}

func TestRecordingHours(t *testing.T) {
	rules := parseRules(t, `
recording:
  rules:
    - {hours: [{days: [mon, fri], from: "08:00", to: "18:00", zone: Europe/Berlin}], recording: {policy: always}}
    - {hours: [{days: [fri], from: "22:00", to: "06:00", zone: UTC}], recording: {policy: always}}
    - {hours: [{days: [sun], zone: UTC}, {from: "12:00", to: "12:01", zone: UTC}], recording: {policy: always}}
`)
	for text, want := range map[string][3]bool{
		"2026-11-23T06:59:59Z": {false, false, false}, // Monday, 07:59:59 in Berlin
		"2026-11-23T07:00:00Z": {true, false, false},
		"2026-11-23T16:59:59Z": {true, false, false},
		"2026-11-23T17:00:00Z": {false, false, false},
		"2026-07-20T06:00:00Z": {true, false, false}, // Monday in summer
		"2026-11-24T08:00:00Z": {false, false, false},
		"2026-11-27T22:00:00Z": {false, true, false},
		"2026-11-28T05:59:59Z": {false, true, false},
		"2026-11-28T06:00:00Z": {false, false, false},
		"2026-11-28T23:00:00Z": {false, false, false},
		"2026-11-27T05:00:00Z": {false, false, false}, // the night before
		"2026-11-29T23:59:59Z": {false, false, true},
		"2026-11-25T12:00:30Z": {false, false, true},
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rules {
			if got := rules[i].Matches(focus.Arrival{At: at}); got != want[i] {
				t.Errorf("%s: rule %d: %t", text, i, got)
			}
		}
	}
}
