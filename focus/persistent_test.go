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

// persistentBench is a focus whose recorder has a persistent session.
func persistentBench(t *testing.T, srs *recordingServer, streams int, change func(*focus.Config)) *bench {
	t.Helper()
	return recordingBench(t, srs, func(c *focus.Config) {
		c.Recorders[0].Persistent = streams
		c.Recorders[0].Retry.Max = 100 * time.Millisecond
		if change != nil {
			change(c)
		}
	})
}

// linesOf gives the labels of the lines of the last session that has somebody in it, by whose they are; "" is the mix.
func (s *recordingServer) linesOf(name string) map[string]string {
	v := s.known()
	var session siprec.ID
	for _, a := range v.ParticipantSessions {
		if a.Participant == v.person(name) {
			session = a.Session
		}
	}
	lines := map[string]string{}
	for _, stream := range v.Streams {
		if stream.Session != session || session == "" {
			continue
		}
		var senders []string
		for _, who := range []string{"alice", "bob", "carol", "dave"} {
			if v.feeds(who, stream.ID) {
				senders = append(senders, who)
			}
		}
		if len(senders) == 1 && lines[senders[0]] == "" && s.mixLine(&v, session) != stream.ID {
			lines[senders[0]] = v.labels[stream.ID]
		} else {
			lines[""] = v.labels[stream.ID]
		}
	}
	return lines
}

// mixLine is the mixed stream of a session: its first one.
func (s *recordingServer) mixLine(v *view, session siprec.ID) siprec.ID {
	best := siprec.ID("")
	for _, stream := range v.Streams {
		if stream.Session == session && (best == "" || v.labels[stream.ID] < v.labels[best]) {
			best = stream.ID
		}
	}
	return best
}

func (v *view) feeds(name string, stream siprec.ID) bool {
	for _, a := range v.ParticipantStreams {
		if a.Participant == v.person(name) && slices.Contains(a.Send, stream) {
			return true
		}
	}
	return false
}

// ready waits until the session is there, with so many lines.
func (b *bench) ready(srs *recordingServer, lines int) {
	b.t.Helper()
	b.await("the persistent session", func() bool {
		srs.mu.Lock()
		defer srs.mu.Unlock()
		return srs.dialog != nil && len(srs.streams) == lines
	})
}

// A session is there before anybody calls. Two conferences one after the other are in it, with the lines that it has: the description does not
// change, only the metadata. At the end of each there is a stop time, and no BYE.
//
// Shows SC-11, SR-MET-06, SR-PER-01, SR-PER-02, SR-PER-03, SR-PER-06, SR-RTP-28.
func TestPersistent(t *testing.T) {
	srs := newRecordingServer(t)
	b := persistentBench(t, srs, 3, func(c *focus.Config) { c.Hold = 5 * time.Second })
	b.ready(srs, 3)
	if v := srs.known(); len(v.Sessions)+len(v.Groups)+len(v.Participants) != 0 || len(v.Streams) != 3 {
		t.Errorf("at rest: %+v", v)
	}
	kept := func(want int) {
		t.Helper()
		b.await("the session to be at rest, or not", func() bool { return b.focus.KeptSessions() == want })
	}
	kept(1)
	for round, room := range []string{"first", "second"} {
		alice := b.dial(room, conftest.PhoneConfig{Name: "alice", RecordAware: true})
		bob := b.dial(room, conftest.PhoneConfig{Name: "bob", RecordAware: true})
		alice.hum([]float64{400, 1000}[round], 60*time.Second)
		bob.hum([]float64{700, 1300}[round], 60*time.Second)
		id := b.record(room, both)
		b.awaitRecording(room, id, conference.RecordingActive)
		kept(0)
		heard := func(label string) []float64 {
			var list []float64
			for _, hz := range []float64{400, 700, 1000, 1300} {
				if srs.levelOf(label, hz) > loud {
					list = append(list, hz)
				}
			}
			return list
		}
		own := []float64{[]float64{400, 1000}[round], []float64{700, 1300}[round]}
		b.await("both in the lines of the session", func() bool { return slices.Equal(heard("1"), own) })
		b.await("each in his line", func() bool { return slices.Equal(heard("2"), own[:1]) && slices.Equal(heard("3"), own[1:]) })
		alice.leave(room)
		bob.leave(room)
		b.await("the end of the session", func() bool {
			v := srs.known()
			return len(v.Sessions) == round+1 && !v.Sessions[round].Stop.IsZero() && !slices.ContainsFunc(v.Streams, func(s siprec.Stream) bool { return s.Session != "" })
		})
		b.await("the lines to be silent", func() bool { return len(heard("1")) == 0 || srs.resting("1") })
		kept(1)
	}
	var told []siprec.Recording
	for _, d := range srs.kept().documents {
		if len(d.Sessions) > 0 {
			told = append(told, d)
		}
	}
	if told[0].Mode != siprec.Complete || len(told[0].Groups) != 1 || told[1].Mode != siprec.Partial {
		t.Errorf("when something is known first it is told %s: %+v, then %s", told[0].Mode, told[0], told[1].Mode)
	}
	srs.mu.Lock()
	for _, offer := range srs.offers {
		if offer.Origin.Version != srs.offers[0].Origin.Version || len(offer.Media) != 3 {
			t.Errorf("the description has changed: %+v", offer.Origin)
		}
	}
	bye := srs.bye
	srs.mu.Unlock()
	if n := b.focus.Stats().UnrecordedFrames; n != 0 {
		t.Errorf("%d frames that were captured are lost", n)
	}
	if bye != nil {
		t.Error("a BYE at the end of a conference")
	}
	for _, label := range []string{"1", "2", "3"} {
		if h := srs.stream(label); len(h.ssrcs) != 1 {
			t.Errorf("line %s had %d sources", label, len(h.ssrcs))
		}
	}
	srs.sound()
}

// resting tells whether nothing comes in a line any more.
func (s *recordingServer) resting(label string) bool {
	h := s.stream(label)
	return time.Since(h.last) > 300*time.Millisecond
}

// Two conferences at a time are in one session, in lines of their own; it grows for them, and shrinks. Nothing of one is in a line of the other.
//
// Shows SR-EST-11.
func TestPersistentForSeveral(t *testing.T) {
	srs := newRecordingServer(t)
	b := persistentBench(t, srs, 2, nil)
	b.ready(srs, 2)
	tones := map[string]float64{"alice": 400, "bob": 700, "carol": 1000, "dave": 1300}
	phones := map[string]*phone{}
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		room := map[string]string{"alice": "one", "bob": "one", "carol": "two", "dave": "two"}[name]
		phones[name] = b.dial(room, conftest.PhoneConfig{Name: name, RecordAware: true})
		phones[name].hum(tones[name], 60*time.Second)
	}
	b.awaitRecording("one", b.record("one", both), conference.RecordingActive)
	b.awaitRecording("two", b.record("two", both), conference.RecordingActive)
	b.await("six lines", func() bool { return len(srs.linesOf("alice")) == 3 && len(srs.linesOf("carol")) == 3 })
	one, two := srs.linesOf("alice"), srs.linesOf("carol")
	b.await("everybody in his line", func() bool {
		return srs.levelOf(one["alice"], 400) > loud && srs.levelOf(one["bob"], 700) > loud && srs.levelOf(two["carol"], 1000) > loud && srs.levelOf(two["dave"], 1300) > loud
	})
	pass(300 * time.Millisecond)
	srs.holds(one[""], map[float64]bool{400: true, 700: true, 1000: false, 1300: false})
	srs.holds(two[""], map[float64]bool{400: false, 700: false, 1000: true, 1300: true})
	for name, label := range map[string]string{"alice": one["alice"], "bob": one["bob"], "carol": two["carol"], "dave": two["dave"]} {
		want := map[float64]bool{}
		for who, hz := range tones {
			want[hz] = who == name
		}
		srs.holds(label, want)
	}
	if v := srs.known(); len(v.Sessions) != 2 || v.Sessions[0].Group == v.Sessions[1].Group {
		t.Errorf("sessions %+v", v.Sessions)
	}
	phones["alice"].leave("one")
	phones["bob"].leave("one")
	phones["carol"].leave("two")
	phones["dave"].leave("two")
	b.await("two lines to be left", func() bool {
		srs.mu.Lock()
		defer srs.mu.Unlock()
		open := 0
		for _, m := range srs.offers[len(srs.offers)-1].Media {
			if m.Port != 0 {
				open++
			}
		}
		return open == 2
	})
	srs.sound()
}

// A recorder that ends the session gets another, with all that is being recorded in the first document.
//
// Shows SR-PER-08.
func TestPersistentComesBack(t *testing.T) {
	srs := newRecordingServer(t)
	b := persistentBench(t, srs, 2, nil)
	b.ready(srs, 2)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	alice.hum(400, 60*time.Second)
	id := b.record("room", conference.Mixed)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.await("packets", func() bool { return srs.stream("1").packets > 20 })
	srs.mu.Lock()
	dialog, asked := srs.dialog, len(srs.asked)
	srs.mu.Unlock()
	must(t, dialog.Bye(t.Context()))
	b.await("another session", func() bool {
		for _, r := range srs.requests()[asked:] {
			if r.Method == "INVITE" && r.To.Tag() == "" && r.document != nil && r.document.Mode == siprec.Complete && len(r.document.Sessions) == 1 {
				return true
			}
		}
		return false
	})
	b.awaitRecording("room", id, conference.RecordingActive)
	before := srs.stream("1").packets
	b.await("packets again", func() bool { return srs.stream("1").packets > before+20 && srs.levelOf("1", 400) > loud })
	must(t, stopped(b, id))
	b.awaitRecording("room", id, conference.RecordingStopped)
	again := b.record("room", conference.Mixed) // SR-CSR-03
	b.awaitRecording("room", again, conference.RecordingActive)
	srs.sound()
}

// While a persistent session cannot be had what is said goes to the spool, and nothing of it is lost.
func TestPersistentSpools(t *testing.T) {
	srs := newRecordingServer(t)
	srs.setRefuse(503)
	b := spoolBench(t, srs, t.TempDir(), func(c *focus.Config) { c.Recorders[0].Persistent = 3 })
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	alice.hum(400, 60*time.Second)
	b.await("frames in the spool", func() bool { return b.focus.Stats().SpooledFrames > 100 })
	srs.setRefuse(0)
	b.await("the persistent session to record", func() bool {
		s := b.state("room")
		return len(s.Recordings) == 1 && s.Recordings[0].Servers[0].State == conference.RecordingActive && s.Recordings[0].Servers[1].State == conference.RecordingStandby
	})
	b.await("the spool to be delivered", func() bool {
		s := b.focus.Stats()
		return s.SpooledFrames == s.DeliveredFrames
	})
	alice.leave("room")
	b.await("the verdict", func() bool { return b.focus.Assurance()[0].Verdict == "complete" })
	if n := b.focus.Stats().UnrecordedFrames; n != 0 {
		t.Errorf("%d frames are lost", n)
	}
}

// Nothing of the start is missing while the server takes its time to acknowledge whose a line is, although nothing is kept otherwise.
//
// Shows RQ-005, SR-PER-07.
func TestPersistentMissesNothing(t *testing.T) {
	srs := newRecordingServer(t)
	b := persistentBench(t, srs, 2, func(c *focus.Config) {
		c.Hold = -1
		c.Defaults.Recording.Policy, c.Defaults.Recording.Modes = conference.Always, conference.Separate
	})
	b.ready(srs, 2)
	slow := make(chan struct{})
	srs.set(func(s *recordingServer) { s.slow = slow })
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	alice.hum(500, 30*time.Second)
	there := time.Now()
	pass(2500 * time.Millisecond)
	close(slow)
	b.await("all since the beginning", func() bool {
		s := srs.stream("1")
		return len(s.stamps) > 60 && time.Duration(s.stamps[len(s.stamps)-1]-s.stamps[0])*time.Second/8000 > s.last.Sub(there)-1500*time.Millisecond
	})
	if s := srs.stream("1"); gaps(s.stamps) > b.missedTicks() {
		t.Errorf("%d packets are missing", gaps(s.stamps))
	}
}
