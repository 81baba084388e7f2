package srs

import "encoding/binary"

// A header is that of an RTP packet (RFC 3550, section 5.1).
type header struct {
	marker      bool
	payloadType uint8
	seq         uint16
	timestamp   uint32
	ssrc        uint32
}

const (
	rtpHeaderSize = 12
	rtpVersion    = 2
)

// parseRTP returns header and payload; false for what is no RTP packet (RFC 3550, appendix A.1).
func parseRTP(b []byte) (h header, payload []byte, ok bool) {
	if len(b) < rtpHeaderSize || b[0]>>6 != rtpVersion {
		return h, nil, false
	}
	end := len(b)
	if b[0]&0x20 != 0 {
		padding := int(b[end-1])
		if padding == 0 || padding > end-rtpHeaderSize {
			return h, nil, false
		}
		end -= padding
	}
	at := rtpHeaderSize + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < at+4 {
			return h, nil, false
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	}
	if at > end {
		return h, nil, false
	}
	h = header{
		marker:      b[1]&0x80 != 0,
		payloadType: b[1] & 0x7f,
		seq:         binary.BigEndian.Uint16(b[2:]),
		timestamp:   binary.BigEndian.Uint32(b[4:]),
		ssrc:        binary.BigEndian.Uint32(b[8:]),
	}

	return h, b[at:end], true
}
