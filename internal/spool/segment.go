package spool

import (
	"bufio"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
)

// Writer writes one segment. Append, Flush and Close belong to one goroutine.
type Writer struct {
	store   *Store
	name    string
	block   []byte
	records int         // in block
	waiting int         // octets of block that are there because the disk does not keep up
	failed  atomic.Bool // the disk has refused something: nothing is written any more

	// The goroutine of the disk's.
	file  *os.File
	aead  cipher.AEAD
	count uint64
	lost  func(records int) // see Create
}

// Name is that of the segment once it is closed.
func (w *Writer) Name() string { return w.name }

// Append adds a record. With an error it is lost, and nothing else: [ErrFull] goes beyond the bound of the store, or beyond what may wait for the disk,
// [ErrDisk] says that the disk has failed.
func (w *Writer) Append(record []byte) error {
	size := 4 + len(record)
	switch limit := w.store.cfg.MaxBytes; {
	case w.failed.Load():
		return ErrDisk
	case limit > 0 && w.store.Size()+int64(len(w.block)+size) > limit, size > maxRecord:
		return ErrFull
	case len(w.block) > 0 && len(w.block)+size > blockSize:
		if w.Flush(); len(w.block) > 0 && !w.wait(size) {
			return ErrFull
		}
	}
	w.block = binary.BigEndian.AppendUint32(w.block, uint32(len(record))) //nolint:gosec // bounded above
	w.block = append(w.block, record...)
	w.records++
	return nil
}

// wait takes room in memory for what the disk does not keep up with, if there is any.
func (w *Writer) wait(size int) bool {
	if len(w.block)+size > maxWaiting {
		return false
	}
	if w.store.waiting.Add(int64(size)) > maxAllWaiting {
		w.store.waiting.Add(-int64(size))
		return false
	}
	w.waiting += size
	return true
}

// Flush hands what was added to the disk, or leaves it for the next time, with what is added until then, if the disk does not keep up.
func (w *Writer) Flush() {
	if len(w.block) > 0 && w.store.submit(job{writer: w, block: w.block, records: w.records}) {
		w.handedOver()
	}
}

func (w *Writer) handedOver() {
	w.store.waiting.Add(-int64(w.waiting))
	w.block, w.records, w.waiting = nil, 0, 0
}

// Close ends the segment: it can be read once the disk has it all. The error is [ErrFull] where the store was closed before: what was not flushed is
// lost.
func (w *Writer) Close() error {
	ok := w.store.submit(job{writer: w, block: w.block, records: w.records, last: true})
	w.handedOver()
	if !ok {
		return ErrFull
	}
	return nil
}

// nonce is the number of a block.
func nonce(aead cipher.AEAD, count uint64) []byte {
	n := make([]byte, aead.NonceSize())
	binary.BigEndian.PutUint64(n[len(n)-8:], count)
	return n
}

// keep seals a block and writes it through to the disk.
func (w *Writer) keep(block []byte, records int) {
	if w.failed.Load() { // what follows a torn block could not be read
		w.lost(records)
		return
	}
	sealed := make([]byte, 4, 4+len(block)+w.aead.Overhead())
	sealed = w.aead.Seal(sealed, nonce(w.aead, w.count), block, nil)
	binary.BigEndian.PutUint32(sealed, uint32(len(sealed)-4)) //nolint:gosec // a block is small
	w.count++
	_, err := w.file.Write(sealed)
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		w.failed.Store(true)
		w.lost(records)
		w.store.log.Error("spool", slog.String("segment", w.name), slog.Any("error", err))
		return
	}
	w.store.size.Add(int64(len(sealed)))
}

func (w *Writer) finish() {
	err := w.file.Close()
	if err == nil {
		err = os.Rename(w.store.path(w.name+partial), w.store.path(w.name))
	}
	if err != nil {
		w.store.log.Error("spool", slog.String("segment", w.name), slog.Any("error", err))
	}
}

// Reader reads one segment. It belongs to one goroutine.
type Reader struct {
	file  *os.File
	in    *bufio.Reader
	aead  cipher.AEAD
	count uint64
	block []byte
}

// Read opens a segment.
func (s *Store) Read(name string) (*Reader, error) {
	file, err := os.Open(s.path(name))
	if err != nil {
		return nil, err
	}
	r := &Reader{file: file, in: bufio.NewReader(file)}
	var head [len(magic) + saltSize]byte
	if _, err = io.ReadFull(r.in, head[:]); err != nil || string(head[:len(magic)]) != magic {
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrFormat, name), file.Close())
	}
	if r.aead, err = aead(s.cfg.Key, head[len(magic):]); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return r, nil
}

// Next gives the next record, valid until the call after it. The error is [io.EOF] at the end, also of a segment whose last
// block is torn, [ErrKey], [ErrFormat], or that of the disk.
func (r *Reader) Next() ([]byte, error) {
	for len(r.block) == 0 {
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
	if len(r.block) < 4 {
		return nil, ErrFormat
	}
	size := binary.BigEndian.Uint32(r.block)
	rest := r.block[4:]
	if uint64(size) > uint64(len(rest)) {
		return nil, ErrFormat
	}
	r.block = rest[size:]
	return rest[:size], nil
}

// fill opens the next block.
func (r *Reader) fill() error {
	var word [4]byte
	if _, err := io.ReadFull(r.in, word[:]); err != nil {
		return torn(err)
	}
	size := binary.BigEndian.Uint32(word[:])
	if size > maxBlock {
		return ErrFormat
	}
	sealed := make([]byte, size)
	if _, err := io.ReadFull(r.in, sealed); err != nil {
		return torn(err)
	}
	block, err := r.aead.Open(sealed[:0], nonce(r.aead, r.count), sealed, nil)
	if err != nil {
		return ErrKey
	}
	r.count++
	r.block = block
	return nil
}

// torn is the error of a segment that ends in the middle of a block: the process died while it was written. A disk that cannot be read is no end.
func torn(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}

// Close ends reading.
func (r *Reader) Close() error { return r.file.Close() }
