package spool_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/spool"
)

// segment writes one with a record, and gives its name and its octets.
func segment(t *testing.T, dir string, key byte) (name string, data []byte) {
	t.Helper()
	s := open(t, dir, key, 0)
	w, err := s.Create(time.Unix(0, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err = errors.Join(w.Append([]byte("record")), w.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if data, err = os.ReadFile(filepath.Join(dir, w.Name())); err != nil {
		t.Fatal(err)
	}
	return w.Name(), data
}

// What a process left open when it died takes its room under the bound, until it is delivered; files of others take none, and are no segments.
func TestSizeAfterCrash(t *testing.T) {
	dir := t.TempDir()
	name, data := segment(t, dir, 1)
	path := filepath.Join(dir, name)
	if err := errors.Join(os.Rename(path, path+".open"), os.WriteFile(filepath.Join(dir, "notes"), data, 0o600)); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, 1, 0)
	defer func() { _ = s.Close() }()
	if names, err := s.Segments(); err != nil || len(names) != 1 || names[0] != name {
		t.Errorf("segments %q, %v", names, err)
	}
	if s.Size() != int64(len(data)) {
		t.Errorf("size %d of %d", s.Size(), len(data))
	}
	if err := s.Remove(name); err != nil || s.Size() != 0 {
		t.Errorf("delivered: %v, size %d", err, s.Size())
	}
	if err := s.Remove(name); !errors.Is(err, fs.ErrNotExist) || s.Size() != 0 {
		t.Errorf("delivered twice: %v, size %d", err, s.Size())
	}
}

// A segment that is still being written when the server stops can be read at once, and whoever writes it learns that nothing more is taken.
func TestCloseEndsSegments(t *testing.T) {
	s := open(t, t.TempDir(), 1, 0)
	w, err := s.Create(time.Unix(0, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err = w.Append([]byte("record")); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	if err = errors.Join(w.Append([]byte("late")), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err = w.Close(); !errors.Is(err, spool.ErrFull) {
		t.Errorf("what was not flushed is lost, and nobody is told: %v", err)
	}
	names, err := s.Segments()
	if err != nil || len(names) != 1 {
		t.Fatalf("segments %q, %v", names, err)
	}
	if got, err := records(s, names[0]); !errors.Is(err, io.EOF) || len(got) != 1 || got[0] != "record" {
		t.Errorf("%q, %v", got, err)
	}
}

// What is no segment, or one of another format, is refused before anything of it is believed: also its lengths, which would be taken from memory.
func TestNotASegment(t *testing.T) {
	dir := t.TempDir()
	name, data := segment(t, dir, 1)
	s := open(t, dir, 1, 0)
	defer func() { _ = s.Close() }()
	other := append([]byte("PLYSPL2\n"), data[8:]...)
	for what, data := range map[string][]byte{"another version": other, "cut in its head": data[:20], "empty": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(name); !errors.Is(err, spool.ErrFormat) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, name), append(data[:24:24], 0x04, 0x00, 0x00, 0x01), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := records(s, name); !errors.Is(err, spool.ErrFormat) {
		t.Errorf("a block longer than any: %q, %v", got, err)
	}
	if _, err := s.Read("none" + name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
