package spool

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Errors that callers ask for with errors.Is.
var (
	// ErrFull: the bound of the store, or what the disk can keep up with, is exceeded.
	ErrFull = errors.New("spool: full")
	// ErrDisk: the disk has refused a part of the segment, and nothing can follow it.
	ErrDisk = errors.New("spool: the disk has failed")
	// ErrKey: the segment was not written with this key, or was changed since.
	ErrKey = errors.New("spool: not readable with this key")
	// ErrFormat: the file is no segment.
	ErrFormat = errors.New("spool: not a segment")
)

// KeySize is the number of octets of a key.
const KeySize = 32

const (
	magic         = "PLYSPL1\n"
	saltSize      = 16
	blockSize     = 64 << 10  // of records, before they are sealed
	maxWaiting    = 256 << 10 // the same, while the disk does not keep up: half a minute of a stream
	maxAllWaiting = 64 << 20  // of all segments, beside what is in the queue
	maxRecord     = 32 << 20  // the participants of a very large conference
	maxBlock      = 64 << 20  // nothing longer is believed
	queueSize     = 256       // blocks that wait for the disk
	suffix        = ".spool"
	partial       = ".open" // behind suffix, while it is written
	nameTime      = "20060102T150405.000Z"
	fileMode      = 0o600
	dirMode       = 0o700
)

// Config of a [Store].
type Config struct {
	Directory string
	Key       [KeySize]byte
	MaxBytes  int64        // of all segments; 0: no bound
	Logger    *slog.Logger // nil: silent
}

// Store is a directory of segments. All methods may be called by any goroutine.
type Store struct {
	cfg     Config
	log     *slog.Logger
	size    atomic.Int64
	waiting atomic.Int64 // octets in memory, beyond a block of each segment
	done    sync.WaitGroup
	work    *sync.Cond // queue or closed has changed
	mu      sync.Mutex // guards what follows
	queue   []job
	closed  bool
}

// job is something for the disk.
type job struct {
	writer  *Writer
	block   []byte // nil: nothing is left
	records int    // in the block
	last    bool   // the segment ends
}

// Open makes the directory if need be, and finishes segments that a process left open when it died.
func Open(cfg Config) (*Store, error) {
	if err := os.MkdirAll(cfg.Directory, dirMode); err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, log: cfg.Logger}
	s.work = sync.NewCond(&s.mu)
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	entries, err := os.ReadDir(cfg.Directory)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		whole := strings.TrimSuffix(e.Name(), partial)
		if !strings.HasSuffix(whole, suffix) {
			continue
		}
		info, err := e.Info() // while it has the name that was read
		if err != nil {
			return nil, err
		}
		if err := os.Rename(s.path(e.Name()), s.path(whole)); err != nil {
			return nil, err
		}
		s.size.Add(info.Size())
	}
	s.done.Go(s.write)
	return s, nil
}

func (s *Store) path(name string) string { return filepath.Join(s.cfg.Directory, filepath.Base(name)) }

// Size is what all segments take on the disk.
func (s *Store) Size() int64 { return s.size.Load() }

// Room is what the store may still take, in octets: up to its limit, or the end of the disk, whatever comes first.
func (s *Store) Room() (int64, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(s.cfg.Directory, &disk); err != nil {
		return 0, err
	}
	room := int64(disk.Bavail) * disk.Bsize //nolint:gosec // no disk is that large
	if s.cfg.MaxBytes > 0 {
		room = min(room, max(s.cfg.MaxBytes-s.Size(), 0))
	}
	return room, nil
}

// Oldest is when the oldest segment was begun, complete or not, by the clock of that time; zero if there is none.
func (s *Store) Oldest() (time.Time, error) {
	entries, err := os.ReadDir(s.cfg.Directory) // sorted by name, which begins with the time
	if err != nil {
		return time.Time{}, err
	}
	for _, e := range entries {
		stamp, _, _ := strings.Cut(e.Name(), "-")
		if begun, err := time.Parse(nameTime, stamp); err == nil && strings.Contains(e.Name(), suffix) {
			return begun, nil
		}
	}
	return time.Time{}, nil
}

// Segments gives the names of those that are complete, oldest first.
func (s *Store) Segments() ([]string, error) {
	entries, err := os.ReadDir(s.cfg.Directory) // sorted by name, which begins with the time
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Remove deletes a segment that has been delivered.
func (s *Store) Remove(name string) error {
	info, err := os.Stat(s.path(name))
	if err != nil {
		return err
	}
	if err := os.Remove(s.path(name)); err != nil {
		return err
	}
	s.size.Add(-info.Size())
	return nil
}

// Close writes what waits. Writers that are still open end there. It returns nil.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.work.Signal()
	s.mu.Unlock()
	s.done.Wait()
	return nil
}

// submit hands a job to the disk without waiting, and reports whether it was taken. The end of a segment always is: else nobody could read it before
// the next start, and there is one for every segment.
func (s *Store) submit(j job) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.queue) >= queueSize && !j.last {
		return false
	}
	s.queue = append(s.queue, j)
	s.work.Signal()
	return true
}

// next waits for the next job; false: there will be none.
func (s *Store) next() (job, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 {
		if s.closed {
			return job{}, false
		}
		s.work.Wait()
	}
	j := s.queue[0]
	s.queue[0] = job{} // its block is not kept alive
	s.queue = s.queue[1:]
	return j, true
}

// write is the goroutine of the disk.
func (s *Store) write() {
	open := map[*Writer]bool{}
	for j, ok := s.next(); ok; j, ok = s.next() {
		open[j.writer] = true
		if len(j.block) > 0 {
			j.writer.keep(j.block, j.records)
		}
		if j.last {
			delete(open, j.writer)
			j.writer.finish()
		}
	}
	for w := range open {
		w.finish()
	}
}

// aead gives the cipher of a file.
func aead(key [KeySize]byte, salt []byte) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, key[:], salt, "parley spool segment", KeySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Create begins a segment. lost is told of records that were added without an error and are lost all the same, because the disk has failed; nil: nobody
// is. It is called by the goroutine of the disk, and must not wait.
func (s *Store) Create(now time.Time, lost func(records int)) (*Writer, error) {
	if lost == nil {
		lost = func(int) {}
	}
	var random [saltSize + 4]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	salt := random[:saltSize]
	gcm, err := aead(s.cfg.Key, salt)
	if err != nil {
		return nil, err
	}
	name := now.UTC().Format(nameTime) + "-" + hex.EncodeToString(random[saltSize:]) + suffix
	file, err := os.OpenFile(s.path(name+partial), os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return nil, err
	}
	if _, err := file.Write(append([]byte(magic), salt...)); err != nil {
		return nil, errors.Join(fmt.Errorf("spool: %w", err), file.Close(), os.Remove(file.Name()))
	}
	s.size.Add(int64(len(magic) + saltSize))
	return &Writer{store: s, name: name, file: file, aead: gcm, lost: lost}, nil
}
