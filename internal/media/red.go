package media

import (
	"encoding/binary"
	"time"
)

// maxRedundant is how many copies of earlier audio are read of one packet; a far end sends one or two.
const maxRedundant = 4

// redundant is one copy of earlier audio in a packet (RFC 2198, section 3).
type redundant struct {
	payloadType uint8
	offset      uint32 // RTP units before the timestamp of the packet
	payload     []byte
}

// redundancy are those of the packet at hand, oldest first. It belongs to the tick.
type redundancy struct {
	blocks [maxRedundant]redundant
	count  int
}

// unpack makes the packet its primary encoding, and keeps the copies. It reports false for what is not well-formed.
func (r *redundancy) unpack(p *packet) bool {
	r.count = 0
	var sizes [maxRedundant]int
	rest := p.payload
	for {
		if len(rest) == 0 {
			return false
		}
		if rest[0]&0x80 == 0 {
			p.payloadType = rest[0]
			rest = rest[1:]
			break
		}
		if len(rest) < 4 || r.count == maxRedundant {
			return false
		}
		header := binary.BigEndian.Uint32(rest)
		r.blocks[r.count] = redundant{payloadType: uint8(header >> 24 & 0x7F), offset: header >> 10 & 0x3FFF}
		sizes[r.count] = int(header & 0x3FF)
		r.count++
		rest = rest[4:]
	}
	for i := range r.count {
		if len(rest) < sizes[i] {
			return false
		}
		r.blocks[i].payload = rest[:sizes[i]]
		rest = rest[sizes[i]:]
	}
	p.payload = rest
	return true
}

// primary is what the packet at hand is without its copies; nil if that is nothing that was agreed.
func (s *Session) primary() *format {
	in := &s.in
	if !in.red.unpack(&in.packet) {
		return nil
	}
	f := in.agreed.formats.of(in.packet.payloadType)
	if f.kind == formatUnknown || f.kind == formatRed {
		return nil
	}
	return f
}

// repair gives copies to the jitter buffer, before the packet that has brought them: it takes those whose packets have not come. Of which
// packet one is, its distance in time says, as far as all packets are equally long.
func (s *Session) repair(f *format, arrival time.Duration) {
	in, p := &s.in, &s.in.packet
	j := &in.player.jitter
	if !j.started || f.kind != formatAudio || int(f.clock) != j.clock {
		return
	}
	samples, err := f.codec.PacketSamples(p.payload)
	if err != nil || samples == 0 {
		return
	}
	step := uint32(f.codec.SamplesToUnits(samples))
	for i := range in.red.count {
		b := &in.red.blocks[i]
		g := in.agreed.formats.of(b.payloadType)
		if g.kind != formatAudio || g.clock != f.clock || b.offset == 0 || b.offset%step != 0 || len(b.payload) > maxPayload {
			continue
		}
		samples, err := g.codec.PacketSamples(b.payload)
		if err != nil || samples == 0 {
			continue
		}
		before := uint16(b.offset / step)
		a := arrivedPacket{
			seq: p.seq - before, timestamp: p.timestamp - b.offset, units: g.codec.SamplesToUnits(samples),
			codec: g.codec, payload: b.payload,
		}
		if j.push(a, arrival) == pushQueued {
			s.shared.repaired.add(1)
		}
	}
}
