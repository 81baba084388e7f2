package focus_test

import (
	"errors"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// What is played to one instead of the conference is heard by him alone, even on hold, and again and again until it is stopped.
//
// Shows FO-CAS-04.
func TestPlayToOne(t *testing.T) { virtual(t, testPlayToOne) }

func testPlayToOne(t *testing.T) {
	t.Helper()
	b := newBench(t, focus.Config{Dynamic: true})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	id := b.find("room", "alice").ID
	held := true
	_, err := b.focus.UpdateParticipant(t.Context(), "room", id, focus.ParticipantChange{Held: &held})
	must(t, err)
	done := make(chan bool, 2)
	bob.hum(500, 2*time.Second)
	music, err := b.focus.Play(t.Context(), "room", focus.Playback{
		WAV: toneWAV(700, 100*time.Millisecond), Participants: []conference.ParticipantID{id}, Replace: true, Loop: true,
		Done: func(stopped bool) { done <- stopped },
	})
	must(t, err)
	from := time.Now().Add(300 * time.Millisecond) // it has begun anew twice
	pass(600 * time.Millisecond)
	to := from.Add(200 * time.Millisecond)
	if got := alice.hears(700, from, to); got < loud {
		t.Errorf("alice hears the music at %.0f dB", got)
	}
	if got := alice.hears(500, from, to); got > quiet {
		t.Errorf("alice hears the conference at %.0f dB", got)
	}
	if got := bob.hears(700, from, to); got > quiet {
		t.Errorf("bob hears the music at %.0f dB", got)
	}
	must(t, b.focus.StopPlayback(t.Context(), "room", music))
	if !<-done {
		t.Error("the music came to its end by itself")
	}
	if err := b.focus.StopPlayback(t.Context(), "room", music); !errors.Is(err, focus.ErrNoPlayback) {
		t.Errorf("stopped twice: %v", err)
	}
	from = time.Now().Add(200 * time.Millisecond)
	pass(500 * time.Millisecond)
	if got := alice.hears(700, from, from.Add(200*time.Millisecond)); got > quiet {
		t.Errorf("alice hears the music that was stopped at %.0f dB", got)
	}
}

// The end of what is played is told once; so is that nobody is left to hear it.
func TestPlayEnds(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	b.dial("room", conftest.PhoneConfig{Name: "bob"})
	id := b.find("room", "alice").ID
	done := make(chan bool, 2)
	play := func(loop bool) {
		_, err := b.focus.Play(t.Context(), "room", focus.Playback{
			WAV: toneWAV(700, 100*time.Millisecond), Participants: []conference.ParticipantID{id}, Loop: loop,
			Done: func(stopped bool) { done <- stopped },
		})
		must(t, err)
	}
	play(false)
	if <-done {
		t.Error("it was stopped before its end")
	}
	play(true)
	alice.leave("room")
	if !<-done {
		t.Error("what nobody hears came to its end by itself")
	}
	_, err := b.focus.Play(t.Context(), "room", focus.Playback{WAV: toneWAV(700, time.Second), Participants: []conference.ParticipantID{id}})
	if !errors.Is(err, focus.ErrNoParticipant) {
		t.Errorf("played to who has gone: %v", err)
	}
}

// A coach is heard by the one he coaches and by nobody else, hears everybody, and is heard by nobody when that one has gone.
func TestCoach(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	coach := b.dial("room", conftest.PhoneConfig{Name: "coach"})
	agent := b.dial("room", conftest.PhoneConfig{Name: "agent"})
	customer := b.dial("room", conftest.PhoneConfig{Name: "customer"})
	whom := b.find("room", "agent").ID
	_, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "coach").ID, focus.ParticipantChange{Coaching: &whom})
	must(t, err)
	coach.hum(500, 3*time.Second)
	customer.hum(900, 3*time.Second)
	from := time.Now().Add(300 * time.Millisecond)
	pass(600 * time.Millisecond)
	to := from.Add(200 * time.Millisecond)
	for _, test := range []struct {
		name  string
		who   *phone
		tone  float64
		heard bool
	}{
		{"agent the coach", agent, 500, true},
		{"customer the coach", customer, 500, false},
		{"agent the customer", agent, 900, true},
		{"coach the customer", coach, 900, true},
	} {
		if got := test.who.hears(test.tone, from, to); test.heard && got < loud || !test.heard && got > quiet {
			t.Errorf("%s: %.0f dB", test.name, got)
		}
	}
	agent.leave("room")
	b.await("the agent to have gone", func() bool { _, there := b.state("room").Participant(whom); return !there })
	from = time.Now().Add(100 * time.Millisecond)
	pass(400 * time.Millisecond)
	if got := customer.hears(500, from, from.Add(200*time.Millisecond)); got > quiet {
		t.Errorf("the customer hears the coach of who has gone at %.0f dB", got)
	}
}
