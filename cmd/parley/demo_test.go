package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-sip/parley/internal/demo"
	"github.com/parley-sip/parley/siprec"
)

// TestDemo plays the demonstration as a user would start it, and lets xmllint check every XML document that went out in it against the
// strict schemas.
func TestDemo(t *testing.T) {
	dir := playDemo(t)
	for pattern, want := range map[string]int{"*/recording.png": 1, "*/*-heard.wav": 6, "*/recordings/*/recording.json": 1, "*/recordings/*/*.wav": 6} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(found) < want {
			t.Errorf("%s: %d files, want %d or more", pattern, len(found), want)
		}
	}
	notifies, err := filepath.Glob(filepath.Join(dir, "*", "notify-*.xml"))
	if err != nil {
		t.Fatal(err)
	}
	xmllint(t, "conference-info-strict.xsd", notifies)
	documents, err := filepath.Glob(filepath.Join(dir, "*", "recordings", "*", "metadata-*.xml"))
	if err != nil {
		t.Fatal(err)
	}
	xmllint(t, "recording-strict.xsd", documents)
	var complete []string
	for _, file := range documents {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if document, err := siprec.Unmarshal(text); err == nil && document.Mode == siprec.Complete {
			complete = append(complete, file)
		}
	}
	xmllint(t, "recording-strict-complete.xsd", complete)
}

// playDemo plays until the machine is quiet enough to judge, three times at most.
func playDemo(t *testing.T) (dir string) {
	t.Helper()
	var out, errs bytes.Buffer
	for range 3 {
		dir = t.TempDir()
		out.Reset()
		errs.Reset()
		if run(t.Context(), []string{"demo", "--out", dir}, &out, &errs) == exitDone {
			return dir
		}
		if !strings.Contains(errs.String(), demo.ErrBusy.Error()) {
			break
		}
		t.Log(errs.String())
	}
	t.Fatalf("the demonstration failed\n%s\n%s", out.String(), errs.String())
	return dir
}

// xmllint checks files against a schema of testdata/schema.
func xmllint(t *testing.T, schema string, files []string) {
	t.Helper()
	if len(files) == 0 {
		t.Errorf("no documents for %s", schema)
		return
	}
	args := append([]string{"--nonet", "--noout", "--schema", filepath.Join("..", "..", "testdata", "schema", schema)}, files...)
	if out, err := exec.CommandContext(t.Context(), "xmllint", args...).CombinedOutput(); err != nil {
		t.Errorf("xmllint (Debian package libxml2-utils), %s: %v\n%s", schema, err, out)
	}
}
