package focus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// What is kept for one server is delivered while another one leaves its INVITE unanswered after 100, and at once.
//
// Shows SR-ERR-07, RQ-021.
func TestDeliveryBesideAServerThatOnlyTries(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		one, two := newRecordingServer(t), newRecordingServer(t)
		one.setRefuse(503)
		two.setRefuse(503)
		b := patientBench(t, focus.Deps{Spool: openSpool(t, t.TempDir())}, func(c *focus.Config) {
			for i := range c.Recorders {
				c.Recorders[i].Health = siprec.HealthConfig{Cooldown: time.Second, MaxCool: 2 * time.Second}
			}
			c.Defaults.Recording.Policy = conference.OnDemand
		}, one, two)
		for i, room := range []string{"a", "b", "c"} {
			b.dial(room, conftest.PhoneConfig{Name: room, RecordAware: true}).hum(500, 20*time.Second)
			_, err := b.focus.StartRecording(t.Context(), conference.ID(room), focus.RecordingRequest{
				Modes: conference.Mixed, Servers: []string{[]string{"one", "one", "two"}[i]},
			})
			must(t, err)
		}
		pass(10 * time.Second)
		one.set(func(s *recordingServer) { s.mute, s.refuse = true, 0 })
		for _, room := range []string{"a", "b", "c"} {
			must(t, b.focus.End(t.Context(), conference.ID(room)))
		}
		pass(20 * time.Second)
		two.setRefuse(0)
		opened := time.Now()
		for range 300 {
			if begun(two) > 0 && two.stream("1").packets > 100 {
				break
			}
			pass(time.Second)
		}
		t.Logf("delivery to the other begins after %v", time.Since(opened))
		if took := time.Since(opened); took > 8*time.Second {
			t.Errorf("the delivery to the other server begins after %v", took)
		}
	})
}

// A server that dies while the spool is delivered has not got it: what it was sent stays in the spool until one says that it has it.
//
// Shows SR-ERR-08, SR-PER-08.
func TestDeliveryToAServerThatDies(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		srs.setRefuse(503)
		b := patientBench(t, focus.Deps{Spool: openSpool(t, t.TempDir())}, func(c *focus.Config) {
			c.Recorders[0].Health = siprec.HealthConfig{Cooldown: time.Second, MaxCool: 2 * time.Second}
		}, srs)
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		alice.hum(500, 20*time.Second)
		pass(20 * time.Second)
		alice.leave("room")
		pass(time.Second)
		srs.setRefuse(0)
		b.await("the delivery", func() bool { return delivering(srs) })
		pass(5 * time.Second) // in the middle
		slow := srs.slowed()
		pass(3 * time.Minute)
		if s := b.focus.Stats(); s.DeliveredFrames != 0 {
			t.Errorf("%d frames count as delivered", s.DeliveredFrames)
		}
		close(slow)
		srs.prompt()
		pass(2 * time.Minute)
		if s := b.focus.Stats(); s.DeliveredFrames != s.SpooledFrames || s.SpooledFrames == 0 {
			t.Errorf("%d frames of %d are delivered", s.DeliveredFrames, s.SpooledFrames)
		}
	})
}

// A server that refuses the last metadata with an error, and answers the BYE, has got what it was sent, and is not sent it for ever.
//
// Shows SR-ERR-08, SR-PER-08.
func TestDeliveryToAServerThatRefusesTheEnd(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		srs.setRefuse(503)
		b := patientBench(t, focus.Deps{Spool: openSpool(t, t.TempDir())}, func(c *focus.Config) {
			c.Recorders[0].Health = siprec.HealthConfig{Cooldown: time.Second, MaxCool: 2 * time.Second}
		}, srs)
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		alice.hum(500, 20*time.Second)
		pass(10 * time.Second)
		alice.leave("room")
		pass(time.Second)
		before := begun(srs)
		srs.set(func(s *recordingServer) {
			s.refuse = 0
			s.respond = func(*sipua.Request) *sipua.Response { return sipua.NewResponse(500) }
		})
		pass(2 * time.Minute)
		if s := b.focus.Stats(); s.DeliveredFrames != s.SpooledFrames || s.SpooledFrames == 0 {
			t.Errorf("%d frames of %d are delivered", s.DeliveredFrames, s.SpooledFrames)
		}
		if n := begun(srs) - before; n != 1 {
			t.Errorf("%d sessions", n)
		}
	})
}

// delivering tells whether a server has begun to take something out of the spool.
func delivering(srs *recordingServer) bool {
	srs.mu.Lock()
	defer srs.mu.Unlock()
	for _, body := range srs.bodies {
		if strings.Contains(string(body), "urn:parley:recording:replay:1") {
			return true
		}
	}
	return false
}

// A server that takes the session and nothing in it is given up: what is kept goes to it again when it takes it, and to others meanwhile.
//
// Shows SR-ERR-07.
func TestDeliveryToAServerThatTakesNothing(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		srs.setRefuse(503)
		b := patientBench(t, focus.Deps{Spool: openSpool(t, t.TempDir())}, func(c *focus.Config) {
			c.Recorders[0].Health = siprec.HealthConfig{Cooldown: time.Second, MaxCool: 2 * time.Second}
		}, srs)
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		alice.hum(500, 10*time.Second)
		pass(10 * time.Second)
		srs.set(func(s *recordingServer) {
			s.refuse = 0
			s.answers = func(sdp.Media, int) (sdp.Direction, bool) { return sdp.Inactive, true }
		})
		alice.leave("room")
		b.await("the delivery", func() bool { return delivering(srs) })
		pass(10 * time.Second)
		srs.set(func(s *recordingServer) { s.answers = nil })
		pass(2 * time.Minute)
		if s := b.focus.Stats(); s.DeliveredFrames != s.SpooledFrames || s.SpooledFrames == 0 {
			t.Errorf("%d frames of %d are delivered", s.DeliveredFrames, s.SpooledFrames)
		}
	})
}
