package focus_test

import (
	"crypto/ed25519"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/seal"
)

// notary signs and keeps what it has signed.
type notary struct {
	key  ed25519.PrivateKey
	mu   sync.Mutex
	made []seal.Manifest
}

func newNotary() *notary {
	return &notary{key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
}

func (n *notary) public() ed25519.PublicKey {
	return n.key.Public().(ed25519.PublicKey) //nolint:forcetypeassert // it is one
}

func (n *notary) KeyID() string { return "key-1" }

func (n *notary) Seal(m seal.Manifest) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.made = append(n.made, m)
	return seal.Sign(m, n.key)
}

func (n *notary) manifests() []seal.Manifest {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]seal.Manifest(nil), n.made...)
}

// Every session with a recorder is sealed: one that the recorder has ended is sealed here, the next one has a manifest of its own, which is
// in the BYE, and the metadata tell beforehand.
func TestEverySessionIsSealed(t *testing.T) {
	srs, signs := newRecordingServer(t), newNotary()
	b := newBenchOf(t, focus.Config{
		Dynamic:      true,
		Recorders:    []focus.Recorder{{Name: "srs", URI: srs.uri(), Retry: siprec.RetryPolicy{Initial: 50 * time.Millisecond, Attempts: 1}}},
		Notification: focus.Notification{ToneLength: toneTime, ToneInterval: time.Second},
	}, netip.MustParseAddr("127.0.0.1"), "127.0.0.1", focus.Deps{Sealer: signs})
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	alice.hum(500, 20*time.Second)
	id := b.record("room", both)
	b.await("packets", func() bool { return srs.stream("2").packets > 20 })
	srs.mu.Lock()
	dialog := srs.dialog
	srs.mu.Unlock()
	must(t, dialog.Bye(t.Context()))
	b.await("the first manifest", func() bool { return len(signs.manifests()) == 1 })
	first := signs.manifests()[0]
	before := srs.stream("2").packets
	b.await("packets again", func() bool { return srs.stream("2").packets > before+20 })
	_, err := b.focus.StopRecording(t.Context(), "room", id)
	must(t, err)
	b.awaitRecording("room", id, conference.RecordingStopped)
	b.await("the second manifest", func() bool { return len(signs.manifests()) == 2 })
	second := signs.manifests()[1]
	heard := map[string]int{"1": srs.stream("1").packets, "2": srs.stream("2").packets}
	for _, m := range []seal.Manifest{first, second} {
		if m.Conference != "room" || m.Recording != string(id) || m.Server != "srs" || len(m.Streams) != 2 || len(m.Documents) == 0 ||
			!m.Documents[0].Acknowledged || m.Session == "" || !m.Ended.After(m.Started) {
			t.Errorf("%+v", m)
		}
		for _, s := range m.Streams {
			heard[s.Label] -= int(s.Packets)
			if s.Packets == 0 || s.Octets != 160*s.Packets || !strings.HasPrefix(s.Codec, "pcm") {
				t.Errorf("%+v", s)
			}
		}
	}
	for label, left := range heard {
		if left != 0 {
			t.Errorf("stream %s: %d packets that are in no manifest", label, left)
		}
	}
	if first.CallID == second.CallID || first.CallID != dialog.ID().CallID {
		t.Errorf("dialogs %s and %s", first.CallID, second.CallID)
	}
	b.await("the BYE", func() bool { return srs.lastBye() != nil })
	bye := srs.lastBye()
	content, err := siprec.ParseContent(bye.Headers.Get("Content-Type"), bye.Headers.Get("Content-Disposition"), bye.Body)
	must(t, err)
	got, err := seal.Verify(content.Seal, signs.public())
	if err != nil || got.CallID != second.CallID {
		t.Errorf("in the BYE: %+v, %v", got, err)
	}
	if !strings.Contains(bye.Headers.Get("Content-Disposition"), "handling=optional") {
		t.Errorf("a recorder that does not know it must refuse it: %v", bye.Headers)
	}
	bodies := srs.kept().bodies
	for _, body := range bodies[:1] {
		if !strings.Contains(string(body), `<seal xmlns="urn:parley:recording:seal:1" kid="key-1"`) {
			t.Errorf("not announced: %s", body)
		}
	}
	lint(t, "recording-strict.xsd", bodies)
}

// What the spool delivers is sealed too.
func TestDeliveredSessionIsSealed(t *testing.T) {
	srs, signs := newRecordingServer(t), newNotary()
	srs.setRefuse(403)
	dir := t.TempDir()
	t.Run("kept", func(t *testing.T) {
		b := spoolBench(t, srs, dir, func(c *focus.Config) { c.Deliver, c.Defaults.Recording.Modes = time.Hour, conference.Mixed })
		alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
		alice.hum(500, 20*time.Second)
		b.await("frames in the spool", func() bool { return b.focus.Stats().SpooledFrames > 50 })
		alice.leave("room")
	})
	srs.setRefuse(0)
	b := sealedSpoolBench(t, srs, dir, signs, func(*focus.Config) {})
	b.await("the BYE", func() bool { return srs.lastBye() != nil })
	m := signs.manifests()
	if len(m) != 1 || len(m[0].Streams) != 1 {
		t.Fatalf("%+v", m)
	}
	if heard := srs.stream("1").packets; heard < 50 || int(m[0].Streams[0].Packets) != heard {
		t.Errorf("%d packets were heard: %+v", heard, m)
	}
	if bye := srs.lastBye(); bye.Headers.Get("Content-Type") != seal.ContentType {
		t.Errorf("%v", bye.Headers)
	}
}
