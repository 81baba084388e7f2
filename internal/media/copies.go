package media

import (
	"encoding/binary"

	"github.com/parley-sip/parley/codecs"
)

const (
	// MaxCopies is how many earlier packets one can carry beside its own audio.
	MaxCopies = 2
	// longestCopy is what the ten bits of a length can say (RFC 2198, section 3).
	longestCopy = 1<<10 - 1
	// longestOffset is what the fourteen bits of an offset can say.
	longestOffset = 1<<14 - 1
	// longestRedundant bounds a payload with its copies, so that packets stay whole on an Ethernet with tunnels.
	longestRedundant = 1200
)

// copies are the last payloads that were sent, the newest first (RFC 2198). They belong to the tick.
type copies struct {
	kept    [MaxCopies]kept
	newest  int
	packet  codecs.Packet
	payload [longestRedundant]byte
}

// kept is one of them.
type kept struct {
	octets    [longestCopy]byte
	size      int // 0: none, or too long
	timestamp uint32
}

// SetRedundancy has packets of audio carry so many of the packets before them, at most [MaxCopies], if that was agreed on: none at first. It holds
// from the next packet on.
func (s *Session) SetRedundancy(packets int) {
	s.redundancy.Store(int32(min(max(packets, 0), MaxCopies)))
}

// inheritCopies goes on with what was sent before, as long as it was of the same format.
func (a *agreement) inheritCopies(p *Params, previous *agreement) {
	switch {
	case !p.Redundancy:
	case previous != nil && previous.copies != nil && previous.params.SendPayloadType == p.SendPayloadType && previous.params.SendCodec == p.SendCodec:
		a.copies = previous.copies
	default:
		a.copies = &copies{}
	}
}

// speak sends a packet of audio, with copies of those before it if there are to be some.
func (s *Session) speak(a *agreement, p *codecs.Packet) {
	o, payloadType := &s.out, a.params.SendPayloadType
	if a.copies == nil {
		s.transmit(a, p, payloadType, o.timestamp)
		return
	}
	sent := p
	if n := int(s.redundancy.Load()); n > 0 && a.copies.pack(p, payloadType, o.timestamp, n) {
		sent, payloadType = &a.copies.packet, a.params.RedundancyPayloadType
	}
	s.transmit(a, sent, payloadType, o.timestamp)
	a.copies.keep(p.Payload, o.timestamp)
}

// pack makes the packet of a payload and at most n copies, the oldest first (RFC 2198, section 3). Without any copy that is close enough before it,
// there is none.
func (c *copies) pack(p *codecs.Packet, payloadType uint8, timestamp uint32, n int) bool {
	head, size := 0, 1+len(p.Payload)
	var list [MaxCopies]*kept
	count := 0
	for i := range n {
		k := &c.kept[(c.newest+MaxCopies-i)%MaxCopies]
		offset := timestamp - k.timestamp
		if k.size == 0 || offset == 0 || offset > min(longestOffset, uint32((i+1)*p.Samples)) || size+4+k.size > len(c.payload) {
			break
		}
		list[count] = k
		count++
		size += 4 + k.size
	}
	if count == 0 {
		return false
	}
	for i := count - 1; i >= 0; i-- {
		k := list[i]
		binary.BigEndian.PutUint32(c.payload[head:], 1<<31|uint32(payloadType)<<24|(timestamp-k.timestamp)<<10|uint32(k.size))
		head += 4
	}
	c.payload[head] = payloadType
	head++
	for i := count - 1; i >= 0; i-- {
		head += copy(c.payload[head:], list[i].octets[:list[i].size])
	}
	head += copy(c.payload[head:], p.Payload)
	c.packet = *p
	c.packet.Payload = c.payload[:head]
	return true
}

// keep remembers a payload.
func (c *copies) keep(payload []byte, timestamp uint32) {
	c.newest = (c.newest + 1) % MaxCopies
	k := &c.kept[c.newest]
	k.size, k.timestamp = 0, timestamp
	if len(payload) <= longestCopy {
		k.size = copy(k.octets[:], payload)
	}
}
