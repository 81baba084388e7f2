package rtt

import (
	"encoding/binary"
	"errors"
)

// ErrPacket is what is no packet of text.
var ErrPacket = errors.New("rtt: malformed packet")

// Packet is one RTP packet (RFC 3550, section 5.1), of text.
type Packet struct {
	Marker      bool
	PayloadType uint8
	Sequence    uint16
	// Timestamp counts milliseconds (RFC 4103, section 3.5).
	Timestamp uint32
	SSRC      uint32
	// Contributor is the source of the text if a mixer passes it on, with Mixed (RFC 9071, section 3.1).
	Contributor uint32
	Mixed       bool
	Payload     []byte
}

const (
	headerSize   = 12
	maxOffset    = 1<<14 - 1 // of redundant blocks, in milliseconds
	maxBlockSize = 1<<10 - 1 // of redundant blocks, in octets
)

// ParsePacket reads a packet; the payload is part of octets. Error: [ErrPacket].
func ParsePacket(octets []byte) (Packet, error) {
	if len(octets) < headerSize || octets[0]>>6 != 2 {
		return Packet{}, ErrPacket
	}
	p := Packet{
		Marker: octets[1]&0x80 != 0, PayloadType: octets[1] & 0x7F, Sequence: binary.BigEndian.Uint16(octets[2:]),
		Timestamp: binary.BigEndian.Uint32(octets[4:]), SSRC: binary.BigEndian.Uint32(octets[8:]),
	}
	rest := octets[headerSize:]
	if octets[0]&0x20 != 0 { // padding
		n := int(octets[len(octets)-1])
		if n == 0 || n > len(rest) {
			return Packet{}, ErrPacket
		}
		rest = rest[:len(rest)-n]
	}
	count := int(octets[0] & 0x0F)
	if len(rest) < 4*count {
		return Packet{}, ErrPacket
	}
	if count > 0 {
		p.Mixed, p.Contributor = true, binary.BigEndian.Uint32(rest)
		rest = rest[4*count:]
	}
	if octets[0]&0x10 != 0 { // header extension
		if len(rest) < 4 {
			return Packet{}, ErrPacket
		}
		n := 4 + 4*int(binary.BigEndian.Uint16(rest[2:]))
		if len(rest) < n {
			return Packet{}, ErrPacket
		}
		rest = rest[n:]
	}
	p.Payload = rest
	return p, nil
}

// Append writes the packet.
func (p Packet) Append(to []byte) []byte {
	first, second := byte(2<<6), p.PayloadType&0x7F
	if p.Mixed {
		first |= 1
	}
	if p.Marker {
		second |= 0x80
	}
	to = append(to, first, second)
	to = binary.BigEndian.AppendUint16(to, p.Sequence)
	to = binary.BigEndian.AppendUint32(to, p.Timestamp)
	to = binary.BigEndian.AppendUint32(to, p.SSRC)
	if p.Mixed {
		to = binary.BigEndian.AppendUint32(to, p.Contributor)
	}
	return append(to, p.Payload...)
}

// Block is one T.140 block in a packet (RFC 4103, section 3.2).
type Block struct {
	PayloadType uint8
	// Offset is how many milliseconds before the packet's timestamp it was sent first; 0: with this packet.
	Offset uint16
	Text   []byte
}

// ParseBlocks reads a payload of red (RFC 2198, section 3): the oldest block first, the new one last. Error: [ErrPacket].
func ParseBlocks(payload []byte) ([]Block, error) {
	var blocks []Block
	var sizes []int
	rest := payload
	for {
		if len(rest) == 0 {
			return nil, ErrPacket
		}
		if rest[0]&0x80 == 0 {
			break
		}
		if len(rest) < 4 {
			return nil, ErrPacket
		}
		header := binary.BigEndian.Uint32(rest)
		blocks = append(blocks, Block{PayloadType: uint8(header >> 24 & 0x7F), Offset: uint16(header >> 10 & maxOffset)})
		sizes = append(sizes, int(header&maxBlockSize))
		rest = rest[4:]
	}
	last := Block{PayloadType: rest[0]}
	rest = rest[1:]
	for i, size := range sizes {
		if len(rest) < size {
			return nil, ErrPacket
		}
		blocks[i].Text, rest = rest[:size], rest[size:]
	}
	last.Text = rest
	return append(blocks, last), nil
}

// appendBlocks writes a payload of red: the oldest block first, the new one last.
func appendBlocks(to []byte, blocks []Block) []byte {
	last := len(blocks) - 1
	for _, b := range blocks[:last] {
		to = binary.BigEndian.AppendUint32(to, 1<<31|uint32(b.PayloadType&0x7F)<<24|uint32(b.Offset&maxOffset)<<10|uint32(len(b.Text))&maxBlockSize)
	}
	to = append(to, blocks[last].PayloadType&0x7F)
	for _, b := range blocks {
		to = append(to, b.Text...)
	}
	return to
}
