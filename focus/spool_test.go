package focus_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/spool"
	"github.com/parley-sip/parley/siprec"
)

// spoolBench is a focus with one recording server and a spool, in which little is held in memory.
func spoolBench(t *testing.T, srs *recordingServer, dir string, change func(*focus.Config)) *bench {
	t.Helper()
	return sealedSpoolBench(t, srs, dir, nil, change)
}

// sealedSpoolBench has what is sent sealed, too.
func sealedSpoolBench(t *testing.T, srs *recordingServer, dir string, sealer focus.Sealer, change func(*focus.Config)) *bench {
	t.Helper()
	store, err := spool.Open(spool.Config{Directory: dir, Key: [spool.KeySize]byte{7}})
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) }) // after the focus
	b := newBenchWith(t, focus.Deps{Spool: store, Sealer: sealer}, func() focus.Config {
		c := focus.Config{
			Dynamic: true, Hold: 600 * time.Millisecond, Deliver: 100 * time.Millisecond,
			Recorders:    []focus.Recorder{{Name: "srs", URI: srs.uri(), Retry: siprec.RetryPolicy{Initial: 50 * time.Millisecond, Max: 100 * time.Millisecond}}},
			Notification: focus.Notification{ToneLength: toneTime, ToneInterval: time.Second},
		}
		c.Recorders[0].Health = siprec.HealthConfig{Cooldown: 100 * time.Millisecond, MaxCool: 200 * time.Millisecond}
		c.Defaults.Recording = conference.RecordingConfig{Policy: conference.Always, Modes: both, Servers: []string{"srs"}, Spool: true}
		change(&c)
		return c
	}())
	return b
}

// Shows SR-ERR-08, SR-PER-08, RQ-021. A server that refuses for seconds: what is said goes to the spool, whoever is recorded is
// told so all the time, and the server has every frame in the end, live and replayed together.
func TestSpool(t *testing.T) {
	srs := newRecordingServer(t)
	srs.setRefuse(503)
	b := spoolBench(t, srs, t.TempDir(), func(*focus.Config) {})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	alice.hum(500, 20*time.Second)
	b.await("the spool to record", func() bool {
		s := b.state("room")
		return len(s.Recordings) == 1 && s.Recordings[0].State == conference.RecordingActive && s.Recordings[0].Servers[1].State == conference.RecordingActive
	})
	b.await("frames in the spool", func() bool { return b.focus.Stats().SpooledFrames > 100 })
	srs.setRefuse(0)
	b.await("live audio", func() bool { return srs.stream("2").packets > 50 })
	b.await("the spool to be delivered", func() bool {
		s := b.focus.Stats()
		return s.SpooledFrames == s.DeliveredFrames && s.SpooledFrames > 0
	})
	if got := alice.Indications(); strings.Contains(words(got), "off") {
		t.Errorf("alice was told %v", got)
	}
	if s := b.state("room").Recordings[0]; s.State != conference.RecordingActive || s.Servers[0].State != conference.RecordingActive || s.Servers[1].State != conference.RecordingStandby {
		t.Errorf("%+v", s)
	}
	if n := b.focus.Stats().UnrecordedFrames; n != 0 {
		t.Errorf("%d frames are lost", n)
	}
	alice.leave("room")
	b.await("the verdict", func() bool { return b.focus.Assurance()[0].Verdict == "complete" })
	if a := b.focus.Assurance()[0]; !a.Policy || len(a.Copies) != 1 || a.Copies[0].SpooledSeconds < 2 || a.Copies[0].SpooledSeconds != a.Copies[0].DeliveredSeconds ||
		!a.Copies[0].Servers[0].Acknowledged || a.Copies[0].Servers[0].SentSeconds < 1 {
		t.Errorf("%+v", a)
	}
	srs.mu.Lock()
	defer srs.mu.Unlock()
	marked := false
	for _, body := range srs.bodies {
		marked = marked || strings.Contains(string(body), "urn:parley:recording:replay:1")
	}
	if !marked {
		t.Error("no document is marked as replayed")
	}
	live := len(srs.streams[0].stamps) + len(srs.streams[1].stamps)
	if live < 100 {
		t.Errorf("%d packets in all", live)
	}
	for _, issue := range srs.issues {
		t.Errorf("metadata: %+v", issue)
	}
}

func words(list []sdp.Record) string {
	var out strings.Builder
	for _, r := range list {
		out.WriteString(r.String() + " ")
	}
	return out.String()
}

// Shows SR-ERR-17. What a process leaves in the spool is delivered by the next one, of a conference that is long over.
func TestSpoolSurvives(t *testing.T) {
	dir := t.TempDir()
	srs := newRecordingServer(t)
	srs.setRefuse(403) // for good
	missed := 0
	t.Run("first", func(t *testing.T) {
		b := spoolBench(t, srs, dir, func(c *focus.Config) { c.Deliver = time.Hour })
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		alice.hum(500, 20*time.Second)
		b.await("frames in the spool", func() bool { return b.focus.Stats().SpooledFrames > 100 })
		alice.leave("room")
		missed = b.missedTicks()
	})
	store, err := spool.Open(spool.Config{Directory: dir, Key: [spool.KeySize]byte{7}})
	must(t, err)
	names, err := store.Segments()
	must(t, err)
	frames := 0
	for _, name := range names {
		r, err := store.Read(name)
		must(t, err)
		for {
			record, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			must(t, err)
			if record[0] == 'F' {
				frames++
			}
		}
		must(t, r.Close())
	}
	must(t, store.Close())
	srs.setRefuse(0)
	t.Run("second", func(t *testing.T) {
		b := spoolBench(t, srs, dir, func(*focus.Config) {})
		b.await("the spool to be delivered", func() bool { return b.focus.Stats().DeliveredFrames == uint64(frames) && frames > 100 })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		must(t, b.focus.Shutdown(ctx))
	})
	srs.mu.Lock()
	defer srs.mu.Unlock()
	got := 0
	for _, s := range srs.streams {
		if n := gaps(s.stamps); n > 1+missed {
			t.Errorf("stream %s misses %d packets", s.label, n)
		}
		got += s.packets
	}
	if got != frames || len(srs.merged.Sessions) == 0 || srs.merged.Sessions[0].Stop.IsZero() {
		t.Errorf("%d packets of %d, sessions %+v", got, frames, srs.merged.Sessions)
	}
	if h := srs.streams[1]; h.level(500, 500*time.Millisecond) < loud {
		t.Errorf("the tone is at %.0f dB", h.level(500, 500*time.Millisecond))
	}
}

// A spool that cannot be written is no reason to be silent about what is lost, nor to give up: what is said once it can be is delivered.
func TestSpoolThatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	srs := newRecordingServer(t)
	srs.setRefuse(503)
	b := spoolBench(t, srs, dir, func(*focus.Config) {})
	must(t, os.Rename(dir, dir+"-away"))
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	alice.hum(500, 20*time.Second)
	b.await("frames that are lost", func() bool { return b.focus.Stats().UnrecordedFrames > 0 })
	if s := b.focus.Stats(); s.SpooledFrames != 0 {
		t.Errorf("%d frames are in a spool that there is not", s.SpooledFrames)
	}
	must(t, os.Rename(dir+"-away", dir))
	b.await("frames in the spool", func() bool { return b.focus.Stats().SpooledFrames > 100 })
	lost := b.focus.Stats().UnrecordedFrames
	srs.setRefuse(0)
	b.await("the spool to be delivered", func() bool {
		s := b.focus.Stats()
		return s.SpooledFrames == s.DeliveredFrames
	})
	alice.leave("room")
	b.await("the verdict", func() bool { return b.focus.Assurance()[0].Verdict == "partial" })
	if n := b.focus.Stats().UnrecordedFrames; n != lost {
		t.Errorf("%d frames are lost, of which %d before the spool could be written", n, lost)
	}
}
