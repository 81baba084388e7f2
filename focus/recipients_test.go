package focus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-sip/parley/internal/sipua"
)

// The examples of the RFC, with the attributes' namespace in both of its spellings.
//
// Shows FO-LST-04, FO-LST-05, FO-LST-10, FO-LST-11.
func TestRecipients(t *testing.T) {
	for name, want := range map[string][]string{
		"rfc5366-s6-f1-recipient-list.xml": {
			`uri="sip:bill@example.com" cp:copyControl="to"/>`, `uri="sip:anonymous@anonymous.invalid" cp:copyControl="to" cp:count="2"/>`,
			`uri="sip:joe@example.org" cp:copyControl="cc"/>`, `uri="sip:anonymous@anonymous.invalid" cp:copyControl="cc" cp:count="1"/>`,
		},
		"rfc5366-fig1-uri-list.xml": {`uri="sip:bill@example.com" cp:copyControl="to"/>`, `uri="sip:joe@example.org" cp:copyControl="cc"/>`},
	} {
		document, err := os.ReadFile(filepath.Join("..", "testdata", "schema", "examples", name))
		if err != nil {
			t.Fatal(err)
		}
		list, err := readRecipients(document)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(document), "<entry"); len(list) != n {
			t.Errorf("%s: %d of %d entries", name, len(list), n)
		}
		text := string(history(list))
		if n := strings.Count(text, "<entry"); n != len(want) {
			t.Errorf("%s: %d entries in\n%s", name, n, text)
		}
		for _, entry := range want {
			if !strings.Contains(text, entry) {
				t.Errorf("%s: no %s in\n%s", name, entry, text)
			}
		}
	}
	if history([]recipient{{copyAs: "bcc"}}) != nil {
		t.Error("a list of blind copies is shown")
	}
}

// Shows FO-LST-05, FO-LST-14.
func TestBadRecipients(t *testing.T) {
	const head = `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list>`
	long := strings.Builder{}
	for i := range maxRecipients + 1 {
		fmt.Fprintf(&long, `<entry uri="sip:%d@example.com"/>`, i)
	}
	for name, text := range map[string]string{
		"empty": "", "not closed": head + `<entry uri="sip:a@b"/>`, "nobody": head + `</list></resource-lists>`,
		"other": `<html><entry uri="sip:a@b"/></html>`, "no URI": head + `<entry/></list></resource-lists>`,
		"tel": head + `<entry uri="tel:1"/></list></resource-lists>`, "long": head + long.String() + `</list></resource-lists>`,
	} {
		if list, err := readRecipients([]byte(text)); !errors.Is(err, errRecipients) {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
	list, err := readRecipients([]byte(head + `<list><entry uri="sip:a@b"/><entry-ref ref="x"/></list><entry uri="sip:a@b"/></list></resource-lists>`))
	if err != nil || len(list) != 1 {
		t.Errorf("nested: %v, %v", list, err)
	}
}

func TestReferPolicy(t *testing.T) {
	policy := ReferPolicy{Targets: []string{"1???@pbx.example.com", "*@Example.org"}}
	for text, want := range map[string]bool{
		"sip:1234@pbx.example.com": true, "sip:12345@pbx.example.com": false, "sip:Anybody@EXAMPLE.ORG;user=phone": true, "sip:1234@evil.invalid": false,
	} {
		uri, err := sipua.ParseURI(text)
		if err != nil || policy.admits(uri) != want {
			t.Errorf("%s: %v, %v", text, policy.admits(uri), err)
		}
	}
	if (ReferPolicy{Targets: []string{"["}}).Validate() == nil {
		t.Error("a broken pattern is taken")
	}
}

// FuzzRecipients: what can be read can be shown, and read again.
func FuzzRecipients(f *testing.F) {
	for _, name := range []string{"rfc5366-s6-f1-recipient-list.xml", "rfc5366-fig1-uri-list.xml"} {
		document, err := os.ReadFile(filepath.Join("..", "testdata", "schema", "examples", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		list, err := readRecipients(document)
		if err != nil {
			return
		}
		if shown := history(list); shown != nil {
			if _, err := readRecipients(shown); err != nil {
				t.Errorf("%v in\n%s", err, shown)
			}
		}
	})
}
