package focus_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
)

// muted mutes somebody.
func (b *bench) muted(conf, name string) {
	b.t.Helper()
	yes := true
	_, err := b.focus.UpdateParticipant(b.t.Context(), conference.ID(conf), b.find(conf, name).ID, focus.ParticipantChange{Muted: &yes})
	must(b.t, err)
}

// stands tells whether the metadata know no end of what somebody feeds.
func (s *recordingServer) stands(name string) bool {
	v := s.known()
	for _, a := range v.ParticipantStreams {
		if a.Participant == v.person(name) {
			return a.Disassociate.IsZero()
		}
	}
	return false
}

// Who is in a mixed stream only within the last request before the end of the recording is named in the last document as who has fed it until then: who came and
// is there, who was muted again, and who has left. Who had been named before is not named again, nor is who came when it had ended and another recording
// went on.
//
// Shows SR-MET-06, SR-MET-19, SR-PTA-01, RQ-005.
func TestWhoCameBeforeTheEndIsNamed(t *testing.T) {
	for name, lines := range map[string]int{"a session of its own": 0, "a line": 2} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			b := persistentBench(t, srs, lines, func(c *focus.Config) {
				c.Recorders = append(c.Recorders, focus.Recorder{Name: "other", URI: newRecordingServer(t).uri()})
				c.Defaults.Recording.Servers = []string{"srs"}
			})
			if lines > 0 {
				b.ready(srs, lines)
			}
			b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			_, err := b.focus.StartRecording(t.Context(), "room", focus.RecordingRequest{Modes: conference.Mixed, Servers: []string{"other"}}) // which goes on
			must(t, err)
			id := b.record("room", conference.Mixed)
			b.awaitRecording("room", id, conference.RecordingActive)
			b.await("packets", func() bool { return srs.stream("1").packets > 50 })
			slow := srs.slowed()
			b.dial("room", conftest.PhoneConfig{Name: "dave", RecordAware: true}) // the request that is not answered for a while
			pass(300 * time.Millisecond)
			for _, who := range []string{"bob", "carol", "erin"} {
				p := b.dial("room", conftest.PhoneConfig{Name: who, RecordAware: true})
				p.hum(800, 10*time.Second)
				pass(300 * time.Millisecond)
				switch who {
				case "carol":
					b.muted("room", who)
				case "erin":
					p.leave("room")
				}
			}
			end := make(chan error, 1)
			go func() { end <- stopped(b, id) }()
			pass(200 * time.Millisecond)
			b.dial("room", conftest.PhoneConfig{Name: "frank", RecordAware: true})
			srs.prompt()
			close(slow)
			must(t, <-end)
			pass(2 * time.Second)
			for _, who := range []string{"bob", "carol", "erin"} {
				if !srs.fed(who, "1") || srs.stands(who) {
					t.Errorf("no document says that %s has fed the stream until the end", who)
				}
			}
			v := srs.known()
			if got := v.streams("alice"); got != "/" || srs.fed("frank", "1") {
				t.Errorf("alice feeds and hears %s in the end", got)
			}
			srs.sound()
		})
	}
}

// The last who is in a sidebar comes into it and it is closed, before any document could say that he is: the document that takes its stream out names him, and the
// next one says what is true. So it is with a line of a persistent session, and that is nobody else's before.
//
// Shows SR-MET-06, SR-PTA-01, SR-PTA-08.
func TestWhoWasInAStreamThatEndedIsNamed(t *testing.T) {
	for name, lines := range map[string]int{"a session of its own": 0, "lines": 3} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			b := persistentBench(t, srs, lines, sidebarsRecorded)
			if lines > 0 {
				b.ready(srs, lines)
			}
			for _, who := range []string{"alice", "bob", "carol"} {
				b.dial("room", conftest.PhoneConfig{Name: who, RecordAware: true}).hum(800, 30*time.Second)
			}
			id := b.record("room", conference.Mixed)
			b.awaitRecording("room", id, conference.RecordingActive)
			made, err := b.focus.OpenSidebar(t.Context(), "room", focus.SidebarRequest{Participants: []conference.ParticipantID{b.find("room", "alice").ID}})
			must(t, err)
			b.await("packets of the sidebar", func() bool { return srs.stream("2").packets > 50 })
			pass(2 * time.Second)
			both := []conference.ParticipantID{b.find("room", "alice").ID, b.find("room", "bob").ID}
			_, err = b.focus.ChangeSidebar(t.Context(), "room", made.ID, focus.SidebarChange{Participants: both})
			must(t, err)
			pass(100 * time.Millisecond)
			must(t, b.focus.CloseSidebar(t.Context(), "room", made.ID))
			pass(60 * time.Millisecond) // a line of it has been given back, and nobody has been told
			again, err := b.focus.OpenSidebar(t.Context(), "room", focus.SidebarRequest{Participants: []conference.ParticipantID{b.find("room", "carol").ID}})
			must(t, err)
			pass(3 * time.Second)
			if !srs.fed("bob", "2") {
				t.Error("no document says that bob has fed the stream of the sidebar")
			}
			if got, want := srs.knows("bob"), "1/1"; got != want {
				t.Errorf("bob feeds and hears %s in the end", got)
			}
			if srs.fed("bob", strings.Split(srs.knows("carol"), "/")[0]) {
				t.Error("bob is named in the stream of a sidebar that he was not in")
			}
			must(t, b.focus.CloseSidebar(t.Context(), "room", again.ID))
			must(t, stopped(b, id))
			srs.sound()
		})
	}
}

// knows is what somebody feeds and hears, by what the recorder knows now.
func (s *recordingServer) knows(name string) string { v := s.known(); return v.streams(name) }

// Who has been in the line that conferences share for a while within a request is named as who feeds it, of each conference; and so is who was in it last when his
// conference has left it, or is paused.
//
// Shows SR-MET-06, SR-PTA-01, RQ-008.
func TestWhoWasInASharedLineIsNamed(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := persistentBench(t, srs, 1, func(c *focus.Config) { c.Recorders[0].Merge = true })
		b.ready(srs, 1)
		ids := map[string]conference.RecordingID{}
		for room, who := range map[string]string{"one": "alice", "two": "dave"} {
			b.dial(room, conftest.PhoneConfig{Name: who, RecordAware: true})
			ids[room] = b.record(room, conference.Mixed)
			b.awaitRecording(room, ids[room], conference.RecordingActive)
		}
		pass(2 * time.Second)
		visit := func(room, name string) {
			b.dial(room, conftest.PhoneConfig{Name: name, RecordAware: true}).hum(800, 10*time.Second)
			pass(100 * time.Millisecond)
		}
		named := func(name, what string) {
			t.Helper()
			pass(3 * time.Second)
			if !srs.fed(name, "1") {
				t.Errorf("no document says that %s has fed the line, %s", name, what)
			}
		}
		visit("one", "bob")
		b.muted("one", "bob")
		named("bob", "who was muted at once")
		if got := srs.knows("bob"); got != "/1" {
			t.Errorf("bob feeds and hears %s in the end", got)
		}
		visit("two", "carol")
		_, err := b.focus.PauseRecording(t.Context(), "two", ids["two"])
		must(t, err)
		b.muted("two", "carol")
		named("carol", "who was muted in the pause after it")
		visit("one", "erin")
		must(t, b.focus.Eject(t.Context(), "one", b.find("one", "erin").ID, ""))
		_, err = b.focus.StopRecording(t.Context(), "one", ids["one"])
		must(t, err)
		named("erin", "whose conference left it")
		visit("two", "frank")
		_, err = b.focus.ResumeRecording(t.Context(), "two", ids["two"])
		must(t, err)
		pass(300 * time.Millisecond)
		must(t, b.focus.End(t.Context(), "two"))
		named("frank", "whose conference ended")
		srs.sound()
	})
}

// Who has written in a stream of text, and is muted or gone before the recorder has answered that he is there, is named as who feeds it: his own and that of all;
// and so is who wrote last before the end.
//
// Shows SR-MET-06, SR-PTA-01, ME-RTT-34.
func TestWhoWroteIsNamed(t *testing.T) {
	for name, lines := range map[string]int{"a session of its own": 0, "lines": 2} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			b := textRecordingBench(t, srs, func(c *focus.Config) { c.Recorders[0].Persistent = lines })
			if lines > 0 {
				b.ready(srs, lines)
			}
			ann := b.texter("room", "ann", true, true)
			id := b.record("room", conference.Mixed)
			b.awaitRecording("room", id, conference.RecordingActive)
			b.recordable("ann")
			b.await("the line of text", func() bool { return len(srs.textLabels()) == 1 })
			pass(2 * time.Second)
			label := srs.textLabels()[0]
			visit := func(name string) *texter {
				p := b.texter("room", name, true, true)
				b.recordable(name)
				b.passed(p, ann, "from "+name+".")
				return p
			}
			named := func(name string) {
				t.Helper()
				pass(3 * time.Second)
				if !srs.fed(name, label) {
					t.Errorf("no document says that %s has written", name)
				}
			}
			slow := srs.slowed()
			b.dial("room", conftest.PhoneConfig{Name: "dave", RecordAware: true})
			pass(300 * time.Millisecond)
			visit("ben")
			b.muted("room", "ben")
			visit("cat").leave()
			pass(300 * time.Millisecond)
			srs.prompt()
			close(slow)
			named("ben")
			named("cat")
			if ben, _, _ := strings.Cut(srs.knows("ben"), "/"); strings.Contains(ben, label) {
				t.Errorf("ben feeds %s in the end", ben)
			}
			visit("eve")
			must(t, stopped(b, id))
			named("eve")
			srs.sound()
		})
	}
}

// A line goes to another conference as soon as the server has answered that its stream has ended. The one before names nobody in it then who was in its stream:
// whoever feeds a stream of a session, by any document, is in that session.
//
// Shows SR-MET-06, SR-PER-06, RQ-008.
func TestWhoIsNamedLateIsNotInTheNextRecording(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := persistentBench(t, srs, 2, sidebarsRecorded)
		b.ready(srs, 2)
		for _, who := range []string{"alice", "bob", "carol"} {
			b.dial("room", conftest.PhoneConfig{Name: who, RecordAware: true}).hum(800, 30*time.Second)
		}
		b.awaitRecording("room", b.record("room", conference.Mixed), conference.RecordingActive)
		for phase := range 10 { // of when the first looks whether the server knows
			next := conference.ID("next" + strconv.Itoa(phase))
			pass(time.Duration(phase) * 50 * time.Millisecond)
			b.dial(string(next), conftest.PhoneConfig{Name: "dave", RecordAware: true})
			members := []conference.ParticipantID{b.find("room", "alice").ID, b.find("room", "bob").ID}
			made, err := b.focus.OpenSidebar(t.Context(), "room", focus.SidebarRequest{Participants: members[:1]})
			must(t, err)
			pass(2 * time.Second)
			_, err = b.focus.ChangeSidebar(t.Context(), "room", made.ID, focus.SidebarChange{Participants: members})
			must(t, err)
			pass(100 * time.Millisecond)
			must(t, b.focus.CloseSidebar(t.Context(), "room", made.ID))
			pass(250 * time.Millisecond)
			id := b.record(string(next), conference.Mixed)
			pass(2 * time.Second)
			b.dial(string(next), conftest.PhoneConfig{Name: "erin" + strconv.Itoa(phase), RecordAware: true}) // whom the last document names
			pass(40 * time.Millisecond)
			_, err = b.focus.StopRecording(t.Context(), next, id)
			must(t, err)
			must(t, b.focus.End(t.Context(), next))
			pass(2 * time.Second)
			said := false
			for label := 2; label < 20; label++ {
				said = said || srs.fed("erin"+strconv.Itoa(phase), strconv.Itoa(label))
			}
			if !said {
				t.Error("the last document does not say who came last")
			}
		}
		srs.sendersBelong()
		srs.sound()
	})
}

// sendersBelong checks that whoever is said to feed a stream of a session is, or has been, in that session.
func (s *recordingServer) sendersBelong() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var known siprec.Recording
	for n, d := range s.documents {
		known = siprec.Merge(known, d)
		of := map[siprec.ID]siprec.ID{}
		for _, stream := range known.Streams {
			of[stream.ID] = stream.Session
		}
		in := map[[2]siprec.ID]bool{}
		for _, a := range known.ParticipantSessions {
			in[[2]siprec.ID{a.Participant, a.Session}] = true
		}
		for _, a := range known.ParticipantStreams {
			for _, id := range a.Send {
				if session := of[id]; session != "" && !in[[2]siprec.ID{a.Participant, session}] {
					s.t.Errorf("document %d: %s feeds stream %s of a session that he is not in", n, a.Participant.Text(), id.Text())
				}
			}
		}
	}
}
