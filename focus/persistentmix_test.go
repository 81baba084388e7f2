package focus_test

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
)

// Two conferences are mixed into one stream of one session. The metadata have both, in one group, and say who is in the stream; nobody in one
// hears the other, and who is left out of recordings or in a conference whose recording is paused is not in it.
//
// Shows RQ-008, RQ-UC04b.
func TestPersistentMix(t *testing.T) { virtual(t, testPersistentMix) }

func testPersistentMix(t *testing.T) {
	t.Helper()
	srs := newRecordingServer(t)
	b := persistentBench(t, srs, 1, func(c *focus.Config) { c.Recorders[0].Merge = true })
	b.ready(srs, 1)
	tones := map[string]float64{"alice": 400, "bob": 700, "carol": 1000, "dave": 1300}
	rooms := map[string]string{"alice": "one", "bob": "one", "carol": "two", "dave": "two"}
	phones := map[string]*phone{}
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		phones[name] = b.dial(rooms[name], conftest.PhoneConfig{Name: name, RecordAware: true})
		phones[name].hum(tones[name], 60*time.Second)
	}
	holds := func(what string, names ...string) {
		t.Helper()
		b.await(what, func() bool {
			for name, hz := range tones {
				if in := srs.levelOf("1", hz) > loud; in != slices.Contains(names, name) {
					return false
				}
			}
			return true
		})
		pass(200 * time.Millisecond)
		want := map[float64]bool{}
		for name, hz := range tones {
			want[hz] = slices.Contains(names, name)
		}
		srs.holds("1", want)
	}
	first := b.record("one", conference.Mixed)
	b.awaitRecording("one", first, conference.RecordingActive)
	holds("one conference", "alice", "bob")
	second := b.record("two", conference.Mixed)
	b.awaitRecording("two", second, conference.RecordingActive)
	holds("both conferences", "alice", "bob", "carol", "dave")
	b.mergedMetadata(srs)
	for name, p := range phones {
		for other, hz := range tones {
			if rooms[name] != rooms[other] && p.hearsNow(hz) > loud {
				t.Errorf("%s hears %s", name, other)
			}
		}
	}
	b.leaveOutOf("two", "dave", true)
	holds("dave to be left out", "alice", "bob", "carol")
	_, err := b.focus.PauseRecording(t.Context(), "one", first)
	must(t, err)
	b.awaitRecording("one", first, conference.RecordingPaused)
	holds("the pause of one", "carol")
	_, err = b.focus.ResumeRecording(t.Context(), "one", first)
	must(t, err)
	holds("the first one again", "alice", "bob", "carol")
	_, err = b.focus.StopRecording(t.Context(), "two", second)
	must(t, err)
	holds("the first one alone", "alice", "bob")
	phones["alice"].leave("one")
	phones["bob"].leave("one")
	b.await("both to have left the session", func() bool {
		n := 0
		for _, a := range srs.kept().merged.SessionRecordings {
			if !a.Disassociate.IsZero() {
				n++
			}
		}
		return n == 2 && srs.resting("1")
	})
	if n := b.focus.Stats().UnrecordedFrames; n != 0 {
		t.Errorf("%d frames that were captured are lost", n)
	}
	if h := srs.stream("1"); len(h.ssrcs) != 1 {
		t.Errorf("%d sources", len(h.ssrcs))
	}
	srs.sound()
}

// mergedMetadata checks that two conferences are one group with one stream of all participants.
func (b *bench) mergedMetadata(srs *recordingServer) {
	b.t.Helper()
	v := srs.known()
	if len(v.Sessions) != 2 || v.Sessions[0].Group == "" || v.Sessions[0].Group != v.Sessions[1].Group || len(v.Groups) != 1 {
		b.t.Errorf("sessions %+v, groups %+v", v.Sessions, v.Groups)
	}
	if len(v.Streams) != 1 || v.Streams[0].Session != "" {
		b.t.Fatalf("streams %+v", v.Streams)
	}
	sessions := map[siprec.ID]bool{}
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		if !v.feeds(name, v.Streams[0].ID) {
			b.t.Errorf("%s does not feed the stream", name)
		}
		for _, a := range v.ParticipantSessions {
			if a.Participant == v.person(name) {
				sessions[a.Session] = true
			}
		}
	}
	if len(sessions) != 2 {
		b.t.Errorf("participants are of %d sessions", len(sessions))
	}
}

// A merged stream goes on in the next session when the server has ended one.
func TestPersistentMixComesBack(t *testing.T) { virtual(t, testPersistentMixComesBack) }

func testPersistentMixComesBack(t *testing.T) {
	t.Helper()
	srs := newRecordingServer(t)
	b := persistentBench(t, srs, 1, func(c *focus.Config) { c.Recorders[0].Merge = true })
	b.ready(srs, 1)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	alice.hum(400, 60*time.Second)
	id := b.record("room", conference.Mixed)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.await("packets", func() bool { return srs.stream("1").packets > 20 })
	srs.mu.Lock()
	dialog := srs.dialog
	srs.mu.Unlock()
	must(t, dialog.Bye(t.Context()))
	b.await("another session", func() bool {
		srs.mu.Lock()
		defer srs.mu.Unlock()
		return srs.dialog != dialog
	})
	b.awaitRecording("room", id, conference.RecordingActive)
	before := srs.stream("1").packets
	b.await("packets again", func() bool { return srs.stream("1").packets > before+20 && srs.levelOf("1", 400) > loud })
	if n := b.focus.Stats().UnrecordedFrames; n > 5 { // nobody recorded in between
		t.Errorf("%d frames are lost", n)
	}
	srs.sound()
}

// The recorder hears of a pause when the last of what was captured before it has been sent: also of what waited in the mix of all conferences.
//
// Shows SR-UPD-02, SR-PER-06.
func TestPersistentMixStopsFirst(t *testing.T) { virtual(t, testPersistentMixStopsFirst) }

func testPersistentMixStopsFirst(t *testing.T) {
	t.Helper()
	srs := newRecordingServer(t)
	b := persistentBench(t, srs, 1, func(c *focus.Config) { c.Recorders[0].Merge = true })
	b.ready(srs, 1)
	for room, hz := range map[string]float64{"one": 400, "two": 1000} {
		b.dial(room, conftest.PhoneConfig{Name: room, RecordAware: true}).hum(hz, 60*time.Second)
	}
	ids := map[string]conference.RecordingID{}
	for _, room := range []string{"one", "two"} {
		ids[room] = b.record(room, conference.Mixed)
		b.awaitRecording(room, ids[room], conference.RecordingActive)
	}
	pass(time.Second)
	for wait := 140 * time.Millisecond; wait <= 180*time.Millisecond; wait += 10 * time.Millisecond {
		asked := len(srs.requests())
		b.leaveOutOf("two", "two", wait/(10*time.Millisecond)%2 == 0) // what is told 200 ms later, with the pause
		pass(wait)
		_, err := b.focus.PauseRecording(t.Context(), "one", ids["one"])
		must(t, err)
		pass(time.Second)
		known, heard := srs.known(), srs.stream("1")
		var told, last time.Time
		for _, r := range srs.requests()[asked:] {
			if told.IsZero() && r.document != nil && slices.ContainsFunc(r.document.ParticipantStreams, func(a siprec.ParticipantStream) bool {
				return a.Participant == known.person("one") && len(a.Send) == 0
			}) {
				told = r.at
			}
		}
		for n, at := range heard.came {
			if at.Before(told.Add(-time.Second)) {
				continue
			}
			frame := heardStream{pcm: heard.pcm[n*160 : n*160+160]}
			if frame.level(400, 20*time.Millisecond) > loud {
				last = at
			}
		}
		if told.IsZero() || last.After(told) {
			t.Errorf("paused %v after another change: the last of it came at %v, the request at %v", wait, last, told)
		}
		_, err = b.focus.ResumeRecording(t.Context(), "one", ids["one"])
		must(t, err)
		pass(500 * time.Millisecond)
	}
	srs.sound()
}

// Somebody consults with a third in a second conference, and leaves the first one, which ends. Both are sessions of one group in one dialog, and
// one mixed stream; who is in both is one participant with an association to each.
//
// Shows SC-05, SC-12.
func TestConsultationIsRecorded(t *testing.T) {
	srs := newRecordingServer(t)
	b := persistentBench(t, srs, 1, func(c *focus.Config) { c.Recorders[0].Merge = true })
	b.ready(srs, 1)
	eve := conftest.PhoneConfig{Name: "eve", Identity: "sip:eve@example.com", RecordAware: true}
	first := b.dial("one", eve)
	bob := b.dial("one", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	b.awaitRecording("one", b.record("one", conference.Mixed), conference.RecordingActive)
	second := b.dial("two", eve)
	b.dial("two", conftest.PhoneConfig{Name: "carol", RecordAware: true}).hum(1000, 60*time.Second)
	b.awaitRecording("two", b.record("two", conference.Mixed), conference.RecordingActive)
	sessions := func() (open, over int) {
		v := srs.known()
		for _, a := range v.ParticipantSessions {
			switch {
			case a.Participant != v.person("eve"):
			case a.Disassociate.IsZero():
				open++
			default:
				over++
			}
		}
		return open, over
	}
	b.await("eve in both sessions", func() bool { open, over := sessions(); return open == 2 && over == 0 })
	v, count := srs.known(), 0
	for _, p := range v.Participants {
		if p.Names[0].AOR == eve.Identity {
			count++
		}
	}
	if count != 1 || len(v.Streams) != 1 || v.Streams[0].Session != "" || v.streams("eve") != "1/1" {
		t.Errorf("she is %d participants, with %s of the streams %+v", count, v.streams("eve"), v.Streams)
	}
	first.leave("one")
	bob.leave("one")
	b.await("the end of the first session", func() bool {
		open, over := sessions()
		v = srs.known()
		return open == 1 && over == 1 && len(v.Sessions) == 2 && !v.Sessions[0].Stop.IsZero() && v.Sessions[1].Stop.IsZero()
	})
	if v.Sessions[0].Group == "" || v.Sessions[0].Group != v.Sessions[1].Group || v.streams("eve") != "1/1" || v.streams("bob") != "/" {
		t.Errorf("sessions %+v; eve has %s, bob %s", v.Sessions, v.streams("eve"), v.streams("bob"))
	}
	b.await("the second in the stream", func() bool { return srs.levelOf("1", 1000) > loud })
	again := b.dial("two", conftest.PhoneConfig{Name: "eva", Identity: eve.Identity}) // of the same address, in the same conference
	b.await("a second endpoint", func() bool {
		v, count = srs.known(), 0
		for _, p := range v.Participants {
			if p.Names[0].AOR == eve.Identity {
				count++
			}
		}
		return count == 2
	})
	again.leave("two")
	second.leave("two")
	invites := 0
	for _, r := range srs.requests() {
		if r.Method == "INVITE" && r.To.Tag() == "" {
			invites++
		}
	}
	if invites != 1 {
		t.Errorf("%d dialogs", invites)
	}
	srs.sound()
}
