package codecs

import "fmt"

// Decoder turns payloads of one codec into samples at [Codec.SampleRate], in the order in which they are played. It keeps
// state between packets and is used by one goroutine at a time. It holds no reference to its arguments after a call.
type Decoder interface {
	// Decode decodes one packet of any length and returns the number of samples written to dst, which never needs more than
	// [MaxPacketSamples] for what RFC 3551 and RFC 7587 allow; [Codec.PacketSamples] tells it beforehand. The first samples
	// after a concealment are blended with it. An empty payload is silence by design (DTX): Opus yields the noise of as
	// many samples as its last packet had, the others nothing. It does not allocate. Errors are [ErrShortBuffer] and
	// [ErrMalformed]; the state is then as before, and the caller conceals.
	Decode(dst []int16, payload []byte) (n int, err error)
	// Conceal fills all of dst with what most likely was in the packets that are missing, and returns len(dst). Without
	// anything decoded before it is silence; after 60 ms it has faded to the background noise. It does not allocate, but for the first time.
	Conceal(dst []int16) int
	// Reset forgets all that was decoded, as for a new sender.
	Reset()
}

// Prefetcher may be implemented by a [Decoder]: it asks for the memory that Decode is going to use, some time before (package prefetch).
type Prefetcher interface {
	Prefetch()
}

// FECDecoder is a [Decoder] whose packets may carry a coarse copy of the packet before (Opus; RFC 6716, section 2.1.7).
type FECDecoder interface {
	Decoder
	// DecodeFEC fills all of dst with the audio of the lost packet that came just before next, and returns len(dst). What
	// next does not carry is concealed. It is called instead of Conceal, and before next is decoded. It does not allocate.
	// Errors are [ErrMalformed] and [ErrShortBuffer] (dst is no multiple of 2.5 ms); the caller then conceals.
	DecodeFEC(dst []int16, next []byte) (n int, err error)
}

// NewDecoder returns a decoder; for [Opus] it is a [FECDecoder]. The error is [ErrUnknownCodec], or libopus's own.
func NewDecoder(c Codec) (Decoder, error) {
	switch c {
	case PCMU:
		return newG711Decoder(&muLaw), nil
	case PCMA:
		return newG711Decoder(&aLaw), nil
	case G722:
		return newG722Decoder(), nil
	case Opus:
		return newOpusDecoder()
	case L16At8000, L16At16000, L16At44100, L16At48000, L16At8000Stereo, L16At16000Stereo, L16At44100Stereo, L16At48000Stereo:
		return newL16Decoder(c), nil
	case None:
		fallthrough
	default:
		return nil, fmt.Errorf("%w: %d", ErrUnknownCodec, uint8(c))
	}
}
