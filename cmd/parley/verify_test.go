package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/config"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec/seal"
	"github.com/parley-sip/parley/siprec/srs"
)

// verify runs the command and gives its exit status and output.
func verify(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	status := run(t.Context(), append([]string{"verify"}, args...), &out, &out)
	return status, out.String()
}

// copied is a copy of a folder in which a test may do what it likes.
func copied(t *testing.T, folder string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// rewrite changes a file.
func rewrite(t *testing.T, name string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, change(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

// dumped gives where the RTP packets of a dump begin, each with its header of 8 octets.
func dumped(data []byte) (at []int) {
	for i := bytes.IndexByte(data, '\n') + 17; i < len(data); i += int(binary.BigEndian.Uint16(data[i:])) {
		if binary.BigEndian.Uint16(data[i+2:]) != 0 { // or it is RTCP
			at = append(at, i)
		}
	}
	return at
}

// dumpedEnd is where a packet of a dump ends.
func dumpedEnd(data []byte, at int) int { return at + int(binary.BigEndian.Uint16(data[at:])) }

// rehash changes the hash of a file in recording.json into the one that it has now.
func rehash(t *testing.T, dir, file, old string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, filepath.Join(dir, "recording.json"), func(b []byte) []byte {
		if old == "" || !bytes.Contains(b, []byte(old)) {
			t.Fatalf("no hash %q", old)
		}
		return bytes.Replace(b, []byte(old), fmt.Appendf(nil, "%x", sha256.Sum256(data)), 1)
	})
}

// TestSealedRecording: what a recorder has stored is proved to be what it was sent, over SRTP and TLS; whatever is changed or taken away
// afterwards is found.
//
// Shows RQ-014, RQ-027, RQ-028: each document stands in a file of its own, as it went over the wire, and each audio file is what the packets give.
func TestSealedRecording(t *testing.T) {
	cert, key := selfSigned(t)
	log := &logText{}
	recorder, finished := secureRecorder(t, cert, key, srs.SecurityRequired, slog.New(slog.NewTextHandler(log, nil)))
	seals := t.TempDir()
	s := testServiceTo(t, log, func(cfg *config.Config) {
		cfg.Log.Level, cfg.SRS.Enabled = "debug", false
		cfg.SIP.TLS = config.TLS{Cert: cert, Key: config.Secret(key), CA: cert}
		cfg.Recording.Servers = []config.RecordingServer{{
			Name: "vault", URI: fmt.Sprintf("sip:srs@%v;transport=tls", recorder.Addr("tls")), Codecs: []string{"opus"}, SRTP: "required",
		}}
		cfg.Recording.Seal.Directory = seals
	})
	report := recordSpeech(t, s, finished, func() bool { return true })
	if !report.Sealed || report.SealKey == "" {
		t.Fatalf("no seal: %+v", report)
	}
	file := filepath.Join(t.TempDir(), "parley.yml")
	if err := os.WriteFile(file, []byte("recording: {seal: {directory: "+seals+"}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if status := run(t.Context(), []string{"seal", "key", "-c", file}, &out, &out); status != exitDone || !strings.Contains(out.String(), report.SealKey) {
		t.Fatalf("%d %s", status, out.String())
	}
	public := filepath.Join(t.TempDir(), "seal.pub")
	if err := os.WriteFile(public, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	status, text := verify(t, report.Directory, "--key", public)
	if status != exitDone || strings.Count(text, " proved ") < 3 {
		t.Fatalf("%d %s", status, text)
	}
	kept, err := filepath.Glob(filepath.Join(seals, "*.jws"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v %v", kept, err)
	}
	if status, text = verify(t, report.Directory, "--key", public, "--manifest", kept[0], "--json"); status != exitDone {
		t.Errorf("%d %s", status, text)
	}
	var proof srs.Proof
	if err = json.Unmarshal([]byte(text), &proof); err != nil || proof.Verdict != srs.Proved || len(proof.Streams) != 3 || len(proof.Documents) < 2 {
		t.Errorf("%+v %v", proof, err)
	}
	tamper(t, &report, public)
	secret, err := os.ReadFile(filepath.Join(seals, sealKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if body := strings.Split(string(secret), "\n")[1]; strings.Contains(log.String(), body) || strings.Contains(log.String(), "inline:") {
		t.Error("a key is in the log")
	}
}

// tamper changes one thing at a time, and sees that it is found.
func tamper(t *testing.T, report *srs.Recording, public string) {
	t.Helper()
	dump := report.Streams[1].Dump
	for name, x := range map[string]struct {
		change func(dir string)
		status int
		says   string
	}{
		"nothing": {func(string) {}, exitDone, "proved"},
		"a bit of a packet": {func(dir string) {
			rewrite(t, filepath.Join(dir, dump), func(b []byte) []byte { b[dumpedEnd(b, dumped(b)[40])-1] ^= 1; return b })
		}, exitFailed, "altered"},
		"a packet less": {func(dir string) {
			rewrite(t, filepath.Join(dir, dump), func(b []byte) []byte { at := dumped(b)[40]; return append(b[:at:at], b[dumpedEnd(b, at):]...) })
		}, exitPartly, "1 lost"},
		"a packet from elsewhere": {func(dir string) {
			rewrite(t, filepath.Join(dir, dump), func(b []byte) []byte {
				at := dumped(b)
				extra := bytes.Clone(b[at[40]:dumpedEnd(b, at[40])])
				extra[8+8] ^= 1 // its source
				return append(b, extra...)
			})
		}, exitFailed, "1 never sent"},
		"the end": {func(dir string) {
			rewrite(t, filepath.Join(dir, dump), func(b []byte) []byte { return b[:dumped(b)[100]+20] })
		}, exitPartly, "lost"},
		"no packets": {func(dir string) { _ = os.Remove(filepath.Join(dir, dump)) }, exitPartly, "lost"},
		"audio": {func(dir string) {
			rewrite(t, filepath.Join(dir, report.Streams[0].File), func(b []byte) []byte { b[5000] ^= 1; return b })
		}, exitFailed, "changed: "},
		"audio and its hash": {func(dir string) {
			file := report.Streams[0].File
			rewrite(t, filepath.Join(dir, file), func(b []byte) []byte { b[5001] ^= 4; return b })
			rehash(t, dir, file, report.Streams[0].SHA256)
		}, exitFailed, "is not what its packets give, at 0.0"},
		"audio, its hash and why it was written so": {func(dir string) {
			file := report.Streams[0].File
			rewrite(t, filepath.Join(dir, file), func(b []byte) []byte { b[5001] ^= 4; return b })
			rehash(t, dir, file, report.Streams[0].SHA256)
			rewrite(t, filepath.Join(dir, report.Streams[0].Dump), func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"do":"begin"`), []byte(`"do":"bogus"`)) })
		}, exitPartly, "cannot be made again"},
		"no document": {func(dir string) { _ = os.Remove(filepath.Join(dir, report.Metadata[0].File)) }, exitPartly, "document 1 incomplete: missing"},
		"a name": {func(dir string) {
			for _, document := range report.Metadata { // she may not have been in yet when the first one was made
				rewrite(t, filepath.Join(dir, document.File), func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("alice"), []byte("mally")) })
			}
		}, exitFailed, "was not sent like this"},
		"another call": {func(dir string) {
			rewrite(t, filepath.Join(dir, "recording.json"), func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(report.CallID), []byte("other")) })
		}, exitFailed, "another session"},
		"the manifest": {func(dir string) {
			rewrite(t, filepath.Join(dir, "manifest.jws"), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		}, exitFailed, "not sealed by this key"},
		"no manifest": {func(dir string) { _ = os.Remove(filepath.Join(dir, "manifest.jws")) }, exitFailed, "there is no seal"},
	} {
		dir := copied(t, report.Directory)
		x.change(dir)
		if status, text := verify(t, dir, "--key", public); status != x.status || !strings.Contains(text, x.says) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	other, err := newSealKey(filepath.Join(t.TempDir(), "other.key"))
	if err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(t.TempDir(), "other.pub")
	text, err := publicPEM(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(foreign, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if status, text := verify(t, report.Directory, "--key", foreign); status != exitFailed {
		t.Errorf("another key: %d %s", status, text)
	}
	if status, text := verify(t, report.Directory, "--key", foreign, "--key", public); status != exitDone {
		t.Errorf("one of two keys: %d %s", status, text)
	}
}

// TestSealedInPersistentSession: each recording in a session that goes on has a seal of its own, which the recorder gets at its end and which proves
// it while the session goes on and after its end. What is changed in one of them is found there, and not in the other.
//
// Shows RQ-014, SR-PER-01.
func TestSealedInPersistentSession(t *testing.T) {
	cert, key := selfSigned(t)
	log := &logText{}
	recorder, finished := secureRecorder(t, cert, key, srs.SecurityRequired, slog.New(slog.NewTextHandler(log, nil)))
	seals := t.TempDir()
	s := testServiceTo(t, log, func(cfg *config.Config) {
		cfg.SRS.Enabled = false
		cfg.SIP.TLS = config.TLS{Cert: cert, Key: config.Secret(key), CA: cert}
		cfg.Recording.Servers = []config.RecordingServer{{
			Name: "vault", URI: fmt.Sprintf("sip:srs@%v;transport=tls", recorder.Addr("tls")), SRTP: "required", Persistent: 2,
		}}
		cfg.Recording.Seal.Directory = seals
	})
	alice, bob := testPhone(t, "alice"), testPhone(t, "bob")
	for _, phone := range []*conftest.Phone{alice, bob} {
		if err := phone.Call(t.Context(), fmt.Sprintf("sip:1000@%v", s.agent.Addr("udp"))); err != nil {
			t.Fatal(err)
		}
	}
	alice.Say(voice(t, "alice", 8000))
	var stored srs.Recording
	for round := range 2 {
		recording, err := s.focus.StartRecording(t.Context(), "1000", focus.RecordingRequest{Modes: conference.Mixed | conference.Separate})
		if err != nil {
			t.Fatal(err)
		}
		waitFor(t, "two seconds of each stream", func() bool {
			info, missing := s.focus.Recording(t.Context(), "1000", recording.ID)
			return missing == nil && len(info.Streams) == 3 && !slices.ContainsFunc(info.Streams, func(s focus.StreamInfo) bool { return s.Packets < 2*50 })
		})
		if _, err = s.focus.StopRecording(t.Context(), "1000", recording.ID); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the seal", func() bool {
			all := recorder.Recordings()
			if len(all) == 1 && len(all[0].Manifests) == round+1 {
				stored = all[0]
			}
			return len(stored.Manifests) == round+1
		})
	}
	secret, err := sealKey(config.Seal{Directory: seals})
	if err != nil {
		t.Fatal(err)
	}
	public := filepath.Join(t.TempDir(), "seal.pub")
	writePublicKey(t, public, secret)
	provesParts(t, stored.Directory, public, "while the session goes on")
	for _, phone := range []*conftest.Phone{alice, bob} {
		if err = phone.Hangup(t.Context()); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), drainTime)
	defer cancel()
	if err = s.close(ctx); err != nil { // which ends the session
		t.Error(err)
	}
	select {
	case stored = <-finished:
	case <-t.Context().Done():
		t.Fatal("the session does not end")
	}
	provesParts(t, stored.Directory, public, "at its end")
	kept, err := filepath.Glob(filepath.Join(seals, "*.jws"))
	if err != nil || len(kept) != 3 { // one says that there are no more
		t.Fatalf("%v %v", kept, err)
	}
	missesParts(t, &stored, public)
	dir := copied(t, stored.Directory)
	rewrite(t, filepath.Join(dir, stored.Streams[0].Dump), func(b []byte) []byte {
		at := dumped(b)
		b[dumpedEnd(b, at[len(at)-20])-1] ^= 1 // of the second recording: nothing else comes after it
		return b
	})
	if status, text := verify(t, dir, "--key", public); status != exitFailed || strings.Count(text, "altered: conference") != 1 || strings.Count(text, "proved: conference") != 1 {
		t.Errorf("altered: %d %s", status, text)
	}
	dir = copied(t, stored.Directory)
	if err = os.Remove(filepath.Join(dir, stored.Manifests[1])); err != nil {
		t.Fatal(err)
	}
	if status, text := verify(t, dir, "--key", public); status != exitFailed || !strings.Contains(text, "there is no seal") {
		t.Errorf("a manifest less: %d %s", status, text)
	}
}

// missesParts checks that none of the manifests of a session can be taken away unseen, with its name: neither one of a recording nor the one that says that
// it is over.
func missesParts(t *testing.T, stored *srs.Recording, public string) {
	t.Helper()
	for name, want := range map[string]string{
		stored.Manifests[0]: "number 1 is missing", stored.Manifests[1]: "number 2 is missing", seal.FileName: "without its last manifest",
	} {
		dir := copied(t, stored.Directory)
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		rewrite(t, filepath.Join(dir, "recording.json"), func(b []byte) []byte {
			var report map[string]any
			if err := json.Unmarshal(b, &report); err != nil {
				t.Fatal(err)
			}
			report["manifests"] = slices.DeleteFunc(slices.Clone(stored.Manifests), func(other string) bool { return other == name })
			b, err := json.Marshal(report)
			if err != nil {
				t.Fatal(err)
			}
			return b
		})
		if status, text := verify(t, dir, "--key", public); status != exitPartly || !strings.Contains(text, want) {
			t.Errorf("without %s: %d %s", name, status, text)
		}
	}
	dir := copied(t, stored.Directory)
	other := filepath.Join(dir, "manifest-9999.jws")
	if err := os.Rename(filepath.Join(dir, stored.Manifests[0]), other); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, stored.Manifests[1]), filepath.Join(dir, stored.Manifests[0])); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, filepath.Join(dir, stored.Manifests[1])); err != nil {
		t.Fatal(err)
	}
	if status, text := verify(t, dir, "--key", public); status != exitDone {
		t.Errorf("in another order: %d %s", status, text)
	}
}

// provesParts checks that both recordings in a session are proved.
func provesParts(t *testing.T, dir, public, when string) {
	t.Helper()
	var text string
	waitFor(t, "the packets to be on the disk", func() bool { // they are written once a second
		var status int
		status, text = verify(t, dir, "--key", public)
		return status == exitDone
	})
	if strings.Count(text, "proved: conference 1000") != 2 || strings.Count(text, " proved ") < 6 {
		t.Errorf("%s: %s", when, text)
	}
	goesOn, over := strings.Count(text, "the session goes on"), strings.Contains(text, "end of the session, after 2 recordings")
	if over != (goesOn == 0) || goesOn != 0 && goesOn != 2 {
		t.Errorf("%s: %s", when, text)
	}
}

func writePublicKey(t *testing.T, name string, secret ed25519.PrivateKey) {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(secret.Public())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
