package focus_test

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/siprec/seal"
	"github.com/parley-sip/parley/siprec/srs"
)

// What is written while no recorder is there goes to the spool, up to the last word, and is delivered: of each writer and of all, with the times at which
// it was written.
func TestTextInSpool(t *testing.T) {
	reserved, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	at := reserved.Addr().String()
	must(t, reserved.Close()) // nobody is there
	signs := newNotary()
	b := sealedSpoolBench(t, newRecordingServer(t), t.TempDir(), signs, func(c *focus.Config) {
		c.Recorders[0].URI = "sip:srs@" + at + ";transport=tcp"
		c.Conferences = []focus.ConferenceConfig{{ID: "room", Rules: conference.Rules{Text: true}, Recording: c.Defaults.Recording}}
	})
	ann, ben := b.texter("room", "ann", true, true), b.texter("room", "ben", true, true)
	b.recordable("ann")
	b.recordable("ben")
	wrote := map[string]time.Time{"first.": time.Now()}
	b.passed(ann, ben, "first.")
	pass(1500 * time.Millisecond)
	wrote["second."] = time.Now()
	b.passed(ben, ann, "second.")
	ann.leave()
	ben.leave()
	pass(2 * time.Second) // from now on all times are those of before

	finished := make(chan srs.Recording, 8)
	server, err := srs.New(srs.Config{
		Directory: t.TempDir(), Listen: []string{"tcp://" + at}, Hooks: srs.Hooks{Finished: func(r srs.Recording) { finished <- r }},
	})
	must(t, err)
	must(t, server.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = server.Close(ctx)
	})
	var r srs.Recording
	select {
	case r = <-finished:
	case <-time.After(60 * time.Second):
		t.Fatal("nothing is delivered")
	}
	want := map[string]string{"mixed": "first.second.", "ann": "first.", "ben": "second."}
	for _, s := range r.Streams {
		if s.Medium != srs.MediumText {
			continue
		}
		_, who, _ := strings.Cut(strings.TrimSuffix(s.Transcript, ".txt"), "-")
		lines, err := srs.ReadText(filepath.Join(r.Directory, s.File))
		must(t, err)
		var all strings.Builder
		for _, line := range lines {
			all.WriteString(line.Text)
			if written := wrote[line.Text]; line.At.Before(written.Add(-time.Second)) || line.At.After(written.Add(1500*time.Millisecond)) {
				t.Errorf("%s: %q is of %v, and was written at %v", who, line.Text, line.At, written)
			}
		}
		if all.String() != want[who] {
			t.Errorf("%s: %q", who, all.String())
		}
		delete(want, who)
	}
	if len(want) > 0 || r.Replay == nil || r.Error != "" {
		t.Errorf("without %v: %+v", want, r)
	}
	sealedAsHeard(t, signs, &r)
}

// sealedAsHeard checks that a manifest names each stream of a recording by what is in it, with every packet.
func sealedAsHeard(t *testing.T, signs *notary, r *srs.Recording) {
	t.Helper()
	made := signs.manifests()
	i := slices.IndexFunc(made, func(m seal.Manifest) bool { return m.CallID == r.CallID })
	if i < 0 || len(made[i].Streams) != len(r.Streams) {
		t.Fatalf("manifests %+v of %+v", made, r.Streams)
	}
	for _, sent := range made[i].Streams {
		k := slices.IndexFunc(r.Streams, func(s srs.Stream) bool { return s.Label == sent.Label })
		if k < 0 || sent.Packets == 0 || r.Streams[k].Packets != sent.Packets {
			t.Errorf("%+v, of %+v", sent, r.Streams)
			continue
		}
		if text := r.Streams[k].Medium == srs.MediumText; text != (sent.Codec == "t140") || !text && !strings.HasPrefix(sent.Codec, "pcm") {
			t.Errorf("stream %s is of %q: %+v", sent.Label, sent.Codec, r.Streams[k])
		}
	}
}
