package sound

import (
	"bytes"
	"encoding/binary"
)

const (
	capturePattern = "OggS"
	pageHeader     = 27 // bytes before the segment table (RFC 3533, section 6)
	fullSegment    = 255

	flagContinued = 0x01 // the first packet began on the page before
	flagFirst     = 0x02
	flagLast      = 0x04

	noGranule = -1 // no packet ends on the page
)

// page is one page of a logical bitstream (RFC 3533, section 6).
type page struct {
	flags    byte
	granule  int64
	serial   uint32
	sequence uint32
	segments []byte
	body     []byte
}

// readPage takes the page at the beginning of data, and gives what follows it.
func readPage(data []byte) (p page, rest []byte, err error) {
	if len(data) < pageHeader || string(data[:4]) != capturePattern || data[4] != 0 {
		return page{}, nil, malformed("Ogg page expected")
	}
	p = page{
		flags: data[5], granule: int64(binary.LittleEndian.Uint64(data[6:])), //nolint:gosec // two's complement
		serial: binary.LittleEndian.Uint32(data[14:]), sequence: binary.LittleEndian.Uint32(data[18:]),
	}
	table := int(data[26])
	if len(data) < pageHeader+table {
		return page{}, nil, malformed("Ogg page is cut off")
	}
	p.segments = data[pageHeader : pageHeader+table]
	size := 0
	for _, n := range p.segments {
		size += int(n)
	}
	end := pageHeader + table + size
	if len(data) < end {
		return page{}, nil, malformed("Ogg page is cut off")
	}
	if checksum(data[:end]) != binary.LittleEndian.Uint32(data[22:]) {
		return page{}, nil, malformed("Ogg page %d has a wrong checksum", p.sequence)
	}
	p.body = data[pageHeader+table : end]
	return p, data[end:], nil
}

// checksum is that of a page, whose own field counts as zero: generator 0x04c11db7, most significant bit first, neither preset nor
// inverted (RFC 3533, section 6), which is none of those in hash/crc32.
func checksum(p []byte) uint32 {
	var crc uint32
	for i, b := range p {
		if i >= 22 && i < 26 {
			b = 0
		}
		crc ^= uint32(b) << 24
		for range 8 {
			if crc&0x80000000 != 0 {
				crc = crc<<1 ^ 0x04c11db7
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

// oggReader puts the packets of the first logical bitstream together.
type oggReader struct {
	data     []byte
	serial   uint32
	sequence uint32
	begun    bool
	over     bool
	partial  []byte // of a packet that goes on
	granule  int64  // of the last page on which a packet ended
	queue    [][]byte
}

// next gives the next packet; nil at the end.
func (r *oggReader) next() ([]byte, error) {
	for len(r.queue) == 0 {
		if r.over || len(r.data) == 0 {
			if r.partial != nil {
				return nil, malformed("Ogg packet is cut off")
			}
			return nil, nil
		}
		p, rest, err := readPage(r.data)
		if err != nil {
			return nil, err
		}
		r.data = rest
		if err := r.take(p); err != nil {
			return nil, err
		}
	}
	packet := r.queue[0]
	r.queue = r.queue[1:]
	return packet, nil
}

// take takes the packets of a page; pages of other bitstreams are passed over.
func (r *oggReader) take(p page) error {
	switch {
	case !r.begun && p.flags&flagFirst == 0:
		return malformed("Ogg does not begin with a first page")
	case !r.begun:
		r.begun, r.serial, r.granule = true, p.serial, noGranule
	case p.serial != r.serial:
		return nil
	case p.sequence != r.sequence+1:
		return malformed("Ogg page %d is missing", r.sequence+1)
	}
	r.sequence = p.sequence
	if (p.flags&flagContinued != 0) != (r.partial != nil) {
		return malformed("Ogg page %d does not go on where the one before ended", p.sequence)
	}
	if p.granule != noGranule {
		r.granule = p.granule
	}
	r.over = p.flags&flagLast != 0
	body := p.body
	for _, n := range p.segments {
		r.partial = append(r.partial, body[:n]...)
		body = body[n:]
		if n < fullSegment {
			r.queue = append(r.queue, bytes.Clone(r.partial))
			r.partial = nil
		} else if r.partial == nil {
			r.partial = []byte{}
		}
	}
	return nil
}
