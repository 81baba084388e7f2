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
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/seal"
	"github.com/parley-sip/parley/siprec/srs"
)

// The reference recorder has what was written, with who has written it, in each mode, and the seal proves it; with a changed letter it does not. Where
// signalling can be read it takes nothing but text whose keys are made by a handshake, and has all of it as well.
//
// Shows ME-RTT-34, SR-SDP-20, SR-SEC-15, ME-DTL-02.
func TestSealedTextInReferenceRecorder(t *testing.T) {
	t.Run("plain", func(t *testing.T) { testSealedText(t, func(*focus.Recorder) {}) })
	t.Run("by handshake", func(t *testing.T) {
		testSealedText(t, func(r *focus.Recorder) { r.Security, r.DTLS = sdp.SecurityRequired, true }, shakes)
	})
}

func testSealedText(t *testing.T, change func(*focus.Recorder), changes ...func(*srs.Config)) {
	t.Helper()
	server, finished := referenceServer(t, changes...)
	recorder := focus.Recorder{Name: "srs", URI: "sip:srs@" + server.Addr("tcp").String() + ";transport=tcp", Retry: siprec.RetryPolicy{Attempts: 1}}
	change(&recorder)
	b := newBenchOf(t, focus.Config{
		Conferences:  []focus.ConferenceConfig{{ID: "room", Rules: conference.Rules{Text: true}}},
		Recorders:    []focus.Recorder{recorder},
		Notification: focus.Notification{ToneLength: toneTime, ToneInterval: time.Second},
	}, netip.MustParseAddr("127.0.0.1"), "127.0.0.1", focus.Deps{Sealer: newNotary()})
	ann, ben := b.texter("room", "ann", true, true), b.texter("room", "ben", true, true)
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.recordable("ann")
	b.recordable("ben")
	b.await("the beginning of all lines", func() bool { // where keys are to be made first, what is written before waits, and is not told apart by time
		begun := 0
		for _, r := range server.Recordings() {
			for _, s := range r.Streams {
				if s.Medium == srs.MediumText && s.Packets > 0 {
					begun++
				}
			}
		}
		return begun == 3
	})
	ann.writes("hello.")
	b.await("ben to read it", func() bool { return ben.from(ann) == "hello." })
	ben.writes("hi.")
	b.await("ann to read it", func() bool { return ann.from(ben) == "hi." })
	ann.writes("the very end")
	b.await("ben to read that", func() bool { return strings.HasSuffix(ben.from(ann), "end") })
	_, err := b.focus.StopRecording(t.Context(), "room", id)
	must(t, err)
	var r srs.Recording
	select {
	case r = <-finished:
	case <-time.After(20 * time.Second):
		t.Fatal("the recording does not end")
	}
	want := map[string]string{"mixed": "ann: hello.|ben: hi.|ann: the very end", "ann": "ann: hello.the very end", "ben": "ben: hi."}
	found := 0
	for _, s := range r.Streams {
		if s.Medium != srs.MediumText {
			continue
		}
		found++
		data, err := os.ReadFile(filepath.Join(r.Directory, s.Transcript))
		must(t, err)
		var said []string
		for line := range strings.Lines(string(data)) {
			_, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			said = append(said, rest)
		}
		_, who, _ := strings.Cut(strings.TrimSuffix(s.Transcript, ".txt"), "-")
		if got := strings.Join(said, "|"); got != want[who] {
			t.Errorf("%s has %q, not %q", s.Transcript, got, want[who])
		}
		if slices.ContainsFunc(s.Writers, func(w srs.Writer) bool { return w.Participant == "" }) {
			t.Errorf("writers of %s: %+v", s.Transcript, s.Writers)
		}
	}
	if found != 3 || r.Error != "" {
		t.Fatalf("%d streams of text in %+v", found, r)
	}
	proveText(t, &r)
}

// proveText proves a recording, and then another of which a letter has been changed.
func proveText(t *testing.T, r *srs.Recording) {
	t.Helper()
	signed, err := os.ReadFile(filepath.Join(r.Directory, seal.FileName))
	must(t, err)
	manifest, err := seal.Verify(signed, newNotary().public())
	must(t, err)
	proof, err := r.Prove(manifest)
	must(t, err)
	if proof.Verdict != srs.Proved {
		t.Errorf("%+v", proof)
	}
	i := slices.IndexFunc(r.Streams, func(s srs.Stream) bool { return s.Medium == srs.MediumText })
	for _, file := range []string{r.Streams[i].Transcript, r.Streams[i].Dump} {
		name := filepath.Join(r.Directory, file)
		data, err := os.ReadFile(name)
		must(t, err)
		must(t, os.WriteFile(name, []byte(strings.ReplaceAll(string(data), "hello", "jello")), 0o600))
		if proof, err := r.Prove(manifest); err != nil || proof.Verdict != srs.Altered {
			t.Errorf("with another letter in %s: %v, %+v", file, err, proof)
		}
		must(t, os.WriteFile(name, data, 0o600))
	}
}
