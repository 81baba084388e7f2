package siprec_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/siprec"
)

// A partial document says exactly what changed (RFC 7865, section 5).
func TestMergeOfDiffIsNew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := genRecording(siprec.Complete).Draw(t, "old")
		updated := genRecording(siprec.Complete).Draw(t, "new")
		if rapid.Bool().Draw(t, "grow") {
			// Without removals the difference must be partial.
			updated = siprec.Merge(old, siprec.Recording{
				Mode: siprec.Partial, Sessions: updated.Sessions, Streams: updated.Streams,
				Participants: updated.Participants, ParticipantStreams: updated.ParticipantStreams,
			})
			if d := siprec.Diff(old, updated); d.Mode != siprec.Partial {
				t.Fatalf("the difference of a grown document is complete")
			}
		}
		for name, diff := range map[string]func(a, b siprec.Recording) siprec.Recording{
			"Diff": siprec.Diff, "DiffSelfContained": siprec.DiffSelfContained,
		} {
			if merged := siprec.Merge(old, diff(old, updated)); !siprec.Equal(merged, updated) {
				t.Fatalf("%s: merged\n%s\nwant\n%s", name, siprec.Marshal(merged, ""), siprec.Marshal(updated, ""))
			}
		}
		if d := siprec.Diff(updated, updated); !d.IsEmpty() || d.Mode != siprec.Partial {
			t.Fatal("a document differs from itself")
		}
	})
}

// What is written can be read, exactly.
func TestMarshalUnmarshal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genRecording(siprec.Partial).Draw(t, "document")
		data := siprec.Marshal(want, "")
		got, err := siprec.Unmarshal(data)
		if err != nil {
			t.Fatalf("%v in\n%s", err, data)
		}
		if again := siprec.Marshal(got, ""); !bytes.Equal(again, data) {
			t.Fatalf("got\n%s\nwant\n%s", again, data)
		}
	})
}

const schemaDirectory = "../testdata/schema/"

// The samples of the RFCs and our own are read and mean what they say.
func TestUnmarshalExamples(t *testing.T) {
	files, err := filepath.Glob(schemaDirectory + "examples/rfc*.xml")
	if err != nil {
		t.Fatal(err)
	}
	made, err := filepath.Glob(schemaDirectory + "examples/made/*.xml")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, file := range append(files, made...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(data, []byte("<recording")) {
			continue
		}
		count++
		r, err := siprec.Unmarshal(data)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		again, err := siprec.Unmarshal(siprec.Marshal(r, ""))
		if err != nil || !siprec.Equal(again, r) {
			t.Errorf("%s: does not survive: %v", file, err)
		}
		if strings.Contains(file, "/made/") && !bytes.Equal(siprec.Marshal(r, ""), data) {
			t.Errorf("%s: got\n%s", file, siprec.Marshal(r, ""))
		}
	}
	if count < 22 {
		t.Fatalf("only %d documents", count)
	}
}

// SR-INT-33 to SR-INT-39: what vendors send is read leniently and refused exactly.
func TestUnmarshalDialects(t *testing.T) {
	for _, test := range []struct {
		file  string
		exact bool // the exact reader takes it: the order does not matter on receipt
	}{
		{"dataMode-camel-case", false},
		{"namespace-without-version", false},
		{"id-as-urn-uuid", false},
		{"element-order-interleaved", true},
		{"time-offset-without-colon", false},
		{"participant-without-nameID", false},
		{"session-start-after-stop-order", true},
		{"assoc-times-before-send", true},
		{"id-not-16-octets", false},
		{"time-without-zone", false},
	} {
		data, err := os.ReadFile(schemaDirectory + "examples/invalid/" + test.file + ".xml")
		if err != nil {
			t.Fatal(err)
		}
		if _, exact := siprec.Unmarshal(data); (exact == nil) != test.exact {
			t.Errorf("%s: exact reader says %v", test.file, exact)
		}
		r, issues, err := siprec.UnmarshalLenient(data)
		if err != nil {
			t.Errorf("%s: lenient reader says %v", test.file, err)
			continue
		}
		if len(r.Sessions) != 1 || (len(issues) == 0) != test.exact {
			t.Errorf("%s: issues %v", test.file, issues)
		}
	}
}

// SR-INT-35: the form of the drafts.
func TestUnmarshalDraft(t *testing.T) {
	r, issues, err := siprec.UnmarshalLenient([]byte(`<tns:recording xmlns:tns="urn:ietf:params:xml:ns:recording">
<tns:dataMode>complete</tns:dataMode><tns:mode>separate</tns:mode>
<tns:session id="` + string(idOf(kindSession, 1)) + `"><tns:start-time>2026-03-02T10:00:00</tns:start-time></tns:session>
<tns:participant id="0123456789ABCDEF0123" session="` + string(idOf(kindSession, 1)) + `">
<tns:nameID aor="sip:a@b"/><tns:send>` + string(idOf(kindStream, 1)) + `</tns:send></tns:participant>
<tns:stream id="` + string(idOf(kindStream, 1)) + `" session="` + string(idOf(kindSession, 1)) + `"><tns:label>1</tns:label></tns:stream>
</tns:recording>`))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.ParticipantSessions) != 1 || len(r.ParticipantStreams) != 1 || r.Streams[0].Label != "1" ||
		r.Streams[0].Session != idOf(kindSession, 1) || len(issues) < 6 {
		t.Errorf("got %+v, issues %v", r, issues)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	deep := strings.Repeat("<a>", 40)
	for _, test := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", siprec.ErrSyntax},
		{"text", "hello", siprec.ErrSyntax},
		{"doctype", `<!DOCTYPE x [<!ENTITY a "b">]><recording xmlns="urn:ietf:params:xml:ns:recording:1"/>`, siprec.ErrSyntax},
		{"two roots", `<recording xmlns="urn:ietf:params:xml:ns:recording:1"/><a/>`, siprec.ErrSyntax},
		{"open", `<recording xmlns="urn:ietf:params:xml:ns:recording:1">`, siprec.ErrSyntax},
		{"other root", `<conference-info xmlns="urn:ietf:params:xml:ns:conference-info"/>`, siprec.ErrSyntax},
		{"other namespace", `<recording xmlns="urn:x"/>`, siprec.ErrNamespace},
		{"too deep", deep, siprec.ErrTooLarge},
		{"too large", strings.Repeat(" ", siprec.MaxDocument+1), siprec.ErrTooLarge},
		{"no id", `<recording xmlns="urn:ietf:params:xml:ns:recording:1"><group/></recording>`, siprec.ErrSyntax},
		{"unknown element", `<recording xmlns="urn:ietf:params:xml:ns:recording:1"><x/></recording>`, siprec.ErrSyntax},
		{"other encoding", `<?xml version="1.0" encoding="UTF-16"?><recording/>`, siprec.ErrSyntax},
	} {
		if _, err := siprec.Unmarshal([]byte(test.text)); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
}

// SR-XML-12 (RFC 7865, section 6.10).
func TestID(t *testing.T) {
	want := siprec.ID("Cei5eNIsKHZgAAAAAAAAAA==")
	for _, text := range []string{string(want), "Cei5eNIsKHZg AAAAAAAAAA==", "09e8b978-d22c-2876-6000-000000000000", "urn:uuid:09E8B978-D22C-2876-6000-000000000000"} {
		if got, err := siprec.ParseID(text); err != nil || got != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "AAAA", "09e8b978d22c2876", "urn:uuid:", strings.Repeat("A", 1000), "09e8b978-d22c-2876-6000-00000000000x"} {
		if got, err := siprec.ParseID(text); !errors.Is(err, siprec.ErrID) {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	if got := siprec.NewID([16]byte{0xfb, 0xff, 0xfe, 0xfb, 0xff, 0xfe}); got != "+//++//+AAAAAAAAAAAAAA==" { // base64, not that of URLs
		t.Errorf("made %s", got)
	}
	if uuid, ok := want.UUID(); !ok || siprec.NewID(uuid) != want || want.Text() != "09e8b978-d22c-2876-6000-000000000000" {
		t.Errorf("UUID %x, text %s", uuid, want.Text())
	}
}
