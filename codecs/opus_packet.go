package codecs

// OpusMode is the coding that the packets of one configuration use (RFC 6716, section 3.1).
type OpusMode uint8

// The modes of Opus.
const (
	// OpusSILK is for speech, up to wideband.
	OpusSILK OpusMode = iota
	// OpusHybrid is SILK below 8 kHz and CELT above.
	OpusHybrid
	// OpusCELT is for music and short frames.
	OpusCELT
)

// String returns the name of the mode.
func (m OpusMode) String() string {
	switch m {
	case OpusSILK:
		return "SILK"
	case OpusHybrid:
		return "hybrid"
	case OpusCELT:
		return "CELT"
	default:
		return "unknown"
	}
}

// OpusTOC is what the first octets of an Opus packet tell about it (RFC 6716, section 3.1).
type OpusTOC struct {
	// Bandwidth of the audio as the sample rate in Hz that it needs: 8000, 12000, 16000, 24000 or 48000.
	Bandwidth int
	// FrameSamples is the length of one frame in samples at 48 kHz.
	FrameSamples int
	// Frames in the packet.
	Frames int
	// Mode of the coding.
	Mode OpusMode
	// Stereo packets decode to mono as the mean of both channels.
	Stereo bool
}

// Samples returns the length of the packet in samples at 48 kHz.
func (t OpusTOC) Samples() int { return t.FrameSamples * t.Frames }

// ParseOpusTOC reads the table-of-contents octet, and the number of frames behind it. An empty packet, one without frames and
// one of more than 120 ms are [ErrMalformed] (RFC 6716, section 3.4); the rest of the packet is left to the decoder.
func ParseOpusTOC(packet []byte) (OpusTOC, error) {
	if len(packet) == 0 {
		return OpusTOC{}, ErrMalformed
	}
	config := packet[0] >> 3
	t := OpusTOC{Stereo: packet[0]&4 != 0}
	switch {
	case config < 12:
		t.Mode = OpusSILK
		t.Bandwidth = [...]int{8000, 12000, 16000}[config/4]
		t.FrameSamples = [...]int{480, 960, 1920, 2880}[config%4]
	case config < 16:
		t.Mode = OpusHybrid
		t.Bandwidth = [...]int{24000, 48000}[(config-12)/2]
		t.FrameSamples = [...]int{480, 960}[config%2]
	default:
		t.Mode = OpusCELT
		t.Bandwidth = [...]int{8000, 16000, 24000, 48000}[(config-16)/4]
		t.FrameSamples = 120 << (config % 4)
	}
	switch packet[0] & 3 {
	case 0:
		t.Frames = 1
	case 1, 2:
		t.Frames = 2
	default:
		if len(packet) < 2 {
			return OpusTOC{}, ErrMalformed
		}
		t.Frames = int(packet[1] & 0x3F)
	}
	if t.Frames == 0 || t.Samples() > MaxPacketSamples {
		return OpusTOC{}, ErrMalformed
	}

	return t, nil
}

// OpusPacketSamples returns the length of an Opus packet in samples at 48 kHz, 120 to 5760, without decoding it. The error is
// [ErrMalformed].
func OpusPacketSamples(packet []byte) (int, error) {
	t, err := ParseOpusTOC(packet)

	return t.Samples(), err
}

// OpusVoice reports whether the encoder took any of the packet for voice. Only SILK and hybrid packets tell; known is false for
// the others, and for what is malformed. It does not decode: the flags are the first bits of every frame, before any that are
// entropy-coded (RFC 6716, section 4.2.3).
func OpusVoice(packet []byte) (voice, known bool) {
	flags, count, ok := silkFlags(packet)
	if !ok {
		return false, false
	}

	return flags>>(8-count) != 0, true
}

// OpusHasFEC reports whether the packet carries a copy of the packet before (RFC 6716, section 4.2.5), so that
// [FECDecoder.DecodeFEC] yields more than concealment.
func OpusHasFEC(packet []byte) bool {
	flags, count, ok := silkFlags(packet)

	return ok && flags>>(7-count)&1 != 0
}

// silkFlags returns the first octet of the first frame, whose top bits are a voice flag for each of count SILK frames, and then
// the flag for a low-bitrate redundant copy.
func silkFlags(packet []byte) (flags uint8, count int, ok bool) {
	t, err := ParseOpusTOC(packet)
	if err != nil || t.Mode == OpusCELT {
		return 0, 0, false
	}
	frame := firstOpusFrame(packet)
	if len(frame) < 2 { // a frame of at most one octet is DTX
		return 0, 0, false
	}

	return frame[0], max(1, t.FrameSamples/960), true
}

// firstOpusFrame returns the first frame of a packet and what follows it (RFC 6716, section 3.2).
func firstOpusFrame(packet []byte) []byte {
	switch packet[0] & 3 {
	case 0:
		return packet[1:]
	case 1:
		return packet[1 : 1+(len(packet)-1)/2]
	case 2:
		return sizedOpusFrame(packet[1:], 1)
	default:
		rest, sizes := packet[2:], 0
		if packet[1]&0x40 != 0 {
			rest = skipOpusPadding(rest)
		}
		if packet[1]&0x80 != 0 {
			sizes = int(packet[1]&0x3F) - 1
		}

		return sizedOpusFrame(rest, sizes)
	}
}

// skipOpusPadding skips the octets that tell the length of the padding (RFC 6716, section 3.2.5).
func skipOpusPadding(rest []byte) []byte {
	for len(rest) > 0 {
		more := rest[0] == 255
		rest = rest[1:]
		if !more {
			break
		}
	}

	return rest
}

// sizedOpusFrame skips the given number of frame lengths, and returns what follows, cut to the first of the lengths
// (RFC 6716, section 3.2.1).
func sizedOpusFrame(rest []byte, sizes int) []byte {
	first := -1
	for range sizes {
		if len(rest) == 0 {
			return nil
		}
		size := int(rest[0])
		rest = rest[1:]
		if size >= 252 {
			if len(rest) == 0 {
				return nil
			}
			size += 4 * int(rest[0])
			rest = rest[1:]
		}
		if first < 0 {
			first = size
		}
	}
	if first >= 0 && first < len(rest) {
		rest = rest[:first]
	}

	return rest
}
