package srs

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Audio reads the samples of the file of a stream, one channel (of two the mean), from sample 0. It belongs to one goroutine.
type Audio struct {
	// Rate in Hz, as Stream.SampleRate.
	Rate int

	file   *os.File
	source sampleReader
}

type sampleReader interface {
	// readSamples fills dst and returns how many there were, with io.EOF if there are fewer.
	readSamples(dst []int16) (int, error)
}

// ErrFormat says that a file is not of the format that its name says.
var ErrFormat = errors.New("srs: not an audio file of ours")

// Open opens the file of a stream of the recording.
func (r *Recording) Open(s Stream) (*Audio, error) {
	if s.File != filepath.Base(s.File) {
		return nil, fmt.Errorf("%w: %q", ErrNoStream, s.File)
	}

	return OpenAudio(filepath.Join(r.Directory, s.File))
}

// OpenAudio opens a file that a Server has written, also one that is still being written.
func OpenAudio(name string) (*Audio, error) {
	file, err := os.Open(name) //nolint:gosec // the file is what the caller wants to read
	if err != nil {
		return nil, err
	}
	a := &Audio{file: file}
	in := bufio.NewReaderSize(file, audioBuffer)
	if magic, _ := in.Peek(len(oggMagic)); string(magic) == oggMagic {
		a.Rate = opusRate
		a.source, err = readOgg(in)
	} else {
		a.source, a.Rate, err = readWAVHeader(in)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), file.Close())
	}

	return a, nil
}

const audioBuffer = 64 << 10

// Read fills dst; with fewer samples the error is io.EOF, or what is wrong.
func (a *Audio) Read(dst []int16) (int, error) { return a.source.readSamples(dst) }

// Close closes the file.
func (a *Audio) Close() error { return a.file.Close() }

// A wavReader reads the data of a WAV file. What its header says of the length is not asked: the file may be longer
// by now, or its writer may have died.
type wavReader struct {
	data     io.Reader
	channels int
	buf      [4096]byte
}

func readWAVHeader(in io.Reader) (sampleReader, int, error) {
	var h [wavHeader]byte
	if _, err := io.ReadFull(in, h[:]); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	rate := int(binary.LittleEndian.Uint32(h[24:]))
	if string(h[:4]) != "RIFF" || string(h[8:16]) != "WAVEfmt " || string(h[36:40]) != "data" || rate == 0 {
		return nil, 0, ErrFormat
	}
	channels := int(binary.LittleEndian.Uint16(h[22:]))
	if channels < 1 || channels > 2 {
		return nil, 0, ErrFormat
	}

	return &wavReader{data: in, channels: channels}, rate, nil
}

func (w *wavReader) readSamples(dst []int16) (int, error) {
	done, size := 0, sampleSize*w.channels
	for done < len(dst) {
		want := min((len(dst)-done)*size, len(w.buf))
		n, err := io.ReadFull(w.data, w.buf[:want])
		for i := 0; i+size <= n; i += size {
			sum := int32(int16(binary.LittleEndian.Uint16(w.buf[i:]))) //nolint:gosec // two's complement
			if w.channels > 1 {
				sum = (sum + int32(int16(binary.LittleEndian.Uint16(w.buf[i+sampleSize:])))) >> 1 //nolint:gosec // two's complement
			}
			dst[done] = int16(sum) //nolint:gosec // one sample or the mean of two
			done++
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		if err != nil {
			return done, err
		}
	}

	return done, nil
}
