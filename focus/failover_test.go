package focus_test

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

// serversBench is a focus with several recording servers, called "one", "two" and so on.
func serversBench(t *testing.T, servers []*recordingServer, change func(*focus.Config)) *bench {
	t.Helper()
	names := []string{"one", "two", "three"}
	return recordingBench(t, servers[0], func(c *focus.Config) {
		c.Recorders = nil
		for i, s := range servers {
			c.Recorders = append(c.Recorders, focus.Recorder{
				Name: names[i], URI: s.uri(), Retry: siprec.RetryPolicy{Initial: 50 * time.Millisecond},
			})
		}
		c.Defaults.Recording = conference.RecordingConfig{Servers: names[:len(servers)], Copies: 1}
		if change != nil {
			change(c)
		}
	})
}

// serverState is what the roster says of one server.
func (b *bench) serverState(conf string, id conference.RecordingID, name string) conference.RecordingState {
	r, _ := b.state(conf).Recording(id)
	for _, v := range r.Servers {
		if v.Name == name {
			return v.State
		}
	}
	return conference.RecordingStopped
}

// Shows SC-19, SR-ERR-01, SR-ERR-07, SR-INT-14. Whatever status the first server refuses with, the next one records; who is recorded hears
// nothing of that, and whoever stands by gets nothing.
func TestFailoverAtStart(t *testing.T) {
	for _, status := range []int{302, 400, 403, 404, 408, 420, 480, 481, 486, 488, 500, 503, 600, 603, 606} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			one, two, three := newRecordingServer(t), newRecordingServer(t), newRecordingServer(t)
			one.setRefuse(status)
			b := serversBench(t, []*recordingServer{one, two, three}, nil)
			alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			id := b.record("room", conference.Mixed)
			b.awaitRecording("room", id, conference.RecordingActive)
			b.await("packets", func() bool { return two.stream("1").packets > 5 })
			if got := b.serverState("room", id, "one"); got != conference.RecordingFailed {
				t.Errorf("%d: the first server is %v", status, got)
			}
			if got := b.serverState("room", id, "three"); got != conference.RecordingStandby || len(three.kept().streams) > 0 {
				t.Errorf("%d: the third server is %v", status, got)
			}
			if got := alice.Indications(); len(got) == 0 || slices.Contains(got[1:], sdp.RecordOff) {
				t.Errorf("%d: alice was told %v", status, got)
			}
			if all := one.requests(); status == 420 && (len(all) != 1 || !all[0].Headers.Contains("Require", "siprec")) {
				t.Errorf("the first server was asked %d times", len(all))
			}
		})
	}
}

// Shows SC-21, SR-ERR-08. A server that dies in mid-recording, without a word: the next one has media within two seconds, of
// the same session, participants, streams and sources, with timestamps that go on.
func TestFailoverInMidRecording(t *testing.T) {
	one, two := newRecordingServer(t), newRecordingServer(t)
	b := serversBench(t, []*recordingServer{one, two}, nil)
	w := b.focus.Watch("room", "")
	defer w.Close()
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	bob.hum(700, 20*time.Second)
	id := b.record("room", both)
	b.await("packets", func() bool { return one.stream("3").packets > 20 })
	one.die()
	died := time.Now()
	b.await("packets at the second server", func() bool {
		return two.stream("1").packets > 0 && two.stream("2").packets > 0 && two.stream("3").packets > 0
	})
	if got := two.stream("3").first.Sub(died); got > 10*time.Second { // two on a machine that is not busy
		t.Errorf("media at the second server after %v", got)
	}
	b.awaitRecording("room", id, conference.RecordingActive)
	one.mu.Lock()
	defer one.mu.Unlock()
	two.mu.Lock()
	defer two.mu.Unlock()
	before, after := one.merged, two.merged
	if before.Sessions[0].ID != after.Sessions[0].ID || two.documents[0].Mode != siprec.Complete {
		t.Errorf("sessions %+v, %+v", before.Sessions, after.Sessions)
	}
	for i := range before.Participants {
		if before.Participants[i].ID != after.Participants[i].ID {
			t.Errorf("participants %+v, %+v", before.Participants, after.Participants)
		}
	}
	for i, s := range before.Streams {
		if s.ID != after.Streams[i].ID {
			t.Errorf("streams %+v, %+v", before.Streams, after.Streams)
		}
		a, b := one.streams[i], two.streams[i]
		for ssrc := range a.ssrcs {
			if !b.ssrcs[ssrc] || len(b.ssrcs) != 1 {
				t.Errorf("stream %s has sources %v, then %v", s.Label, a.ssrcs, b.ssrcs)
			}
		}
	}
	missed := b.missedTicks()
	for i := range one.streams {
		a, b := one.streams[i], two.streams[i]
		if missing := gaps(a.stamps, b.stamps); missing > missed {
			t.Errorf("stream %s: %d packets are missing after both are merged", a.label, missing)
		}
	}
	if got := alice.Indications(); len(got) == 0 || slices.Contains(got[1:], sdp.RecordOff) {
		t.Errorf("alice was told %v", got)
	}
	for moved := false; !moved; {
		e, err := w.Next(t.Context())
		must(t, err)
		moved = e.Type == focus.RecordingMoved
	}
}

// gaps counts the packets of 20 ms that are in none of the lists of timestamps, from the first to the last.
func gaps(lists ...[]uint32) int {
	base := lists[0][0]
	have := map[int32]bool{}
	last := int32(0)
	for _, list := range lists {
		for _, at := range list {
			have[int32(at-base)] = true
			last = max(last, int32(at-base))
		}
	}
	missing := 0
	for at := int32(0); at < last; at += 160 {
		if !have[at] {
			missing++
		}
	}
	return missing
}

// Shows RQ-002, RQ-005, SR-PER-04, SR-PER-07. With the policy "always" a recorder that takes a second to answer gets everything
// from the first moment on, of whoever was there and of whoever comes meanwhile, and no call waits for it.
func TestNothingOfTheStartIsMissing(t *testing.T) {
	one := newRecordingServer(t)
	slow := make(chan struct{})
	one.set(func(s *recordingServer) { s.slow = slow })
	b := serversBench(t, []*recordingServer{one}, func(c *focus.Config) {
		c.Defaults.Recording.Policy, c.Defaults.Recording.Modes = conference.Always, conference.Separate
	})
	began := time.Now()
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	setup := time.Since(began)
	alice.hum(500, 10*time.Second)
	b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true}).hum(800, 10*time.Second)
	pass(time.Second)
	close(slow)
	b.await("packets of both", func() bool { return one.stream("1").packets > 60 && one.stream("2").packets > 60 })
	pass(300 * time.Millisecond)
	if setup > 900*time.Millisecond { // not the second that the recorder takes
		t.Errorf("the call took %v to set up", setup)
	}
	for i, hz := range []float64{500, 800} {
		s := one.stream([]string{"1", "2"}[i])
		if n := gaps(s.stamps); n > b.missedTicks() {
			t.Errorf("stream %s: %d packets are missing", s.label, n)
		}
		length := time.Duration(s.stamps[len(s.stamps)-1]-s.stamps[0]) * time.Second / 8000
		if from := s.last.Add(-length); from.Sub(began) > setup+600*time.Millisecond+time.Duration(i)*setup { // the recorder answers after a second
			t.Errorf("stream %s begins %v after the call", s.label, from.Sub(began))
		}
		if got := s.level(hz, 900*time.Millisecond); got < loud {
			t.Errorf("stream %s has its tone at %.0f dB", s.label, got)
		}
	}
}

// loseCopy has the first of two copies of a recording die, and waits until the other has gone on without it.
func (b *bench) loseCopy(id conference.RecordingID, one, two *recordingServer) {
	b.t.Helper()
	b.await("packets at both", func() bool { return one.stream("1").packets > 20 && two.stream("1").packets > 20 })
	one.die()
	b.await("the recording to be degraded", func() bool {
		r, _ := b.state("room").Recording(id)
		return r.Degraded && r.State == conference.RecordingActive
	})
	n := two.stream("1").packets
	b.await("more packets", func() bool { return two.stream("1").packets > n+20 })
}

// Shows SR-ERR-08, RQ-UC10b. Of two copies one has everything, whatever becomes of the other; the policy hears of it.
func TestParallelCopies(t *testing.T) { virtual(t, testParallelCopies) }

func testParallelCopies(t *testing.T) {
	t.Helper()
	one, two := newRecordingServer(t), newRecordingServer(t)
	b := serversBench(t, []*recordingServer{one, two}, func(c *focus.Config) {
		c.Defaults.Recording.Copies, c.Defaults.Recording.Quorum = 2, 2
	})
	b.dial("room", conftest.PhoneConfig{Name: "alice"}).hum(600, 20*time.Second)
	id := b.record("room", conference.Separate)
	b.loseCopy(id, one, two)
	got := two.stream("1")
	for i := 1; i < len(got.numbers); i++ {
		if got.numbers[i] != got.numbers[i-1]+1 || got.stamps[i] != got.stamps[i-1]+160 {
			t.Fatalf("packet %d: number %d after %d, timestamp %d after %d", i, got.numbers[i], got.numbers[i-1], got.stamps[i], got.stamps[i-1])
		}
	}
	a := b.focus.Assurance()
	if len(a) != 1 || a[0].Verdict != "running" || len(a[0].Copies) != 2 {
		t.Errorf("%+v", a)
	}
	if a, b := one.kept().merged.Sessions, two.kept().merged.Sessions; a[0].ID != b[0].ID {
		t.Errorf("sessions %v and %v", a, b)
	}
}

// Shows RQ-UC10a. A server that answers no OPTIONS is left before any call notices, and used again when it is back.
func TestProbes(t *testing.T) {
	one, two := newRecordingServer(t), newRecordingServer(t)
	b := serversBench(t, []*recordingServer{one, two}, func(c *focus.Config) {
		for i := range c.Recorders {
			c.Recorders[i].Probe.Interval = 30 * time.Millisecond
		}
	})
	state := func(i int) string { return b.focus.RecordingServers()[i].State }
	b.await("both to be up", func() bool { return state(0) == "up" && state(1) == "up" })
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	id := b.record("room", conference.Mixed)
	b.await("packets", func() bool { return one.stream("1").packets > 5 })
	one.sick.Store(true)
	b.await("the second server to take over", func() bool { return two.stream("1").packets > 5 })
	if got := b.focus.RecordingServers(); got[0].State != "down" || got[1].Sessions != 1 || got[0].Sessions != 0 {
		t.Errorf("%+v", got)
	}
	one.sick.Store(false)
	b.await("the first server to be up", func() bool { return state(0) == "up" })
	if got := b.serverState("room", id, "two"); got != conference.RecordingActive {
		t.Errorf("the second server is %v: a recording does not go back", got)
	}
	b.dial("other", conftest.PhoneConfig{Name: "bob"})
	second := b.record("other", conference.Mixed)
	b.await("a new recording at the first server", func() bool {
		return b.serverState("other", second, "one") == conference.RecordingActive
	})
}

// Recordings spread by weight.
func TestBalance(t *testing.T) {
	one, two := newRecordingServer(t), newRecordingServer(t)
	b := serversBench(t, []*recordingServer{one, two}, func(c *focus.Config) {
		c.Defaults.Recording.Balance = true
		c.Recorders[0].Weight, c.Recorders[1].Weight = 2, 1
		c.Recorders[0].Group, c.Recorders[1].Group = "east", "east"
		c.Defaults.Recording.Servers = []string{"east"}
	})
	for _, conf := range []string{"a", "b", "c", "d", "e", "f"} {
		b.dial(conf, conftest.PhoneConfig{Name: conf})
		b.record(conf, conference.Mixed)
	}
	if got := b.focus.RecordingServers(); got[0].Sessions != 4 || got[1].Sessions != 2 {
		t.Errorf("%+v", got)
	}
}

// Without a spool, what nobody took is said to be lost.
func TestAssurance(t *testing.T) {
	one := newRecordingServer(t)
	one.setRefuse(403)
	ended := make(chan focus.Assurance, 1)
	b := newBenchWith(t, focus.Deps{Hooks: focus.Hooks{RecordingEnded: func(a focus.Assurance) { ended <- a }}}, focus.Config{
		Dynamic: true, Recorders: []focus.Recorder{{Name: "one", URI: one.uri()}},
		Defaults: focus.ConferenceConfig{Recording: conference.RecordingConfig{Policy: conference.Always, Modes: conference.Separate, Servers: []string{"one"}}},
	})
	b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	select {
	case a := <-ended:
		if a.Verdict != "missing" || !a.Policy || a.Conference != "room" || a.EndedAt == nil {
			t.Errorf("%+v", a)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nobody says that nothing is recorded")
	}
}
