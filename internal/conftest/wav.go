package conftest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// ErrWAV says that a file is not 16-bit PCM in a RIFF WAVE container.
var ErrWAV = errors.New("not a 16-bit PCM WAV file")

// WAV is the audio of a file.
type WAV struct {
	Rate     int // Hz
	Channels int
	Samples  []int16 // interleaved
}

// ReadWAV reads a file of 16-bit PCM. A header that promises more samples than there are is forgiven, as of a file that is still
// being written. Errors: ErrWAV, and those of reading.
func ReadWAV(name string) (WAV, error) {
	data, err := os.ReadFile(name) //nolint:gosec // the caller names the file
	if err != nil {
		return WAV{}, err
	}
	wav, err := ParseWAV(data)
	if err != nil {
		return WAV{}, fmt.Errorf("%s: %w", name, err)
	}
	return wav, nil
}

const (
	riffHeader  = 12
	chunkHeader = 8
	formatSize  = 16
	bitsPerWord = 16
)

// ParseWAV is ReadWAV for bytes.
func ParseWAV(data []byte) (WAV, error) {
	var wav WAV
	if len(data) < riffHeader || string(data[:4]) != "RIFF" || string(data[8:riffHeader]) != "WAVE" {
		return wav, ErrWAV
	}
	for rest := data[riffHeader:]; len(rest) >= chunkHeader; {
		size := int(binary.LittleEndian.Uint32(rest[4:]))
		body := rest[chunkHeader:]
		size = min(size, len(body))
		switch string(rest[:4]) {
		case "fmt ":
			if size < formatSize || binary.LittleEndian.Uint16(body[14:]) != bitsPerWord {
				return wav, ErrWAV
			}
			wav.Channels = int(binary.LittleEndian.Uint16(body[2:]))
			wav.Rate = int(binary.LittleEndian.Uint32(body[4:]))
		case "data":
			wav.Samples = make([]int16, size/2)
			for i := range wav.Samples {
				wav.Samples[i] = int16(binary.LittleEndian.Uint16(body[2*i:])) //nolint:gosec // two's complement
			}
		}
		rest = body[min(size+size%2, len(body)):]
	}
	if wav.Channels == 0 || wav.Rate == 0 || wav.Samples == nil {
		return wav, ErrWAV
	}
	return wav, nil
}

// WriteWAV writes mono samples at a rate in Hz.
func WriteWAV(name string, rate int, samples []int16) error {
	var b bytes.Buffer
	size := uint32(len(samples) * 2) //nolint:gosec // files of a test
	b.WriteString("RIFF")
	for _, value := range []any{size + 36, []byte("WAVEfmt "), uint32(formatSize), uint16(1), uint16(1), uint32(rate), uint32(2 * rate), uint16(2), uint16(bitsPerWord), []byte("data"), size, samples} { //nolint:gosec // as above
		if err := binary.Write(&b, binary.LittleEndian, value); err != nil {
			return err
		}
	}
	return os.WriteFile(name, b.Bytes(), 0o600)
}
