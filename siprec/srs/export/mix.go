package export

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/siprec/srs"
)

// ErrEmpty says that a recording has no stream to export.
var ErrEmpty = errors.New("export: the recording has no streams")

// A Channel is one channel of an exported file.
type Channel struct {
	// Name is that of the participant, or the label of the stream when it holds several voices or nobody knows whose.
	Name string `json:"name"`
	// Participant is its ID; empty when it holds several voices or nobody knows whose.
	Participant string `json:"participant,omitempty"`
	// Labels are those of the streams in it. They came one after the other.
	Labels []string `json:"labels"`

	streams []srs.Stream
}

// Channels tells what the channels of [Mix] are: one for each participant with a stream of his own, whatever streams he had
// one after the other; streams that nobody owns have each their own. Streams with several voices are left out when there are
// others, as they would repeat them.
func Channels(r srs.Recording) []Channel {
	alone := slices.ContainsFunc(r.Streams, func(s srs.Stream) bool { return len(s.Participants) == 1 && s.Samples > 0 })
	var channels []Channel
	for _, s := range r.Streams {
		if len(s.Participants) > 1 && alone || s.Samples == 0 {
			continue
		}
		c := Channel{Name: s.Label}
		if len(s.Participants) == 1 {
			c.Participant = s.Participants[0]
			c.Name = nameOf(r, c.Participant)
		}
		i := slices.IndexFunc(channels, func(o Channel) bool {
			return c.Participant != "" && o.Participant == c.Participant || c.Participant == "" && o.Participant == "" && s.Label != "" && o.Name == c.Name
		})
		if i < 0 {
			channels = append(channels, c)
			i = len(channels) - 1
		}
		channels[i].streams = append(channels[i].streams, s)
		if !slices.Contains(channels[i].Labels, s.Label) {
			channels[i].Labels = append(channels[i].Labels, s.Label)
		}
	}

	return channels
}

func nameOf(r srs.Recording, participant string) string {
	for _, p := range r.Participants {
		switch {
		case p.ID != participant:
		case p.Name != "":
			return p.Name
		case p.AOR != "":
			return p.AOR
		}
	}

	return participant
}

// block is how many samples of 48 kHz are mixed at one time: a tenth of a second, which is a whole number of samples at every rate.
const block = 4800

// Mix writes the recording as one WAV file, a channel for each of [Channels], all on the time line of the recording, at the
// highest sample rate of its streams. Beyond 4 GiB it is RF64 (ITU-R BS.2088). The errors are ErrEmpty and those of the files.
func Mix(out io.Writer, r srs.Recording) ([]Channel, error) {
	channels := Channels(r)
	if len(channels) == 0 {
		return nil, ErrEmpty
	}
	rate := 0
	var seconds float64
	for _, c := range channels {
		for _, s := range c.streams {
			rate = max(rate, s.SampleRate)
			seconds = max(seconds, float64(s.Samples)/float64(s.SampleRate))
		}
	}
	frames := int64(seconds*float64(rate) + 0.5) //nolint:mnd // rounding
	tracks := make([]*track, len(channels))
	defer func() {
		for _, t := range tracks {
			t.close()
		}
	}()
	for i, c := range channels {
		var err error
		if tracks[i], err = openTrack(r, c, rate); err != nil {
			return nil, err
		}
	}
	w := bufio.NewWriterSize(out, 1<<16)
	if _, err := w.Write(wavHeader(len(channels), rate, frames)); err != nil {
		return nil, err
	}
	for left := frames; left > 0; left -= int64(block * rate / highest) {
		if err := writeBlock(w, tracks, min(int(left), block*rate/highest)); err != nil {
			return nil, err
		}
	}

	return channels, w.Flush()
}

// writeBlock writes the next frames of all tracks.
func writeBlock(w *bufio.Writer, tracks []*track, frames int) error {
	for _, t := range tracks {
		if err := t.next(); err != nil {
			return err
		}
	}
	var b [2]byte
	for i := range frames {
		for _, t := range tracks {
			binary.LittleEndian.PutUint16(b[:], uint16(t.sum[i])) //nolint:gosec // two's complement
			if _, err := w.Write(b[:]); err != nil {
				return err
			}
		}
	}

	return nil
}

const highest = 48000

// A track reads the streams of a channel and brings them to one rate.
type track struct {
	parts []*part
	sum   []int16
}

type part struct {
	audio     *srs.Audio
	resampler *codecs.Resampler
	in, out   []int16
	over      bool
}

func openTrack(r srs.Recording, c Channel, rate int) (*track, error) {
	t := &track{sum: make([]int16, block*rate/highest)}
	for _, s := range c.streams {
		audio, err := r.Open(s)
		if err != nil {
			t.close()

			return nil, err
		}
		p := &part{audio: audio, in: make([]int16, block*audio.Rate/highest), out: make([]int16, len(t.sum))}
		t.parts = append(t.parts, p)
		if p.resampler, err = codecs.NewResampler(audio.Rate, rate); err != nil {
			t.close()

			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
	}

	return t, nil
}

// next puts the next block into sum: silence when all is over.
func (t *track) next() error {
	clear(t.sum)
	for _, p := range t.parts {
		if p.over {
			continue
		}
		n, err := p.audio.Read(p.in)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		p.over = err != nil
		clear(p.in[n:])
		p.resampler.Process(p.out, p.in)
		for i, v := range p.out {
			t.sum[i] = int16(max(-1<<15, min(1<<15-1, int32(t.sum[i])+int32(v))))
		}
	}

	return nil
}

func (t *track) close() {
	if t == nil {
		return
	}
	for _, p := range t.parts {
		_ = p.audio.Close() // was only read
	}
}
