package srs

import (
	"fmt"
	"os"

	"github.com/parley-sip/parley/codecs"
)

// Format says what the files of streams are.
type Format uint8

// The formats.
const (
	// FormatWAV is 16-bit PCM at the rate of the codec, in two channels where the stream has them.
	FormatWAV Format = iota
	// FormatOpus is Ogg Opus (RFC 7845): the payloads as they came where the stream is Opus, encoded otherwise; L16 of two channels or of
	// 44.1 kHz stays as it came, in WAV.
	FormatOpus
	// FormatNative is Ogg Opus for streams of Opus, and WAV for all others: nothing is encoded.
	FormatNative
)

// Valid reports whether it is one of the formats.
func (f Format) Valid() bool { return f <= FormatNative }

// opus reports whether streams of a codec are kept in Ogg Opus.
func (f Format) opus(codec codecs.Codec) bool {
	if codec.Linear() && (codec.Channels() > 1 || codec.SampleRate() == codecs.L16At44100.SampleRate()) {
		return false
	}

	return f == FormatOpus || f == FormatNative && codec == codecs.Opus
}

// same reports whether the file of a stream of one codec can go on with another.
func (f Format) same(a, b codecs.Codec) bool {
	passed := func(c codecs.Codec) bool { return f.opus(c) && c == codecs.Opus }

	return a.SampleRate() == b.SampleRate() && channelsOf(a) == channelsOf(b) && f.opus(a) == f.opus(b) && passed(a) == passed(b)
}

// channelsOf is how many channels the file of a stream has. Opus may have two as well, and is recorded in one, whatever it comes in.
func channelsOf(codec codecs.Codec) int {
	if codec.Linear() {
		return codec.Channels()
	}

	return 1
}

// extension is that of the file of a stream.
func (f Format) extension(codec codecs.Codec) string {
	if f.opus(codec) {
		return opusExtension
	}

	return ".wav"
}

// create makes the file of a stream.
func (f Format) create(name string, codec codecs.Codec) (sink, error) {
	switch {
	case !f.opus(codec):
		return createWAV(name, codec.SampleRate(), channelsOf(codec))
	case codec == codecs.Opus:
		return createOgg(name, codec.SampleRate())
	}

	return createEncoded(name, codec.SampleRate())
}

// A sink is the file of a stream. Places are those of samples at the rate of the codec. It belongs to one goroutine.
type sink interface {
	// write puts samples at a place, those of several channels one after the other. What is never written is silence.
	write(at int64, samples []int16) error
	// move shifts what is from one place up to another by some samples.
	move(from, to, by int64) error
	// shift moves all that is there later by some samples, also in a file that is closed.
	shift(by int64, closed bool) error
	// flush writes what is held back, such that it can be read if the process dies.
	flush() error
	// length is how long the file is in samples of fileRate, with what is held back.
	length() int64
	// fileRate is the sample rate in Hz of the audio in the file, as readers get it.
	fileRate() int
	// handle is the open file, to be forced to the disk.
	handle() *os.File
	// close writes everything. Only complete may follow.
	close() error
	// complete makes the closed file that long in samples of fileRate, if it is shorter, and returns how long it is.
	complete(samples int64) (int64, error)
}

// A payloadSink is a sink that takes payloads as they came.
type payloadSink interface {
	sink
	// pass puts a payload at the place of its decoded samples.
	pass(at int64, payload []byte, samples int) error
	// lost puts the mark for a decoder to make up so many samples.
	lost(at int64, samples int64) error
}

var (
	_ sink        = (*wav)(nil)
	_ sink        = (*encoded)(nil)
	_ payloadSink = (*ogg)(nil)
)

// reopen opens a file again that a sink has closed.
func reopen(name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_RDWR, fileMode) //nolint:gosec // a name made here in the configured directory
	if err != nil {
		return nil, fmt.Errorf("complete: %w", err)
	}

	return file, nil
}
