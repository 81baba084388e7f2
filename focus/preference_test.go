package focus_test

import (
	"slices"
	"testing"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// Shows SC-14, SR-PRF-05, SR-PRF-02, SR-PRF-03, SR-PRF-07, RQ-004, RQ-017. The answer to a wish says what has come of it, and when it says that recording has stopped nothing is captured any
// more; the others are told as well.
func TestPreferences(t *testing.T) { virtual(t, testPreferences) }

func testPreferences(t *testing.T) {
	t.Helper()
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.Defaults.Recording = conference.RecordingConfig{Modes: both, Servers: []string{"srs"}, Preferences: conference.PreferencesOfAll}
	})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true, Preference: sdp.PreferenceOn})
	if got := alice.Indications(); !slices.Equal(got, []sdp.Record{sdp.RecordOn}) {
		t.Errorf("the answer to a wish for recording says %v", got)
	}
	b.await("packets", func() bool { return srs.stream("1").packets > 10 })
	steps := []struct {
		wish sdp.RecordPreference
		want sdp.Record
	}{
		{sdp.PreferencePause, sdp.RecordPaused},
		{sdp.PreferenceNone, sdp.RecordPaused},
		{sdp.PreferenceOn, sdp.RecordOn},
		{sdp.PreferenceUnspecified, sdp.RecordOn}, // has no wish any more
		{sdp.PreferenceOn, sdp.RecordOn},
		{sdp.PreferenceOff, sdp.RecordOff},
	}
	for _, step := range steps {
		said, err := alice.Prefer(t.Context(), step.wish)
		must(t, err)
		if said != step.want {
			t.Errorf("the answer to %s says %s", step.wish, said)
		}
		if got := b.find("room", "alice").Prefers; (got == conference.NoPreference) != (step.wish == sdp.PreferenceNone || step.wish == sdp.PreferenceUnspecified) {
			t.Errorf("after %q her wish is %v", step.wish, got)
		}
		b.await("bob to be told "+step.want.String(), func() bool {
			return lastOf(bob.Indications()) == step.want
		})
	}
	before := srs.stream("1").packets
	<-srs.ended
	if n := srs.stream("1").packets - before; n > 3 { // on their way
		t.Errorf("%d packets after the answer", n)
	}
	if n := len(b.state("room").Recordings); n != 1 {
		t.Errorf("%d recordings", n)
	}
}

// A wish in an answer counts as one in an offer: of who calls without an offer, and of who is called.
//
// Shows SR-PRF-02, SR-PRF-03.
func TestPreferenceInAnAnswer(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.Defaults.Recording = conference.RecordingConfig{Modes: both, Servers: []string{"srs"}, Preferences: conference.PreferencesOfAll}
	})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true, LateOffer: true, Preference: sdp.PreferenceOn})
	for _, p := range []*phone{alice, bob} {
		b.await(p.name+" to be told", func() bool { return lastOf(p.Indications()) == sdp.RecordOn })
	}
	callee := b.raw()
	agent := b.callee(func(call *sipua.IncomingCall) {
		callee.wishes = sdp.PreferenceOff
		callee.answer(call, sipua.Header{Name: "Supported", Value: "record-aware"})
	})
	_, err := b.focus.Dial(t.Context(), "room", "sip:carol@"+agent.Addr("udp").String())
	must(t, err)
	for _, p := range []*phone{alice, bob} {
		b.await(p.name+" to be told of the end", func() bool { return lastOf(p.Indications()) == sdp.RecordOff })
	}
}

// Shows SR-PRF-02, SR-PRF-08, RQ-016, RQ-PRV-02. Where everybody's wish is for himself, the others stay in the recording; what the policy forbids does not happen, and
// the answer says so.
func TestPreferenceForSelf(t *testing.T) {
	for _, forbidden := range []bool{false, true} {
		runVirtual(t, "", func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			b := recordingBench(t, srs, func(c *focus.Config) {
				c.Defaults.Recording = conference.RecordingConfig{
					Policy: conference.Always, Modes: both, Servers: []string{"srs"}, Preferences: conference.PreferencesForSelf, NoExclusion: forbidden,
				}
			})
			alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true, Preference: sdp.PreferenceOff})
			bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
			want := map[bool]sdp.Record{false: sdp.RecordOff, true: sdp.RecordOn}[forbidden]
			said := alice.Remote().RecordOf(0)
			if said == sdp.RecordUnspecified {
				said = sdp.RecordOff
			}
			if said != want {
				t.Errorf("alice was told %s", said)
			}
			bob.tell(after)
			alice.tell(secret)
			b.await("bob's stream", func() bool { h := srs.stream("1"); return h.loudest(after) > loud })
			mix := srs.stream("1")
			if holds := mix.loudest(secret) > loud; holds != forbidden {
				t.Errorf("the mix holds alice: %t", holds)
			}
			for _, wish := range []sdp.RecordPreference{sdp.PreferencePause, sdp.PreferenceOn} {
				want := map[sdp.RecordPreference]sdp.Record{sdp.PreferencePause: sdp.RecordPaused, sdp.PreferenceOn: sdp.RecordOn}[wish]
				if wish == sdp.PreferencePause && !forbidden {
					want = sdp.RecordOff // she is left out still
				}
				got, err := alice.Prefer(t.Context(), wish)
				must(t, err)
				if got != want && (want != sdp.RecordOff || got != sdp.RecordUnspecified) { // nothing was ever said to her
					t.Errorf("the answer to %s says %s", wish, got)
				}
			}
			if got := bob.Indications(); !slices.Equal(got, []sdp.Record{sdp.RecordOn}) {
				t.Errorf("bob was told %v", got)
			}
		})
	}
}
