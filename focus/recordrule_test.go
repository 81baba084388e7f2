package focus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// Shows RQ-003, RQ-UC02. The first rule that is about who joins decides: the conference is recorded because a caller is there, another caller is
// in no recording whatever is asked for, who is called is looked at as well, and other conferences stay as they are.
func TestRecordingRules(t *testing.T) { virtual(t, testRecordingRules) }

func testRecordingRules(t *testing.T) {
	t.Helper()
	srs := newRecordingServer(t)
	from := func(name string) func(focus.Arrival) bool {
		return func(a focus.Arrival) bool {
			return a.Request != nil && a.Request.From.URI.UserPart() == name || a.Target.UserPart() == name
		}
	}
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.RecordingRules = []focus.RecordingRule{
			{Matches: from("carol"), Personal: true, Recording: conference.RecordingConfig{Policy: conference.Never}},
			{Matches: from("bob"), Personal: true, Recording: conference.RecordingConfig{Policy: conference.Always, Modes: both}},
			{Matches: from("dave"), Personal: true, Recording: conference.RecordingConfig{Policy: conference.Never}},
			{Matches: func(a focus.Arrival) bool { return strings.HasPrefix(string(a.Conference), "quiet") }, Recording: conference.RecordingConfig{Policy: conference.Never}},
		}
	})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	carol := b.dial("room", conftest.PhoneConfig{Name: "carol", RecordAware: true})
	if n := len(b.state("room").Recordings); n != 0 {
		t.Fatalf("%d recordings before bob is there", n)
	}
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	b.await("the recording", func() bool { return srs.stream("1").packets > 10 })
	carol.tell(secret)
	bob.tell(openly)
	alice.tell(after)
	b.await("the others", func() bool {
		h := srs.stream("1")
		return h.loudest(openly) > loud && h.loudest(after) > loud
	})
	srs.checkSecret(nil)
	no := false
	_, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "carol").ID, focus.ParticipantChange{Unrecorded: &no})
	if err == nil {
		t.Error("who is exempt by a rule was taken into a recording")
	}
	agent := b.callee(func(call *sipua.IncomingCall) { <-call.Done() })
	pid, err := b.focus.Dial(t.Context(), "room", "sip:dave@"+agent.Addr("udp").String())
	must(t, err)
	if p, _ := b.state("room").Participant(pid); !p.Exempt || !p.Unrecorded {
		t.Errorf("who was called: %+v", p)
	}

	b.dial("quiet", conftest.PhoneConfig{Name: "bertha"})
	if _, err := b.focus.StartRecording(t.Context(), "quiet", focus.RecordingRequest{}); err == nil {
		t.Error("a conference is recorded against the rule")
	}
	b.dial("loud", conftest.PhoneConfig{Name: "erwin"})
	pass(50 * time.Millisecond)
	if n := len(b.state("loud").Recordings); n != 0 {
		t.Errorf("%d recordings of a conference that no rule is about", n)
	}
}
