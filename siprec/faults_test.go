package siprec_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/siprec"
)

// Shows SR-ERR-01, SR-ERR-09, SR-ERR-10, SR-MET-16. Whatever final status a recorder answers with, to the INVITE, a re-INVITE or an UPDATE: nothing is
// sent without a dialog, what was agreed goes on with one, the operator hears of it, and the recording is whole again once the recorder is.
func TestEveryStatus(t *testing.T) {
	for status := 300; status < 700; status++ {
		for _, stage := range []string{"INVITE", "re-INVITE", "UPDATE"} {
			name := fmt.Sprintf("%d to %s", status, stage)
			w, err := newWorld(func(format string, args ...any) { t.Errorf(name+": "+format, args...) }, siprec.Config{}, "separate")
			if err != nil {
				t.Fatal(err)
			}
			w.join("alice", w.now)
			w.step(w.desire())
			if stage != "INVITE" {
				w.respond(200)
				if stage == "re-INVITE" {
					w.join("bob", w.now)
				} else {
					w.person("alice").Muted = true
				}
				w.step(w.desire())
				w.advance(5 * time.Second)
			}
			checkRefusal(t, name, w, status, stage)
		}
	}
}

// checkRefusal answers what is open with a status, and then takes all.
func checkRefusal(t *testing.T, name string, w *world, status int, stage string) {
	t.Helper()
	if w.open == 0 || !strings.HasPrefix(w.log[len(w.log)-2]+w.log[len(w.log)-1], stage) && !slices.ContainsFunc(w.log, func(s string) bool { return strings.HasPrefix(s, stage) }) {
		t.Fatalf("%s: no request is open: %q", name, w.log)
	}
	w.log = nil
	w.respond(status)
	lost := stage == "INVITE" || status == 408 || status == 481
	_, plays := w.playing["alice"]
	if plays == lost {
		t.Errorf("%s: alice's stream flows: %v", name, plays)
	}
	// Glare is no fault, nor is a method that is not known: it is asked in another way.
	quiet := stage != "INVITE" && status == 491 || stage == "UPDATE" && (status == 405 || status == 501)
	if alarmed := slices.ContainsFunc(w.log, func(s string) bool { return strings.HasPrefix(s, "alarm ") }); alarmed == quiet {
		t.Errorf("%s: an alarm: %v\n%s", name, alarmed, strings.Join(w.log, "\n"))
	}
	want := siprec.StateRecording
	if lost {
		want = siprec.StateFailed
	}
	if got := w.client.State(); got != want {
		t.Errorf("%s: %v, want %v", name, got, want)
	}
	w.step(siprec.Retry{})
	for range 4 {
		if w.open != 0 {
			w.respond(200)
		}
		w.advance(time.Minute)
	}
	known, synced := w.client.Acknowledged()
	if w.client.State() != siprec.StateRecording || !synced || w.open != 0 || !siprec.Equal(known, w.known) {
		t.Errorf("%s: in the end %v, in step %v, request %d open", name, w.client.State(), synced, w.open)
	}
}

// A recorder that forgets the Content-Type in the answer to a change, and ports that it gives to lines which have been offered with none, end no recording.
//
// Shows SR-ERR-10.
func TestSloppyAnswers(t *testing.T) {
	w, err := newWorld(t.Errorf, siprec.Config{}, "separate")
	if err != nil {
		t.Fatal(err)
	}
	w.join("alice", w.now)
	w.join("bob", w.now)
	w.step(w.desire())
	w.respond(200)
	w.person("bob").Left = w.now
	w.step(w.desire())
	w.advance(time.Second)
	if w.open == 0 || len(w.offer.Media) != 2 || w.offer.Media[1].Port != 0 {
		t.Fatalf("no line is removed: %q", w.log)
	}
	w.log = nil
	body := bytes.Replace(answerTo(w.offer, nil), []byte("m=audio 0 "), []byte("m=audio 20002 "), 1)
	w.finish(siprec.Answered{Exchange: w.open, Status: 200, Body: body})
	_, alice := w.playing["alice"]
	_, bob := w.playing["bob"]
	if w.client.State() != siprec.StateRecording || !alice || bob || slices.ContainsFunc(w.log, func(s string) bool { return strings.HasPrefix(s, "alarm") }) {
		t.Errorf("%v, alice %v, bob %v: %q", w.client.State(), alice, bob, w.log)
	}
	w.join("carol", w.now)
	w.step(w.desire())
	w.advance(time.Second)
	w.finish(siprec.Answered{Exchange: w.open, Status: 200, Body: []byte("thanks")})
	if !slices.ContainsFunc(w.log, func(s string) bool { return strings.HasPrefix(s, "alarm bad-answer") }) {
		t.Errorf("what is no description is taken for one: %q", w.log)
	}
}

// With the switch no line of the metadata ends in LF alone: who makes CRLF of every LF that comes, and counts octets afterwards, loses no message.
func TestCRLF(t *testing.T) {
	for _, crlf := range []bool{false, true} {
		w, err := newWorld(t.Errorf, siprec.Config{Profile: siprec.Profile{CRLF: crlf}}, "separate")
		if err != nil {
			t.Fatal(err)
		}
		w.join("alice", w.now)
		bodies := 0
		w.sent = func(a siprec.Action) {
			if m, ok := a.(siprec.Invite); ok {
				bodies++
				if plain := bytes.Count(m.Body, []byte("\n")) == bytes.Count(m.Body, []byte("\r\n")); plain != crlf {
					t.Errorf("crlf %v: %q", crlf, m.Body)
				}
			}
		}
		w.step(w.desire())
		if bodies != 1 {
			t.Errorf("%d bodies", bodies)
		}
	}
}
