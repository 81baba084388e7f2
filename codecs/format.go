package codecs

import (
	"fmt"
	"time"
)

const (
	// DefaultBitrate of Opus in bit/s.
	DefaultBitrate = 32000
	// DefaultComplexity of Opus, of 10.
	DefaultComplexity = 5
	// LowestComplexity as [Format.Complexity] asks for libopus's complexity 0, which a zero there does not.
	LowestComplexity = -1
	// DefaultLossPercent is what an Opus encoder with forward error correction reckons with unless told.
	DefaultLossPercent = 10
)

// Format says how audio is encoded. It is comparable: all receivers of one mix whose normalised formats are equal can share
// one encoder; see [Format.Normalize].
type Format struct {
	// Codec of the payload.
	Codec Codec
	// PacketTime is the audio in one packet; zero means [FrameDuration], or 10 ms where a payload would be larger than
	// [MaxPayload]: of L16 at 44.1 and 48 kHz. G.711 and G.722 take 10 ms to 60 ms in steps of
	// 10 ms; Opus takes 10, 20, 40 and 60 ms, which are its frame sizes (RFC 6716, section 2.1.4).
	PacketTime time.Duration
	// Bitrate of Opus in bit/s, 6000 to 510000 (RFC 7587, section 6.1); zero means [DefaultBitrate].
	Bitrate int
	// Complexity of the Opus encoder, 1 to 10; zero means [DefaultComplexity], [LowestComplexity] the least.
	Complexity int
	// FEC adds to an Opus packet a coarse copy of the one before. Only if the receiver asked for it by useinbandfec=1
	// (RFC 7587, section 3.3).
	FEC bool
	// LossPercent is the loss the Opus encoder reckons with, 0 to 100; zero with FEC means [DefaultLossPercent].
	LossPercent uint8
	// DTX lets the Opus encoder leave out packets in silence. Only if the receiver asked for it by usedtx=1
	// (RFC 7587, section 3.1.3).
	DTX bool
	// CBR makes all packets of Opus equally long, at some loss of quality. If the receiver asked for it by cbr=1 (RFC 7587, section 6.1):
	// the lengths of encrypted packets of speech tell something of what is said (RFC 6562).
	CBR bool
	// MaxBandwidth is the highest sample rate in Hz that the receiver of Opus can make use of, as maxplaybackrate of
	// RFC 7587, section 6.1, gives it; zero means no limit. It is normalised to 8000, 16000, 24000 or 0, the next lower: the
	// 12000 of mediumband is not used, as libopus takes wideband in its place.
	MaxBandwidth int
}

// Normalize returns the format with every default filled in and every field that its codec does not look at cleared, so that
// formats which encode to the same octets are equal. Errors are [ErrUnknownCodec], [ErrPacketTime] and [ErrFormat].
func (f Format) Normalize() (Format, error) {
	if !f.Codec.Valid() {
		return Format{}, fmt.Errorf("%w: %d", ErrUnknownCodec, uint8(f.Codec))
	}
	if f.PacketTime == 0 {
		f.PacketTime = FrameDuration
		if !packetTimeAllowed(f.Codec, f.PacketTime) {
			f.PacketTime /= 2
		}
	}
	if !packetTimeAllowed(f.Codec, f.PacketTime) {
		return Format{}, fmt.Errorf("%w: %s in one packet of %s", ErrPacketTime, f.PacketTime, f.Codec)
	}
	if f.Codec != Opus {
		return Format{Codec: f.Codec, PacketTime: f.PacketTime}, nil
	}

	return f.normalizeOpus()
}

// normalizeOpus does the part of Normalize that only Opus has.
func (f Format) normalizeOpus() (Format, error) {
	if f.Bitrate == 0 {
		f.Bitrate = DefaultBitrate
	}
	if f.Bitrate < 6000 || f.Bitrate > 510000 {
		return Format{}, fmt.Errorf("%w: bitrate %d", ErrFormat, f.Bitrate)
	}
	if f.Complexity == 0 {
		f.Complexity = DefaultComplexity
	}
	if f.Complexity < LowestComplexity || f.Complexity > 10 {
		return Format{}, fmt.Errorf("%w: complexity %d", ErrFormat, f.Complexity)
	}
	if f.FEC && f.LossPercent == 0 {
		f.LossPercent = DefaultLossPercent
	}
	if f.LossPercent > 100 {
		return Format{}, fmt.Errorf("%w: loss of %d %%", ErrFormat, f.LossPercent)
	}
	if f.MaxBandwidth < 0 {
		return Format{}, fmt.Errorf("%w: bandwidth %d", ErrFormat, f.MaxBandwidth)
	}
	f.MaxBandwidth = opusPlaybackRate(f.MaxBandwidth)

	return f, nil
}

// packetTimeAllowed holds the table of the packet times that are sent.
func packetTimeAllowed(c Codec, d time.Duration) bool {
	if d < 10*time.Millisecond || d > 60*time.Millisecond || d%(10*time.Millisecond) != 0 {
		return false
	}
	switch {
	case c == Opus:
		return d != 30*time.Millisecond && d != 50*time.Millisecond
	case c.Linear():
		return c.FrameSamples(d)*l16Size*c.Channels() <= MaxPayload
	}

	return true
}

// opusPlaybackRate returns the highest rate of Opus that is not above what the receiver can play, 0 for no limit
// (RFC 7587, section 7.1). A rate below the narrowest is taken as that one.
func opusPlaybackRate(hz int) int {
	if hz == 0 || hz >= 48000 {
		return 0
	}
	rate := 8000
	for _, r := range [...]int{16000, 24000} {
		if hz >= r {
			rate = r
		}
	}

	return rate
}

// FrameSamples returns the number of samples at the codec's sample rate that one packet holds. Defined for a normalised
// format.
func (f Format) FrameSamples() int { return f.Codec.FrameSamples(f.PacketTime) }

// TimestampStep returns the number of RTP units from one packet to the next. Defined for a normalised format.
func (f Format) TimestampStep() int { return f.Codec.TimestampUnits(f.PacketTime) }
