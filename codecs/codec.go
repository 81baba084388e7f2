package codecs

import (
	"strings"
	"time"
)

// Codec names a payload format for audio. The zero value is [None].
type Codec uint8

// The codecs of this package.
const (
	// None is no codec: no audio was agreed.
	None Codec = iota
	// PCMU is G.711 mu-law (RFC 3551, section 4.5.14).
	PCMU
	// PCMA is G.711 A-law (RFC 3551, section 4.5.14).
	PCMA
	// G722 is G.722 at 64 kbit/s (RFC 3551, section 4.5.2).
	G722
	// Opus is Opus (RFC 6716), as RFC 7587 carries it; sent as mono, received as mono or stereo.
	Opus
	// L16At8000 is uncompressed audio at a sample rate in Hz (RFC 3551, section 4.5.11), L16At8000Stereo the same in two channels. All decoders of
	// this package give one channel, the mean of two.
	L16At8000
	L16At16000
	L16At44100
	L16At48000
	L16At8000Stereo
	L16At16000Stereo
	L16At44100Stereo
	L16At48000Stereo
)

// Count is one more than the highest codec, for tables by codec.
const Count = int(L16At48000Stereo) + 1

const (
	// FrameDuration is the length of the frames that are mixed.
	FrameDuration = 20 * time.Millisecond
	// MaxFrameSamples is the number of samples of one such frame at the highest rate, 48 kHz.
	MaxFrameSamples = 960
	// MaxPacketSamples is the number of samples of the longest packet that any decoder may yield: 120 ms of Opus
	// (RFC 7587, section 4.2). 200 ms of G.711 or G.722 (RFC 3551, section 4.2) are fewer.
	MaxPacketSamples = 5760
	// MaxPayload is the largest payload in octets that any encoder makes: one Opus frame (RFC 6716, section 3.2.1).
	MaxPayload = 1275
)

// codecInfo is what is fixed for a codec.
type codecInfo struct {
	name       string
	sampleRate int
	clockRate  int
	channels   int
	static     uint8
	hasStatic  bool
}

// info is the table of the codecs (RFC 3551, section 6; RFC 7587, section 7).
func (c Codec) info() codecInfo {
	switch c {
	case PCMU:
		return codecInfo{name: "PCMU", sampleRate: 8000, clockRate: 8000, channels: 1, static: 0, hasStatic: true}
	case PCMA:
		return codecInfo{name: "PCMA", sampleRate: 8000, clockRate: 8000, channels: 1, static: 8, hasStatic: true}
	case G722:
		return codecInfo{name: "G722", sampleRate: 16000, clockRate: 8000, channels: 1, static: 9, hasStatic: true}
	case Opus:
		return codecInfo{name: "opus", sampleRate: 48000, clockRate: 48000, channels: 2}
	case L16At8000, L16At8000Stereo:
		return l16Info(8000, c)
	case L16At16000, L16At16000Stereo:
		return l16Info(16000, c)
	case L16At44100: // the only two with a number of their own
		return codecInfo{name: l16Name, sampleRate: 44100, clockRate: 44100, channels: 1, static: 11, hasStatic: true}
	case L16At44100Stereo:
		return codecInfo{name: l16Name, sampleRate: 44100, clockRate: 44100, channels: 2, static: 10, hasStatic: true}
	case L16At48000, L16At48000Stereo:
		return l16Info(48000, c)
	case None:
		return codecInfo{}
	default:
		return codecInfo{}
	}
}

const l16Name = "L16"

func l16Info(rate int, c Codec) codecInfo {
	info := codecInfo{name: l16Name, sampleRate: rate, clockRate: rate, channels: 1}
	if c >= L16At8000Stereo {
		info.channels = 2
	}

	return info
}

// ParseCodec returns the codec of an rtpmap's encoding name and clock rate in Hz, and false if it is none of this package.
// Names are compared without regard to case (RFC 8866, section 6.6). The number of channels is not looked at: of L16 it is the codec of one.
func ParseCodec(name string, clockRate int) (Codec, bool) {
	for c := PCMU; int(c) < Count; c++ {
		if info := c.info(); info.clockRate == clockRate && strings.EqualFold(info.name, name) {
			return c, true
		}
	}

	return None, false
}

// ParseCodecChannels is [ParseCodec] for a number of channels, which is [Codec.Channels] of the codec.
func ParseCodecChannels(name string, clockRate, channels int) (Codec, bool) {
	for c := PCMU; int(c) < Count; c++ {
		if info := c.info(); info.clockRate == clockRate && info.channels == channels && strings.EqualFold(info.name, name) {
			return c, true
		}
	}

	return None, false
}

// CodecOfStaticPayloadType returns the codec to which RFC 3551, section 6, gives the payload type, and false if there is
// none in this package.
func CodecOfStaticPayloadType(pt uint8) (Codec, bool) {
	for c := PCMU; int(c) < Count; c++ {
		if info := c.info(); info.hasStatic && info.static == pt {
			return c, true
		}
	}

	return None, false
}

// String returns the encoding name as it stands in an rtpmap, "none" for [None].
func (c Codec) String() string {
	if name := c.info().name; name != "" {
		return name
	}

	return "none"
}

// Valid reports whether c is a codec that can be encoded and decoded.
func (c Codec) Valid() bool { return c.info().clockRate != 0 }

// SampleRate returns the rate of the decoded audio in Hz: 8000, 16000, 44100 or 48000; 0 for [None].
func (c Codec) SampleRate() int { return c.info().sampleRate }

// ClockRate returns the rate of RTP timestamps in Hz. For G722 it is 8000, although the audio is at 16000
// (RFC 3551, section 4.5.2). 0 for [None].
func (c Codec) ClockRate() int { return c.info().clockRate }

// Channels returns the number of channels to write into the rtpmap: 2 for Opus, whatever is sent (RFC 7587, section 7),
// and for L16 in stereo, else 1; 0 for [None].
func (c Codec) Channels() int { return c.info().channels }

// StaticPayloadType returns the payload type that RFC 3551, section 6, assigns, and false for a codec that needs a dynamic
// one.
func (c Codec) StaticPayloadType() (uint8, bool) {
	info := c.info()

	return info.static, info.hasStatic
}

// FrameSamples returns the number of samples at [Codec.SampleRate] that last d.
func (c Codec) FrameSamples(d time.Duration) int {
	return int(int64(d) * int64(c.SampleRate()) / int64(time.Second))
}

// TimestampUnits returns the number of RTP units at [Codec.ClockRate] that last d.
func (c Codec) TimestampUnits(d time.Duration) int {
	return int(int64(d) * int64(c.ClockRate()) / int64(time.Second))
}

// SamplesToUnits converts a number of samples at [Codec.SampleRate] to RTP units at [Codec.ClockRate].
func (c Codec) SamplesToUnits(samples int) int {
	if c == G722 {
		return samples / 2
	}

	return samples
}

// UnitsToSamples converts a number of RTP units at [Codec.ClockRate] to samples at [Codec.SampleRate].
func (c Codec) UnitsToSamples(units int) int {
	if c == G722 {
		return units * 2
	}

	return units
}

// PacketSamples returns how many samples at [Codec.SampleRate] a payload holds, without decoding it. An Opus payload that is
// not well-formed, or one of L16 that ends within a sample, is [ErrMalformed]; an empty payload holds none.
func (c Codec) PacketSamples(payload []byte) (int, error) {
	switch {
	case c == PCMU, c == PCMA:
		return len(payload), nil
	case c == G722:
		return 2 * len(payload), nil
	case c == Opus && len(payload) == 0:
		return 0, nil
	case c == Opus:
		return OpusPacketSamples(payload)
	case c.Linear():
		size := l16Size * c.Channels()
		if len(payload)%size != 0 {
			return 0, ErrMalformed
		}

		return len(payload) / size, nil
	default:
		return 0, ErrUnknownCodec
	}
}
