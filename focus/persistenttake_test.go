package focus_test

import (
	"maps"
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

// persistentServers is a focus with two servers in order, of which those have a persistent session that hold streams.
func persistentServers(t *testing.T, one, two *recordingServer, held [2]int, change func(*focus.Config)) *bench {
	t.Helper()
	return serversBench(t, []*recordingServer{one, two}, func(c *focus.Config) {
		c.Hold = 20 * time.Second
		for i := range c.Recorders {
			c.Recorders[i].Persistent, c.Recorders[i].Retry.Max = held[i], 100*time.Millisecond
		}
		if change != nil {
			change(c)
		}
	})
}

// identity is how a server knows a conference: its session, and who sends which stream from which source, by name; "" is the mix.
type identity struct {
	session, group siprec.ID
	people         map[string]siprec.ID
	streams        map[string]siprec.ID
	sources        map[string]uint32
	stamps         map[string][]uint32
}

// identityOf gives how a server knows the conference that somebody is in.
func (s *recordingServer) identityOf(names ...string) identity {
	v := s.known()
	id := identity{people: map[string]siprec.ID{}, streams: map[string]siprec.ID{}, sources: map[string]uint32{}, stamps: map[string][]uint32{}}
	for _, a := range v.ParticipantSessions {
		if a.Participant == v.person(names[0]) {
			id.session = a.Session
		}
	}
	for _, known := range v.Sessions {
		if known.ID == id.session {
			id.group = known.Group
		}
	}
	for _, name := range names {
		id.people[name] = v.person(name)
	}
	for name, label := range s.linesOf(names[0]) {
		h := s.stream(label)
		for stream, l := range v.labels {
			if l == label {
				id.streams[name] = stream
			}
		}
		for ssrc := range h.ssrcs {
			id.sources[name] = ssrc
		}
		id.stamps[name] = h.stamps
	}
	return id
}

// Conferences are recorded by one server, which dies without a word. The other one records them on, each with the session, group, participants,
// streams, sources and timestamps that it had, and nothing is missing; nothing of one conference is in a stream of the other. It does not matter
// which of the servers has a persistent session.
//
// Shows SC-21, SR-ERR-08, SR-PER-08, RQ-UC10a.
func TestPersistentFailover(t *testing.T) {
	east, west := []string{"alice", "bob"}, []string{"carol", "dave"}
	for name, c := range map[string]struct {
		held  [2]int
		rooms [][]string
	}{
		"both":       {[2]int{6, 2}, [][]string{east, west}},
		"the first":  {[2]int{3, 0}, [][]string{east}},
		"the second": {[2]int{0, 2}, [][]string{west}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, two := newRecordingServer(t), newRecordingServer(t)
			b := persistentServers(t, one, two, c.held, nil)
			phones := map[string]*phone{}
			for _, names := range c.rooms {
				for _, who := range names {
					phones[who] = b.dial(names[0], conftest.PhoneConfig{Name: who, RecordAware: true})
					phones[who].hum(failoverTones[who], 60*time.Second)
				}
				b.awaitRecording(names[0], b.record(names[0], both), conference.RecordingActive)
			}
			b.allOf(one, c.rooms, 20)
			one.die()
			died := time.Now()
			b.allOf(two, c.rooms, 250)
			for _, names := range c.rooms {
				b.continued(one, two, names, died)
			}
			if n := b.focus.Stats().UnrecordedFrames; n != 0 {
				t.Errorf("%d frames that were captured are lost", n)
			}
			for who, p := range phones {
				if got := p.Indications(); len(got) == 0 || slices.Contains(got[1:], sdp.RecordOff) {
					t.Errorf("%s was told %v", who, got)
				}
			}
			for _, names := range c.rooms {
				for _, who := range names {
					phones[who].leave(names[0])
				}
			}
			b.await("the verdicts", func() bool {
				return !slices.ContainsFunc(b.focus.Assurance(), func(a focus.Assurance) bool { return a.Verdict != "complete" })
			})
			if c.held[1] > 0 {
				b.await("the second server to have its streams alone", func() bool { return two.openLines() == c.held[1] && two.lastBye() == nil })
			}
			two.sound()
		})
	}
}

var failoverTones = map[string]float64{"alice": 400, "bob": 700, "carol": 1000, "dave": 1300}

// allOf waits until a server has the mixed stream and those of the participants of conferences, with so many packets.
func (b *bench) allOf(s *recordingServer, rooms [][]string, packets int) {
	b.t.Helper()
	for _, names := range rooms {
		b.await("all of "+names[0], func() bool {
			lines := s.linesOf(names[0])
			for _, who := range append([]string{""}, names...) {
				if lines[who] == "" || s.stream(lines[who]).packets < packets {
					return false
				}
			}
			return s.levelOf(lines[names[0]], failoverTones[names[0]]) > loud && s.levelOf(lines[names[1]], failoverTones[names[1]]) > loud
		})
	}
}

// busy is how many packets may be missing because the machine is: less than what the first server gets in the time until it is known to be gone.
const busy = 15

// continued checks that a conference went on at the second server as it was at the first.
func (b *bench) continued(one, two *recordingServer, names []string, died time.Time) {
	b.t.Helper()
	before, after := one.identityOf(names...), two.identityOf(names...)
	if before.session == "" || before.session != after.session || before.group != after.group {
		b.t.Errorf("session %s in %s, then %s in %s", before.session, before.group, after.session, after.group)
	}
	if !maps.Equal(before.people, after.people) || !maps.Equal(before.streams, after.streams) || !maps.Equal(before.sources, after.sources) || len(after.streams) != 3 {
		b.t.Errorf("%+v, then %+v", before, after)
	}
	lines := two.linesOf(names[0])
	for _, who := range append([]string{""}, names...) {
		late := max(0, two.stream(lines[who]).first.Sub(died)-3*time.Second) // on a busy machine; what is sent again is of three seconds
		if missing := gaps(before.stamps[who], after.stamps[who]); missing > b.missedTicks()+int(late/codecs.FrameDuration)+busy {
			b.t.Errorf("%d packets of %q are missing after both are merged", missing, who)
		}
		want := map[float64]bool{}
		for other, hz := range failoverTones {
			want[hz] = who == other || who == "" && slices.Contains(names, other)
		}
		two.holds(lines[who], want)
	}
}

// openLines counts the streams of the last offer.
func (s *recordingServer) openLines() (open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.offers[len(s.offers)-1].Media {
		if m.Port != 0 {
			open++
		}
	}
	return open
}

// A persistent session that is refused for good leaves the recording to the next server at once, and is there again when the server takes it.
//
// Shows SR-ERR-01, SR-PER-08.
func TestPersistentFailoverAtStart(t *testing.T) {
	one, two := newRecordingServer(t), newRecordingServer(t)
	one.setRefuse(403)
	b := persistentServers(t, one, two, [2]int{2, 0}, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	alice.hum(400, 60*time.Second)
	id := b.record("room", conference.Separate)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.await("packets", func() bool { return two.stream("1").packets > 20 })
	if got := b.serverState("room", id, "one"); got == conference.RecordingActive {
		t.Errorf("the first server is %v", got)
	}
	if got := alice.Indications(); len(got) == 0 || slices.Contains(got[1:], sdp.RecordOff) {
		t.Errorf("alice was told %v", got)
	}
	one.setRefuse(0)
	b.ready(one, 2)
	b.dial("other", conftest.PhoneConfig{Name: "bob"}).hum(700, 60*time.Second)
	b.await("the first server to be used again", func() bool { return b.focus.RecordingServers()[0].State != "resting" })
	second := b.record("other", both)
	b.await("bob at the first server", func() bool {
		return b.serverState("other", second, "one") == conference.RecordingActive && one.levelOf(one.linesOf("bob")["bob"], 700) > loud
	})
	if n := b.focus.Stats().UnrecordedFrames; n != 0 {
		t.Errorf("%d frames that were captured are lost", n)
	}
}

// Copies of a recording are independent of each other where one is in a persistent session, and the quorum counts both.
//
// Shows SR-ERR-08, RQ-UC10b.
func TestPersistentCopies(t *testing.T) {
	one, two := newRecordingServer(t), newRecordingServer(t)
	b := persistentServers(t, one, two, [2]int{2, 2}, func(c *focus.Config) { c.Defaults.Recording.Copies, c.Defaults.Recording.Quorum = 2, 2 })
	b.dial("room", conftest.PhoneConfig{Name: "alice"}).hum(400, 60*time.Second)
	id := b.record("room", conference.Separate)
	b.loseCopy(id, one, two)
	got := two.stream("1")
	if missing := gaps(got.stamps); missing > b.missedTicks() {
		t.Errorf("%d packets are missing", missing)
	}
	if a, b := one.known().Sessions, two.known().Sessions; len(a) != 1 || len(b) != 1 || a[0].ID != b[0].ID {
		t.Errorf("sessions %v and %v", a, b)
	}
}

// While neither of two servers is there the spool keeps what is said, the one that comes back first has it in the end, and live audio is in its
// persistent session.
//
// Shows SR-ERR-08, RQ-021.
func TestPersistentServersSpool(t *testing.T) {
	one, two := newRecordingServer(t), newRecordingServer(t)
	b := spoolBench(t, one, t.TempDir(), func(c *focus.Config) {
		second := c.Recorders[0]
		c.Recorders[0].Persistent = 3
		second.Name, second.URI, second.Persistent = "two", two.uri(), 3
		c.Recorders = append(c.Recorders, second)
		c.Defaults.Recording.Servers, c.Defaults.Recording.Copies = []string{"srs", "two"}, 1
	})
	b.ready(one, 3)
	b.ready(two, 3)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	alice.hum(400, 60*time.Second)
	has := func(s *recordingServer) bool { return s.levelOf(s.linesOf("alice")["alice"], 400) > loud }
	b.await("alice at a server", func() bool { return has(one) || has(two) }) // the first one, but where the machine is too busy for it
	for _, s := range []*recordingServer{one, two} {
		s.setRefuse(503)
		s.mu.Lock()
		dialog := s.dialog
		s.mu.Unlock()
		must(t, dialog.Bye(t.Context()))
	}
	b.await("frames in the spool", func() bool { return b.focus.Stats().SpooledFrames > 100 })
	two.setRefuse(0)
	b.await("alice at the second server", func() bool { return has(two) })
	b.await("the spool to be delivered", func() bool {
		s := b.focus.Stats()
		return s.SpooledFrames == s.DeliveredFrames
	})
	if got := alice.Indications(); slices.Contains(got[1:], sdp.RecordOff) {
		t.Errorf("alice was told %v", got)
	}
	alice.leave("room")
	b.await("the verdict", func() bool { return b.focus.Assurance()[0].Verdict == "complete" })
	if n := b.focus.Stats().UnrecordedFrames; n != 0 {
		t.Errorf("%d frames are lost", n)
	}
}

// A persistent session that is to be spoken to in another way is begun anew for what comes; what is recorded in the old one goes on there to its end.
func TestPersistentChangesDialect(t *testing.T) {
	srs := newRecordingServer(t)
	var cfg focus.Config
	b := persistentBench(t, srs, 2, func(c *focus.Config) { cfg = *c })
	b.ready(srs, 2)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	alice.hum(400, 60*time.Second)
	b.awaitRecording("room", b.record("room", conference.Separate), conference.RecordingActive)
	b.await("packets", func() bool { return srs.stream("1").packets > 20 })
	cfg.Recorders = slices.Clone(cfg.Recorders)
	cfg.Recorders[0].Codecs, cfg.Recorders[0].Weight = []codecs.Codec{codecs.PCMU}, 2
	b.reconfigure(cfg)
	b.await("another session", func() bool {
		return srs.begun() == 2
	})
	n := srs.stream("1").packets
	b.await("more packets in the first one", func() bool { return srs.stream("1").packets > n+20 })
	if srs.lastBye() != nil {
		t.Error("the session with a recording in it was ended")
	}
	cfg.Recorders = slices.Clone(cfg.Recorders)
	cfg.Recorders[0].Weight = 3
	b.reconfigure(cfg) // which concerns no session
	alice.leave("room")
	b.await("the first session to end", func() bool { return srs.lastBye() != nil })
	if n := srs.begun(); n != 2 {
		t.Errorf("%d sessions were begun", n)
	}
}

// begun counts the sessions that were begun.
func (s *recordingServer) begun() (n int) {
	for _, r := range s.requests() {
		if r.Method == "INVITE" && r.To.Tag() == "" {
			n++
		}
	}
	return n
}

// The persistent sessions with both servers are lost while something is recorded. The recording waits with one of them until one is there again, rather
// than moving to and fro without a pause.
//
// Shows SR-ERR-08.
func TestPersistentServersLost(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		one, two := newRecordingServer(t), newRecordingServer(t)
		b := persistentServers(t, one, two, [2]int{2, 2}, nil)
		b.await("both sessions", func() bool { return one.begun() == 1 && two.begun() == 1 })
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		id := b.record("room", conference.Mixed)
		b.awaitRecording("room", id, conference.RecordingActive)
		for _, s := range []*recordingServer{one, two} {
			s.setRefuse(503)
			s.mu.Lock()
			dialog := s.dialog
			s.mu.Unlock()
			must(t, dialog.Bye(t.Context()))
		}
		pass(5 * time.Second)
		if n := len(b.logged.with("another recording server takes over")); n > 2 {
			t.Errorf("the recording has moved %d times", n)
		}
		for _, s := range []*recordingServer{one, two} {
			s.setRefuse(0)
		}
		b.await("one of them", func() bool { return one.begun()+two.begun() > 2 })
		b.awaitRecording("room", id, conference.RecordingActive)
	})
}
