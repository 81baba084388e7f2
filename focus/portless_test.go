package focus_test

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sipua"
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
		b.exhaustPorts()
		id := b.record("room", both)
		pass(10 * time.Second)
		if n := srs.stream("1").packets; n != 0 {
			t.Errorf("%d packets without a port", n)
		}
		lacking := time.Duration(b.focus.Stats().UnrecordedFrames) * 20 * time.Millisecond / 2 // of two streams
		if lacking < 8*time.Second || lacking > 10*time.Second {
			t.Errorf("%v of each stream are counted as missing after ten seconds", lacking)
		}
		b.ports(25000, 25999)
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

// A line that a persistent session lacks for want of a port is counted as missing as well, of the recording that needs it, and comes as soon as there is one.
func TestPortlessLines(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		srs := newRecordingServer(t)
		b := persistentBench(t, srs, 1, nil)
		b.ready(srs, 1)
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		alice.hum(500, time.Minute)
		b.exhaustPorts()
		id := b.record("room", both)
		pass(10 * time.Second)
		lacking := time.Duration(b.focus.Stats().UnrecordedFrames) * 20 * time.Millisecond
		if lacking < 8*time.Second || lacking > 10*time.Second {
			t.Errorf("%v are counted as missing after ten seconds", lacking)
		}
		if n := len(b.logged.with("no port for a recorded stream")); n != 1 {
			t.Errorf("that is told %d times", n)
		}
		b.ports(25000, 25999)
		b.awaitRecording("room", id, conference.RecordingActive)
		b.await("both streams", func() bool { return srs.stream("1").packets > 10 && srs.stream("2").packets > 10 })
		counted := b.focus.Stats().UnrecordedFrames
		pass(5 * time.Second)
		if n := b.focus.Stats().UnrecordedFrames; n != counted {
			t.Errorf("%d frames more are counted as missing while all is recorded", n-counted)
		}
	})
}

// ports changes the ports of a running focus.
func (b *bench) ports(from, to uint16) {
	b.t.Helper()
	apply, err := b.deps.Media.Reconfigure(media.Config{ListenAddress: netip.MustParseAddr("127.0.0.1"), PortMin: from, PortMax: to})
	must(b.t, err)
	apply()
}

// exhaustPorts leaves no port.
func (b *bench) exhaustPorts() {
	b.t.Helper()
	b.ports(25000, 25001)
	only, err := b.deps.Media.Open(media.Options{})
	must(b.t, err)
	b.t.Cleanup(func() { _ = only.Close() })
}

// Calls that the server cannot take are a warning, once in a while; what a caller has done wrong is none.
func TestRefusalsForWantOfPorts(t *testing.T) {
	virtual(t, func(t *testing.T) {
		t.Helper()
		b := newVirtualBench(t, focus.Config{Dynamic: true})
		refused := func(status int, body string) {
			t.Helper()
			raw := b.raw()
			_, _, err := raw.agent.Invite(t.Context(), sipua.OutgoingCall{
				To: sipua.Address{URI: b.parse("room")}, From: sipua.Address{URI: raw.agent.Contact("x")}, ContentType: "application/sdp", Body: []byte(body),
			}, raw)
			if sipua.Status(err) != status {
				t.Errorf("%v, want %d", err, status)
			}
		}
		offer := string(b.raw().describe(codecs.PCMU))
		warnings := func() int { return len(b.logged.with("level=WARN", "calls are refused")) }
		refused(488, strings.Replace(offer, "RTP/AVP", "UDP/TLS/FOO", 1))
		if n := warnings(); n != 0 {
			t.Errorf("%d warnings of an offer that cannot be taken", n)
		}
		b.exhaustPorts()
		for range 5 {
			refused(503, offer)
		}
		if n := warnings(); n != 1 {
			t.Errorf("%d warnings of five refusals in a moment", n)
		}
		pass(11 * time.Second)
		refused(503, offer)
		if last := b.logged.with("level=WARN", "calls are refused", "calls=5"); warnings() != 2 || len(last) != 1 {
			t.Errorf("%d warnings after another ten seconds: %v", warnings(), last)
		}
	})
}
