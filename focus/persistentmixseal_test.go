package focus_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/seal"
	"github.com/parley-sip/parley/siprec/srs"
)

// mergedConfig is that of a focus with one server that has all conferences in one stream.
func mergedConfig(uri string) focus.Config {
	return focus.Config{
		Dynamic: true,
		Recorders: []focus.Recorder{{
			Name: "srs", URI: uri, Persistent: 1, Merge: true, Retry: siprec.RetryPolicy{Initial: 50 * time.Millisecond, Max: 100 * time.Millisecond},
		}},
		Notification: focus.Notification{ToneLength: toneTime, ToneInterval: time.Second},
	}
}

// Each of two conferences that share a stream has a seal of its own, of what was sent while it was in it: the reference recorder's files prove both. What is
// changed where both are in the stream alters both, what is changed where one is alone that one.
//
// Shows RQ-008, RQ-014, SR-PER-06.
func TestPersistentMixIsSealed(t *testing.T) {
	server, finished := referenceServer(t)
	cfg := mergedConfig("sip:srs@" + server.Addr("tcp").String() + ";transport=tcp")
	b := newBenchOf(t, cfg, netip.MustParseAddr("127.0.0.1"), "127.0.0.1", focus.Deps{Sealer: newNotary()})
	ids := map[string]conference.RecordingID{}
	for room, hz := range map[string]float64{"one": 400, "two": 1000} {
		b.dial(room, conftest.PhoneConfig{Name: room, RecordAware: true}).hum(hz, 60*time.Second)
	}
	for _, room := range []string{"one", "two"} {
		ids[room] = b.record(room, conference.Mixed)
		b.awaitRecording(room, ids[room], conference.RecordingActive)
		pass(time.Second)
	}
	for n, room := range []string{"one", "two"} {
		_, err := b.focus.StopRecording(t.Context(), conference.ID(room), ids[room])
		must(t, err)
		b.await("the seal", func() bool { all := server.Recordings(); return len(all) == 1 && len(all[0].Manifests) == n+1 })
		pass(time.Second)
	}
	cfg.Recorders = nil
	apply, err := b.focus.Reconfigure(cfg) // ends the session
	must(t, err)
	apply()
	var r srs.Recording
	select {
	case r = <-finished:
	case <-time.After(20 * time.Second):
		t.Fatal("the session does not end")
	}
	verdicts := func() (list []srs.Verdict, parts []seal.Manifest) {
		for _, name := range r.Manifests {
			signed, fault := os.ReadFile(filepath.Join(r.Directory, name))
			must(t, fault)
			m, fault := seal.Verify(signed, newNotary().public())
			must(t, fault)
			proof, fault := r.Prove(m)
			must(t, fault)
			list, parts = append(list, proof.Verdict), append(parts, m)
		}
		return list, parts
	}
	got, parts := verdicts()
	if !slices.Equal(got, []srs.Verdict{srs.Proved, srs.Proved}) || len(parts[0].Streams) != 1 || len(parts[1].Streams) != 1 {
		t.Fatalf("%v of %+v", got, parts)
	}
	one, two := parts[0].Streams[0], parts[1].Streams[0]
	shared := int(one.FirstSequence) + int(one.Span) - int(two.FirstSequence)
	if parts[0].Conference != "one" || parts[1].Conference != "two" || one.SSRC != two.SSRC || shared < 40 || one.Packets < 80 || two.Packets < 80 || int(one.Packets) < shared+40 {
		t.Errorf("%d packets, then %d, of which %d are of both", one.Packets, two.Packets, shared)
	}
	name := filepath.Join(r.Directory, r.Streams[0].Dump)
	whole, err := os.ReadFile(name)
	must(t, err)
	for where, want := range map[int][]srs.Verdict{
		int(one.FirstSequence) + 5:                 {srs.Altered, srs.Proved},
		int(two.FirstSequence) + 5:                 {srs.Altered, srs.Altered},
		int(two.FirstSequence) + int(two.Span) - 5: {srs.Proved, srs.Altered},
	} {
		header := []byte{byte(where >> 8), byte(where), 0, 0, 0, 0, byte(one.SSRC >> 24), byte(one.SSRC >> 16), byte(one.SSRC >> 8), byte(one.SSRC)}
		changed := slices.Clone(whole)
		at := 0
		for ; at+200 < len(changed); at++ { // the header but for its timestamp
			if changed[at] == header[0] && changed[at+1] == header[1] && string(changed[at+6:at+10]) == string(header[6:]) {
				break
			}
		}
		changed[at+60] ^= 1
		must(t, os.WriteFile(name, changed, 0o600))
		if got, _ := verdicts(); !slices.Equal(got, want) {
			t.Errorf("with another octet in packet %d of %d to %d: %v", where, one.FirstSequence, int(two.FirstSequence)+int(two.Span), got)
		}
	}
}

// A dialog that is lost ends the part of a conference in it, and the next one has another part: each packet of the shared stream is in the one or the other.
//
// Shows SR-PER-08.
func TestPersistentMixIsSealedInParts(t *testing.T) {
	srs, signs := newRecordingServer(t), newNotary()
	b := newBenchOf(t, mergedConfig(srs.uri()), netip.MustParseAddr("127.0.0.1"), "127.0.0.1", focus.Deps{Sealer: signs})
	b.ready(srs, 1)
	b.dial("east", conftest.PhoneConfig{Name: "alice", RecordAware: true}).hum(400, 60*time.Second)
	id := b.record("east", conference.Mixed)
	b.awaitRecording("east", id, conference.RecordingActive)
	b.await("packets", func() bool { return srs.stream("1").packets > 20 })
	srs.mu.Lock()
	first := srs.dialog
	srs.mu.Unlock()
	must(t, first.Bye(t.Context()))
	b.await("the part in the first dialog", func() bool { return len(signs.manifests()) == 1 })
	before := srs.stream("1").packets
	b.await("packets again", func() bool { return srs.stream("1").packets > before+20 })
	_, err := b.focus.StopRecording(t.Context(), "east", id)
	must(t, err)
	b.await("the seal", func() bool {
		return slices.ContainsFunc(srs.kept().bodies, func(body []byte) bool { return strings.Contains(string(body), `kid="key-1">`) })
	})
	heard, all := srs.stream("1").packets, signs.manifests()
	for _, m := range all {
		if !m.Part || len(m.Streams) != 1 || m.Streams[0].Codec != "pcma/8000" || m.Streams[0].Label != "1" {
			t.Fatalf("%+v", m)
		}
		heard -= int(m.Streams[0].Packets)
	}
	if len(all) != 2 || heard != 0 {
		t.Errorf("%d parts; %d packets are in none", len(all), heard)
	}
}
