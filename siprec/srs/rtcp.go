package srs

import (
	"encoding/binary"
	"time"
)

// The packet types of RTCP that are looked at (RFC 3550, section 12.1).
const (
	rtcpSR   = 200
	rtcpRR   = 201
	rtcpSDES = 202
	rtcpBYE  = 203
)

// A senderReport ties an RTP timestamp to the sender's clock (RFC 3550, section 6.4.1).
type senderReport struct {
	ssrc      uint32
	ntp       uint64 // seconds since 1900 in the upper half, fractions in the lower
	timestamp uint32
}

// time is the NTP time since 1900; 0 means that the sender has no clock.
func (s senderReport) time() time.Duration {
	seconds := time.Duration(s.ntp>>32) * time.Second

	return seconds + time.Duration((s.ntp&0xffffffff)*uint64(time.Second)>>32)
}

// ntpTime is a time since 1900, as reports tell it (RFC 3550, section 4).
func ntpTime(t time.Time) time.Duration {
	const from1900 = 2208988800 // seconds to 1970

	return time.Duration(t.Unix()+from1900)*time.Second + time.Duration(t.Nanosecond())
}

// parseRTCP walks a compound packet and hands over sender reports and sources
// that left. It stops at what is malformed (RFC 3550, appendix A.2).
func parseRTCP(b []byte, report func(senderReport), bye func(ssrc uint32)) {
	for len(b) >= 4 && b[0]>>6 == 2 {
		size := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if size > len(b) {
			return
		}
		body := b[4:size]
		switch {
		case b[1] == rtcpSR && len(body) >= 24:
			report(senderReport{
				ssrc:      binary.BigEndian.Uint32(body),
				ntp:       binary.BigEndian.Uint64(body[4:]),
				timestamp: binary.BigEndian.Uint32(body[12:]),
			})
		case b[1] == rtcpBYE:
			for i := range int(b[0] & 0x1f) {
				if len(body) >= 4*i+4 {
					bye(binary.BigEndian.Uint32(body[4*i:]))
				}
			}
		}
		b = b[size:]
	}
}

// parseDescriptions hands over the CNAME and NAME of each source that is described (RFC 3550, section 6.5). It stops at what is malformed.
func parseDescriptions(b []byte, described func(ssrc uint32, cname, name string)) {
	for len(b) >= 4 && b[0]>>6 == 2 {
		size := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if size > len(b) {
			return
		}
		if b[1] == rtcpSDES {
			parseChunks(b[4:size], int(b[0]&0x1f), described)
		}
		b = b[size:]
	}
}

func parseChunks(b []byte, count int, described func(ssrc uint32, cname, name string)) {
	const cnameItem, nameItem = 1, 2
	for ; count > 0 && len(b) >= 8; count-- {
		ssrc, at := binary.BigEndian.Uint32(b), 4
		var items [nameItem + 1]string
		for at < len(b) && b[at] != 0 {
			if at+2 > len(b) || at+2+int(b[at+1]) > len(b) {
				return
			}
			if kind := b[at]; kind <= nameItem {
				items[kind] = string(b[at+2 : at+2+int(b[at+1])])
			}
			at += 2 + int(b[at+1])
		}
		described(ssrc, items[cnameItem], items[nameItem])
		b = b[min(len(b), (at/4+1)*4):]
	}
}

// A reception is what our receiver report says about a source (RFC 3550, section 6.4.2).
type reception struct {
	ssrc     uint32
	fraction uint8
	lost     uint32
	highest  uint32
	jitter   uint32
	lastSR   uint32
	delay    uint32 // in 1/65536 s
}

// receiverReport makes a receiver report and our CNAME; every RTCP packet is such a compound
// (RFC 3550, section 6.1).
func receiverReport(own uint32, r *reception, cname string) []byte {
	count, words := byte(0), uint16(1)
	if r != nil {
		count, words = 1, 7
	}
	dst := []byte{0x80 | count, rtcpRR}
	dst = binary.BigEndian.AppendUint16(dst, words)
	dst = binary.BigEndian.AppendUint32(dst, own)
	if r != nil {
		dst = binary.BigEndian.AppendUint32(dst, r.ssrc)
		dst = binary.BigEndian.AppendUint32(dst, uint32(r.fraction)<<24|min(r.lost, 0x7fffff))
		for _, v := range []uint32{r.highest, r.jitter, r.lastSR, r.delay} {
			dst = binary.BigEndian.AppendUint32(dst, v)
		}
	}
	cname = cname[:min(len(cname), 255)]
	// One chunk: SSRC, item CNAME, and at least one zero octet up to the word.
	chunk := 4 + 2 + len(cname) + 1
	chunk += (4 - chunk%4) % 4
	start := len(dst)
	dst = append(dst, 0x81, rtcpSDES)
	dst = binary.BigEndian.AppendUint16(dst, uint16(chunk/4)) //nolint:gosec // our own short name
	dst = binary.BigEndian.AppendUint32(dst, own)
	dst = append(dst, 1, byte(len(cname))) //nolint:gosec // cut above
	dst = append(dst, cname...)

	return append(dst, make([]byte, start+4+chunk-len(dst))...)
}
