package focus

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/mixer"
)

// warn lets everybody hear three low tones.
func (c *controller) warn() {
	generator, err := codecs.NewToneGenerator(codecs.Tone{
		Frequencies: []float64{425}, Level: -15, Once: true,
		Cadence: []time.Duration{warnTone, warnTone, warnTone, warnTone, warnTone, warnTone},
	}, toneRate)
	if err != nil {
		c.log.Error("warning tone", slog.Any("error", err))
		return
	}
	pcm := make([]int16, toneRate*6*warnTone/time.Second)
	generator.Read(pcm)
	c.play(&announcement{pcm: pcm, rate: toneRate}, &playback{}, false)
}

// warnTone is the length of each tone of a warning, and of the pause after it.
const warnTone = 150 * time.Millisecond

// announcement is a mixer input that plays once, or again and again.
type announcement struct {
	pcm  []int16
	rate int
	at   int
	loop bool
}

func (a *announcement) duration() time.Duration {
	return time.Duration(len(a.pcm)) * time.Second / time.Duration(a.rate)
}

// Ingest writes the next 20 ms. It does not allocate.
func (a *announcement) Ingest(dst []int16) codecs.Frame {
	samples := a.rate / 50
	f := codecs.Frame{Rate: a.rate, Samples: samples}
	if a.at >= len(a.pcm) {
		f.Level, f.Flags = 127, codecs.Silent
		return f
	}
	n := copy(dst[:samples], a.pcm[a.at:])
	a.at += n
	for a.loop && a.at == len(a.pcm) { // more than once within a frame if it is that short
		a.at = copy(dst[n:samples], a.pcm)
		if n += a.at; n == samples {
			break
		}
	}
	clear(dst[n:samples])
	f.Level = codecs.Level(dst[:samples])
	return f
}

// maxAnnouncement bounds what is kept in memory: ten minutes.
const maxAnnouncement = 10 * 60

// waveFormat is the fmt chunk.
type waveFormat struct {
	pcm      bool
	channels int
	rate     int
	bits     int
}

// readWAV reads a file as far as it is needed here; stereo is mixed down.
func readWAV(data []byte) (pcm []int16, rate int, err error) {
	if len(data) < 12 || string(data[:4]) != "RIFF" || string(data[8:12]) != "WAVE" {
		return nil, 0, fmt.Errorf("%w: not a WAV file", ErrInvalid)
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
	return nil, 0, fmt.Errorf("%w: WAV file without data", ErrInvalid)
}

// samples decodes the data chunk.
func (w waveFormat) samples(body []byte) ([]int16, int, error) {
	known := w.rate == 8000 || w.rate == 16000 || w.rate == 48000
	if !w.pcm || w.bits != 16 || w.channels < 1 || w.channels > 2 || !known {
		return nil, 0, fmt.Errorf("%w: WAV must be 16 bit PCM, mono or stereo, at 8000, 16000 or 48000 Hz, not %d bit, %d channels, %d Hz",
			ErrInvalid, w.bits, w.channels, w.rate)
	}
	n := len(body) / (2 * w.channels)
	if n == 0 || n > maxAnnouncement*w.rate {
		return nil, 0, fmt.Errorf("%w: WAV of %d samples", ErrInvalid, n)
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

// Both sources of ours are inputs of the mixer.
var (
	_ mixer.Input = (*announcement)(nil)
	_ mixer.Input = (*tone)(nil)
)
