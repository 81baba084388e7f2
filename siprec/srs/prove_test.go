package srs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-sip/parley/siprec/seal"
)

// What a client has sealed of its metadata is found among what was received, each document once; what was taken away, changed or slipped in is told. What the
// recorder may never have got is not missed, and in a part of a session what is of other parts is nobody's business.
func TestProveDocuments(t *testing.T) {
	sent := func(sequence int, content string, acknowledged bool) seal.Document {
		return seal.Document{Sequence: sequence, SHA256: seal.HashOf([]byte(content)), Acknowledged: acknowledged}
	}
	for name, test := range map[string]struct {
		received []string // empty: the file is gone
		sent     []seal.Document
		part     bool
		verdict  Verdict
		found    string // of each document, the number of its file
		problems []string
	}{
		"all":                      {[]string{"a", "b"}, []seal.Document{sent(1, "a", true), sent(2, "b", true)}, false, Proved, "1 2", nil},
		"in another order":         {[]string{"b", "a"}, []seal.Document{sent(1, "a", true), sent(2, "b", true)}, false, Proved, "2 1", nil},
		"twice the same":           {[]string{"a", "a"}, []seal.Document{sent(1, "a", true), sent(2, "a", true)}, false, Proved, "1 2", nil},
		"twice, and once there":    {[]string{"a"}, []seal.Document{sent(1, "a", true), sent(2, "a", true)}, false, Incomplete, "1 -", nil},
		"once, and twice there":    {[]string{"a", "a"}, []seal.Document{sent(1, "a", true)}, false, Altered, "1", []string{"metadata-0002.xml was not sent like this"}},
		"gone":                     {[]string{"a", ""}, []seal.Document{sent(1, "a", true), sent(2, "b", true)}, false, Incomplete, "1 -", nil},
		"never arrived":            {[]string{"a"}, []seal.Document{sent(1, "a", true), sent(2, "b", false)}, false, Proved, "1", nil},
		"arrived, though no 200":   {[]string{"a", "b"}, []seal.Document{sent(1, "a", true), sent(2, "b", false)}, false, Proved, "1 2", nil},
		"changed":                  {[]string{"a", "c"}, []seal.Document{sent(1, "a", true), sent(2, "b", true)}, false, Altered, "1 -", []string{"metadata-0002.xml was not sent like this"}},
		"slipped in":               {[]string{"x", "a", "y"}, []seal.Document{sent(1, "a", true)}, false, Altered, "2", []string{"metadata-0001.xml was not sent like this", "metadata-0003.xml was not sent like this"}},
		"others of other parts":    {[]string{"x", "a", "y"}, []seal.Document{sent(1, "a", true)}, true, Proved, "2", nil},
		"one is missing of a part": {[]string{"x", "y"}, []seal.Document{sent(1, "a", true)}, true, Incomplete, "-", nil},
	} {
		r := Recording{Directory: t.TempDir(), CallID: "call", State: StateFinished}
		for i, content := range test.received {
			file := "metadata-000" + string(rune('1'+i)) + ".xml"
			r.Metadata = append(r.Metadata, Metadata{File: file})
			if content == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(r.Directory, file), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		p, err := r.Prove(seal.Manifest{CallID: "call", Part: test.part, Documents: test.sent})
		if err != nil {
			t.Fatal(name, err)
		}
		found := make([]string, 0, len(p.Documents))
		for _, d := range p.Documents {
			number := strings.TrimLeft(strings.TrimSuffix(strings.TrimPrefix(d.File, "metadata-"), ".xml"), "0")
			if number == "" {
				number = "-"
			}
			found = append(found, number)
			if (d.Verdict == Proved) != (d.File != "") {
				t.Errorf("%s: document %d is %s, as %q", name, d.Sequence, d.Verdict, d.File)
			}
		}
		if p.Verdict != test.verdict || strings.Join(found, " ") != test.found || !slices.Equal(p.Problems, test.problems) {
			t.Errorf("%s: %s, found as %v, %q", name, p.Verdict, found, p.Problems)
		}
	}
}

// A manifest proves the session that it is of, and that nothing was added to it.
func TestProveSession(t *testing.T) {
	m := seal.Manifest{CallID: "call", Streams: []seal.Stream{{Label: "1"}}}
	part := m
	part.Part = true
	stream := func(label string, packets uint64) Stream {
		return Stream{Label: label, Packets: packets, Medium: MediumText}
	}
	for name, test := range map[string]struct {
		manifest seal.Manifest
		callID   string
		streams  []Stream
		want     Verdict
		problem  string
	}{
		"this one":                {m, "call", nil, Proved, ""}, // nothing was sent, and nothing is there
		"another":                 {m, "other", nil, Altered, "that of another session"},
		"a stream of nobody":      {m, "call", []Stream{stream("2", 1)}, Altered, "nothing was sent of stream 2"},
		"one without a packet":    {m, "call", []Stream{stream("2", 0)}, Proved, ""},
		"a stream of other parts": {part, "call", []Stream{stream("2", 1)}, Proved, ""},
	} {
		r := Recording{Directory: t.TempDir(), CallID: test.callID, State: StateFinished, Streams: test.streams}
		p, err := r.Prove(test.manifest)
		if err != nil {
			t.Fatal(name, err)
		}
		if got := strings.Join(p.Problems, "; "); p.Verdict != test.want || !strings.Contains(got, test.problem) || (got == "") != (test.problem == "") {
			t.Errorf("%s: %s, %q, %+v", name, p.Verdict, got, p.Streams)
		}
	}
	for _, a := range []Verdict{Proved, Incomplete, Altered} {
		if Worse(a, Proved) != a || Worse(Proved, a) != a || Worse(a, Altered) != Altered || Worse(Altered, a) != Altered || Worse(a, a) != a {
			t.Errorf("worse than %s", a)
		}
	}
}
