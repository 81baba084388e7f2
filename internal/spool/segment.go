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
)

// Writer writes one segment. Append, Flush and Close belong to one goroutine.
type Writer struct {
	store *Store
	name  string
	block []byte

	// The goroutine of the disk's.
	file  *os.File
	aead  cipher.AEAD
	count uint64
	bad   bool
}

// Name is that of the segment once it is closed.
func (w *Writer) Name() string { return w.name }

// Append adds a record. The error is [ErrFull]: the record is lost.
func (w *Writer) Append(record []byte) error {
	if limit := w.store.cfg.MaxBytes; limit > 0 && w.store.Size()+int64(len(w.block)+len(record)) > limit {
		return ErrFull
	}
	if len(w.block) > 0 && len(w.block)+len(record)+4 > blockSize {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	w.block = binary.BigEndian.AppendUint32(w.block, uint32(len(record))) //nolint:gosec // a block is small
	w.block = append(w.block, record...)
	return nil
}

// Flush hands what was added to the disk. The error is [ErrFull]: what was added since the last Flush is lost.
func (w *Writer) Flush() error {
	if len(w.block) == 0 {
		return nil
	}
	block := w.block
	w.block = nil
	if !w.store.submit(job{w, block}) {
		return ErrFull
	}
	return nil
}

// Close ends the segment: it can be read once the disk has it all.
func (w *Writer) Close() error {
	err := w.Flush()
	if !w.store.submit(job{w, nil}) {
		return errors.Join(err, ErrFull) // it is found when the store is opened again
	}
	return err
}

// nonce is the number of a block.
func nonce(aead cipher.AEAD, count uint64) []byte {
	n := make([]byte, aead.NonceSize())
	binary.BigEndian.PutUint64(n[len(n)-8:], count)
	return n
}

// keep seals a block and writes it through to the disk.
func (w *Writer) keep(block []byte) {
	if w.bad {
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
	if err != nil { // what follows a torn block could not be read
		w.bad = true
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
// block is torn, or [ErrKey].
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
		return io.EOF
	}
	size := binary.BigEndian.Uint32(word[:])
	if size > maxBlock {
		return ErrFormat
	}
	sealed := make([]byte, size)
	if _, err := io.ReadFull(r.in, sealed); err != nil {
		return io.EOF // torn: the process died while it was written
	}
	block, err := r.aead.Open(sealed[:0], nonce(r.aead, r.count), sealed, nil)
	if err != nil {
		return ErrKey
	}
	r.count++
	r.block = block
	return nil
}

// Close ends reading.
func (r *Reader) Close() error { return r.file.Close() }
