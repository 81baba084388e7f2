package codecs

import "time"

// MaxCSRC is the most contributing sources that an RTP header can name (RFC 3550, section 5.1).
const MaxCSRC = 15

// FrameFlags say what the samples of a [Frame] are.
type FrameFlags uint8

// The flags of a frame.
const (
	// Concealed: made up, because a packet is missing.
	Concealed FrameFlags = 1 << iota
	// ComfortNoise: the noise of a silence that the sender announced (RFC 3389, or DTX); not to be taken for speech.
	ComfortNoise
	// Keys: there may be the tones of a pressed key in it.
	Keys
	// Silent: there is nothing to mix. The samples are not written, and Level is 127.
	Silent
	// Absent: nothing has come for it, and nobody has said that there is silence; always together with Silent.
	Absent
)

// Frame describes the audio that an input has just written for one tick. It holds no pointers, so it can be kept.
type Frame struct {
	// Rate of the samples in Hz: 8000, 16000, 44100 or 48000.
	Rate int
	// Samples written, one tick of Rate.
	Samples int
	// SSRC of the sender, 0 if none was heard yet.
	SSRC uint32
	// CSRC names who contributed, if the sender is itself a mixer; the first CSRCCount are valid.
	CSRC [MaxCSRC]uint32
	// CSRCCount is how many of CSRC are valid.
	CSRCCount uint8
	// Level of the samples in -dBov, 0 (loudest) to 127 (silence) (RFC 6464, section 3).
	Level uint8
	// Voice reports that the sender flagged the frame as voice (RFC 6464, section 3, the V bit; or Opus's own flag).
	Voice bool
	// Flags say what the samples are.
	Flags FrameFlags
	// Measured: Level is that of exactly these samples, so that nobody needs to measure again.
	Measured bool
}

// Has reports whether all of the given flags are set.
func (f FrameFlags) Has(flags FrameFlags) bool { return f&flags == flags }

// Packet is one encoded payload on its way out. Its slices are valid only during the call that hands it over.
type Packet struct {
	// Payload to send; empty if there is nothing to send for these samples (DTX): the timestamp advances all the same.
	Payload []byte
	// CSRC names who is heard in it, at most [MaxCSRC] (RFC 3550, section 5.1).
	CSRC []uint32
	// CSRCLevel holds the level of each of CSRC in -dBov, in the same order (RFC 6465, section 3); nil if not known.
	CSRCLevel []uint8
	// Samples is the number of RTP units, at the codec's [Codec.ClockRate], by which this packet advances the timestamp.
	Samples int
	// Marker begins a talk spurt (RFC 3551, section 4.1).
	Marker bool
	// Level of the audio in the packet in -dBov (RFC 6464).
	Level uint8
	// Due is when the tick that it belongs to was due, on the clock of the mixer; 0: that is not known. What counts is the difference between two.
	Due time.Duration
	// Voice reports that the packet holds speech (RFC 6464, section 3, the V bit).
	Voice bool
}
