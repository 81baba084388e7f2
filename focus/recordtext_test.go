package focus_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// textRecordingBench is a conference with text and a recorder that takes it.
func textRecordingBench(t *testing.T, srs *recordingServer, change func(*focus.Config)) *bench {
	t.Helper()
	srs.set(func(s *recordingServer) { s.texts = true })
	return recordingBench(t, srs, func(c *focus.Config) {
		c.Dynamic = false
		c.Conferences = []focus.ConferenceConfig{{ID: "room", Rules: conference.Rules{Text: true}}}
		if change != nil {
			change(c)
		}
	})
}

// textLabels are the labels of the text lines that are in use in the last offer of the focus.
func (s *recordingServer) textLabels() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.offers) == 0 {
		return nil
	}
	for _, m := range s.offers[len(s.offers)-1].Media {
		if m.Kind == "text" && m.Port != 0 {
			list = append(list, m.Label)
		}
	}
	return list
}

// all is what a stream of text holds, of all writers.
func (h *heardStream) all() string {
	var b strings.Builder
	for _, text := range h.written {
		b.WriteString(text)
	}
	return b.String()
}

// recordable waits until somebody has been told.
func (b *bench) recordable(name string) {
	b.t.Helper()
	b.await(name+" to be told", func() bool { p := b.find("room", name); return p.Recordable() })
}

// passed writes a text of which nothing may be recorded, and waits until the conference has it.
func (b *bench) passed(from, reader *texter, text string) {
	b.t.Helper()
	from.writes(text)
	b.await(reader.name+" to read it", func() bool { return strings.HasSuffix(reader.from(from), text) })
}

// Text is in recordings as the audio is: of each writer, and of all with each as a contributing source. Of who is masked, left out, or in a pause
// there is nothing, before or after. Streams have labels, the CNAMEs of their audio, and stand in the metadata of those who write and read.
//
// Shows ME-RTT-34, SR-SDP-20, RQ-007.
func TestTextInRecordings(t *testing.T) {
	srs := newRecordingServer(t)
	b := textRecordingBench(t, srs, func(c *focus.Config) { c.Recorders[0].Profile.Events = true })
	ann, ben := b.texter("room", "ann", true, true), b.texter("room", "ben", true, true)
	b.dial("room", conftest.PhoneConfig{Name: "old"})
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.recordable("ann")
	b.recordable("ben")
	labels := srs.textLabels()
	if len(labels) != 3 {
		t.Fatalf("lines of text %v", labels)
	}
	mixed, own, others := labels[0], labels[1], labels[2]
	ann.writes("hello.")
	ben.writes("hi.")
	b.await("both in all streams", func() bool {
		m, a, z := srs.stream(mixed), srs.stream(own), srs.stream(others)
		return m.written[ann.session.SSRC()] == "hello." && m.written[ben.session.SSRC()] == "hi." && a.all() == "hello." && z.all() == "hi."
	})
	b.textMetadata(srs)

	yes, no := true, false
	for _, c := range [][2]focus.ParticipantChange{{{Masked: &yes}, {Masked: &no}}, {{Unrecorded: &yes}, {Unrecorded: &no}}} {
		b.change("ann", c[0])
		b.passed(ann, ben, "secret.")
		b.change("ann", c[1])
		b.recordable("ann")
		b.passed(ann, ben, "open.")
	}
	_, err := b.focus.PauseRecording(t.Context(), "room", id)
	must(t, err)
	b.passed(ann, ben, "secret.")
	_, err = b.focus.ResumeRecording(t.Context(), "room", id)
	must(t, err)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.recordable("ann")
	ann.writes("last.")
	want := "hello.open.open.last."
	b.await("the end", func() bool {
		m, a := srs.stream(mixed), srs.stream(own)
		return strings.HasSuffix(m.written[ann.session.SSRC()], "last.") && strings.HasSuffix(a.all(), "last.")
	})
	m, a := srs.stream(mixed), srs.stream(own)
	if m.written[ann.session.SSRC()] != want || a.all() != want {
		t.Errorf("recorded %v and %v", m.written, a.written)
	}
	ben.writes("the end")
	_, err = b.focus.StopRecording(t.Context(), "room", id)
	must(t, err)
	<-srs.ended
	got := srs.kept()
	for _, issue := range got.issues {
		t.Errorf("metadata: %+v", issue)
	}
	lint(t, "recording-strict.xsd", got.bodies)
	for _, h := range got.streams {
		if h.text != nil && len(h.ssrcs) != 1 {
			t.Errorf("stream %s had %d sources", h.label, len(h.ssrcs))
		}
	}
}

// textMetadata looks at what the recorder was told of the streams of text: who has none neither writes nor reads.
func (b *bench) textMetadata(srs *recordingServer) {
	b.t.Helper()
	srs.mu.Lock()
	defer srs.mu.Unlock()
	offer := srs.offers[len(srs.offers)-1]
	streams := map[string]siprec.ID{}
	for _, s := range srs.merged.Streams {
		streams[s.Label] = s.ID
	}
	text := map[siprec.ID]bool{}
	for _, m := range offer.Media {
		if m.Kind == "text" {
			text[streams[m.Label]] = true
			if !strings.Contains(string(offer.Marshal()), "a=rtt-mixer") || m.Direction != sdp.SendOnly {
				b.t.Errorf("offered %+v", m)
			}
		} else if !strings.Contains(string(offer.Marshal()), "telephone-event/8000") {
			b.t.Errorf("offered %+v", m)
		}
	}
	for _, p := range srs.merged.Participants {
		for _, a := range srs.merged.ParticipantStreams {
			if a.Participant != p.ID {
				continue
			}
			count := [2]int{}
			for i, list := range [][]siprec.ID{a.Send, a.Recv} {
				for _, id := range list {
					if text[id] {
						count[i]++
					}
				}
			}
			want := [2]int{2, 2} // his own and the mixed one; that and the other's
			if strings.HasPrefix(p.Names[0].AOR, "sip:old@") {
				want = [2]int{}
			}
			if count != want {
				b.t.Errorf("%v sends and receives %v streams of text", p.Names, count)
			}
		}
	}
}

// What is written before the recorder has answered is in the recording, and what is written while another takes over.
//
// Shows ME-RTT-34.
func TestTextBeforeTheRecorderAnswers(t *testing.T) {
	slow := make(chan struct{})
	srs := newRecordingServer(t)
	srs.set(func(s *recordingServer) { s.slow = slow })
	b := textRecordingBench(t, srs, nil)
	ann, ben := b.texter("room", "ann", true, true), b.texter("room", "ben", true, true)
	id := b.record("room", conference.Mixed)
	b.recordable("ann")
	b.passed(ann, ben, "early.")
	close(slow)
	b.awaitRecording("room", id, conference.RecordingActive)
	label := srs.textLabels()[0]
	b.await("what was written before", func() bool { h := srs.stream(label); return h.written[ann.session.SSRC()] == "early." })
}

// A recorder that takes no text, or refuses all that has some in it, records the audio, and nothing waits for it. Who writes is told so.
//
// Shows SR-SDP-20, SR-REC-08.
func TestRecorderWithoutText(t *testing.T) {
	for name, refuse := range map[string]bool{"line": false, "offer": true} {
		t.Run(name, func(t *testing.T) {
			srs := newRecordingServer(t)
			b := textRecordingBench(t, srs, nil)
			srs.set(func(s *recordingServer) {
				s.texts = false
				if refuse {
					s.begins = func(request *sipua.Request) *sipua.Response {
						if strings.Contains(string(request.Body), "m=text") {
							return sipua.NewResponse(488)
						}
						return nil
					}
				}
			})
			aware := sipua.Header{Name: "Supported", Value: "record-aware"}
			ann, ben := b.texter("room", "ann", true, true, aware), b.texter("room", "ben", true, true)
			id := b.record("room", both)
			b.awaitRecording("room", id, conference.RecordingActive)
			b.recordable("ann")
			b.passed(ann, ben, "hello.")
			b.await("ann to be told that text is not recorded", func() bool { return ann.levels() == "on audio=on text=off" })
			if late := b.texter("room", "late", true, true, aware).levels(); late != "on audio=on text=off" {
				t.Errorf("who comes later is told %q", late)
			}
			if len(b.logged.with("alarm=text-refused")) == 0 {
				t.Error("nobody was told that there is no text")
			}
			before := srs.stream("1").packets
			b.await("audio to go on", func() bool { return srs.stream("1").packets > before+5 })
			if r, _ := b.state("room").Recording(id); r.State != conference.RecordingActive {
				t.Errorf("the recording is %v", r.State)
			}
		})
	}
}

// Keys and text of a call are in the recording in their order and in time: the event in the audio of who has pressed it, the text with its writer
// as contributing source.
//
// Shows SC-26, RQ-007, SR-SDP-20.
func TestKeysAndTextInRecordings(t *testing.T) {
	srs := newRecordingServer(t)
	srs.set(func(s *recordingServer) { s.events = true })
	b := textRecordingBench(t, srs, func(c *focus.Config) { c.Recorders[0].Profile.Events = true })
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	bob := b.texter("room", "bob", true, true)
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.recordable("alice")
	b.recordable("bob")
	<-alice.Press('5')
	b.await("the key", func() bool {
		h := srs.stream("2")
		return slices.ContainsFunc(h.events, func(e codecs.Event) bool { return e.Code == 5 && e.End })
	})
	if h := srs.stream(srs.textLabels()[0]); h.all() != "" {
		t.Errorf("text before any was written: %v", h.written)
	}
	began := time.Now()
	bob.writes("five?")
	b.await("the text of bob", func() bool { h := srs.stream(srs.textLabels()[0]); return h.written[bob.session.SSRC()] == "five?" })
	if took := time.Since(began); took > 5*time.Second { // it is not held back until somebody is idle, or the recording ends
		t.Errorf("the text took %v", took)
	}
	if h := srs.stream(srs.textLabels()[0]); !slices.ContainsFunc(h.csrcs, func(list []uint32) bool {
		return len(list) == 1 && list[0] == bob.session.SSRC()
	}) {
		t.Errorf("contributing sources %v", h.csrcs)
	}
}

// What was written shortly before and after the death of a recorder is with the one that takes over.
//
// Shows ME-RTT-34.
func TestTextWithTheNextRecorder(t *testing.T) {
	one, two := newRecordingServer(t), newRecordingServer(t)
	for _, s := range []*recordingServer{one, two} {
		s.set(func(s *recordingServer) { s.texts = true })
	}
	b := serversBench(t, []*recordingServer{one, two}, func(c *focus.Config) {
		c.Conferences = []focus.ConferenceConfig{{ID: "room", Rules: conference.Rules{Text: true}, Recording: c.Defaults.Recording}}
	})
	ann, ben := b.texter("room", "ann", true, true), b.texter("room", "ben", true, true)
	id := b.record("room", conference.Mixed)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.recordable("ann")
	ann.writes("first.")
	label := one.textLabels()[0]
	b.await("the first server to have text", func() bool { h := one.stream(label); return h.all() == "first." })
	one.die()
	b.passed(ann, ben, "between.")
	b.await("the second server to record", func() bool { return b.serverState("room", id, "two") == conference.RecordingActive })
	b.passed(ann, ben, "later.")
	b.await("all that was written since", func() bool { h := two.stream(label); return strings.HasSuffix(h.all(), "between.later.") })
	if h := two.stream(label); strings.Count(h.all(), "between.") != 1 || strings.Count(h.all(), "first.") > 1 {
		t.Errorf("the second server has %q", h.all())
	}
}
