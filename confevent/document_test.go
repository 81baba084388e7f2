package confevent

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

const schemaDir = "../testdata/schema"

// validate runs the strict schema over all documents in one process.
func validate(t *testing.T, docs [][]byte) {
	t.Helper()
	dir := t.TempDir()
	args := make([]string, 0, len(docs)+4)
	args = append(args, "--nonet", "--noout", "--schema", filepath.Join(schemaDir, "conference-info-strict.xsd"))
	for i, d := range docs {
		name := filepath.Join(dir, fmt.Sprintf("%04d.xml", i))
		if err := os.WriteFile(name, d, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	out, err := exec.CommandContext(t.Context(), "xmllint", args...).CombinedOutput()
	if err == nil {
		return
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasSuffix(strings.TrimSpace(line), " validates") {
			continue
		}
		t.Error(strings.TrimSpace(line))
		if name, _, ok := strings.Cut(line, ":"); ok && strings.HasPrefix(name, dir) {
			body, _ := os.ReadFile(name)
			t.Fatalf("%s\n%v", body, err)
		}
	}
	t.Fatal(err)
}

// CE-NOT-14 (RFC 4575, section 4.1), CE-DOC-01, CE-DOC-02, CE-DOC-06, CE-DOC-10, CE-DOC-18, CE-ELM-40:
// whatever names and URIs hold, full and partial documents pass the strict schema.
func TestMarshalIsValid(t *testing.T) {
	var docs [][]byte
	rapid.Check(t, func(t *rapid.T) {
		a := genDocument(1, 1).Draw(t, "old").Normalize()
		b := genNext(a).Draw(t, "new").Normalize()
		docs = append(docs, a.Marshal(), Diff(a, b).Marshal(), b.Marshal())
	})
	docs = append(docs, Document{}.Marshal(), Document{Entity: "sip:c@x", State: Deleted, Version: 9}.Marshal())
	validate(t, docs)
}

// What is written is read back as its normal form, and that is stable.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := genDocument(7, 1).Draw(t, "document")
		want := d.Normalize()
		got, err := Unmarshal(d.Marshal())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("read back\n%#v\nwant\n%#v\n%s", got, want, d.Marshal())
		}
		if again := want.Normalize(); !again.Equal(want) {
			t.Fatalf("normal form changes\n%#v\n%#v", want, again)
		}
	})
}

// CE-DOC-15, CE-DOC-07, CE-DOC-08, CE-DOC-09 (RFC 4575, section 4.6): merging the difference gives the new
// document, also after both went over the wire.
func TestMergeOfDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := genDocument(1, 1).Draw(t, "old").Normalize()
		b := genNext(a).Draw(t, "new").Normalize()
		d := Diff(a, b)
		checkStates(t, d)
		read, err := Unmarshal(d.Marshal())
		if err != nil {
			t.Fatal(err)
		}
		for _, update := range []Document{d, read} {
			got, err := Merge(a, update)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Equal(b) {
				t.Fatalf("merged\n%s\nwant\n%s\nupdate\n%s", got.Marshal(), b.Marshal(), d.Marshal())
			}
		}
	})
}

// checkStates holds CE-DOC-07 and CE-DOC-09 (RFC 4575, section 4.4).
func checkStates(t *rapid.T, d Document) {
	if d.Users == nil || d.Users.State == Partial {
		return
	}
	for _, u := range d.Users.Users {
		if u.State != Full {
			t.Fatalf("user %s is %s below a full roster", u.Entity, u.State)
		}
	}
}

func TestDiffOfEqualIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := genDocument(1, 1).Draw(t, "document").Normalize()
		b := a
		b.Version = 2
		if d := Diff(a, b); !d.Empty() {
			t.Fatalf("difference of equal documents: %s", d.Marshal())
		}
	})
}

// The order of rows carries no meaning (RFC 4575, section 4.5).
func TestOrderDoesNotMatter(t *testing.T) {
	a := Document{Entity: "sip:c@x", Version: 1, Users: &Users{Users: []User{{Entity: "sip:a@x"}, {Entity: "sip:b@x"}}}}
	b := Document{Entity: "sip:c@x", Version: 2, Users: &Users{Users: []User{{Entity: "sip:b@x"}, {Entity: "sip:a@x"}}}}
	if d := Diff(a, b); !d.Empty() {
		t.Errorf("difference by order: %s", d.Marshal())
	}
	b.Users.Users[0].DisplayText = "Bob"
	if a.Equal(b) {
		t.Error("documents with another name are equal")
	}
}

// Every example parses, and what we write of it is valid.
func TestSchemaExamples(t *testing.T) {
	var names []string
	for _, pattern := range []string{"rfc4575-*.xml", "made/confinfo-*.xml"} {
		m, err := filepath.Glob(filepath.Join(schemaDir, "examples", pattern))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, m...)
	}
	if len(names) != 9 {
		t.Fatalf("%d examples", len(names))
	}
	var docs [][]byte
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Unmarshal(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)

			continue
		}
		again, err := Unmarshal(d.Marshal())
		if err != nil || !again.Equal(d.Normalize()) {
			t.Errorf("%s: read back %#v (%v)", name, again, err)
		}
		docs = append(docs, d.Marshal())
	}
	validate(t, docs)
}

func TestUnmarshalRefuses(t *testing.T) {
	deep := `<conference-info xmlns="` + Namespace + `" entity="x">` + strings.Repeat("<a>", maxDepth) + strings.Repeat("</a>", maxDepth) + "</conference-info>"
	wide := `<conference-info xmlns="` + Namespace + `" entity="x">` + strings.Repeat("<a/>", maxElements) + "</conference-info>"
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"empty":          {"", ErrMalformed},
		"text":           {"hello", ErrMalformed},
		"unclosed":       {`<conference-info xmlns="` + Namespace + `">`, ErrMalformed},
		"other root":     {`<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>`, ErrNotConferenceInfo},
		"other ns":       {`<conference-info xmlns="urn:x"/>`, ErrNotConferenceInfo},
		"two roots":      {`<conference-info/><conference-info/>`, ErrMalformed},
		"entity":         {`<!DOCTYPE x [<!ENTITY a "b">]><conference-info entity="&a;"/>`, ErrMalformed},
		"latin":          {"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><conference-info/>", ErrMalformed},
		"not UTF-8":      {"<conference-info entity=\"\xff\"/>", ErrMalformed},
		"deep":           {deep, ErrTooLarge},
		"many":           {wide, ErrTooLarge},
		"many octets":    {strings.Repeat(" ", MaxDocumentSize+1), ErrTooLarge},
		"trailing stuff": {`<conference-info/></conference-info>`, ErrMalformed},
	} {
		if _, err := Unmarshal([]byte(c.text)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestUnmarshalIsLenient(t *testing.T) {
	d, err := Unmarshal([]byte(`<c:conference-info xmlns:c="` + Namespace + `" xmlns:v="urn:vendor" entity=" sip:c@x " version="3" state="weird" v:flag="1">
  <v:thing><c:users><c:user entity="sip:hidden@x"/></c:users></v:thing><c:later/>
  <c:users state="partial"><c:user entity="sip:a@x"><c:endpoint entity="e"><c:status>dozing</c:status><c:media id="1"/>
  <c:joining-info><c:when>yesterday</c:when></c:joining-info></c:endpoint><c:display-text> A<!-- --> B </c:display-text></c:user></c:users>
  <c:conference-state><c:active>1</c:active><c:locked>no</c:locked><c:user-count>-1</c:user-count></c:conference-state>
</c:conference-info>`))
	if err != nil {
		t.Fatal(err)
	}
	want := Document{
		Entity: "sip:c@x", Version: 3, ConferenceState: &ConferenceState{Active: new(true)},
		Users: &Users{State: Partial, Users: []User{{
			Entity: "sip:a@x", DisplayText: "A B",
			Endpoints: []Endpoint{{Entity: "e", JoiningInfo: &Execution{}, Media: []Media{{ID: "1"}}}},
		}}},
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got %#v", d)
	}
}

func TestNormalizeJoinsUsers(t *testing.T) {
	d := Document{Entity: "sip:c@x", Users: &Users{Users: []User{
		{Entity: "sip:a@x", Endpoints: []Endpoint{{Entity: "1"}}},
		{Entity: ""},
		{Entity: "sip:a@x", Endpoints: []Endpoint{{Entity: "2"}, {Entity: "1", Status: StatusAlerting}}},
		{Entity: "sip:gone@x", State: Deleted},
	}}}.Normalize()
	if len(d.Users.Users) != 1 || len(d.Users.Users[0].Endpoints) != 2 {
		t.Errorf("got %#v", d.Users)
	}
}

func TestSafeURI(t *testing.T) {
	for in, want := range map[string]string{
		"sip:alice@example.com;transport=tcp": "sip:alice@example.com;transport=tcp",
		"sip:b@[2001:db8::1]":                 "sip:b@%5B2001:db8::1%5D",
		"http://[::1]:80/x":                   "http://[::1]:80/x",
		"h323:alice@example.com":              "h323:alice@example.com",
		"a-b+c.d:x":                           "a-b+c.d:x",
		"4a:x":                                "4a%3Ax",
		"http://[2001:db8::1]/a":              "http://[2001:db8::1]/a",
		"http://[]/a":                         "http://%5B%5D/a",
		"http://[a:b/c":                       "http://%5Ba%3Ab/c",
		"http://u:p@h:123456/":                "http://u:p@h%3A123456/",
		"http://h:p/":                         "http://h%3Ap/",
		"sip:a b@x":                           "sip:a%20b@x",
		"sip:%41@x;%":                         "sip:%41@x;%25",
		"a#b#c":                               "a#b%23c",
		"1:2":                                 "1%3A2",
	} {
		if got := safeURI(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// What parses marshals, is UTF-8, parses again to the normal form, and merges with itself.
func FuzzUnmarshal(f *testing.F) {
	for _, pattern := range []string{"*.xml", "*/*.xml"} {
		names, _ := filepath.Glob(filepath.Join(schemaDir, "examples", pattern))
		for _, name := range names {
			if data, err := os.ReadFile(name); err == nil && bytes.Contains(data, []byte(Namespace)) {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Unmarshal(data)
		if err != nil {
			return
		}
		body := d.Marshal()
		if !utf8.Valid(body) {
			t.Fatalf("not UTF-8: %q", body)
		}
		again, err := Unmarshal(body)
		if err != nil {
			t.Fatalf("%v in %q", err, body)
		}
		if want := d.Normalize(); !again.Equal(want) {
			t.Fatalf("%#v\n%#v", again, want)
		}
		base := Document{Entity: d.Entity, Users: &Users{}}
		d.Version = 1
		if merged, err := Merge(base, d.Normalize()); err == nil && d.State == Partial && merged.State != Full {
			t.Fatalf("merged %#v", merged)
		}
	})
}

func BenchmarkDiffOneMute500(b *testing.B) {
	old, next := roster(500), roster(500)
	next.Users.Users[250].Endpoints[0].Status = StatusMutedViaFocus
	b.ReportAllocs()
	for b.Loop() {
		if Diff(old, next).Empty() {
			b.Fatal("no difference")
		}
	}
}

func BenchmarkMarshalFull500(b *testing.B) {
	d := roster(500)
	b.ReportAllocs()
	for b.Loop() {
		d.Marshal()
	}
}

// roster makes a conference of n connected users.
func roster(n int) Document {
	users := &Users{}
	for i := range n {
		users.Users = append(users.Users, User{
			Entity: fmt.Sprintf("sip:user%d@example.com", i), DisplayText: fmt.Sprintf("User %d", i), Roles: []string{"participant"},
			Endpoints: []Endpoint{{
				Entity: fmt.Sprintf("sip:user%d@192.0.2.1", i), Status: StatusConnected, JoiningMethod: DialedIn,
				JoiningInfo: &Execution{When: time.Unix(1_700_000_000, 0)},
				Media:       []Media{{ID: "1", Type: "audio", Label: "11", SrcID: "1234", Status: SendRecv}},
			}},
		})
	}

	return Document{Entity: "sip:c@example.com", Version: 1, Users: users}
}
