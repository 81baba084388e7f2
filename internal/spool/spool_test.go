package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/internal/spool"
)

func open(t interface{ Fatal(...any) }, dir string, key byte, limit int64) *spool.Store {
	s, err := spool.Open(spool.Config{Directory: dir, Key: [spool.KeySize]byte{key}, MaxBytes: limit})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// records reads a segment to its end.
func records(s *spool.Store, name string) (list []string, err error) {
	r, err := s.Read(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	for {
		record, err := r.Next()
		if err != nil {
			return list, err
		}
		list = append(list, string(record))
	}
}

// What was written is read again, by another process as well, and nothing of it can be seen on the disk.
func TestSegments(t *testing.T) {
	root, files := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		files++
		dir := filepath.Join(root, strconv.Itoa(files))
		s := open(rt, dir, 1, 0)
		w, err := s.Create(time.Unix(0, 0), nil)
		if err != nil {
			rt.Fatal(err)
		}
		n := rapid.IntRange(0, 50).Draw(rt, "records")
		want := make([]string, 0, n)
		for i := range n {
			record := fmt.Sprintf("secret %d %s", i, rapid.StringN(0, 3000, 5000).Draw(rt, "record"))
			want = append(want, record)
			if err = w.Append([]byte(record)); err != nil {
				rt.Fatal(err)
			}
			if rapid.Bool().Draw(rt, "flush") {
				w.Flush()
			}
		}
		if err = errors.Join(w.Close(), s.Close()); err != nil {
			rt.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, w.Name()))
		if err != nil || bytes.Contains(data, []byte("secret")) {
			rt.Fatalf("in clear, or %v", err)
		}
		s = open(rt, dir, 1, 0)
		defer func() { _ = s.Close() }()
		got, err := records(s, w.Name())
		if !errors.Is(err, io.EOF) || fmt.Sprint(got) != fmt.Sprint(want) || s.Size() != int64(len(data)) {
			rt.Fatalf("%d records of %d, %v, size %d of %d", len(got), len(want), err, s.Size(), len(data))
		}
	})
}

// A process that dies leaves a segment that ends at its last whole block; a changed one is not believed.
func TestTornAndChanged(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 1, 0)
	w, err := s.Create(time.Unix(0, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err = w.Append(fmt.Appendf(nil, "record %d", i)); err != nil {
			t.Fatal(err)
		}
		w.Flush()
	}
	if err = errors.Join(w.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, w.Name())
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// As it was when the process died: under the name of an open segment, in the middle of a block.
	if err := errors.Join(os.Remove(path), os.WriteFile(path+".open", whole[:len(whole)-5], 0o600)); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, 1, 0)
	if names, _ := s.Segments(); len(names) != 1 {
		t.Fatalf("segments: %v", names)
	}
	if got, err := records(s, w.Name()); !errors.Is(err, io.EOF) || fmt.Sprint(got) != "[record 0 record 1]" {
		t.Errorf("torn: %q, %v", got, err)
	}
	if got, err := records(open(t, dir, 2, 0), w.Name()); !errors.Is(err, spool.ErrKey) || len(got) > 0 {
		t.Errorf("another key: %q, %v", got, err)
	}
	block := (len(whole) - 24) / 3
	swapped := append([]byte(nil), whole[:24]...)
	swapped = append(append(append(swapped, whole[24+block:24+2*block]...), whole[24:24+block]...), whole[24+2*block:]...)
	flipped := append([]byte(nil), whole...)
	flipped[24+block+10] ^= 1
	for name, data := range map[string][]byte{"swapped": swapped, "flipped": flipped} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := records(s, w.Name()); !errors.Is(err, spool.ErrKey) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if err := os.WriteFile(path, []byte("something else altogether, no segment"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := records(s, w.Name()); !errors.Is(err, spool.ErrFormat) {
		t.Errorf("foreign file: %v", err)
	}
}

// A full store refuses what is new and keeps what is old; delivering makes room.
func TestBound(t *testing.T) {
	s := open(t, t.TempDir(), 1, 1000)
	defer func() { _ = s.Close() }()
	w, err := s.Create(time.Unix(0, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(make([]byte, 800)); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(make([]byte, 800)); !errors.Is(err, spool.ErrFull) {
		t.Errorf("beyond the bound: %v", err)
	}
	if err := errors.Join(w.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	w.Flush() // nothing is left to write
	if got, err := records(s, w.Name()); len(got) != 1 {
		t.Errorf("%d records, %v", len(got), err)
	}
	if err := s.Remove(w.Name()); err != nil || s.Size() != 0 {
		t.Errorf("%v, %d octets", err, s.Size())
	}
}

// What waits longest is known by its name, also while it is written, and the room that is left is that of the limit, or of the disk.
func TestOldestAndRoom(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 1, 4096)
	oldest := func(want time.Time) {
		t.Helper()
		if got, err := s.Oldest(); err != nil || !got.Equal(want) {
			t.Errorf("%v, not %v: %v", got, want, err)
		}
	}
	oldest(time.Time{})
	room, err := s.Room()
	if err != nil || room != 4096 {
		t.Errorf("%d: %v", room, err)
	}
	first, second := time.UnixMilli(1700000000123), time.UnixMilli(1700000001456)
	later, err := s.Create(second, nil)
	if err != nil {
		t.Fatal(err)
	}
	oldest(second)
	w, err := s.Create(first, nil)
	if err != nil {
		t.Fatal(err)
	}
	oldest(first)
	if err = errors.Join(w.Append(make([]byte, 1000)), w.Close(), later.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	oldest(first)
	if room, err = s.Room(); err != nil || room != 4096-s.Size() || s.Size() < 1000 {
		t.Errorf("%d: %v", room, err)
	}
	full := open(t, dir, 1, 10)
	if room, err = full.Room(); err != nil || room != 0 {
		t.Errorf("%d: %v", room, err)
	}
	free := open(t, dir, 1, 0)
	if room, err = free.Room(); err != nil || room <= 0 {
		t.Errorf("%d: %v", room, err)
	}
	if err = errors.Join(full.Close(), free.Close(), os.RemoveAll(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err = free.Room(); err == nil {
		t.Error("a disk that is not there has room")
	}
}
