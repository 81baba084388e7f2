package focus_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/seal"
)

// Recordings in a persistent session are sealed each by itself: what went out in a dialog that is lost has a part that is kept here, what goes out in
// the next one another, which the server gets in the metadata at the end. Every packet of a recording is in one of them, and none of another recording.
//
// Shows SR-PER-06, SR-PER-08.
func TestPersistentIsSealed(t *testing.T) {
	srs, signs := newRecordingServer(t), newNotary()
	b := newBenchOf(t, focus.Config{
		Dynamic:      true,
		Recorders:    []focus.Recorder{{Name: "srs", URI: srs.uri(), Persistent: 2, Retry: siprec.RetryPolicy{Initial: 50 * time.Millisecond}}},
		Notification: focus.Notification{ToneLength: toneTime, ToneInterval: time.Second},
	}, netip.MustParseAddr("127.0.0.1"), "127.0.0.1", focus.Deps{Sealer: signs})
	b.ready(srs, 2)
	for room, who := range map[string]string{"east": "alice", "west": "carol"} {
		b.dial(room, conftest.PhoneConfig{Name: who, RecordAware: true}).hum(failoverTones[who], 60*time.Second)
	}
	ids := map[string]conference.RecordingID{}
	for _, room := range []string{"east", "west"} {
		ids[room] = b.record(room, conference.Mixed)
		b.awaitRecording(room, ids[room], conference.RecordingActive)
	}
	b.await("packets of both", func() bool { return srs.stream("1").packets > 20 && srs.stream("2").packets > 20 })
	srs.mu.Lock()
	first := srs.dialog
	srs.mu.Unlock()
	must(t, first.Bye(t.Context()))
	b.await("a part of each in the first dialog", func() bool { return len(signs.manifests()) == 2 })
	before := [2]int{srs.stream("1").packets, srs.stream("2").packets}
	b.await("packets again", func() bool { return srs.stream("1").packets > before[0]+20 && srs.stream("2").packets > before[1]+20 })
	for _, room := range []string{"east", "west"} {
		_, err := b.focus.StopRecording(t.Context(), conference.ID(room), ids[room])
		must(t, err)
	}
	seals := map[string]seal.Manifest{}
	b.await("the seals of both", func() bool {
		for _, body := range srs.kept().bodies {
			_, rest, sealed := strings.Cut(string(body), `kid="key-1">`)
			signed, _, whole := strings.Cut(rest, "</seal>")
			if m, err := seal.Verify([]byte(signed), signs.public()); sealed && whole && err == nil {
				seals[m.Conference] = m
			}
		}
		return len(seals) == 2
	})
	heard := map[string]int{"1": srs.stream("1").packets, "2": srs.stream("2").packets}
	all := signs.manifests()
	for _, m := range all {
		if !m.Part || len(m.Streams) != 1 || len(m.Documents) == 0 || m.Server != "srs" || m.Recording != string(ids[m.Conference]) {
			t.Fatalf("%+v", m)
		}
		heard[m.Streams[0].Label] -= int(m.Streams[0].Packets)
		if last := m.CallID != first.ID().CallID; last != (seals[m.Conference].CallID == m.CallID) {
			t.Errorf("%s: %s was sent", m.Conference, seals[m.Conference].CallID)
		}
	}
	chains := map[string][]seal.Linked{}
	for _, m := range all {
		signed, err := seal.Sign(m, signs.key)
		must(t, err)
		chains[m.CallID] = append(chains[m.CallID], seal.NewLinked(signed, &m))
	}
	for dialog, chain := range chains { // each dialog has its own
		if broken := seal.Breaks(chain, false); len(chain) != 2 || len(broken) != 0 || chain[0].Link == nil {
			t.Errorf("%s: %+v, %+v", dialog, chain, broken)
		}
	}
	if len(all) != 4 || heard["1"] != 0 || heard["2"] != 0 {
		t.Errorf("%d parts; packets that are in none: %v", len(all), heard)
	}
	if srs.lastBye() != nil {
		t.Error("the session was ended")
	}
	lint(t, "recording-strict.xsd", srs.kept().bodies)
}
