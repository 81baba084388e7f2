package focus

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sound"
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

// readSound reads a file of a user.
func readSound(data []byte) (pcm []int16, rate int, err error) {
	if pcm, rate, err = sound.Decode(data); err != nil {
		err = fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return pcm, rate, err
}

// The sources of ours are inputs of the mixer.
var (
	_ mixer.Input = (*announcement)(nil)
	_ mixer.Input = (*tone)(nil)
	_ mixer.Input = (*speech)(nil)
)
