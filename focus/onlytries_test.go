package focus_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/spool"
)

// A recording server, or what is left of it, that says 100 and then nothing: its stack answers to CANCEL and BYE, what records does not.

// patientBench is a focus with the timers of the protocol, and these recording servers; a store: what they do not get is spooled.
func patientBench(t *testing.T, deps focus.Deps, change func(*focus.Config), servers ...*recordingServer) *bench {
	t.Helper()
	names := []string{"one", "two", "three"}[:len(servers)]
	c := focus.Config{Dynamic: true, Deliver: 100 * time.Millisecond}
	for i, s := range servers {
		c.Recorders = append(c.Recorders, focus.Recorder{Name: names[i], URI: s.uri()})
	}
	c.Defaults.Recording = conference.RecordingConfig{Servers: names, Copies: 1, Spool: deps.Spool != nil, Modes: conference.Separate}
	if deps.Spool != nil {
		c.Defaults.Recording.Policy = conference.Always
	}
	if change != nil {
		change(&c)
	}
	return newVirtualBenchWith(t, deps, c)
}

// openSpool opens a store that is closed after the focus.
func openSpool(t *testing.T, dir string) *spool.Store {
	t.Helper()
	store, err := spool.Open(spool.Config{Directory: dir, Key: [spool.KeySize]byte{7}})
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	return store
}

// The INVITE is given up after half a minute, the next server records, with what has been kept meanwhile, and the pool counts a failure.
//
// Shows SR-ERR-07.
func TestServerThatOnlyTries(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		one, two := newRecordingServer(t), newRecordingServer(t)
		one.set(func(s *recordingServer) { s.mute = true })
		b := patientBench(t, focus.Deps{}, nil, one, two)
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		id := b.record("room", both)
		pass(30 * time.Second)
		if state := b.serverState("room", id, "one"); state != conference.RecordingStarting {
			t.Errorf("after thirty seconds it is %v", state)
		}
		pass(5 * time.Second)
		if one, two := b.serverState("room", id, "one"), b.serverState("room", id, "two"); one != conference.RecordingFailed || two != conference.RecordingActive {
			t.Errorf("after half a minute the one is %v, the other %v", one, two)
		}
		if n := b.focus.RecordingServers()[0].Failures; n != 1 {
			t.Errorf("%d failures", n)
		}
		if got := b.logged.with("server=one", "alarm=lost"); len(got) == 0 {
			t.Error("no alarm")
		}
		alice.leave("room")
	})
}

// Where there is no other server, what is said until one answers goes to the spool, from the first word; nothing is lost.
//
// Shows SR-ERR-07, SR-ERR-08, SR-PER-08.
func TestServerThatOnlyTriesWithASpool(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		srs.set(func(s *recordingServer) { s.mute = true })
		b := patientBench(t, focus.Deps{Spool: openSpool(t, t.TempDir())}, nil, srs)
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		alice.hum(500, 2*time.Minute)
		pass(time.Minute)
		srs.set(func(s *recordingServer) { s.mute = false })
		pass(2 * time.Minute)
		alice.leave("room")
		pass(4 * time.Minute)
		a := b.focus.Assurance()[0]
		if a.Verdict != "complete" || a.Copies[0].LostSeconds != 0 || a.Copies[0].SpooledSeconds < 55 {
			t.Errorf("%+v", a)
		}
		if s := b.focus.Stats(); s.DeliveredFrames != s.SpooledFrames || s.UnrecordedFrames != 0 {
			t.Errorf("%d of %d frames delivered, %d lost", s.DeliveredFrames, s.SpooledFrames, s.UnrecordedFrames)
		}
	})
}

// A server takes almost half a minute for a change: what has changed meanwhile goes out with the next one as soon as there is an answer, and the recording
// has not been touched.
//
// Shows SR-ERR-07, SR-ERR-09.
func TestChangeThatTakesLong(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := patientBench(t, focus.Deps{}, nil, srs)
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		id := b.record("room", conference.Separate)
		b.awaitRecording("room", id, conference.RecordingActive)
		slow := srs.slowed()
		bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
		pass(10 * time.Second)
		carol := b.dial("room", conftest.PhoneConfig{Name: "carol", RecordAware: true})
		pass(10 * time.Second)
		srs.prompt()
		pass(11 * time.Second)
		if got := srs.present(); len(got) != 2 {
			t.Errorf("told although a request is open: %v", got)
		}
		close(slow)
		pass(time.Second)
		if got := srs.present(); len(got) != 4 { // and the conference
			t.Errorf("there are %v", got)
		}
		before := srs.stream("1").packets
		pass(time.Second)
		if srs.stream("1").packets == before || b.state("room").Recordings[0].State != conference.RecordingActive {
			t.Error("it does not record any more")
		}
		if n := begun(srs); n != 1 {
			t.Errorf("%d sessions", n)
		}
		for _, p := range []*phone{alice, bob, carol} {
			p.leave("room")
		}
	})
}

// A server that is at a change for ever is left: the change is taken back, which its stack answers, and nobody takes that for a sign that anything is
// recorded. The next server has everybody, and what the first may have missed as far as it is kept; where there is no other the same one begins anew.
//
// Shows SR-ERR-07, SR-ERR-08, SR-ERR-09.
func TestChangeThatIsOnlyTried(t *testing.T) {
	for name, n := range map[string]int{"the next": 2, "no other": 1} {
		runVirtual(t, name, func(t *testing.T) {
			t.Helper()
			servers := []*recordingServer{newRecordingServer(t), newRecordingServer(t)}[:n]
			one, last := servers[0], servers[n-1]
			b := patientBench(t, focus.Deps{}, func(c *focus.Config) { c.Hold = 5 * time.Second }, servers...)
			b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true}).hum(700, 3*time.Minute)
			id := b.record("room", conference.Separate)
			b.awaitRecording("room", id, conference.RecordingActive)
			pass(10 * time.Second)
			slow := one.slowed()
			t.Cleanup(func() { close(slow) })
			b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
			pass(30 * time.Second)
			if sessions := begun(one); sessions != 1 || one.lastBye() != nil {
				t.Errorf("given up after half a minute: %d sessions", sessions)
			}
			one.prompt()
			b.awaitLong("a session", func() bool { return begun(last) == 3-n })
			b.awaitRecording("room", id, conference.RecordingActive)
			pass(4 * time.Second)
			if bye := one.lastBye(); bye == nil || !strings.Contains(bye.Headers.Get("Reason"), "408") {
				t.Errorf("BYE: %v", bye)
			}
			if got := last.present(); len(got) != 3 { // and the conference
				t.Errorf("there are %v", got)
			}
			pass(20 * time.Second)
			got, sent := last.stream("1"), one.stream("1").stamps
			seen, again := map[uint32]bool{}, 0
			for _, stamp := range slices.Concat(sent, got.stamps)[(2-n)*len(sent):] {
				if seen[stamp] {
					again++
				}
				seen[stamp] = true
			}
			if again < 32*50 { // from when the request went out on, more is kept
				t.Errorf("%d packets of before", again)
			}
			if lost := int(got.stamps[0]-sent[0]) / 160; n > 1 && len(b.logged.with("captured audio is lost", "server=one", fmt.Sprintf("frames=%d", lost))) != 1 {
				t.Errorf("%d frames are lost: nothing shows that the server was there after the INVITE", lost)
			}
			if got := b.logged.with("server=one", "alarm=lost"); len(got) != 1 {
				t.Errorf("alarms: %v", got)
			}
			b.halt("room", id)
		})
	}
}

// A server that is at a change for ever does not hold up the end of the recording, and nobody takes its 200 to the BYE for a sign that it has recorded.
//
// Shows SR-ERR-07, SR-PER-08.
func TestEndDuringAChangeThatIsOnlyTried(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := patientBench(t, focus.Deps{}, nil, srs)
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		id := b.record("room", conference.Separate)
		b.awaitRecording("room", id, conference.RecordingActive)
		pass(5 * time.Second)
		slow := srs.slowed()
		t.Cleanup(func() { close(slow) })
		b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
		pass(time.Second)
		stopped := time.Now()
		b.halt("room", id)
		if took := time.Since(stopped); took > 50*time.Second {
			t.Errorf("the end took %v", took)
		}
		pass(time.Minute)
		if a := b.focus.Assurance()[0]; a.Verdict == "complete" {
			t.Errorf("%+v", a)
		}
	})
}
