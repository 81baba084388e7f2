package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
)

// told waits until a phone has been told so of recordings.
func (b *bench) told(p *phone, want sdp.Record) {
	b.t.Helper()
	b.await("the indication "+want.String(), func() bool {
		all := p.Indications()
		return len(all) > 0 && all[len(all)-1] == want
	})
}

// Shows SC-25, SR-REC-10, SR-REC-11, SR-REC-13. A conference that is called by another one is told by a=record what that records, and tells all of its
// participants; what both record is on when either is, else paused when either is, else off.
func TestOtherFocusRecords(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.NotifyInterval, c.DialTimeout = -1, 20*time.Second
		c.Conferences = []focus.ConferenceConfig{{ID: "one"}, {ID: "two"}}
	})
	alice := b.dial("one", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	anna := b.dial("one", conftest.PhoneConfig{Name: "anna"})
	bob := b.dial("two", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	link, err := b.focus.Dial(t.Context(), "one", b.uri("two"))
	must(t, err)
	b.await("the link", func() bool {
		p, ok := b.state("one").Participant(link)
		return ok && p.Present() && p.Session.RecordAware
	})

	far := b.record("two", conference.Mixed)
	b.told(alice, sdp.RecordOn)
	b.told(bob, sdp.RecordOn)
	b.await("anna to hear the tone", func() bool { return b.find("one", "anna").Told == conference.IndicateOn })
	b.await("the tone", func() bool { return anna.hearsNow(1400) > -40 })
	if s := b.state("one"); s.Indication() != conference.IndicateOff || b.find("one", "alice").Recording != conference.IndicateOff {
		t.Errorf("one records: %s", s.Indication())
	}
	near := b.record("one", conference.Separate)
	b.awaitRecording("one", near, conference.RecordingActive)
	_, err = b.focus.StopRecording(t.Context(), "two", far)
	must(t, err)
	b.await("the end of the other one's", func() bool {
		p, _ := b.state("one").Participant(link)
		return p.Session.Records == conference.IndicateOff
	})
	b.told(alice, sdp.RecordOn) // since one records
	b.told(bob, sdp.RecordOn)
	_, err = b.focus.PauseRecording(t.Context(), "one", near)
	must(t, err)
	b.told(alice, sdp.RecordPaused)
	b.told(bob, sdp.RecordPaused)
	again := b.record("two", conference.Mixed)
	b.told(alice, sdp.RecordOn)
	_, err = b.focus.StopRecording(t.Context(), "two", again)
	must(t, err)
	b.told(alice, sdp.RecordPaused)
	_, err = b.focus.StopRecording(t.Context(), "one", near)
	must(t, err)
	b.told(alice, sdp.RecordOff)
	b.told(bob, sdp.RecordOff)
	b.await("anna to be told off", func() bool { return b.find("one", "anna").Told == conference.IndicateOff })
}

// Shows SR-REC-10. A phone that records says so, and the others know; when it has left they are told that it is over. One that only repeats what it
// is told does not record.
func TestParticipantRecords(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	echo := b.dial("room", conftest.PhoneConfig{Name: "echo", RecordAware: true, EchoRecord: true})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	must(t, bob.Record(t.Context(), sdp.RecordOn))
	b.told(alice, sdp.RecordOn)
	b.told(echo, sdp.RecordOn)
	if all := bob.Indications(); len(all) > 0 && all[len(all)-1] == sdp.RecordOn {
		t.Errorf("bob is told of himself: %v", all)
	}
	bob.leave("room")
	b.told(alice, sdp.RecordOff)
	b.told(echo, sdp.RecordOff)
	id := b.record("room", conference.Mixed)
	b.told(alice, sdp.RecordOn)
	b.told(echo, sdp.RecordOn)
	_, err := b.focus.StopRecording(t.Context(), "room", id)
	must(t, err)
	b.told(alice, sdp.RecordOff)
	b.told(echo, sdp.RecordOff)
}

// Three focuses in a ring pass on that one of them records, and that it does not any more. What nobody records cannot go round.
//
// Shows SR-REC-10, SR-REC-11.
func TestRingOfFocusesForgets(t *testing.T) {
	srs := newRecordingServer(t)
	var ring [3]*bench
	var phones [3]*phone
	for i, name := range []string{"alice", "bob", "carol"} {
		ring[i] = recordingBench(t, srs, func(c *focus.Config) { c.NotifyInterval, c.DialTimeout = -1, 20*time.Second })
		phones[i] = ring[i].dial("room", conftest.PhoneConfig{Name: name, RecordAware: true})
	}
	for i, b := range ring {
		link, err := b.focus.Dial(t.Context(), "room", ring[(i+1)%3].uri("room"))
		must(t, err)
		b.await("the link", func() bool {
			p, ok := b.state("room").Participant(link)
			return ok && p.Present() && p.Session.RecordAware && p.Session.Focus
		})
	}
	all := func(want sdp.Record) {
		t.Helper()
		for i, b := range ring {
			b.told(phones[i], want)
		}
	}
	for _, recorder := range []int{0, 1} {
		b := ring[recorder]
		id := b.record("room", conference.Mixed)
		all(sdp.RecordOn)
		_, err := b.focus.PauseRecording(t.Context(), "room", id)
		must(t, err)
		all(sdp.RecordPaused)
		_, err = b.focus.ResumeRecording(t.Context(), "room", id)
		must(t, err)
		all(sdp.RecordOn)
		_, err = b.focus.StopRecording(t.Context(), "room", id)
		must(t, err)
		all(sdp.RecordOff)
	}
	must(t, phones[2].Record(t.Context(), sdp.RecordOn)) // a phone has no name, and is passed on like our own recordings
	ring[0].told(phones[0], sdp.RecordOn)
	ring[1].told(phones[1], sdp.RecordOn)
	phones[2].leave("room")
	ring[0].told(phones[0], sdp.RecordOff)
	ring[1].told(phones[1], sdp.RecordOff)
}
