package focus_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
)

// music is a sound that is played to those who wait, at 700 Hz.
func music(t *testing.T) *focus.Sound {
	t.Helper()
	s, err := focus.NewSound(toneWAV(700, 100*time.Millisecond))
	must(t, err)
	return s
}

// promote makes a moderator of a phone's participant.
func (b *bench) promote(conf, name string) {
	b.t.Helper()
	role := conference.Moderator
	_, err := b.focus.UpdateParticipant(b.t.Context(), conference.ID(conf), b.find(conf, name).ID, focus.ParticipantChange{Role: &role})
	must(b.t, err)
}

// Who comes before a moderator hears music and nothing else, is heard by nobody, is in no recording, and is in when the moderator is.
//
// Shows FO-IN-04.
func TestWaitingRoom(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) {
		c.NotifyInterval = -1
		c.Defaults = focus.ConferenceConfig{
			Music: music(t), Rules: conference.Rules{WaitForModerator: true},
			Recording: conference.RecordingConfig{Policy: conference.Always, Modes: conference.Mixed},
		}
	})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	r := b.subscribe("room", time.Hour)
	alice.hum(500, 2*time.Second)
	b.await("music", func() bool { return alice.hearsNow(700) > loud && bob.hearsNow(700) > loud })
	pass(300 * time.Millisecond)
	if got := bob.hearsNow(500); got > quiet {
		t.Errorf("bob hears alice while both wait, at %.0f dB", got)
	}
	b.await("the roster to show who waits", func() bool {
		waiting := 0
		for _, status := range r.users() {
			if status == confevent.StatusOnHold {
				waiting++
			}
		}
		return waiting == 2
	})
	if s := b.state("room"); s.PresentCount() != 0 || s.WaitingCount() != 2 {
		t.Errorf("%d are in, %d wait", s.PresentCount(), s.WaitingCount())
	}
	srs.mu.Lock()
	if srs.dialog != nil {
		t.Error("a recording has begun before anybody was let in")
	}
	srs.mu.Unlock()

	_, err := b.focus.DialAs(t.Context(), "room", focus.DialRequest{URI: b.mute(), Role: conference.Moderator})
	must(t, err)
	b.await("both to be let in", func() bool { return b.state("room").PresentCount() == 3 })
	alice.hum(900, 5*time.Second)
	b.await("bob to hear alice", func() bool { return bob.hearsNow(900) > loud && bob.hearsNow(700) < quiet })
	b.await("alice to be recorded", func() bool {
		s := srs.stream("1")
		return s.level(900, 200*time.Millisecond) > loud
	})
	s := srs.stream("1")
	if got := toneLevel(s.pcm, 700); got > quiet {
		t.Errorf("the recording holds the music at %.0f dB", got)
	}
	for _, issue := range srs.kept().issues {
		t.Errorf("metadata: %+v", issue)
	}
	r.mu.Lock()
	bodies := r.bodies
	r.mu.Unlock()
	lint(t, "conference-info-strict.xsd", bodies)
}

// mute is the URI of a user agent that answers and says nothing.
func (b *bench) mute() string {
	b.t.Helper()
	r := b.raw()
	agent := b.callee(func(c *sipua.IncomingCall) { r.answer(c) })
	return "sip:mute@" + agent.Addr("udp").String()
}

// In the lobby everybody waits until he is let in, by himself or with all others.
func TestLobby(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Defaults: focus.ConferenceConfig{Rules: conference.Rules{Lobby: true, WaitTimeout: 700 * time.Millisecond}}})
	for _, name := range []string{"alice", "bob", "carol"} {
		b.dial("room", conftest.PhoneConfig{Name: name})
	}
	late := b.dial("room", conftest.PhoneConfig{Name: "late"})
	in := false
	info, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "alice").ID, focus.ParticipantChange{Waiting: &in})
	must(t, err)
	if info.Waiting || info.JoinedAt == nil || b.state("room").PresentCount() != 1 {
		t.Errorf("admitted: %+v", info)
	}
	must(t, b.focus.Eject(t.Context(), "room", b.find("room", "late").ID, ""))
	<-late.Over()
	_, err = b.focus.AdmitAll(t.Context(), "room")
	must(t, err)
	if s := b.state("room"); s.PresentCount() != 3 || s.WaitingCount() != 0 {
		t.Errorf("%d are in, %d wait", s.PresentCount(), s.WaitingCount())
	}
	patient := b.dial("room", conftest.PhoneConfig{Name: "patient"})
	<-patient.Over()
	if reason := patient.Reason().Request.Headers.Get("Reason"); !strings.Contains(reason, "cause=480") {
		t.Errorf("sent away with Reason %q", reason)
	}
}

// Muting all leaves the moderators their voice; in a lecture the floor gives it to others.
func TestMuteAllAndLecture(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	host := b.dial("room", conftest.PhoneConfig{Name: "host"})
	guest := b.dial("room", conftest.PhoneConfig{Name: "guest"})
	b.promote("room", "host")
	host.hum(500, 20*time.Second)
	guest.hum(900, 20*time.Second)
	settle := func(what string, heard bool) {
		t.Helper()
		b.await(what, func() bool {
			level := host.hearsNow(900)
			return guest.hearsNow(500) > loud && (heard && level > loud || !heard && level < quiet)
		})
	}
	settle("both to hear each other", true)
	hard := true
	_, err := b.focus.MuteAll(t.Context(), "room", true, &hard)
	must(t, err)
	settle("the guest to be silent", false)
	if !b.state("room").Rules.HardMute {
		t.Error("participants may unmute themselves")
	}
	_, err = b.focus.MuteAll(t.Context(), "room", false, nil)
	must(t, err)
	settle("the guest to be heard again", true)
	lecture := true
	_, err = b.focus.Update(t.Context(), "room", focus.ConferenceChange{Rules: conference.RulesChange{Lecture: &lecture}})
	must(t, err)
	settle("the guest to be silent in a lecture", false)
	pid := b.find("room", "guest").ID
	yes := true
	_, err = b.focus.UpdateParticipant(t.Context(), "room", pid, focus.ParticipantChange{Hand: &yes})
	must(t, err)
	if hands := b.state("room").Hands(); len(hands) != 1 || hands[0].ID != pid {
		t.Errorf("hands: %+v", hands)
	}
	info, err := b.focus.UpdateParticipant(t.Context(), "room", pid, focus.ParticipantChange{Floor: &yes})
	must(t, err)
	if !info.Floor || info.HandRaisedAt != nil || info.Muted {
		t.Errorf("with the floor: %+v", info)
	}
	settle("the guest to be heard with the floor", true)
}

// When the last moderator has left, the others hear that the conference ends, and it does.
//
// Shows FO-END-02, FO-END-08.
func TestEndWithoutModerator(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Defaults: focus.ConferenceConfig{
		Rules: conference.Rules{ModeratorLeaves: conference.EndConference, ModeratorGrace: 300 * time.Millisecond},
	}})
	host := b.dial("room", conftest.PhoneConfig{Name: "host"})
	guest := b.dial("room", conftest.PhoneConfig{Name: "guest"})
	b.promote("room", "host")
	host.leave("room")
	left := time.Now()
	b.await("the announcement", func() bool { return guest.hearsNow(523) > loud-10 })
	<-guest.Over()
	if took := time.Since(left); took < 300*time.Millisecond {
		t.Errorf("the end came after %v", took)
	}
	if reason := guest.Reason().Request.Headers.Get("Reason"); reason != `SIP;cause=200;text="The last moderator has left"` {
		t.Errorf("Reason: %s", reason)
	}
	b.await("the end", func() bool { return len(b.focus.Conferences()) == 0 })
}

// The longest duration: a warning, an announcement, the end; the events tell applications.
func TestLongestDuration(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{
		ID: "desk", Rules: conference.Rules{MaxDuration: 1200 * time.Millisecond}, Warnings: []time.Duration{700 * time.Millisecond},
	}}})
	feed := b.focus.Watch("desk", "")
	defer feed.Close()
	start := time.Now()
	alice := b.dial("desk", conftest.PhoneConfig{Name: "alice"})
	b.await("the warning", func() bool { return alice.hearsNow(659) > loud-10 })
	if took := time.Since(start); took < 500*time.Millisecond {
		t.Errorf("warned after %v", took)
	}
	if ends := b.state("desk").EndsAt; ends.Sub(start) < time.Second {
		t.Errorf("ends at %v, began at %v", ends, start)
	}
	<-alice.Over()
	if took := time.Since(start); took < 1200*time.Millisecond {
		t.Errorf("ended after %v", took)
	}
	if reason := alice.Reason().Request.Headers.Get("Reason"); !strings.Contains(reason, "longest duration") {
		t.Errorf("Reason: %s", reason)
	}
	ending := 0
	for over := false; !over; {
		e, err := feed.Next(t.Context())
		must(t, err)
		if e.Type == focus.ConferenceEnding {
			ending++
		}
		over = e.Type == focus.ConferenceEnded
	}
	if ending != 2 { // warning and announcement
		t.Errorf("%d events of the end", ending)
	}
	b.dial("desk", conftest.PhoneConfig{Name: "bob"}) // a static conference begins anew
}

// A conference calls its list, and who is busy once more.
func TestCallList(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true})
	calls := make(chan string, 8)
	callee := b.callee(func(c *sipua.IncomingCall) {
		calls <- c.Request().URI.UserPart()
		_ = c.Reject(sipua.NewResponse(486))
	})
	at := callee.Addr("udp").String()
	_, err := b.focus.Create(t.Context(), focus.ConferenceConfig{ID: "desk", Calls: focus.CallList{
		When: focus.CallAtCreation, Attempts: 2, Interval: 100 * time.Millisecond,
		Callees: []focus.DialRequest{{URI: "sip:x@" + at, Role: conference.Moderator}, {URI: b.mute(), Role: conference.Moderator, DisplayName: "Host"}},
	}})
	must(t, err)
	for range 2 {
		if who := <-calls; who != "x" {
			t.Errorf("called %s", who)
		}
	}
	b.await("the other one to be there", func() bool {
		p := b.find("desk", "Host")
		return p.Present() && p.Role == conference.Moderator && len(b.state("desk").Participants) == 1
	})
	_, err = b.focus.CallOut(t.Context(), "desk")
	must(t, err)
	<-calls // only who is not there
	_, err = b.focus.Create(t.Context(), focus.ConferenceConfig{ID: "bad", Calls: focus.CallList{Callees: []focus.DialRequest{{URI: "mailto:x"}}}})
	if !errors.Is(err, focus.ErrInvalid) {
		t.Errorf("a list of what is no SIP URI: %v", err)
	}
	if _, err = b.focus.CallOut(t.Context(), "desk2"); !errors.Is(err, focus.ErrNoConference) {
		t.Errorf("no conference: %v", err)
	}
}

// Who is there hears a tone when somebody comes and another when he goes; who is alone hears music.
func TestEntryTonesAndMusic(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Defaults: focus.ConferenceConfig{Music: music(t), Rules: conference.Rules{Entry: conference.EntryTone}}})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	b.await("music for who is alone", func() bool { return alice.hearsNow(700) > loud })
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	b.await("the tone of who comes", func() bool { return alice.hearsNow(784) > loud-10 })
	b.await("the music to end", func() bool { return alice.hearsNow(700) < quiet && bob.hearsNow(700) < quiet })
	pass(time.Second) // of many that follow each other one is heard
	bob.leave("room")
	b.await("the tone of who goes", func() bool { return alice.hearsNow(523) > loud-10 })
	b.await("music again", func() bool { return alice.hearsNow(700) > loud })
}

// A refusal says why, by its status and in a Reason header field.
//
// Shows FO-IN-06.
func TestRefusalReasons(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "locked", Locked: true}, {ID: "small", MaxParticipants: 1}, {ID: "over"}}})
	b.dial("small", conftest.PhoneConfig{Name: "first"})
	b.dial("over", conftest.PhoneConfig{Name: "last"})
	must(t, b.focus.End(t.Context(), "over"))
	for conf, want := range map[string]struct {
		status int
		text   string
	}{"locked": {403, "locked"}, "small": {486, "full"}, "over": {480, "about to end"}} {
		r := b.raw()
		_, response, err := r.agent.Invite(t.Context(), sipua.OutgoingCall{
			To: sipua.Address{URI: b.parse(conf)}, ContentType: "application/sdp", Body: r.describe(codecs.PCMU),
		}, r)
		if sipua.Status(err) != want.status {
			t.Errorf("%s: %v", conf, err)
			continue
		}
		if reason := response.Headers.Get("Reason"); !strings.HasPrefix(reason, "SIP;cause=") || !strings.Contains(reason, want.text) {
			t.Errorf("%s: Reason %q", conf, reason)
		}
	}
}

// Who is sent back to the door while a recording runs is on hold in it: no packet of him, and his label is his when he comes in again.
func TestSentBackWhileRecorded(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, func(c *focus.Config) { c.Defaults = focus.ConferenceConfig{Rules: conference.Rules{Lobby: true}} })
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	_, err := b.focus.AdmitAll(t.Context(), "room")
	must(t, err)
	alice.hum(500, 20*time.Second)
	bob.hum(900, 20*time.Second)
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	holds := func(label string, hz float64) bool {
		s := srs.stream(label)
		return s.level(hz, 200*time.Millisecond) > loud
	}
	b.await("both to be recorded", func() bool { return holds("1", 500) && holds("1", 900) && holds("3", 900) })
	wait := func(wait bool) {
		_, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "bob").ID, focus.ParticipantChange{Waiting: &wait})
		must(t, err)
	}
	wait(true)
	before, mixed := srs.stream("3").packets, srs.stream("1").packets
	b.await("half a second more of the mix", func() bool { return srs.stream("1").packets > mixed+25 })
	if holds("1", 900) || !holds("1", 500) {
		t.Errorf("the mix holds bob: %t, alice: %t", holds("1", 900), holds("1", 500))
	}
	if after := srs.stream("3").packets; after > before+5 { // what was on the way
		t.Errorf("%d packets of bob while he waits", after-before)
	}
	if level := alice.hearsNow(900); level > quiet {
		t.Errorf("alice hears who waits at %.0f dB", level)
	}
	wait(false)
	b.await("bob to be recorded again", func() bool { return holds("1", 900) && holds("3", 900) })
	for _, issue := range srs.kept().issues {
		t.Errorf("metadata: %+v", issue)
	}
}

// Who waits is told why, who is let in and who is muted by somebody else is told that; what he does himself is not announced.
func TestSpokenNotices(t *testing.T) { virtual(t, testSpokenNotices) }

func testSpokenNotices(t *testing.T) {
	t.Helper()
	said := library(t)
	b := newBenchWith(t, focus.Deps{Prompts: said}, focus.Config{Dynamic: true, Defaults: focus.ConferenceConfig{
		Music: music(t), Rules: conference.Rules{Lobby: true},
	}})
	alice := b.phone(conftest.PhoneConfig{Name: "alice"})
	must(t, alice.Call(t.Context(), b.uri("room")))
	alice.heardPrompt(said, "waiting-lobby")
	_, err := b.focus.AdmitAll(t.Context(), "room")
	must(t, err)
	alice.heardPrompt(said, "admitted")
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	b.promote("room", "bob")
	_, err = b.focus.MuteAll(t.Context(), "room", true, nil)
	must(t, err)
	alice.heardPrompt(said, "muted-by-moderator")
	must(t, b.focus.End(t.Context(), "room"))
	bob.heardPrompt(said, "conference-ended")
	<-alice.Over()
}
