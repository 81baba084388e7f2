package focus_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// changes are those of the state of recording servers, and when they came.
type changes struct {
	mu    sync.Mutex
	began time.Time
	list  []string
}

func (c *changes) add(server, state string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, fmt.Sprintf("%v %s %s", time.Since(c.began).Round(100*time.Millisecond), server, state))
}

func (c *changes) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.list)
}

// A server is asked every ten seconds, has one to answer, is down after two questions in a row that it leaves open, and up again after two in a row
// that it answers: neither one that is lost nor one that is answered changes anything. When it is down another one records, at once.
//
// Shows RQ-UC10a.
func TestProbesOnTime(t *testing.T) {
	const s = time.Second
	virtual(t, func(t *testing.T) {
		t.Helper()
		one, two := newRecordingServer(t), newRecordingServer(t)
		seen := &changes{began: time.Now()}
		b := newVirtualBenchWith(t, focus.Deps{Hooks: focus.Hooks{RecorderChanged: seen.add}}, focus.Config{
			Dynamic: true,
			Recorders: []focus.Recorder{
				{Name: "one", URI: one.uri(), Probe: focus.Probe{Interval: 10 * s}}, {Name: "two", URI: two.uri()},
			},
			Defaults: focus.ConferenceConfig{Recording: conference.RecordingConfig{Servers: []string{"one", "two"}, Copies: 1}},
		})
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		b.record("room", conference.Mixed)
		b.await("the first server", func() bool { return one.stream("1").packets > 0 })
		for _, c := range []struct {
			at   time.Duration
			sick bool
		}{
			{15 * s, true}, {25 * s, false}, // one is lost
			{35 * s, true}, {55 * s, false}, // two, and one is answered
			{65 * s, true}, {75 * s, false}, // another is lost, and two are answered
		} {
			pass(time.Until(seen.began.Add(c.at)))
			one.sick.Store(c.sick)
		}
		if late := two.stream("1").first.Sub(seen.began.Add(50 * s)); late < 0 || late > 2*accuracy {
			t.Errorf("the second server records %v after the first is known to be down", late)
		}
		pass(time.Until(seen.began.Add(95 * s)))
		one.set(func(r *recordingServer) {
			r.outside = func(*sipua.Request) *sipua.Response {
				<-time.After(5 * s)
				return nil
			}
		})
		pass(30 * s)
		want := []string{"0s one up", "50s one down", "1m30s one up", "1m52s one down"}
		if got := seen.all(); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// A server with which three recordings in a row cannot begin is left alone for five seconds, then tried once, and left alone for twice as long when that
// fails, too; meanwhile another one records, without a request to the first. One that says for how long it cannot is left alone for so long at once.
func TestBreakerOnTime(t *testing.T) {
	const s = time.Second
	busy := sipua.NewResponse(503, sipua.Header{Name: "Retry-After", Value: "30"})
	for _, c := range []struct {
		name    string
		refusal *sipua.Response
		tried   []time.Duration
		rests   []time.Duration // after each of these
	}{
		{"fails", sipua.NewResponse(500), []time.Duration{0, s, 2 * s, 7 * s, 17 * s, 37 * s}, []time.Duration{0, 0, 5 * s, 10 * s, 20 * s, 40 * s}},
		{"is busy for a while", busy, []time.Duration{0, 30 * s}, []time.Duration{30 * s, 30 * s}},
	} {
		runVirtual(t, c.name, func(t *testing.T) {
			t.Helper()
			one, two := newRecordingServer(t), newRecordingServer(t)
			b := serversBench(t, []*recordingServer{one, two}, nil)
			b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			began := time.Now()
			var rests []time.Duration
			one.set(func(r *recordingServer) {
				r.begins = func(*sipua.Request) *sipua.Response { return c.refusal }
			})
			for range 42 {
				id := b.record("room", conference.Mixed)
				b.await("the second server", func() bool { return b.serverState("room", id, "two") == conference.RecordingActive })
				if until := b.focus.RecordingServers()[0].RestsUntil; len(rests) < len(invitations(one, began)) {
					rests = append(rests, 0)
					if until != nil {
						rests[len(rests)-1] = time.Until(time.Time(*until)).Round(s)
					}
				}
				_, err := b.focus.StopRecording(t.Context(), "room", id)
				must(t, err)
				b.awaitRecording("room", id, conference.RecordingStopped)
				pass(s - time.Since(began)%s)
			}
			if got := invitations(one, began); !slices.Equal(got, c.tried) {
				t.Errorf("tried after %v, want %v", got, c.tried)
			}
			if !slices.Equal(rests, c.rests) {
				t.Errorf("it rests for %v, want %v", rests, c.rests)
			}
		})
	}
}

// invitations are when a server has been called.
func invitations(srs *recordingServer, since time.Time) (at []time.Duration) {
	for _, r := range srs.requests() {
		if r.Method == "INVITE" {
			at = append(at, r.at.Sub(since).Round(100*time.Millisecond))
		}
	}
	return at
}

// A recording server that cannot be had is tried again and again where there is no other, in growing intervals from a second to a minute.
//
// Shows SR-ERR-07.
func TestRecorderRetriesOnTime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		srs.setRefuse(480)
		b := newVirtualBench(t, focus.Config{Dynamic: true, Recorders: []focus.Recorder{{Name: "srs", URI: srs.uri(), Retry: siprec.RetryPolicy{Attempts: 20}}}})
		b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		began := time.Now()
		b.record("room", conference.Mixed)
		pass(5 * time.Minute)
		at := invitations(srs, began)
		for i := 1; i < len(at); i++ {
			want := min(time.Second<<(i-1), time.Minute)
			if got := at[i] - at[i-1]; got < want || got > want+accuracy {
				t.Errorf("tried again after %v, want %v", got, want)
			}
		}
		if len(at) < 8 {
			t.Errorf("tried at %v", at)
		}
	})
}

// What a shutdown waits for, of who does not answer: four seconds for a participant, two for a recording server, that it takes metadata or, with its
// answer to the INVITE, what is kept for it. Nothing of it is longer than the context.
//
// Shows FO-END-09.
func TestShutdownOnTime(t *testing.T) {
	const s = time.Second
	vanishes := func(b *bench, r *raw, _ *recordingServer) { b.t.Cleanup(b.inside.Cut(r.agent.Addr("udp"))) }
	for _, c := range []struct {
		name    string
		breaks  func(b *bench, r *raw, srs *recordingServer)
		mute    bool // the recording server
		patient time.Duration
		want    time.Duration
		logged  []string // undelivered
	}{
		{"all answer", func(*bench, *raw, *recordingServer) {}, false, 10 * s, 0, nil},
		{"a participant is gone", vanishes, false, 10 * s, 4 * s, nil},
		{"so, and nobody waits", vanishes, false, 3 * s, 3 * s, nil},
		{"a server answers its BYE only", func(_ *bench, _ *raw, srs *recordingServer) { srs.die() }, false, 10 * s, 2 * s, []string{"metadata"}},
		{"a server never was there", func(*bench, *raw, *recordingServer) {}, true, 10 * s, 2 * s, []string{"INVITE"}},
	} {
		runVirtual(t, c.name, func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			srs.set(func(s *recordingServer) { s.mute = c.mute })
			b := newVirtualBench(t, focus.Config{Dynamic: true, Recorders: []focus.Recorder{{Name: "srs", URI: srs.uri()}}})
			r := b.named("alice", "room")
			id := b.record("room", conference.Mixed)
			b.awaitRecording("room", id, map[bool]conference.RecordingState{false: conference.RecordingActive, true: conference.RecordingStarting}[c.mute])
			pass(s)
			c.breaks(b, r, srs)
			took, err := b.shutdown(c.patient)
			if took < c.want || took > c.want+accuracy {
				t.Errorf("it took %v, want %v", took, c.want)
			}
			if cut := c.patient == c.want; cut != (err != nil) {
				t.Errorf("error: %v", err)
			}
			var logged []string
			for _, what := range []string{"metadata", "BYE", "INVITE"} {
				if len(b.logged.with("server=srs", "undelivered="+what)) > 0 {
					logged = append(logged, what)
				}
			}
			if strings.Join(logged, " ") != strings.Join(c.logged, " ") {
				t.Errorf("undelivered: %q, want %q", logged, c.logged)
			}
		})
	}
}
