package sound

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrFormat says that a file cannot be played, and what is wrong with it.
var ErrFormat = errors.New("not a sound that can be played")

// maxSeconds bounds what is decoded into memory: ten minutes.
const maxSeconds = 10 * 60

// Decode gives the samples of a file, mono, and their rate in Hz. Error: ErrFormat.
func Decode(data []byte) (pcm []int16, rate int, err error) {
	if bytes.HasPrefix(data, []byte(capturePattern)) {
		return decodeOgg(data)
	}
	return decodeWAV(data)
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}
