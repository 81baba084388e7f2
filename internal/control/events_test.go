package control_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-sip/parley/focus"
)

// TestStreamHasEveryEventOnceAndInOrder with phones that come and go.
func TestStreamHasEveryEventOnceAndInOrder(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true}})
	all, other := b.follow("/api/v1/events", ""), b.follow("/api/v1/conferences/2000/events", "")
	alice := b.phone("alice", "1000")
	b.phone("bob", "2000")
	must(t, alice.Hangup(t.Context()))
	seen := all.until("the end of 1000", func(e streamed) bool { return e.Event == "conference.ended" && e.Data.Conference == "1000" })
	ids, sequence := map[string]bool{}, map[string]uint64{}
	var first []string
	for _, e := range seen {
		if ids[e.ID] || e.ID == "" || e.ID != e.Data.ID || e.Event != e.Data.Type || e.Data.Object == nil {
			t.Errorf("not a proper event: %+v", e)
		}
		ids[e.ID] = true
		if sequence[e.Data.Conference]++; e.Data.Sequence != sequence[e.Data.Conference] {
			t.Errorf("%s has sequence %d in %s, want %d", e.Event, e.Data.Sequence, e.Data.Conference, sequence[e.Data.Conference])
		}
		if e.Data.Conference == "1000" {
			first = append(first, e.Event)
		}
	}
	if text := strings.Join(first, " "); !strings.HasPrefix(text, "conference.started") || !strings.HasSuffix(text, "conference.ended") ||
		!strings.Contains(text, "participant.joined") || !strings.Contains(text, "participant.left") {
		t.Errorf("the events of 1000 are %s", text)
	}
	for _, e := range other.until("bob", func(e streamed) bool { return e.Event == "participant.joined" }) {
		if e.Data.Conference != "2000" {
			t.Errorf("an event of %s is in the stream of 2000", e.Data.Conference)
		}
	}
}

func TestStreamGoesOnAfterTheLastEventKnown(t *testing.T) {
	b := newBench(t, benchConfig{focus: focus.Config{Dynamic: true}})
	events := b.follow("/api/v1/conferences/1000/events", "")
	b.phone("alice", "1000")
	first := events.untilType("participant.joined")
	events.stop()
	<-events.ended
	for i := range 5 {
		b.do("PATCH", "/api/v1/conferences/1000", fmt.Sprintf(`{"name":"%d"}`, i), 200)
	}
	resumed := b.follow("/api/v1/conferences/1000/events", first.ID)
	seen := resumed.until("the last name", func(e streamed) bool { return e.Event == "conference.updated" && e.Data.Object["name"] == "4" })
	if next := seen[0].Data.Sequence; next != first.Data.Sequence+1 {
		t.Errorf("goes on with %d after %d", next, first.Data.Sequence)
	}
	for i, e := range seen {
		if e.Data.Sequence != first.Data.Sequence+1+uint64(i) {
			t.Errorf("event %d has sequence %d", i, e.Data.Sequence)
		}
	}
	bare := b.follow("/api/v1/conferences/1000/events?last_event_id="+first.ID, "")
	if e := bare.untilType("conference.updated"); e.Data.Sequence != first.Data.Sequence+1 {
		t.Errorf("by its address it goes on with %d after %d", e.Data.Sequence, first.Data.Sequence)
	}
	newer := b.follow("/api/v1/conferences/1000/events?last_event_id="+first.ID, seen[1].Data.ID)
	if e := newer.untilType("conference.updated"); e.Data.Sequence != seen[2].Data.Sequence {
		t.Errorf("who has connected again gets %d after %d", e.Data.Sequence, seen[1].Data.Sequence)
	}
	foreign := b.follow("/api/v1/conferences/1000/events", "ffffffff-3")
	if begin := foreign.untilType("conference.started"); begin.Data.Sequence != 1 {
		t.Errorf("an identifier of an earlier run begins with %d", begin.Data.Sequence)
	}
}

func TestAskingForTheHeadersOfAStreamEnds(t *testing.T) {
	b := newBench(t, benchConfig{})
	if got := b.request(http.MethodHead, "/api/v1/events", "", nil, nil); got.status != 200 || got.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD: %d %v", got.status, got.header)
	}
}
