package codecs

import "errors"

// What callers ask an error of this package for. They are wrapped with the values that caused them: use [errors.Is].
var (
	// ErrUnknownCodec: the codec is [None] or not one of this package.
	ErrUnknownCodec = errors.New("codecs: unknown codec")
	// ErrPacketTime: the codec cannot put that much audio into one packet.
	ErrPacketTime = errors.New("codecs: packet time not supported")
	// ErrFormat: another parameter of a [Format] is out of its range.
	ErrFormat = errors.New("codecs: invalid format")
	// ErrFrameSize: an encoder was given another number of samples than its packet time holds.
	ErrFrameSize = errors.New("codecs: wrong number of samples for one frame")
	// ErrShortBuffer: the destination cannot hold the result. Nothing was decoded and no state has changed.
	ErrShortBuffer = errors.New("codecs: destination too short")
	// ErrMalformed: a payload that its format does not allow.
	ErrMalformed = errors.New("codecs: malformed payload")
	// ErrNotForkable: the state of the encoder cannot be copied, because the source is of another format or because the
	// Opus binding is not laid out as expected. The caller then starts with a fresh encoder.
	ErrNotForkable = errors.New("codecs: encoder state cannot be copied")
	// ErrSampleRate: not one of 8000, 16000, 44100 and 48000 Hz.
	ErrSampleRate = errors.New("codecs: sample rate not supported")
	// ErrTone: the description of a tone cannot be played.
	ErrTone = errors.New("codecs: invalid tone")
)
