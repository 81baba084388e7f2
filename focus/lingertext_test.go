package focus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
)

// lingerTextBench is a conference with text of which everything is recorded.
func lingerTextBench(t *testing.T, srs *recordingServer, modes conference.Mode) *bench {
	t.Helper()
	srs.set(func(s *recordingServer) { s.texts = true })
	return serversBench(t, []*recordingServer{srs}, func(c *focus.Config) {
		c.Dynamic = false
		c.Defaults.Recording.Policy, c.Defaults.Recording.Modes = conference.Always, modes
		c.Conferences = []focus.ConferenceConfig{{ID: "room", Rules: conference.Rules{Text: true}, Recording: c.Defaults.Recording}}
	})
}

// holding is the label of the stream of text that has exactly this; empty: there is none.
func (s *recordingServer) holding(text string) string {
	for _, h := range s.kept().streams {
		if h.text != nil && h.all() == text {
			return h.label
		}
	}
	return ""
}

// closed tells whether no line of the last offer has a label.
func (s *recordingServer) closed(label string) bool {
	offers := s.kept().offers
	for _, m := range offers[len(offers)-1].Media {
		if m.Label == label && m.Port != 0 {
			return false
		}
	}
	return true
}

// Somebody comes, writes and leaves again before the recorder has answered that he is there, and so does a second one: each has a stream of text with all
// that he wrote, the metadata say whose it is and when he left, and then it is gone.
//
// Shows ME-RTT-34, RQ-005, SR-PER-07.
func TestTextOfWhoHasLeft(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := lingerTextBench(t, srs, both)
		ann := b.texter("room", "ann", true, true)
		b.recordable("ann")
		b.await("the recorder to take text", func() bool { return len(srs.textLabels()) == 2 })
		slow := srs.slowed()
		gone := map[string]time.Time{}
		for _, name := range []string{"ben", "cat"} {
			p := b.texter("room", name, true, true)
			b.recordable(name)
			b.passed(p, ann, "all of "+name+".")
			p.leave()
			gone[name] = time.Now()
		}
		ann.writes("on.")
		pass(time.Second)
		srs.prompt()
		close(slow)
		for name, at := range gone {
			b.await("all of "+name, func() bool { return srs.holding("all of "+name+".") != "" })
			label := srs.holding("all of " + name + ".")
			b.await("his line to be given up", func() bool { return srs.closed(label) })
			if !srs.fed(name, label) {
				t.Errorf("no document says that stream %s is of %s", label, name)
			}
			if left, _ := srs.left(name); left.Sub(at).Abs() > accuracy {
				t.Errorf("%s left at %v, not %v", name, left, at)
			}
		}
		b.await("ann", func() bool { return srs.holding("on.") != "" })
		if n := len(srs.textLabels()); n != 2 {
			t.Errorf("%d lines of text are left", n)
		}
		if lost := b.logged.with("captured text is lost"); len(lost) > 0 {
			t.Error(lost)
		}
		for _, issue := range srs.kept().issues {
			t.Errorf("metadata: %+v", issue)
		}
		lint(t, "recording-strict.xsd", srs.kept().bodies)
	})
}

// Everybody has left before the recorder has answered to the INVITE: it gets all that was written, and no end that is later than it was. One that never
// answers holds up nothing for long, and what it has not got is said to be lost, each character once.
//
// Shows ME-RTT-34, RQ-005, SR-PER-07.
func TestTextOfAShortCall(t *testing.T) {
	for name, mute := range map[string]bool{"slow": false, "dead": true} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			slow := srs.slowed()
			srs.set(func(s *recordingServer) { s.mute = mute })
			b := lingerTextBench(t, srs, both)
			ann, ben := b.texter("room", "ann", true, true), b.texter("room", "ben", true, true)
			b.recordable("ann")
			b.recordable("ben")
			b.passed(ann, ben, "from ann.")
			b.passed(ben, ann, "from ben.")
			ann.leave()
			ben.leave()
			gone := time.Now()
			pass(time.Second)
			srs.prompt()
			close(slow)
			if mute {
				b.await("the verdict", func() bool { return b.focus.Assurance()[0].Verdict != "running" })
				pass(time.Second)
				if late := time.Since(gone); late > 13*time.Second {
					t.Errorf("it took %v", late)
				}
				if n := len(b.logged.with("captured text is lost", "characters=9")); n != 2 { // his own
					t.Error(b.logged.with("captured text is lost"))
				}
				if n := len(b.logged.with("captured text is lost", "characters=18")); n != 1 { // of both
					t.Error(b.logged.with("captured text is lost"))
				}
				return
			}
			<-srs.ended
			if late := time.Since(gone); late > 2*time.Second {
				t.Errorf("the recording was over %v after the last had left", late)
			}
			pass(100 * time.Millisecond)
			texts := 0
			for _, h := range srs.kept().streams {
				switch {
				case h.text == nil:
				case h.all() == "from ann.", h.all() == "from ben.",
					h.written[ann.session.SSRC()] == "from ann." && h.written[ben.session.SSRC()] == "from ben.":
					texts++
				default:
					t.Errorf("stream %s has %v", h.label, h.written)
				}
			}
			if texts != 3 {
				t.Errorf("%d streams have text", texts)
			}
			if v := srs.known(); v.SessionRecordings[0].Disassociate.Sub(gone).Abs() > accuracy {
				t.Errorf("recorded until %v, not %v", v.SessionRecordings[0].Disassociate, gone)
			}
			if lost := b.logged.with("captured text is lost"); len(lost) > 0 {
				t.Error(lost)
			}
		})
	}
}

// An operator stops a recording that the server has not taken yet: it gets what was written until then, and nothing of what is written while that is
// on its way. Of a pause there is nothing, and what was written before it is not lost with it.
//
// Shows ME-RTT-34, RQ-005.
func TestTextUntilTheStop(t *testing.T) {
	for name, paused := range map[string]bool{"stop": false, "pause": true} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			slow := srs.slowed()
			b := textRecordingBench(t, srs, nil)
			ann, ben := b.texter("room", "ann", true, true), b.texter("room", "ben", true, true)
			id := b.record("room", conference.Mixed)
			b.recordable("ann")
			b.passed(ann, ben, "before.")
			if paused {
				_, err := b.focus.PauseRecording(t.Context(), "room", id)
				must(t, err)
				b.passed(ann, ben, "secret.")
			}
			stopped := make(chan error, 1)
			go func() {
				_, err := b.focus.StopRecording(t.Context(), "room", id)
				stopped <- err
			}()
			b.await("ann to be told", func() bool { p := b.find("room", "ann"); return !p.Recordable() })
			b.passed(ann, ben, "after.")
			srs.prompt()
			close(slow)
			must(t, <-stopped)
			<-srs.ended
			pass(100 * time.Millisecond)
			if srs.holding("before.") == "" {
				for _, h := range srs.kept().streams {
					t.Errorf("stream %s has %v", h.label, h.written)
				}
			}
			if lost := b.logged.with("captured text is lost"); len(lost) > 0 {
				t.Error(lost)
			}
		})
	}
}

// A stream of text that no recorder has taken, and of which nothing is kept, goes with its participant.
func TestTextThatWasNeverTaken(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		srs.setMute()
		b := lingerTextBench(t, srs, conference.Separate)
		b.texter("room", "ann", true, true)
		for range 5 {
			b.texter("room", "ben", true, true).leave()
		}
		pass(100 * time.Millisecond)
		list, err := b.focus.Recordings(t.Context(), "room")
		must(t, err)
		texts := 0
		for _, s := range list[0].Streams {
			if strings.HasPrefix(s.Codec, "t140") {
				texts++
			}
		}
		if texts != 1 {
			t.Errorf("%d streams of text of one who is there", texts)
		}
	})
}
