package focus_test

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/media"
)

// A stream for which there is no port is one failure, said once; what it lacks is counted, and it begins as soon as there is a port, though nothing else
// happens.
func TestPortlessStreams(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		var failures atomic.Int32
		b := newVirtualBenchWith(t, focus.Deps{Hooks: focus.Hooks{RecordingFailure: func(_, reason string) {
			if reason == "no-ports" {
				failures.Add(1)
			}
		}}}, focus.Config{Dynamic: true, Recorders: []focus.Recorder{{Name: "srs", URI: srs.uri()}}})
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		alice.hum(500, time.Minute)
		ports := func(from, to uint16) {
			apply, err := b.deps.Media.Reconfigure(media.Config{ListenAddress: netip.MustParseAddr("127.0.0.1"), PortMin: from, PortMax: to})
			must(t, err)
			apply()
		}
		ports(25000, 25001)
		only, err := b.deps.Media.Open(media.Options{})
		must(t, err)
		defer func() { _ = only.Close() }()
		id := b.record("room", both)
		pass(10 * time.Second)
		if n := srs.stream("1").packets; n != 0 {
			t.Errorf("%d packets without a port", n)
		}
		lacking := time.Duration(b.focus.Stats().UnrecordedFrames) * 20 * time.Millisecond / 2 // of two streams
		if lacking < 8*time.Second || lacking > 10*time.Second {
			t.Errorf("%v of each stream are counted as missing after ten seconds", lacking)
		}
		ports(25000, 25999)
		b.awaitRecording("room", id, conference.RecordingActive)
		b.await("both streams", func() bool { return srs.stream("1").packets > 10 && srs.stream("2").packets > 10 })
		counted := b.focus.Stats().UnrecordedFrames
		pass(5 * time.Second)
		if n := failures.Load(); n != 2 {
			t.Errorf("%d failures of two streams", n)
		}
		if n := b.focus.Stats().UnrecordedFrames; n != counted {
			t.Errorf("%d frames more are counted as missing while all is recorded", n-counted)
		}
	})
}
