package sound

import "encoding/binary"

// waveFormat is the fmt chunk.
type waveFormat struct {
	pcm      bool
	channels int
	rate     int
	bits     int
}

// decodeWAV reads linear PCM of 16 bits, mono or stereo, at a rate that the mixer has; stereo is mixed down.
func decodeWAV(data []byte) (pcm []int16, rate int, err error) {
	if len(data) < 12 || string(data[:4]) != "RIFF" || string(data[8:12]) != "WAVE" {
		return nil, 0, malformed("neither a WAV file nor Ogg")
	}
	var format waveFormat
	for data = data[12:]; len(data) >= 8; {
		kind, size := string(data[:4]), int(binary.LittleEndian.Uint32(data[4:8]))
		data = data[8:]
		size = min(size, len(data)) // what is streamed has sizes that are too large
		switch body := data[:size]; {
		case kind == "fmt " && size >= 16:
			format = waveFormat{
				pcm:      binary.LittleEndian.Uint16(body) == 1 || binary.LittleEndian.Uint16(body) == 0xfffe,
				channels: int(binary.LittleEndian.Uint16(body[2:])), rate: int(binary.LittleEndian.Uint32(body[4:])),
				bits: int(binary.LittleEndian.Uint16(body[14:])),
			}
		case kind == "data":
			return format.samples(body)
		}
		data = data[min(size+size&1, len(data)):]
	}
	return nil, 0, malformed("WAV file without data")
}

// samples decodes the data chunk.
func (w waveFormat) samples(body []byte) ([]int16, int, error) {
	known := w.rate == 8000 || w.rate == 16000 || w.rate == 48000
	if !w.pcm || w.bits != 16 || w.channels < 1 || w.channels > 2 || !known {
		return nil, 0, malformed("WAV must be 16 bit PCM, mono or stereo, at 8000, 16000 or 48000 Hz, not %d bit, %d channels, %d Hz",
			w.bits, w.channels, w.rate)
	}
	n := len(body) / (2 * w.channels)
	if n == 0 || n > maxSeconds*w.rate {
		return nil, 0, malformed("WAV of %d samples", n)
	}
	pcm := make([]int16, n)
	for i := range pcm {
		sum := 0
		for c := range w.channels {
			sum += int(int16(binary.LittleEndian.Uint16(body[2*(i*w.channels+c):]))) //nolint:gosec // two's complement
		}
		pcm[i] = int16(sum / w.channels) //nolint:gosec // a mean of 16 bit
	}
	return pcm, w.rate, nil
}
