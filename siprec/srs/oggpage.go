package srs

import (
	"encoding/binary"
	"errors"
	"io"
)

// Pages of Ogg (RFC 3533, section 6).
const (
	oggMagic   = "OggS"
	pageHeader = 27
	maxLacing  = 255
	maxPage    = pageHeader + maxLacing + maxLacing*maxLacing

	pageContinued = 1
	pageFirst     = 2
	pageLast      = 4
)

// A page is one page of Ogg. Packets of ours never go from one page to the next.
type page struct {
	flags    byte
	granule  int64
	serial   uint32
	sequence uint32
	lacing   []byte
	body     []byte
}

// fits reports whether a packet of that size has room.
func (p *page) fits(size int) bool { return len(p.lacing)+size/maxLacing+1 <= maxLacing }

// add puts a packet that fits.
func (p *page) add(packet []byte) {
	for n := len(packet); ; n -= maxLacing {
		if n < maxLacing {
			p.lacing = append(p.lacing, byte(n)) //nolint:gosec // below 255

			break
		}
		p.lacing = append(p.lacing, maxLacing)
	}
	p.body = append(p.body, packet...)
}

// appendTo writes the page.
func (p *page) appendTo(b []byte) []byte {
	start := len(b)
	b = append(b, oggMagic...)
	b = append(b, 0, p.flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.granule)) //nolint:gosec // two's complement
	b = binary.LittleEndian.AppendUint32(b, p.serial)
	b = binary.LittleEndian.AppendUint32(b, p.sequence)
	b = append(b, 0, 0, 0, 0, byte(len(p.lacing))) //nolint:gosec // fits says so
	b = append(b, p.lacing...)
	b = append(b, p.body...)
	binary.LittleEndian.PutUint32(b[start+22:], oggSum(b[start:]))

	return b
}

// packets gives each packet that ends in the page; false: the page goes on with a packet of the one before, or into the next.
func (p *page) packets(each func(packet []byte)) bool {
	whole := p.flags&pageContinued == 0
	body, size := p.body, 0
	for i, n := range p.lacing {
		size += int(n)
		if n < maxLacing {
			each(body[:size])
			body, size = body[size:], 0
		} else if i == len(p.lacing)-1 {
			whole = false
		}
	}

	return whole
}

var errPage = errors.New("no page of Ogg")

// readPage reads the next page. What is cut off or damaged is errPage, the end io.EOF.
func readPage(in io.Reader) (page, error) {
	var b [maxPage]byte
	if n, err := io.ReadFull(in, b[:pageHeader]); err != nil {
		if n == 0 && errors.Is(err, io.EOF) {
			return page{}, io.EOF
		}

		return page{}, errPage
	}
	segments := int(b[26])
	if string(b[:4]) != oggMagic || b[4] != 0 {
		return page{}, errPage
	}
	end := pageHeader + segments
	if _, err := io.ReadFull(in, b[pageHeader:end]); err != nil {
		return page{}, errPage
	}
	size := 0
	for _, n := range b[pageHeader:end] {
		size += int(n)
	}
	if _, err := io.ReadFull(in, b[end:end+size]); err != nil {
		return page{}, errPage
	}
	p := page{
		flags: b[5], granule: int64(binary.LittleEndian.Uint64(b[6:])), //nolint:gosec // two's complement
		serial: binary.LittleEndian.Uint32(b[14:]), sequence: binary.LittleEndian.Uint32(b[18:]),
	}
	sum := binary.LittleEndian.Uint32(b[22:])
	clear(b[22:26])
	if oggSum(b[:end+size]) != sum {
		return page{}, errPage
	}
	p.lacing = append(p.lacing, b[pageHeader:end]...)
	p.body = append(p.body, b[end:end+size]...)

	return p, nil
}

// sums is the table of the checksum: a CRC of 32 bits with the polynomial 0x04c11db7, not reflected (RFC 3533, section 6).
//
//nolint:gochecknoglobals // table
var sums = func() (table [256]uint32) {
	for i := range table {
		sum := uint32(i) << 24
		for range 8 {
			if sum&(1<<31) != 0 {
				sum = sum<<1 ^ 0x04c11db7
			} else {
				sum <<= 1
			}
		}
		table[i] = sum
	}

	return table
}()

func oggSum(b []byte) uint32 {
	var sum uint32
	for _, c := range b {
		sum = sum<<8 ^ sums[byte(sum>>24)^c]
	}

	return sum
}
