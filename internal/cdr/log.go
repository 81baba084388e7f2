package cdr

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// LogConfig says where lines go.
type LogConfig struct {
	// Path of the file that is written. Its directory must exist.
	Path string
	// MaxSize in octets beyond which the file is put aside and a new one begun; 0: any size.
	MaxSize int64
	// MaxAge is the length of the periods of UTC, counted from midnight for lengths that divide a day, at whose ends the file is
	// put aside; 0: never.
	MaxAge time.Duration
	// Keep is how many files put aside are kept; 0: all.
	Keep int
}

// Log is a file of lines with rotation. What is put aside gets the time of that in its name: cdr.jsonl becomes
// cdr-20260102T150405.000Z.jsonl. It belongs to one goroutine.
type Log struct {
	cfg  LogConfig
	file file
	size int64
	last time.Time // when it was last written
	past time.Time // in the name of the file put aside last

	open func(path string) (file, error)
}

// file is what a Log needs of an os.File.
type file interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
	Stat() (os.FileInfo, error)
}

// fileMode lets the group read: call records name people.
const fileMode = 0o640

// OpenLog opens the file, or makes it. What a crash has left of a line at its end is cut off.
func OpenLog(cfg LogConfig) (*Log, error) {
	l := &Log{cfg: cfg, open: func(path string) (file, error) {
		return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, fileMode) //nolint:gosec // the operator names it
	}}
	return l, l.Reopen()
}

// Reopen closes the file and opens the one that now has its name, as tools that rotate files want it. On an error nothing is open,
// and Write tries again.
func (l *Log) Reopen() error {
	err := l.Close()
	f, failure := l.open(l.cfg.Path)
	if failure != nil {
		return errors.Join(err, fmt.Errorf("call records: %w", failure))
	}
	info, failure := f.Stat()
	if failure != nil {
		return errors.Join(err, fmt.Errorf("call records: %w", failure), f.Close())
	}
	l.file, l.size, l.last = f, info.Size(), info.ModTime()
	if reader, ok := f.(io.ReaderAt); ok && info.Mode().IsRegular() {
		return errors.Join(err, l.mend(reader))
	}
	return err
}

// mend cuts off a line without end.
func (l *Log) mend(from io.ReaderAt) error {
	whole := l.size
	block := make([]byte, 4<<10)
	for whole > 0 {
		n := min(whole, int64(len(block)))
		if _, err := from.ReadAt(block[:n], whole-n); err != nil {
			return fmt.Errorf("call records: %w", err)
		}
		if i := slices.Index(block[:n], '\n'); i >= 0 {
			whole = whole - n + int64(strings.LastIndexByte(string(block[:n]), '\n')) + 1
			break
		}
		whole -= n
	}
	if whole == l.size {
		return nil
	}
	if err := l.file.Truncate(whole); err != nil {
		return fmt.Errorf("call records: %w", err)
	}
	l.size = whole
	return nil
}

// Write appends lines, each with its line end. On an error none of them is in the file, as far as the file system allows.
func (l *Log) Write(lines []byte, now time.Time) error {
	if l.file == nil {
		if err := l.Reopen(); err != nil {
			return err
		}
	}
	if err := l.Rotate(now, int64(len(lines))); err != nil {
		return err
	}
	n, err := l.file.Write(lines)
	if err == nil {
		l.size += int64(n)
		l.last = now
		return nil
	}
	err = fmt.Errorf("call records: %w", err)
	if n > 0 {
		if failure := l.file.Truncate(l.size); failure != nil {
			return errors.Join(err, failure, l.Close()) // reopening mends it
		}
	}
	return err
}

// Rotate puts the file aside if it is due, or would become too large by more octets. An empty file stays.
func (l *Log) Rotate(now time.Time, more int64) error {
	if l.file == nil || l.size == 0 {
		return nil
	}
	old := l.cfg.MaxAge > 0 && l.last.Truncate(l.cfg.MaxAge) != now.Truncate(l.cfg.MaxAge)
	if large := l.cfg.MaxSize > 0 && l.size+more > l.cfg.MaxSize; !large && !old {
		return nil
	}
	if err := errors.Join(l.Sync(), l.Close()); err != nil {
		return err
	}
	base, extension := l.parts()
	at := now.Truncate(time.Millisecond)
	if !at.After(l.past) {
		at = l.past.Add(time.Millisecond)
	}
	aside := base + "-" + stamp(at) + extension
	for _, err := os.Lstat(aside); err == nil; _, err = os.Lstat(aside) { // two in one millisecond
		at = at.Add(time.Millisecond)
		aside = base + "-" + stamp(at) + extension
	}
	if err := os.Rename(l.cfg.Path, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("call records: %w", err)
	}
	l.past = at
	if err := l.Reopen(); err != nil {
		return err
	}
	l.last = now
	return l.prune()
}

// Due is when Rotate has something to do at the latest; zero: never.
func (l *Log) Due() time.Time {
	if l.cfg.MaxAge <= 0 || l.size == 0 {
		return time.Time{}
	}
	return l.last.Truncate(l.cfg.MaxAge).Add(l.cfg.MaxAge)
}

const stampForm = "20060102T150405.000Z"

func stamp(at time.Time) string { return at.UTC().Format(stampForm) }

func (l *Log) parts() (base, extension string) {
	extension = filepath.Ext(l.cfg.Path)
	return strings.TrimSuffix(l.cfg.Path, extension), extension
}

// prune deletes the oldest files put aside.
func (l *Log) prune() error {
	if l.cfg.Keep <= 0 {
		return nil
	}
	base, extension := l.parts()
	entries, err := os.ReadDir(cmp.Or(filepath.Dir(l.cfg.Path), "."))
	if err != nil {
		return fmt.Errorf("call records: %w", err)
	}
	var aside []string
	for _, entry := range entries { // in the order of their names, which is that of time
		middle, ok := strings.CutPrefix(entry.Name(), filepath.Base(base)+"-")
		middle, ok2 := strings.CutSuffix(middle, extension)
		if _, err := time.Parse(stampForm, middle); ok && ok2 && err == nil {
			aside = append(aside, filepath.Join(filepath.Dir(l.cfg.Path), entry.Name()))
		}
	}
	for len(aside) > l.cfg.Keep {
		if err := os.Remove(aside[0]); err != nil {
			return fmt.Errorf("call records: %w", err)
		}
		aside = aside[1:]
	}
	return nil
}

// Sync forces what was written to the disk.
func (l *Log) Sync() error {
	if l.file == nil {
		return nil
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("call records: %w", err)
	}
	return nil
}

// Close closes the file.
func (l *Log) Close() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file, l.size = nil, 0
	if err != nil {
		return fmt.Errorf("call records: %w", err)
	}
	return nil
}
