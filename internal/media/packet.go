package media

import (
	"encoding/binary"

	"github.com/parley-sip/parley/codecs"
)

const (
	headerSize     = 12     // without CSRC list (RFC 3550, section 5.1)
	rtpVersion     = 2 << 6 // in the first octet
	profileOneByte = 0xBEDE // RFC 8285, section 4.2
	profileTwoByte = 0x1000 // RFC 8285, section 4.3, without the application bits
)

// packet is a received RTP packet. The payload is a part of the buffer that was parsed.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|V=2|P|X|  CC   |M|     PT      |       sequence number         |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                           timestamp                           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                             SSRC                              |
//	+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
type packet struct {
	payload     []byte
	timestamp   uint32
	ssrc        uint32
	seq         uint16
	payloadType uint8
	level       uint8 // of the ssrc-audio-level extension, if hasLevel
	csrcCount   uint8
	marker      bool
	hasLevel    bool
	voice       bool
	csrc        [codecs.MaxCSRC]uint32
}

// parse reads an RTP packet (RFC 3550, section 5.1). Extensions are skipped but for the audio level with the identifier
// (RFC 6464), 0 for none; padding is removed. It returns false for what is no RTP.
func (p *packet) parse(b []byte, levelID uint8) bool {
	if len(b) < headerSize || b[0]&0xC0 != rtpVersion {
		return false
	}
	p.marker, p.payloadType = b[1]&0x80 != 0, b[1]&0x7F
	p.seq = binary.BigEndian.Uint16(b[2:])
	p.timestamp = binary.BigEndian.Uint32(b[4:])
	p.ssrc = binary.BigEndian.Uint32(b[8:])
	p.csrcCount = b[0] & 0x0F
	p.hasLevel, p.voice, p.level = false, false, 0
	at := headerSize + 4*int(p.csrcCount)
	if len(b) < at {
		return false
	}
	for i := range p.csrcCount {
		p.csrc[i] = binary.BigEndian.Uint32(b[headerSize+4*int(i):])
	}
	end := len(b)
	if b[0]&0x20 != 0 { // padding: its last octet counts itself
		pad := int(b[end-1])
		if pad == 0 || pad > end-at {
			return false
		}
		end -= pad
	}
	if b[0]&0x10 != 0 {
		if end < at+4 {
			return false
		}
		profile, size := binary.BigEndian.Uint16(b[at:]), 4*int(binary.BigEndian.Uint16(b[at+2:]))
		at += 4
		if end < at+size {
			return false
		}
		if levelID != 0 {
			p.parseLevel(profile, b[at:at+size], levelID)
		}
		at += size
	}
	p.payload = b[at:end]
	return true
}

// parseLevel looks for the audio level among the elements of a header extension, in the one-octet and the two-octet form
// (RFC 6464, section 3; RFC 8285, section 4).
func (p *packet) parseLevel(profile uint16, elements []byte, id uint8) {
	two := profile&0xFFF0 == profileTwoByte
	if !two && profile != profileOneByte {
		return
	}
	for len(elements) > 0 {
		if elements[0] == 0 { // padding
			elements = elements[1:]
			continue
		}
		var this uint8
		var size, head int
		if two {
			if len(elements) < 2 {
				return
			}
			this, size, head = elements[0], int(elements[1]), 2
		} else {
			this, size, head = elements[0]>>4, int(elements[0]&0x0F)+1, 1
			if this == 15 { // RFC 8285, section 4.2: stop here
				return
			}
		}
		if len(elements) < head+size {
			return
		}
		if this == id && size >= 1 {
			value := elements[head]
			p.level, p.voice, p.hasLevel = value&0x7F, value&0x80 != 0, true
			return
		}
		elements = elements[head+size:]
	}
}

// isRTCP tells RTCP from RTP on one port by the second octet (RFC 5761, section 4).
func isRTCP(b []byte) bool { return len(b) >= 2 && b[1] >= 192 && b[1] <= 223 }
