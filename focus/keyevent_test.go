package focus_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

// Shows ME-DTM-18. A key that came as telephone event is one in the stream of who has pressed it, where the recorder takes events, and
// two tones in the mixed one, so that nobody else is cut off; where it takes none there are tones in both. What was sealed is what was sent.
func TestKeysAsEvents(t *testing.T) {
	for _, test := range []struct {
		name          string
		takes, events bool
	}{{"events", true, true}, {"no events", false, true}, {"keys in the audio", true, false}} {
		t.Run(test.name, func(t *testing.T) {
			keysAsEvents(t, test.takes, test.events)
		})
	}
}

// keyEventBench is a focus with a recorder of a profile.
func keyEventBench(t *testing.T, srs *recordingServer, profile siprec.Profile, change ...func(*focus.Deps)) *bench {
	t.Helper()
	var deps focus.Deps
	for _, f := range change {
		f(&deps)
	}
	return newBenchOf(t, focus.Config{
		Dynamic: true, Recorders: []focus.Recorder{{Name: "srs", URI: srs.uri(), Profile: profile}}, Notification: focus.Notification{ToneLength: toneTime},
	}, netip.MustParseAddr("127.0.0.1"), "127.0.0.1", deps)
}

func keysAsEvents(t *testing.T, takes, events bool) {
	t.Helper()
	srs, signs := newRecordingServer(t), newNotary()
	srs.set(func(s *recordingServer) { s.events = takes })
	b := keyEventBench(t, srs, siprec.Profile{Events: true}, func(d *focus.Deps) { d.Sealer = signs })
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true, NoEvents: !events})
	b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.await("packets of all", func() bool {
		return srs.stream("1").packets > 20 && srs.stream("2").packets > 20 && srs.stream("3").packets > 20
	})
	for i, m := range srs.requests()[0].offer.Media {
		if !slices.ContainsFunc(m.PayloadTypes, func(p sdp.PayloadType) bool { return strings.EqualFold(p.Name, "telephone-event") }) {
			t.Errorf("line %d offers no events", i)
		}
	}
	if events {
		<-alice.Press('5')
	} else {
		alice.sound('5')
	}
	mixed, own := func() heardStream { return srs.stream("1") }, func() heardStream { return srs.stream("2") }
	b.await("the key in the mixed stream", func() bool { h := mixed(); return strings.Contains(h.keysIn(t), "5") })
	if asEvent := takes && events; asEvent {
		b.await("the end of the event", func() bool {
			h := own()
			return slices.ContainsFunc(h.events, func(e codecs.Event) bool { return e.End })
		})
		h := own()
		if keys := h.keysIn(t); keys != "" || slices.ContainsFunc(h.events, func(e codecs.Event) bool { return e.Code != 5 }) {
			t.Errorf("alice's stream has the tones of %q and the events %v", keys, h.events)
		}
	} else {
		b.await("the key in alice's stream", func() bool { h := own(); return strings.Contains(h.keysIn(t), "5") })
		if h := own(); len(h.events) > 0 {
			t.Errorf("events %v", h.events)
		}
	}
	if m, bob := mixed(), srs.stream("3"); len(m.events)+len(bob.events) > 0 {
		t.Errorf("events %v, %v", m.events, bob.events)
	}
	_, err := b.focus.StopRecording(t.Context(), "room", id)
	must(t, err)
	b.await("the manifest", func() bool { return len(signs.manifests()) == 1 })
	for _, s := range signs.manifests()[0].Streams {
		b.await("all packets of "+s.Label, func() bool { return srs.stream(s.Label).packets >= int(s.Packets) })
		if n := srs.stream(s.Label).packets; n != int(s.Packets) {
			t.Errorf("stream %s has %d packets, %d are sealed", s.Label, n, s.Packets)
		}
	}
}
