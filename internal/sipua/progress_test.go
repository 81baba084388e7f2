package sipua

import (
	"errors"
	"testing"
	"time"
)

// hasty are timers of which even timer C ends within a test.
func hasty() Timers { return Timers{T1: 5 * time.Millisecond, Glare: 20 * time.Millisecond} }

// A peer that says 100 to a re-INVITE, or rings, and nothing more is not waited for without end: the request is taken back. If there is an answer to that,
// were it to the CANCEL alone, the dialog goes on, and the next offer with it; else it is over.
//
// RFC 3261, sections 9.1 and 14.1.
func TestReInviteWithoutEnd(t *testing.T) {
	for _, test := range []struct {
		name, progress string
		canceled, told bool // the CANCEL is answered, the re-INVITE is
	}{
		{"gone", "100 Trying", false, false}, {"slow", "100 Trying", true, true}, {"of RFC 2543", "100 Trying", true, false}, {"rings", "180 Ringing", true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			peer, handler := newFakePeer(t), newRecorder()
			agent := startAgent(t, Config{Timers: hasty()}, handler)
			result := startCall(t.Context(), agent, peer.uri(), handler, nil)
			peer.respond(peer.read("INVITE", patience), "200 OK", "a", "", "answer")
			dialog := wait(t, result, "Invite").dialog
			if peer.read("ACK", patience) == "" {
				t.Fatal("no ACK")
			}
			done := make(chan error, 1)
			offer := func() {
				_, err := dialog.ReInvite(t.Context(), Body{ContentType: sdpType, Data: []byte("x")})
				done <- err
			}
			began := time.Now()
			go offer()
			request := peer.read("INVITE", patience)
			peer.respond(request, test.progress, "a", "", "")
			taken := peer.read("CANCEL", patience)
			if taken == "" {
				t.Fatal("no CANCEL")
			}
			if waited, least := time.Since(began), 64*hasty().T1; waited < least || test.progress != "100 Trying" && waited < progressT1*hasty().T1 {
				t.Errorf("given up after %v", waited)
			}
			if test.canceled {
				peer.respond(taken, "200 OK", "a", "", "")
			}
			if test.told {
				peer.respond(request, "487 Request Terminated", "a", "", "")
			}
			err := wait(t, done, "ReInvite")
			if !test.canceled {
				if !errors.Is(err, ErrTimeout) || !dialog.hasEnded() {
					t.Errorf("%v, over: %t", err, dialog.hasEnded())
				}
				if bye := peer.read("BYE", patience); bye == "" {
					t.Error("no BYE")
				}
				return
			}
			if Status(err) != 487 || dialog.hasEnded() {
				t.Fatalf("%v, over: %t", err, dialog.hasEnded())
			}
			go offer()
			again := peer.read("INVITE", patience)
			for fieldOf(again, "CSeq") == fieldOf(request, "CSeq") { // repeated before
				again = peer.read("INVITE", patience)
			}
			peer.respond(again, "200 OK", "a", "", "answer")
			if err := wait(t, done, "ReInvite"); err != nil {
				t.Error(err)
			}
			go func() { _ = dialog.Bye(t.Context()) }()
			peer.respond(peer.read("BYE", patience), "200 OK", "a", "", "")
		})
	}
}

// A callee that rings nobody is given up when it says 100 and nothing else, and some time after another provisional response, however often it
// repeats that. Another one decides itself how long it takes.
//
// RFC 3261, sections 13.3.1.1 and 16.6.
func TestInviteOfPrograms(t *testing.T) {
	for _, test := range []struct {
		name, progress string
		prompt         bool
		least          time.Duration // until the CANCEL
	}{
		{"tries", "100 Trying", true, 64 * hasty().T1},
		{"rings for ever", "180 Ringing", true, progressT1 * hasty().T1},
		{"is a phone", "100 Trying", false, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			peer := newFakePeer(t)
			agent := startAgent(t, Config{Timers: hasty()}, newRecorder())
			began := time.Now()
			result := startCall(t.Context(), agent, peer.uri(), newRecorder(), func(call *OutgoingCall) { call.Prompt = test.prompt })
			invite := peer.read("INVITE", patience)
			if !test.prompt {
				peer.respond(invite, test.progress, "a", "", "")
				if early := peer.read("CANCEL", 3*64*hasty().T1); early != "" {
					t.Errorf("CANCEL to a phone after %v", time.Since(began))
				}
				peer.respond(invite, "200 OK", "a", "", "answer")
				if r := wait(t, result, "Invite"); r.err != nil {
					t.Error(r.err)
				}
				go func() { peer.respond(peer.read("BYE", patience), "200 OK", "a", "", "") }()
				return
			}
			canceled := ""
			for canceled == "" && time.Since(began) < patience {
				peer.respond(invite, test.progress, "a", "", "")
				canceled = peer.read("CANCEL", 100*time.Millisecond)
			}
			if waited := time.Since(began); canceled == "" || waited < test.least {
				t.Fatalf("taken back after %v:\n%s", waited, canceled)
			}
			if r := wait(t, result, "Invite"); !errors.Is(r.err, ErrTimeout) {
				t.Errorf("%v", r.err)
			}
			peer.respond(canceled, "200 OK", "a", "", "")
			peer.respond(invite, "487 Request Terminated", "a", "", "")
		})
	}
}
