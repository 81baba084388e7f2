package focus_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/internal/spool"
	"github.com/parley-sip/parley/siprec"
)

// Shows RQ-021. What was kept of several conferences is delivered at a time, each in a session of its own: all flow before the first is over. A server
// that refuses is asked for one of them, not for all.
func TestSpoolsOfSeveral(t *testing.T) {
	const rooms = 4
	dir := t.TempDir()
	srs := newRecordingServer(t)
	srs.setRefuse(403)
	t.Run("kept", func(t *testing.T) {
		b := spoolBench(t, srs, dir, func(c *focus.Config) { c.Deliver = time.Hour })
		for _, room := range []string{"a", "b", "c", "d"} {
			b.dial(room, conftest.PhoneConfig{Name: room, RecordAware: true}).hum(500, 30*time.Second)
		}
		b.await("frames in the spool", func() bool { return b.focus.Stats().SpooledFrames > rooms*2*100 }) // two seconds of both streams of each
	})
	t.Run("refused", func(t *testing.T) {
		before := begun(srs)
		b := spoolBench(t, srs, dir, func(c *focus.Config) { c.Recorders[0].Health = siprec.HealthConfig{BreakAfter: 1, Cooldown: time.Hour} })
		b.await("the server to rest", func() bool { return b.focus.RecordingServers()[0].State == "resting" })
		if n := begun(srs) - before; n != 1 {
			t.Errorf("a server that refuses was asked %d times", n)
		}
	})
	srs.setRefuse(0)
	t.Run("delivered", func(t *testing.T) {
		b := spoolBench(t, srs, dir, func(*focus.Config) {})
		b.await("all to be delivered at a time", func() bool { return b.focus.RecordingServers()[0].Sessions == rooms })
		b.await("the spool to be delivered", func() bool { return b.focus.RecordingServers()[0].Sessions == 0 })
	})
	store, err := spool.Open(spool.Config{Directory: dir, Key: [spool.KeySize]byte{7}})
	must(t, err)
	defer func() { must(t, store.Close()) }()
	names, err := store.Segments()
	must(t, err)
	if len(names) > 0 {
		t.Errorf("%d segments are left", len(names))
	}
}

// Shows SR-ERR-08. What one of two copies could not be given is delivered to its own server, and not to that of the other, which has it.
func TestSpoolOfACopy(t *testing.T) {
	whole, srs := newRecordingServer(t), newRecordingServer(t)
	srs.setRefuse(503)
	b := spoolBench(t, srs, t.TempDir(), func(c *focus.Config) {
		own := c.Recorders[0]
		own.Name, own.URI = "whole", whole.uri()
		c.Recorders = append([]focus.Recorder{own}, c.Recorders...)
		c.Defaults.Recording.Servers = []string{"whole", "srs"}
	})
	b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true}).hum(500, 20*time.Second)
	b.await("frames in the spool", func() bool { return b.focus.Stats().SpooledFrames > 100 })
	srs.setRefuse(0)
	b.await("the spool to be delivered", func() bool {
		s := b.focus.Stats()
		return s.SpooledFrames == s.DeliveredFrames && s.SpooledFrames > 0
	})
	replays := func(s *recordingServer) (n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, body := range s.bodies {
			if strings.Contains(string(body), "urn:parley:recording:replay:1") {
				n++
			}
		}
		return n
	}
	if a, b := replays(whole), replays(srs); a > 0 || b == 0 {
		t.Errorf("%d documents of what was kept at the server that has all, %d at the other", a, b)
	}
}

// begun counts the INVITEs that begin a session.
func begun(srs *recordingServer) (n int) {
	for _, r := range srs.requests() {
		if r.Method == "INVITE" && r.To.Tag() == "" {
			n++
		}
	}
	return n
}

// The server to which a segment of the spool is delivered dies before the end of it, so that the last request finds nobody. What it was sent may have
// found nobody either: the segment stays, and is delivered again.
//
// Shows SR-ERR-08, SR-PER-08.
func TestDeliveryToADeadServer(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		srs.setRefuse(503)
		b := spoolBench(t, srs, t.TempDir(), func(*focus.Config) {})
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		b.await("frames in the spool", func() bool { return b.focus.Stats().SpooledFrames > 100 })
		var asked atomic.Int32
		over := make(chan struct{})
		t.Cleanup(func() { close(over) })
		srs.set(func(s *recordingServer) {
			s.respond = func(*sipua.Request) *sipua.Response {
				if asked.Add(1) > 1 {
					return nil
				}
				<-over
				return sipua.NewResponse(481)
			}
		})
		alice.leave("room")
		b.awaitLong("the end", func() bool { return b.state("room").Participants == nil })
		srs.setRefuse(0)
		b.awaitLong("the spool to be delivered", func() bool { return b.focus.Stats().DeliveredFrames > 0 })
		if stats := b.focus.Stats(); asked.Load() < 2 || stats.DeliveredFrames != stats.SpooledFrames {
			t.Errorf("%d of %d frames are delivered, as far as is known, at the end of session %d", stats.DeliveredFrames, stats.SpooledFrames, asked.Load())
		}
	})
}
