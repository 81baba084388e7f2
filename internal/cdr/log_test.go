package cdr

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func openLog(t *testing.T, cfg LogConfig) *Log {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "cdr.jsonl")
	}
	l, err := OpenLog(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func write(t *testing.T, l *Log, now time.Time, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if err := l.Write([]byte(line+"\n"), now); err != nil {
			t.Fatal(err)
		}
	}
}

// files gives the contents of the folder by name.
func files(t *testing.T, l *Log) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(filepath.Dir(l.cfg.Path))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(l.cfg.Path), entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[entry.Name()] = string(text)
	}
	return out
}

func TestLogIsPutAsideBySize(t *testing.T) {
	l := openLog(t, LogConfig{MaxSize: 10, Keep: 2})
	write(t, l, origin, "aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff", "gggg", "a line that is longer than a file may be")
	got := files(t, l)
	want := map[string]string{
		"cdr.jsonl": "a line that is longer than a file may be\n", "cdr-20260304T100000.001Z.jsonl": "cccc\ndddd\n",
		"cdr-20260304T100000.002Z.jsonl": "eeee\nffff\n", "cdr-20260304T100000.003Z.jsonl": "gggg\n",
	}
	if len(got) != 3 || got["cdr.jsonl"] != want["cdr.jsonl"] {
		t.Fatalf("got %v", got)
	}
	var all strings.Builder
	for name, text := range got {
		if name != "cdr.jsonl" && len(text) > 10 {
			t.Errorf("%s is too large: %q", name, text)
		}
		all.WriteString(text)
	}
	if strings.Contains(all.String(), "aaaa") || !strings.Contains(all.String(), "gggg") || !strings.Contains(all.String(), "ffff") {
		t.Errorf("the oldest have to go: %v", got)
	}
}

func TestLogIsPutAsideByAge(t *testing.T) {
	l := openLog(t, LogConfig{MaxAge: 24 * time.Hour})
	write(t, l, origin, "first")
	if due := l.Due(); !due.Equal(time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("due at %v", due)
	}
	write(t, l, origin.Add(13*time.Hour), "same day")
	midnight := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)
	if err := l.Rotate(midnight, 0); err != nil {
		t.Fatal(err)
	}
	if due := l.Due(); !due.IsZero() {
		t.Errorf("an empty file is due at %v", due)
	}
	write(t, l, midnight.Add(time.Minute), "next day")
	got := files(t, l)
	if len(got) != 2 || got["cdr.jsonl"] != "next day\n" || got["cdr-20260305T000000.000Z.jsonl"] != "first\nsame day\n" {
		t.Errorf("got %v", got)
	}
}

func TestLogCutsOffWhatACrashHasLeft(t *testing.T) {
	for name, test := range map[string]struct{ before, want string }{
		"half a line":    {"whole\nhal", "whole\nnew\n"},
		"only half":      {"hal", "new\n"},
		"long half":      {"whole\n" + strings.Repeat("x", 9000), "whole\nnew\n"},
		"nothing to cut": {"whole\n", "whole\nnew\n"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cdr.jsonl")
			if err := os.WriteFile(path, []byte(test.before), 0o600); err != nil {
				t.Fatal(err)
			}
			l := openLog(t, LogConfig{Path: path})
			write(t, l, origin, "new")
			if got := files(t, l)["cdr.jsonl"]; got != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestLogIsReopened(t *testing.T) {
	l := openLog(t, LogConfig{})
	write(t, l, origin, "one")
	if err := os.Rename(l.cfg.Path, l.cfg.Path+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, l, origin, "two")
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	write(t, l, origin, "three")
	if got := files(t, l); got["cdr.jsonl.1"] != "one\ntwo\n" || got["cdr.jsonl"] != "three\n" {
		t.Errorf("got %v", got)
	}
}

// broken is a file on a disk that is full after so many octets.
type broken struct {
	file

	room atomic.Int64
}

func full(f file, room int64) *broken {
	b := &broken{file: f}
	b.room.Store(room)
	return b
}

var errFull = errors.New("no space left on device")

func (b *broken) Write(text []byte) (int, error) {
	room := b.room.Load()
	if int64(len(text)) <= room {
		b.room.Add(-int64(len(text)))
		return b.file.Write(text)
	}
	n, err := b.file.Write(text[:room])
	b.room.CompareAndSwap(room, 0) // room that has been made meanwhile stays
	return n, errors.Join(errFull, err)
}

func TestLineThatDoesNotFitIsNotThere(t *testing.T) {
	l := openLog(t, LogConfig{})
	disk := full(l.file, 6)
	l.file = disk
	write(t, l, origin, "one")
	if err := l.Write([]byte("second\n"), origin); !errors.Is(err, errFull) {
		t.Fatalf("got %v", err)
	}
	disk.room.Store(100)
	write(t, l, origin, "third")
	if got := files(t, l)["cdr.jsonl"]; got != "one\nthird\n" {
		t.Errorf("got %q", got)
	}
}

func TestLogWithoutFolder(t *testing.T) {
	if _, err := OpenLog(LogConfig{Path: filepath.Join(t.TempDir(), "no", "cdr.jsonl")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
