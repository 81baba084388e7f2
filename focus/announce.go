package focus

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/mixer"
)

// Announce plays a WAV file (RIFF, linear PCM of 16 bits, mono or stereo, 8, 16 or 48 kHz) to all participants. It returns
// when it has begun. Errors: ErrInvalid, conference.ErrNotActive.
func (f *Focus) Announce(ctx context.Context, id conference.ID, wav []byte) error {
	pcm, rate, err := readWAV(wav)
	if err != nil {
		return err
	}
	m := announcing{source: &announcement{pcm: pcm, rate: rate}, reply: make(chan result, 1)}
	if _, err := f.send(ctx, id, false, m); err != nil {
		return err
	}
	return (<-m.reply).err
}

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
	c.play(&announcement{pcm: pcm, rate: toneRate})
}

// warnTone is the length of each tone of a warning, and of the pause after it.
const warnTone = 150 * time.Millisecond

// play begins an announcement to all participants.
func (c *controller) play(a *announcement) {
	id := c.newMember()
	c.sources[id] = source{In: a}
	c.updateMix()
	c.later(a.duration()+10*codecs.FrameDuration, announced{id})
}

// announcing asks to play something.
type announcing struct {
	source *announcement
	reply  chan result // of capacity 1
}

func (m announcing) handle(c *controller) {
	if c.machine.State().PresentCount() == 0 {
		m.reply <- result{err: conference.ErrNotActive}
		return
	}
	c.play(m.source)
	m.reply <- result{}
}

// announced says that an announcement is over.
type announced struct{ id mixer.MemberID }

func (m announced) handle(c *controller) {
	delete(c.sources, m.id)
	c.updateMix()
}

// announcement is a mixer input that plays once.
type announcement struct {
	pcm  []int16
	rate int
	at   int
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
	clear(dst[n:samples])
	a.at += n
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
