package focus

import (
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// transcoder turns the packets of one codec into those of another.
type transcoder struct {
	decoder codecs.Decoder
	rate    *codecs.Resampler
	encoder codecs.Encoder
	format  codecs.Format
	pending []int16
}

func newTranscoder(from codecs.Codec, to codecs.Format) (*transcoder, error) {
	t := &transcoder{}
	var err error
	if packable(to) {
		to.PacketTime = codecs.FrameDuration // as what is sent as it was kept
	}
	if t.format, err = to.Normalize(); err != nil {
		return nil, err
	}
	if t.decoder, err = codecs.NewDecoder(from); err != nil {
		return nil, err
	}
	if t.rate, err = codecs.NewResampler(from.SampleRate(), to.Codec.SampleRate()); err != nil {
		return nil, err
	}
	t.encoder, err = codecs.NewEncoder(to)
	return t, err
}

// kept is how much of what it was given no packet has had yet.
func (t *transcoder) kept() time.Duration {
	return time.Duration(len(t.pending)) * time.Second / time.Duration(t.format.Codec.SampleRate())
}

// each gives the packets that a packet yields.
func (t *transcoder) each(payload []byte, send func(payload []byte, samples int)) error {
	pcm := make([]int16, codecs.MaxPacketSamples)
	n, err := t.decoder.Decode(pcm, payload)
	if err != nil {
		return nil //nolint:nilerr // one packet that cannot be read is no reason to give up the others
	}
	out := make([]int16, t.rate.OutputSamples(n))
	t.pending = append(t.pending, out[:t.rate.Process(out, pcm[:n])]...)
	size := t.format.FrameSamples()
	for ; len(t.pending) >= size; t.pending = t.pending[size:] {
		if err := t.encode(t.pending[:size], send); err != nil {
			return err
		}
	}
	t.pending = slices.Clone(t.pending)
	return nil
}

// rest gives the packet that is not full, with silence after it.
func (t *transcoder) rest(send func(payload []byte, samples int)) error {
	pcm := make([]int16, t.format.FrameSamples())
	copy(pcm, t.pending)
	t.pending = nil
	return t.encode(pcm, send)
}

func (t *transcoder) encode(pcm []int16, send func(payload []byte, samples int)) error {
	var packet [codecs.MaxPayload]byte
	k, err := t.encoder.Encode(packet[:], pcm)
	if err == nil {
		send(packet[:k], int(t.format.PacketTime*time.Duration(t.format.Codec.ClockRate())/time.Second))
	}
	return err
}
