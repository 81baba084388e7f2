package focus_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// textRooms are conferences with text.
func textRooms(names ...string) (list []focus.ConferenceConfig) {
	for _, name := range names {
		list = append(list, focus.ConferenceConfig{ID: conference.ID(name), Rules: conference.Rules{Text: true}})
	}
	return list
}

// openText are the lines of text with a port in the last offer.
func (s *recordingServer) openText() int { return len(s.textLabels()) }

// A persistent session gets lines of text with the conference that has some, and they go with it. In a pause, and of who is masked, nothing is in them. The
// next conference has the same labels, in streams of their own: another source, and nothing in it that repeats what was written before.
//
// Shows ME-RTT-34, SR-SDP-20, SR-PER-06.
func TestPersistentText(t *testing.T) {
	for name, merge := range map[string]bool{"lent": false, "merged": true} {
		t.Run(name, func(t *testing.T) {
			srs := newRecordingServer(t)
			srs.set(func(s *recordingServer) { s.texts = true })
			b := persistentBench(t, srs, 3, func(c *focus.Config) {
				c.Conferences, c.Recorders[0].Merge = textRooms("room", "next"), merge
			})
			b.ready(srs, 3)
			ann, ben := b.texter("room", "ann", true, true), b.texter("room", "ben", true, true)
			id := b.record("room", both)
			b.recordable("ann")
			b.recordable("ben")
			b.passed(ann, ben, "early.") // before the recorder knows whose a line is
			b.awaitRecording("room", id, conference.RecordingActive)
			b.await("lines of text", func() bool { return srs.openText() == 3 })
			labels := srs.textLabels()
			b.passed(ben, ann, "hi.")
			yes, no := true, false
			b.change("ann", focus.ParticipantChange{Masked: &yes})
			b.passed(ann, ben, "secret.")
			b.change("ann", focus.ParticipantChange{Masked: &no})
			_, err := b.focus.PauseRecording(t.Context(), "room", id)
			must(t, err)
			b.passed(ann, ben, "secret.")
			_, err = b.focus.ResumeRecording(t.Context(), "room", id)
			must(t, err)
			b.awaitRecording("room", id, conference.RecordingActive)
			b.recordable("ann")
			ann.writes("open.")
			b.await("the text of both", func() bool {
				m, a, z := srs.stream(labels[0]), srs.stream(labels[1]), srs.stream(labels[2])
				return m.written[ann.session.SSRC()] == "early.open." && m.written[ben.session.SSRC()] == "hi." && a.all() == "early.open." && z.all() == "hi."
			})
			ann.writes("the end of it")
			must(t, stopped(b, id))
			b.await("no line of text", func() bool { return srs.openText() == 0 })
			before := [3]heardStream{srs.stream(labels[0]), srs.stream(labels[1]), srs.stream(labels[2])}
			if got := before[0].written[ann.session.SSRC()]; !strings.HasSuffix(got, "open.the end of it") || strings.Contains(got, "secret") {
				t.Errorf("ann has written %q", got)
			}

			cat, dan := b.texter("next", "cat", true, true), b.texter("next", "dan", true, true)
			id = b.record("next", both)
			b.awaitRecording("next", id, conference.RecordingActive)
			b.await("lines of text again", func() bool { return srs.openText() == 3 })
			if again := srs.textLabels(); !slices.Equal(again, labels) {
				t.Errorf("labels %v after %v", again, labels)
			}
			b.await("cat to be told", func() bool { p := b.find("next", "cat"); return p.Recordable() })
			cat.writes("other.")
			b.await("dan to read it", func() bool { return dan.from(cat) == "other." })
			b.await("the text of cat", func() bool { h := srs.stream(labels[0]); return h.written[cat.session.SSRC()] == "other." })
			for i, label := range labels {
				h := srs.stream(label)
				for source, text := range h.written {
					if old, had := before[i].written[source]; had && old != text {
						t.Errorf("line %s: %q has become %q", label, old, text)
					}
					if strings.Contains(text, "\ufffd") {
						t.Errorf("line %s: a loss in %q", label, text)
					}
				}
				if sources := h.sources[len(before[i].sources):]; len(sources) > 0 && slices.Contains(before[i].sources, sources[0]) {
					t.Errorf("line %s goes on with the source that it had in the conference before", label)
				}
			}
			_, err = b.focus.StopRecording(t.Context(), "next", id)
			must(t, err)
			b.await("the end", func() bool { return srs.openText() == 0 && b.focus.KeptSessions() == 1 })
			got := srs.kept()
			lint(t, "recording-strict.xsd", got.bodies)
			srs.sound()
			if srs.lastBye() != nil {
				t.Error("the session was ended")
			}
		})
	}
}

// A line of text is not another conference's before the recorder knows that it was off: to the recorder it would be the same stream.
//
// Shows SR-PER-03.
func TestPersistentTextRests(t *testing.T) {
	srs := newRecordingServer(t)
	srs.set(func(s *recordingServer) { s.texts = true })
	b := persistentBench(t, srs, 2, func(c *focus.Config) { c.Conferences = textRooms("room", "next") })
	b.ready(srs, 2)
	b.texter("room", "ann", true, true)
	b.texter("next", "cat", true, true)
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.await("lines of text", func() bool { return srs.openText() == 2 })
	first, slow := srs.textLabels(), make(chan struct{})
	srs.set(func(s *recordingServer) { s.slow = slow })
	must(t, stopped(b, id))
	pass(500 * time.Millisecond) // the streams have ended, and the recorder has not answered to that
	id = b.record("next", both)
	pass(500 * time.Millisecond)
	close(slow)
	b.awaitRecording("next", id, conference.RecordingActive)
	b.await("other lines of text", func() bool { return srs.openText() == 2 })
	for _, label := range srs.textLabels() {
		if slices.Contains(first, label) {
			t.Errorf("the lines %v were %v", srs.textLabels(), first)
		}
	}
	srs.sound()
}

// A recorder that takes no text in its persistent session has the audio, and who writes is told so, also when it refuses whatever has text in it.
//
// Shows SR-SDP-20, SR-REC-08.
func TestPersistentWithoutText(t *testing.T) {
	for name, status := range map[string]int{"line": 0, "offer": 488} {
		t.Run(name, func(t *testing.T) {
			srs := newRecordingServer(t)
			b := persistentBench(t, srs, 2, func(c *focus.Config) { c.Conferences = textRooms("room") })
			srs.set(func(s *recordingServer) {
				s.respond = func(request *sipua.Request) *sipua.Response {
					if status != 0 && strings.Contains(string(request.Body), "m=text") {
						return sipua.NewResponse(status)
					}
					return nil
				}
			})
			b.ready(srs, 2)
			ann, ben := b.texter("room", "ann", true, true, sipua.Header{Name: "Supported", Value: "record-aware"}), b.texter("room", "ben", true, true)
			id := b.record("room", conference.Mixed)
			b.awaitRecording("room", id, conference.RecordingActive)
			b.passed(ann, ben, "hello.")
			b.await("ann to be told that text is not recorded", func() bool { return ann.levels() == "on audio=on text=off" })
			before := srs.stream("1").packets
			b.await("audio to go on", func() bool { return srs.stream("1").packets > before+5 })
			if r, _ := b.state("room").Recording(id); r.State != conference.RecordingActive {
				t.Errorf("the recording is %v", r.State)
			}
			if n := len(b.logged.with("alarm=text-refused")); n != 1 {
				t.Errorf("%d alarms for text", n)
			}
		})
	}
}

// Who writes where the recorder has no room for his text is told that it is not recorded, whoever else's is; as soon as there is room it is, from then on.
//
// Shows SR-SDP-20, SR-REC-08.
func TestPersistentTextWithoutRoom(t *testing.T) {
	srs := newRecordingServer(t)
	srs.set(func(s *recordingServer) { s.texts = true })
	b := persistentBench(t, srs, 2, func(c *focus.Config) {
		c.Conferences = textRooms("room", "next")
		c.Recorders[0].Profile.MaxStreams = 3
	})
	b.ready(srs, 2)
	aware := sipua.Header{Name: "Supported", Value: "record-aware"}
	ann, cat, dan := b.texter("room", "ann", true, true, aware), b.texter("next", "cat", true, true, aware), b.texter("next", "dan", true, true)
	first := b.record("room", conference.Mixed)
	b.awaitRecording("room", first, conference.RecordingActive)
	b.await("a line of text", func() bool { return srs.openText() == 1 && ann.levels() == "on audio=on text=on" })
	next := b.record("next", conference.Mixed)
	b.awaitRecording("next", next, conference.RecordingActive)
	b.await("cat to be told that text is not recorded", func() bool { return cat.levels() == "on audio=on text=off" })
	cat.writes("for nobody.")
	b.await("dan to read it", func() bool { return dan.from(cat) == "for nobody." })
	if got := ann.levels(); got != "on audio=on text=on" {
		t.Errorf("ann is told %q", got)
	}
	must(t, stopped(b, first))
	b.await("cat to be told that text is recorded", func() bool { return cat.levels() == "on audio=on text=on" })
	cat.writes("for the record.")
	b.await("the text of cat", func() bool {
		labels := srs.textLabels()
		return len(labels) == 1 && srs.written(labels[0]) == "for the record."
	})
	srs.sound()
}

// Text moves with its recording: from a line of a session that goes on to another such session, to one of its own, and the other way round. What was written
// while nobody had it is with the next server, once, in a stream with the same identifier.
//
// Shows ME-RTT-34, SR-PER-08.
func TestPersistentTextMoves(t *testing.T) {
	for name, held := range map[string][2]int{"to another": {2, 2}, "to one of its own": {2, 0}, "from one of its own": {0, 2}} {
		t.Run(name, func(t *testing.T) {
			one, two := newRecordingServer(t), newRecordingServer(t)
			for _, s := range []*recordingServer{one, two} {
				s.set(func(s *recordingServer) { s.texts = true })
			}
			b := persistentServers(t, one, two, held, func(c *focus.Config) {
				c.Conferences = textRooms("room")
				c.Conferences[0].Recording = c.Defaults.Recording
			})
			ann, ben := b.texter("room", "ann", true, true), b.texter("room", "ben", true, true)
			id := b.record("room", conference.Mixed)
			b.awaitRecording("room", id, conference.RecordingActive)
			b.recordable("ann")
			ann.writes("first.")
			b.await("the first server to have text", func() bool {
				labels := one.textLabels()
				return len(labels) == 1 && one.written(labels[0]) == "first."
			})
			was := one.streamOf(one.textLabels()[0])
			one.die()
			b.passed(ann, ben, "between.")
			b.await("the second server to record", func() bool { return b.serverState("room", id, "two") == conference.RecordingActive })
			b.passed(ann, ben, "later.")
			b.await("all that was written since", func() bool {
				labels := two.textLabels()
				return len(labels) == 1 && strings.HasSuffix(two.written(labels[0]), "between.later.")
			})
			label := two.textLabels()[0]
			if got := two.written(label); strings.Count(got, "between.") != 1 || strings.Count(got, "first.") > 1 {
				t.Errorf("the second server has %q", got)
			}
			if is := two.streamOf(label); is != was || is == "" {
				t.Errorf("the stream was %s and is %s", was, is)
			}
			must(t, stopped(b, id))
			b.await("the line to go", func() bool { return held[1] == 0 || two.openText() == 0 })
			two.sound()
		})
	}
}

// written is all that has come in a line of text.
func (s *recordingServer) written(label string) string { h := s.stream(label); return h.all() }

// streamOf is the stream_id of a label.
func (s *recordingServer) streamOf(label string) siprec.ID {
	for id, l := range s.known().labels {
		if l == label {
			return id
		}
	}
	return ""
}
