package focus_test

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

// lingerBench is a focus that records everything, with as many servers as there are copies.
func lingerBench(t *testing.T, modes conference.Mode, servers ...*recordingServer) *bench {
	t.Helper()
	return serversBench(t, servers, func(c *focus.Config) {
		c.Defaults.Recording.Policy, c.Defaults.Recording.Modes, c.Defaults.Recording.Copies = conference.Always, modes, len(servers)
	})
}

// slowed has a server answer nothing until the channel is closed.
func (s *recordingServer) slowed() chan struct{} {
	slow := make(chan struct{})
	s.set(func(s *recordingServer) { s.slow = slow })
	return slow
}

func (s *recordingServer) prompt() { s.set(func(s *recordingServer) { s.slow = nil }) }

// whole checks that a stream has all packets of a time, in order and with nothing in between.
func (s *recordingServer) whole(label string, d time.Duration) {
	s.t.Helper()
	got := s.stream(label)
	if want := int(d / codecs.FrameDuration); got.packets < want-2 || got.packets > want+2 {
		s.t.Errorf("stream %s has %d packets of %v", label, got.packets, d)
	}
	for i := 1; i < len(got.stamps); i++ {
		if got.stamps[i] != got.stamps[i-1]+160 || got.numbers[i] != got.numbers[i-1]+1 {
			s.t.Fatalf("stream %s: packet %d after %d, %d after %d", label, got.numbers[i], got.numbers[i-1], got.stamps[i], got.stamps[i-1])
		}
	}
}

// left is when the metadata say that somebody left, and the streams that they say he fed when they were written last.
func (s *recordingServer) left(name string) (at time.Time, fed []siprec.ID) {
	v := s.known()
	for _, a := range v.ParticipantSessions {
		if a.Participant == v.person(name) {
			at = a.Disassociate
		}
	}
	return at, fed
}

// nothingLost waits for the verdict, and checks that it is complete.
func (b *bench) nothingLost() {
	b.t.Helper()
	b.await("the verdict", func() bool { a := b.focus.Assurance(); return len(a) > 0 && a[0].Verdict != "running" })
	a := b.focus.Assurance()
	if n := b.focus.Stats().UnrecordedFrames; n != 0 || a[0].Verdict != "complete" {
		b.t.Errorf("%d frames are lost: %+v", n, a[0])
	}
}

// A participant comes and leaves again before the recorder has answered that he is there. His stream is offered all the same, with its own port and
// label, nobody else gets its line meanwhile, and it has all that he said and nothing else; then it is gone. The metadata say when he left.
//
// Shows RQ-005, SR-PER-07.
func TestStreamOfWhoHasLeft(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := lingerBench(t, conference.Separate, srs)
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		b.await("alice", func() bool { return srs.stream("1").packets > 20 })
		slow := srs.slowed()
		bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
		came := time.Now()
		bob.hum(800, 10*time.Second)
		pass(400 * time.Millisecond)
		bob.leave("room")
		gone := time.Now()
		carol := b.dial("room", conftest.PhoneConfig{Name: "carol", RecordAware: true})
		carol.hum(1200, 10*time.Second)
		pass(time.Second)
		srs.prompt()
		close(slow)
		b.await("all of bob", func() bool { return srs.stream("2").packets >= int(gone.Sub(came)/codecs.FrameDuration)-2 })
		b.await("carol", func() bool { return srs.stream("3").packets > 100 })
		b.await("bob's line to be given up", func() bool {
			offers := srs.kept().offers
			last := offers[len(offers)-1]
			return len(last.Media) == 3 && last.Media[1].Port == 0
		})
		pass(time.Second)
		srs.whole("2", gone.Sub(came))
		for label, want := range map[string][2]bool{"2": {true, false}, "3": {false, true}} {
			h := srs.stream(label)
			for i, hz := range []float64{800, 1200} {
				if level := h.level(hz, 300*time.Millisecond); (level > loud) != want[i] {
					t.Errorf("stream %s has %.0f Hz at %.0f dB", label, hz, level)
				}
			}
		}
		if at, _ := srs.left("bob"); at.Sub(gone).Abs() > accuracy {
			t.Errorf("bob left at %v, not %v", at, gone)
		}
		if !srs.fed("bob", "2") {
			t.Error("no document says whose the second stream is")
		}
		for _, issue := range srs.kept().issues {
			t.Errorf("metadata: %+v", issue)
		}
		lint(t, "recording-strict.xsd", srs.kept().bodies)
	})
}

// fed tells whether any document has said that somebody feeds a stream. A partial one need not say again which label a stream has.
func (s *recordingServer) fed(name, label string) bool {
	v := s.known()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.documents {
		for _, a := range d.ParticipantStreams {
			if a.Participant == v.person(name) && slices.ContainsFunc(a.Send, func(id siprec.ID) bool { return v.labels[id] == label }) {
				return true
			}
		}
	}
	return false
}

// Everybody has left before the recorder has answered to the INVITE: it gets all that was said, whatever the streams, then the true times and the
// BYE. A second server that never answers holds up neither, and what it has not got is said to be lost.
//
// Shows RQ-005, SR-PER-07, SR-ERR-08.
func TestRecordingOfAShortCall(t *testing.T) {
	for name, c := range map[string]struct {
		modes   conference.Mode
		streams []string
		dead    bool
	}{
		"separate": {conference.Separate, []string{"1", "2"}, false}, "mixed": {conference.Mixed, []string{"1"}, false},
		"both": {both, []string{"1", "2", "3"}, false}, "pair": {conference.Pair, []string{"1", "2"}, false},
		"two servers": {both, []string{"1", "2", "3"}, true},
	} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			servers := []*recordingServer{newRecordingServer(t)}
			if c.dead {
				servers = append(servers, newRecordingServer(t))
				servers[1].set(func(s *recordingServer) { s.mute = true })
			}
			srs := servers[0]
			slow := srs.slowed()
			b := lingerBench(t, c.modes, servers...)
			alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
			came := time.Now()
			alice.hum(500, 10*time.Second)
			bob.hum(900, 10*time.Second)
			pass(500 * time.Millisecond)
			alice.leave("room")
			bob.leave("room")
			gone := time.Now()
			pass(time.Second)
			if len(alice.Indications()) == 0 {
				t.Error("alice was not told")
			}
			srs.prompt()
			close(slow)
			<-srs.ended
			if late := time.Since(gone); late > 2*time.Second {
				t.Errorf("the recording was over %v after the last had left", late)
			}
			pass(100 * time.Millisecond)
			for _, label := range c.streams {
				srs.whole(label, gone.Sub(came))
			}
			for _, name := range []string{"alice", "bob"} {
				if at, _ := srs.left(name); at.Sub(gone).Abs() > accuracy {
					t.Errorf("%s left at %v, not %v", name, at, gone)
				}
			}
			if v := srs.known(); v.SessionRecordings[0].Disassociate.Sub(gone).Abs() > accuracy || v.Sessions[0].Stop.Sub(gone).Abs() > accuracy {
				t.Errorf("recorded until %v, over at %v, not %v", v.SessionRecordings[0].Disassociate, v.Sessions[0].Stop, gone)
			}
			if !c.dead {
				b.nothingLost()
				return
			}
			b.await("the verdict", func() bool { return b.focus.Assurance()[0].Verdict != "running" })
			a := b.focus.Assurance()[0]
			if late := time.Since(gone); late > 12*time.Second || a.Verdict != "complete" {
				t.Errorf("after %v: %+v", late, a)
			}
			lost := 0.0
			for _, copied := range a.Copies {
				lost += copied.LostSeconds
			}
			if want := float64(len(c.streams)) * gone.Sub(came).Seconds(); lost < want-0.2 || lost > want+0.2 {
				t.Errorf("%v s are lost, want %v", lost, want)
			}
		})
	}
}

// An operator stops the recording while it still catches up: the server gets everything up to that, and nothing after it.
func TestStopWhileCatchingUp(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		slow := srs.slowed()
		b := serversBench(t, []*recordingServer{srs}, nil)
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		alice.hum(500, 20*time.Second)
		id := b.record("room", both)
		b.await("alice to be told", func() bool { return lastOf(alice.Indications()) == sdp.RecordOn })
		began := time.Now()
		pass(3 * time.Second)
		srs.prompt()
		close(slow)
		pass(200 * time.Millisecond)
		if n := srs.stream("2").packets; n < 20 || n > 120 {
			t.Fatalf("%d packets have come already", n)
		}
		stopped := time.Now()
		_, err := b.focus.StopRecording(t.Context(), "room", id)
		must(t, err)
		<-srs.ended
		pass(100 * time.Millisecond)
		for _, label := range []string{"1", "2"} {
			srs.whole(label, stopped.Sub(began))
		}
		v := srs.known()
		if until := v.SessionRecordings[0].Disassociate; until.Sub(stopped).Abs() > accuracy {
			t.Errorf("recorded until %v, not %v", until, stopped)
		}
		b.nothingLost()
	})
}

// What was captured before a pause and not sent yet is sent after it, also of who has left meanwhile; nothing is of the pause itself. Where a pause is
// silence it goes out in the pause, and the silence of who has left ends with him.
func TestPauseWhileCatchingUp(t *testing.T) {
	for name, mode := range map[string]siprec.PauseMedia{"inactive": siprec.PauseInactive, "silence": siprec.PauseSilence} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			pausedWhileCatchingUp(t, mode)
		})
	}
}

func pausedWhileCatchingUp(t *testing.T, mode siprec.PauseMedia) {
	t.Helper()
	srs := newRecordingServer(t)
	slow := srs.slowed()
	b := serversBench(t, []*recordingServer{srs}, func(c *focus.Config) { c.Recorders[0].Profile.Pause = mode })
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	id := b.record("room", conference.Separate)
	b.await("both to be told", func() bool {
		return lastOf(alice.Indications()) == sdp.RecordOn && lastOf(bob.Indications()) == sdp.RecordOn
	})
	began := time.Now()
	alice.hum(500, time.Minute)
	bob.hum(900, time.Minute)
	pass(3 * time.Second)
	srs.prompt()
	close(slow)
	pass(200 * time.Millisecond)
	paused := time.Now()
	_, err := b.focus.PauseRecording(t.Context(), "room", id)
	must(t, err)
	if n := srs.stream("2").packets; n < 20 || n > 140 {
		t.Fatalf("%d packets have come already", n)
	}
	bob.leave("room")
	left := time.Now()
	pass(40 * time.Second) // longer than a stream lingers otherwise
	unpaused := time.Now()
	_, err = b.focus.ResumeRecording(t.Context(), "room", id)
	must(t, err)
	if mode == siprec.PauseInactive {
		left = paused
	}
	pass(3 * time.Second)
	srs.whole("2", left.Sub(began))
	want := paused.Sub(began) + time.Since(unpaused)
	if mode == siprec.PauseSilence {
		want = time.Since(began)
	}
	if n := len(srs.stream("1").stamps) - int(want/codecs.FrameDuration); n < -3 || n > 3 {
		t.Errorf("%d packets more than there should be of alice", n)
	}
	for label, hz := range map[string]float64{"1": 500, "2": 900} { // what was said in the pause is nowhere
		h, tone := srs.stream(label), 0
		for at := 0; at+160 <= len(h.pcm); at += 160 {
			frame := heardStream{pcm: h.pcm[at : at+160]}
			if frame.level(hz, codecs.FrameDuration) > loud {
				tone++
			}
		}
		most := int(paused.Sub(began)/codecs.FrameDuration) + 3
		if label == "1" {
			most += int(time.Since(unpaused) / codecs.FrameDuration)
		}
		if tone > most {
			t.Errorf("stream %s has a voice in %d frames, more than %d", label, tone, most)
		}
	}
	alice.leave("room")
	b.nothingLost()
}

// In a persistent session a line is lent as long as what is kept of it has not been sent, and to nobody else before that.
//
// Shows RQ-005, SR-PER-07.
func TestLineOfWhoHasLeft(t *testing.T) {
	srs := newRecordingServer(t)
	b := persistentBench(t, srs, 2, func(c *focus.Config) {
		c.Defaults.Recording.Policy, c.Defaults.Recording.Modes, c.Defaults.Recording.Servers = conference.Always, conference.Separate, []string{"srs"}
	})
	b.ready(srs, 2)
	slow := srs.slowed()
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	alice.hum(500, 10*time.Second)
	came := time.Now()
	pass(500 * time.Millisecond)
	alice.leave("room")
	gone := time.Now()
	carol := b.dial("other", conftest.PhoneConfig{Name: "carol", RecordAware: true})
	carol.hum(900, 20*time.Second)
	pass(time.Second)
	srs.prompt()
	close(slow)
	b.await("carol", func() bool { return srs.stream("2").packets > 100 })
	b.await("alice's verdict", func() bool { return b.focus.Assurance()[0].Verdict != "running" })
	if a := b.focus.Assurance()[0]; a.Verdict != "complete" || a.Copies[0].LostSeconds > 0 {
		t.Errorf("%+v", a)
	}
	said := srs.stream("1")
	if n := int(gone.Sub(came) / codecs.FrameDuration); said.packets < n-5-b.missedTicks() || said.packets > n+5 {
		t.Errorf("%d packets of %d", said.packets, n)
	}
	for label, want := range map[string][2]bool{"1": {true, false}, "2": {false, true}} {
		h := srs.stream(label)
		for i, hz := range []float64{500, 900} {
			if level := h.level(hz, 200*time.Millisecond); (level > loud) != want[i] {
				t.Errorf("stream %s has %.0f Hz at %.0f dB", label, hz, level)
			}
		}
	}
}
