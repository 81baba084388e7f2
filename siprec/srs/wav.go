package srs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// A wav is a WAV file of 16 bits, written at any place: what
// is never written is a hole and reads as silence. It belongs to one goroutine.
type wav struct {
	file *os.File
	name string
	rate int
	// channels are interleaved; places and lengths count all of them as one sample.
	channels int
	end      int64 // samples that the file has, with what is in run

	run   []int16 // samples not written yet, of each channel
	runAt int64   // where they belong
	told  int64   // samples that the header tells
}

const (
	wavHeader  = 44
	sampleSize = 2
	// maxSamples is what the 32-bit sizes of the format can tell.
	maxSamples = (1<<32 - 1 - wavHeader) / sampleSize
	// maxRun bounds what is lost when the process dies between two flushes.
	maxRun = 48000
)

var errFull = errors.New("file is as long as the format allows")

func createWAV(name string, rate, channels int) (*wav, error) {
	//nolint:gosec // a name made here in the configured directory
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, err
	}
	w := &wav{file: file, name: name, rate: rate, channels: channels, told: -1}
	if err := w.header(); err != nil {
		return nil, errors.Join(err, file.Close())
	}

	return w, nil
}

// block is the size in octets of a sample of all channels.
func (w *wav) block() int64 { return int64(w.channels) * sampleSize }

// count is how many samples of all channels there are in a run.
func (w *wav) count(run []int16) int64 { return int64(len(run) / w.channels) }

// most is how many samples the file can have.
func (w *wav) most() int64 { return maxSamples / int64(w.channels) }

// write puts samples at a place, over whatever is there.
func (w *wav) write(at int64, samples []int16) error {
	if len(samples) == 0 {
		return nil
	}
	if at < 0 || at+w.count(samples) > w.most() {
		return errFull
	}
	if at != w.runAt+w.count(w.run) || len(w.run) >= maxRun*w.channels {
		if err := w.spill(); err != nil {
			return err
		}
		w.runAt = at
	}
	w.run = append(w.run, samples...)
	w.end = max(w.end, at+w.count(samples))

	return nil
}

// spill writes the run.
func (w *wav) spill() error {
	if len(w.run) == 0 {
		return nil
	}
	b := make([]byte, 0, len(w.run)*sampleSize)
	for _, s := range w.run {
		b = binary.LittleEndian.AppendUint16(b, uint16(s)) //nolint:gosec // two's complement
	}
	_, err := w.file.WriteAt(b, wavHeader+w.runAt*w.block())
	w.run = w.run[:0]

	return err
}

// move shifts the samples from one place up to another by some, earlier or later; what becomes free is
// silence, what would come before the file is cut.
func (w *wav) move(from, to, by int64) error {
	if by == 0 || to <= from || from >= w.end {
		return nil
	}
	if err := w.spill(); err != nil {
		return err
	}
	to = min(to, w.end)
	low, high := max(0, min(from, from+by)), max(w.end, to+by)
	if high > w.most() {
		return errFull
	}
	b := make([]byte, (high-low)*w.block())
	if _, err := w.file.ReadAt(b[:(w.end-low)*w.block()], wavHeader+low*w.block()); err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	place := b[(from-low)*w.block() : (to-low)*w.block()]
	moved := bytes.Clone(place)
	clear(place)
	from += by
	if from < 0 {
		moved = moved[min(-from*w.block(), int64(len(moved))):]
		from = 0
	}
	copy(b[(from-low)*w.block():], moved)
	w.end = max(w.end, from+int64(len(moved))/w.block())

	return w.rewrite(low, b[:(w.end-low)*w.block()])
}

// rewrite writes the file anew from a place on; where there is much before it, not all at once.
func (w *wav) rewrite(from int64, b []byte) error {
	keep := wavHeader + from*w.block()
	var err error
	if keep > maxCopied {
		_, err = w.file.WriteAt(b, keep)
	} else {
		w.file, err = replaced(w.file, w.name, keep, b)
	}
	if err != nil {
		return err
	}
	w.told = -1

	return w.header()
}

// shift implements sink.
func (w *wav) shift(by int64, closed bool) error {
	if closed {
		file, err := reopen(w.name)
		if err != nil {
			return err
		}
		w.file = file
	}
	err := w.move(0, w.end, by)
	if closed {
		err = errors.Join(err, w.close())
	}

	return err
}

// flush writes what is held back and makes the header true.
func (w *wav) flush() error {
	if err := w.spill(); err != nil {
		return err
	}

	return w.header()
}

func (w *wav) length() int64    { return w.end }
func (w *wav) fileRate() int    { return w.rate }
func (w *wav) handle() *os.File { return w.file }

// complete implements sink: silence is a hole.
func (w *wav) complete(samples int64) (int64, error) {
	if samples <= w.end {
		return w.end, nil
	}
	file, err := reopen(w.name)
	if err != nil {
		return w.end, err
	}
	w.file, w.told = file, -1
	w.end = min(samples, w.most())
	err = w.close()

	return w.end, err
}

// close implements sink.
func (w *wav) close() error {
	err := w.flush()
	if err == nil {
		err = w.file.Truncate(wavHeader + w.end*w.block())
	}
	if err == nil {
		err = w.file.Sync()
	}

	return errors.Join(err, w.file.Close())
}

func (w *wav) header() error {
	if w.told == w.end {
		return nil
	}
	size := uint32(w.end * w.block()) //nolint:gosec // write keeps it below what it can tell
	rate := uint32(w.rate)            //nolint:gosec // a sample rate
	block := uint16(w.block())        //nolint:gosec // two or four
	b := make([]byte, 0, wavHeader)
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, wavHeader-8+size)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, block/sampleSize)
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, rate*uint32(block))
	b = binary.LittleEndian.AppendUint16(b, block)
	b = binary.LittleEndian.AppendUint16(b, 8*sampleSize)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, size)
	_, err := w.file.WriteAt(b, 0)
	if err == nil {
		w.told = w.end
	}

	return err
}
