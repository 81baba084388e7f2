package focus_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/mixer"
)

// The loudness of who is heard follows the configuration of the conference, and each has a gain of his own for what he hears.
func TestSoundOfConference(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{
		ID: "room", LookAhead: true, Audio: mixer.Sound{Gain: mixer.AutoGain{Target: 30, RateDB: 60}},
	}}})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	carol := b.dial("room", conftest.PhoneConfig{Name: "carol"})
	softer := -12.0
	info, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "carol").ID, focus.ParticipantChange{ListenGainDB: &softer})
	must(t, err)
	if info.ListenGainDB != softer || info.GainDB != 0 {
		t.Errorf("carol: %+v", info)
	}
	alice.hum(500, 3*time.Second) // -18 dBov
	from := time.Now().Add(time.Second)
	pass(1300 * time.Millisecond)
	to := from.Add(200 * time.Millisecond)
	atBob, atCarol := bob.hears(500, from, to), carol.hears(500, from, to)
	if fall := atBob - (-18.0 + 3); math.Abs(fall+12) > 1.5 { // toneLevel has a sine of full scale at 0 dB
		t.Errorf("bob hears alice at %.1f dB", atBob)
	}
	if math.Abs(atCarol-atBob-softer) > 1 {
		t.Errorf("carol hears alice at %.1f dB, bob at %.1f dB", atCarol, atBob)
	}
}

// Who dominates is told with who speaks, and stays who has spoken last.
func TestDominant(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	w := b.focus.Watch("room", "")
	defer w.Close()
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	id := b.find("room", "bob").ID
	bob.hum(900, 400*time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	said := false
	for {
		e, err := w.Next(ctx)
		must(t, err)
		s, ok := e.Object.(focus.SpeakersInfo)
		if !ok {
			continue
		}
		if said = said || len(s.Speakers) == 1; s.Dominant != id {
			t.Fatalf("%+v: bob does not dominate", s)
		}
		if said && len(s.Speakers) == 0 {
			break
		}
	}
	state, err := b.focus.Conference("room")
	must(t, err)
	if got := focus.DescribeConference(state).Dominant; got != id {
		t.Errorf("the conference says %q dominates", got)
	}
	bob.leave("room")
	if got := b.state("room").Dominant; got != conference.ParticipantID("") {
		t.Errorf("%q dominates and has gone", got)
	}
}
