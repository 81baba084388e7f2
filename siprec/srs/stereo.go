package srs

import (
	"encoding/binary"
	"errors"

	"github.com/parley-sip/parley/codecs"
)

// newDecoder returns a decoder of all channels that the file of a stream has.
func newDecoder(codec codecs.Codec) (codecs.Decoder, error) {
	if channelsOf(codec) == 1 {
		return codecs.NewDecoder(codec)
	}
	one, ok := codecs.ParseCodec(codec.String(), codec.ClockRate())
	if !ok {
		return nil, codecs.ErrUnknownCodec
	}
	left, err1 := codecs.NewDecoder(one)
	right, err2 := codecs.NewDecoder(one)

	return &stereo{left: left, right: right}, errors.Join(err1, err2)
}

// A stereo decoder keeps the two channels of L16 apart, each with its own concealment. What it gives is interleaved as in the payload, the left
// channel first (RFC 3551, section 4.1), and its lengths count the samples of both.
type stereo struct {
	left, right codecs.Decoder
	octets      [2][maxPacket / 2]byte
	pcm         [2][maxPacket]int16
}

// Decode implements [codecs.Decoder].
func (s *stereo) Decode(dst []int16, payload []byte) (int, error) {
	n := len(payload) / (2 * sampleSize)
	switch {
	case len(payload)%(2*sampleSize) != 0 || len(payload) > maxPacket:
		return 0, codecs.ErrMalformed
	case len(dst) < 2*n:
		return 0, codecs.ErrShortBuffer
	}
	for i := range n {
		binary.BigEndian.PutUint16(s.octets[0][sampleSize*i:], binary.BigEndian.Uint16(payload[2*sampleSize*i:]))
		binary.BigEndian.PutUint16(s.octets[1][sampleSize*i:], binary.BigEndian.Uint16(payload[2*sampleSize*i+sampleSize:]))
	}
	for i, decoder := range []codecs.Decoder{s.left, s.right} {
		if _, err := decoder.Decode(s.pcm[i][:n], s.octets[i][:sampleSize*n]); err != nil {
			return 0, err
		}
	}
	s.join(dst[:2*n])

	return 2 * n, nil
}

// join interleaves what both have decoded.
func (s *stereo) join(dst []int16) {
	for i := range len(dst) / 2 {
		dst[2*i], dst[2*i+1] = s.pcm[0][i], s.pcm[1][i]
	}
}

// Conceal implements [codecs.Decoder].
func (s *stereo) Conceal(dst []int16) int {
	n := len(dst) / 2
	s.left.Conceal(s.pcm[0][:n])
	s.right.Conceal(s.pcm[1][:n])
	s.join(dst)

	return len(dst)
}

// Reset implements [codecs.Decoder].
func (s *stereo) Reset() {
	s.left.Reset()
	s.right.Reset()
}

func decodeFEC(decoder codecs.FECDecoder, dst []int16, next []byte) bool {
	_, err := decoder.DecodeFEC(dst, next)

	return err == nil
}

// spread repeats the first n samples of a buffer for each channel, in place.
func spread(pcm []int16, n, channels int) []int16 {
	for i := n - 1; i >= 0 && channels > 1; i-- {
		for c := range channels {
			pcm[i*channels+c] = pcm[i]
		}
	}

	return pcm[:n*channels]
}

var _ codecs.Decoder = (*stereo)(nil)
