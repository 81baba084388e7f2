package focus_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/siprec"
	"github.com/parley-sip/parley/siprec/seal"
	"github.com/parley-sip/parley/siprec/srs"
)

// referenceServer is the reference recorder; what it has finished comes by the channel.
func referenceServer(t *testing.T, changes ...func(*srs.Config)) (*srs.Server, <-chan srs.Recording) {
	t.Helper()
	finished := make(chan srs.Recording, 10)
	cfg := srs.Config{
		Directory: t.TempDir(), Listen: []string{"tcp://127.0.0.1:0"}, Hooks: srs.Hooks{Finished: func(r srs.Recording) { finished <- r }},
	}
	for _, change := range changes {
		change(&cfg)
	}
	server, err := srs.New(cfg)
	must(t, err)
	must(t, server.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = server.Close(ctx)
	})
	return server, finished
}

// transcripts are what is in the streams of text of a recording, by session: of each file its name without the label, and the text.
func transcripts(t *testing.T, r *srs.Recording) map[string][]string {
	t.Helper()
	list := map[string][]string{}
	for _, s := range r.Streams {
		if s.Medium != srs.MediumText {
			continue
		}
		if len(s.SessionIDs) != 1 {
			t.Errorf("%s is of the sessions %v", s.File, s.SessionIDs)
			continue
		}
		data, err := os.ReadFile(filepath.Join(r.Directory, s.Transcript))
		must(t, err)
		var said []string
		for line := range strings.Lines(string(data)) {
			_, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			said = append(said, rest)
		}
		if slices.ContainsFunc(s.Writers, func(w srs.Writer) bool { return w.Participant == "" }) {
			t.Errorf("writers of %s: %+v", s.Transcript, s.Writers)
		}
		list[s.SessionIDs[0]] = append(list[s.SessionIDs[0]], strings.Join(said, "|"))
	}
	for _, texts := range list {
		slices.Sort(texts)
	}
	return list
}

// The reference recorder has what was written in each of three conferences, two at a time and one after them in the same lines, as texts of that conference
// alone, and the seal of each proves it; with another letter in one of them that one is altered.
//
// Shows ME-RTT-34, SR-SDP-20, SR-EST-11.
func TestPersistentTextIsSealed(t *testing.T) {
	server, finished := referenceServer(t)
	testPersistentTextIsSealed(t, server, finished, focus.Recorder{
		Name: "srs", URI: "sip:srs@" + server.Addr("tcp").String() + ";transport=tcp", Persistent: 2, Retry: siprec.RetryPolicy{Attempts: 1},
	})
}

// The same under keys by handshakes, which each loan of a line has of its own: nothing is sent before, and nothing is missing.
//
// Shows SR-SEC-15, SR-PER-06, ME-DTL-02, ME-RTT-34.
func TestPersistentTextByHandshake(t *testing.T) {
	server, finished := referenceServer(t, shakes)
	testPersistentTextIsSealed(t, server, finished, shakingRecorder(server, 2))
}

func testPersistentTextIsSealed(t *testing.T, server *srs.Server, finished <-chan srs.Recording, recorder focus.Recorder) {
	t.Helper()
	signs := newNotary()
	cfg := focus.Config{
		Conferences:  textRooms("one", "two", "three"),
		Recorders:    []focus.Recorder{recorder},
		Notification: focus.Notification{ToneLength: toneTime, ToneInterval: time.Second},
	}
	b := newBenchOf(t, cfg, netip.MustParseAddr("127.0.0.1"), "127.0.0.1", focus.Deps{Sealer: signs})
	ids, texters := map[string]conference.RecordingID{}, map[string][2]*texter{}
	for room, names := range map[string][2]string{"one": {"ann", "ben"}, "two": {"cat", "dan"}, "three": {"eve", "fay"}} {
		texters[room] = [2]*texter{b.texter(room, names[0], true, true), b.texter(room, names[1], true, true)}
	}
	begin := func(room string) {
		ids[room] = b.record(room, both)
		b.awaitRecording(room, ids[room], conference.RecordingActive)
		for _, who := range texters[room] {
			b.await(who.name+" to be told", func() bool { p := b.find(room, who.name); return p.Recordable() })
		}
	}
	say := func(room string, who int, text string) {
		from, to := texters[room][who], texters[room][1-who]
		from.writes(text)
		b.await("the other to read it", func() bool { return strings.HasSuffix(to.from(from), text) })
	}
	end := func(room string) {
		_, err := b.focus.StopRecording(t.Context(), conference.ID(room), ids[room])
		must(t, err)
	}
	sealed := func(manifests int) {
		b.await("the seal", func() bool { all := server.Recordings(); return len(all) == 1 && len(all[0].Manifests) == manifests })
	}
	begin("one")
	begin("two")
	say("one", 0, "one by ann.")
	say("two", 0, "two by cat.")
	say("two", 1, "two by dan.")
	say("one", 1, "one by ben.")
	end("one")
	begin("three") // before the recorder knows that the lines of the first one rest
	sealed(1)
	say("three", 0, "three by eve.")
	say("two", 0, " two to the end")
	end("two")
	sealed(2)
	end("three")
	sealed(3)
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
	sessions := map[string]string{}
	for _, m := range signs.manifests() {
		if m.Conference != "" {
			sessions[m.Conference] = m.Session
		}
	}
	texts := transcripts(t, &r)
	for room, want := range map[string][]string{
		"one":   {"ann: one by ann.", "ann: one by ann.|ben: one by ben.", "ben: one by ben."},
		"two":   {"cat: two by cat. two to the end", "cat: two by cat.|dan: two by dan.|cat:  two to the end", "dan: two by dan."},
		"three": {"", "eve: three by eve.", "eve: three by eve."},
	} {
		if got := texts[sessionOf(&r, sessions[room])]; !slices.Equal(got, want) {
			t.Errorf("%s has %q, not %q", room, got, want)
		}
	}
	provesTextParts(t, &r)
}

// sessionOf is the session_id of the metadata for a session by its text form.
func sessionOf(r *srs.Recording, text string) string {
	for _, s := range r.Sessions {
		if siprec.ID(s.ID).Text() == text {
			return s.ID
		}
	}
	return ""
}

// provesTextParts proves all parts of a session, and then with a letter changed in the last file of a line of text.
func provesTextParts(t *testing.T, r *srs.Recording) {
	t.Helper()
	verdicts := func() (list []srs.Verdict) {
		for _, name := range r.Manifests {
			signed, err := os.ReadFile(filepath.Join(r.Directory, name))
			must(t, err)
			m, err := seal.Verify(signed, newNotary().public())
			must(t, err)
			proof, err := r.Prove(m)
			must(t, err)
			if !slices.ContainsFunc(m.Streams, func(s seal.Stream) bool { return s.Codec == "t140" && s.Packets > 0 }) {
				t.Errorf("no text in the manifest of %s: %+v", m.Conference, m.Streams)
			}
			list = append(list, proof.Verdict)
		}
		return list
	}
	if got := verdicts(); !slices.Equal(got, []srs.Verdict{srs.Proved, srs.Proved, srs.Proved}) {
		t.Errorf("verdicts %v", got)
	}
	for _, s := range r.Streams {
		data, err := os.ReadFile(filepath.Join(r.Directory, s.File))
		must(t, err)
		if s.Medium != srs.MediumText || !strings.Contains(string(data), "three by eve") {
			continue
		}
		for _, name := range []string{s.File, s.Dump} {
			name = filepath.Join(r.Directory, name)
			data, err := os.ReadFile(name)
			must(t, err)
			must(t, os.WriteFile(name, []byte(strings.ReplaceAll(string(data), "three", "thief")), 0o600))
			if got := verdicts(); !slices.Equal(got, []srs.Verdict{srs.Proved, srs.Proved, srs.Altered}) {
				t.Errorf("with another letter in %s: %v", name, got)
			}
			must(t, os.WriteFile(name, data, 0o600))
		}
	}
}
