package spool

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// stuck opens a store whose disk does nothing until the function that it returns is called.
func stuck(t *testing.T) (*Store, func()) {
	t.Helper()
	s, err := Open(Config{Directory: t.TempDir(), Key: [KeySize]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	reached, free := make(chan struct{}), make(chan struct{})
	disk, err := s.Create(time.Unix(1, 0), func(int) {
		close(reached)
		<-free
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(disk.file.Close(), disk.Append([]byte("record"))); err != nil {
		t.Fatal(err)
	}
	disk.Flush()
	<-reached
	return s, func() { close(free) }
}

// read gives how many records a segment has, and their octets.
func read(t *testing.T, s *Store, name string) (records, octets int) {
	t.Helper()
	r, err := s.Read(name)
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	defer func() { _ = r.Close() }()
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return records, octets
		}
		if err != nil {
			t.Error(err)
			return records, octets
		}
		records, octets = records+1, octets+len(record)
	}
}

// All recordings of a server fail at once, and later end at once, and the disk does not keep up: every record that was taken is there, and every
// segment can be read. What is refused is the record that is too much, and no other.
func TestDiskThatDoesNotKeepUp(t *testing.T) {
	s, free := stuck(t)
	const segments, flushes = 2 * queueSize, 3
	writers := make([]*Writer, 0, segments)
	for range segments {
		w, err := s.Create(time.Unix(0, 0), nil)
		if err != nil {
			t.Fatal(err)
		}
		writers = append(writers, w)
	}
	for range flushes {
		for _, w := range writers {
			if err := w.Append(make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			w.Flush()
		}
	}
	last, taken, refused := writers[segments-1], flushes, 0
	for range 2 * maxWaiting / 1000 {
		switch err := last.Append(make([]byte, 996)); {
		case err == nil:
			taken++
		case errors.Is(err, ErrFull):
			refused++
		default:
			t.Fatal(err)
		}
	}
	if refused == 0 || len(last.block) > maxWaiting || len(last.block) < maxWaiting-1000 || s.waiting.Load() == 0 {
		t.Errorf("%d refused, %d octets wait, %d of all", refused, len(last.block), s.waiting.Load())
	}
	for _, w := range writers {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	free()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := s.Segments()
	if err != nil || len(names) != segments || s.waiting.Load() != 0 {
		t.Fatalf("%d segments of %d, %v; %d octets wait", len(names), segments, err, s.waiting.Load())
	}
	for _, name := range names {
		want := flushes
		if name == last.Name() {
			want = taken
		}
		if n, _ := read(t, s, name); n != want {
			t.Errorf("%s has %d records of %d", name, n, want)
		}
	}
}

// What waits for the disk is bounded for all segments together, too.
func TestWaitingIsBounded(t *testing.T) {
	s, free := stuck(t)
	s.waiting.Store(maxAllWaiting - 2000)
	w, err := s.Create(time.Unix(0, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	for s.submit(job{writer: w, block: []byte{}}) { // until the queue is full
		continue
	}
	refused := 0
	for range blockSize/1000 + 10 {
		if errors.Is(w.Append(make([]byte, 996)), ErrFull) {
			refused++
		}
	}
	if refused < 5 || len(w.block) > blockSize+2000 {
		t.Errorf("%d refused, %d octets wait", refused, len(w.block))
	}
	free()
	if err := errors.Join(w.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}

// What a disk that fails had been given is counted, and nothing more is added.
func TestDiskFails(t *testing.T) {
	s, err := Open(Config{Directory: t.TempDir(), Key: [KeySize]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	lost := make(chan int, 10)
	w, err := s.Create(time.Unix(0, 0), func(records int) { lost <- records })
	if err != nil {
		t.Fatal(err)
	}
	if err := w.file.Close(); err != nil { // it takes nothing any more
		t.Fatal(err)
	}
	for range 3 {
		if err := w.Append([]byte("record")); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	if n := <-lost; n != 3 {
		t.Errorf("%d records are lost", n)
	}
	if err := w.Append([]byte("record")); !errors.Is(err, ErrDisk) {
		t.Errorf("after the failure: %v", err)
	}
	if err := errors.Join(w.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}

// A disk that cannot be read is not the end of a segment: the rest of it would be given up.
func TestReadFails(t *testing.T) {
	s, err := Open(Config{Directory: t.TempDir(), Key: [KeySize]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Create(time.Unix(0, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err = errors.Join(w.Append([]byte("record")), w.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := s.Read(w.Name())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a file that cannot be read ends with %v", err)
	}
	if _, err := os.Stat(filepath.Join(s.cfg.Directory, w.Name())); err != nil {
		t.Error(err)
	}
}

// A record that nobody could read again is refused, and nothing before it is lost.
func TestRecordTooLarge(t *testing.T) {
	s, err := Open(Config{Directory: t.TempDir(), Key: [KeySize]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Create(time.Unix(0, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	large := make([]byte, maxRecord-4, maxRecord)
	if err := errors.Join(w.Append([]byte("record")), w.Append(large), w.Append([]byte("record"))); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(append(large, 0)); !errors.Is(err, ErrFull) {
		t.Errorf("too large: %v", err)
	}
	if err := errors.Join(w.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if n, octets := read(t, s, w.Name()); n != 3 || octets != len(large)+12 {
		t.Errorf("%d records of %d octets", n, octets)
	}
}

// What the disk has been given when it fails, and what is given to it before anybody can know, is all counted as lost; a recording of which nobody counts
// fails alike.
func TestDiskFailsWithBlocksWaiting(t *testing.T) {
	s, free := stuck(t)
	total, told := 0, make(chan struct{})
	counted, err := s.Create(time.Unix(0, 0), func(records int) {
		if total += records; total == 6 {
			close(told)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	uncounted, err := s.Create(time.Unix(0, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []*Writer{uncounted, counted} {
		if err := w.file.Close(); err != nil { // it takes nothing any more
			t.Fatal(err)
		}
		for n := range 3 {
			for range n + 1 {
				if err := w.Append([]byte("record")); err != nil {
					t.Fatal(err)
				}
			}
			if n < 2 { // the last ones come with the end
				w.Flush()
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	free()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-told:
	default:
		t.Errorf("%d records are lost", total)
	}
}

// A block that was sealed with the key and is none all the same ends reading with an error, and nothing else.
func TestRecordWithoutEnd(t *testing.T) {
	for name, block := range map[string][]byte{"longer than its block": {0, 0, 0, 2, 1}, "without a length": {0, 0, 0}} {
		s, err := Open(Config{Directory: t.TempDir(), Key: [KeySize]byte{1}})
		if err != nil {
			t.Fatal(err)
		}
		w, err := s.Create(time.Unix(0, 0), nil)
		if err != nil {
			t.Fatal(err)
		}
		s.submit(job{writer: w, block: block, records: 1, last: true})
		if err = s.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := s.Read(w.Name())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
		_ = r.Close()
	}
}
