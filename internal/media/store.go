package media

import (
	"time"

	"github.com/parley-sip/parley/codecs"
)

const (
	storeSlots  = 64             // packets held at most, and the lost between them: more than 500 ms of packets of 10 ms
	firstSlots  = 16             // to begin with
	chunkSize   = 160            // 20 ms of G.711
	storeChunks = 64             // at most
	firstChunks = 8              // to begin with: 160 ms in packets of 20 ms
	spareChunks = 12             // for a packet of 200 ms beyond those that wait
	maxPayload  = 12 * chunkSize // 200 ms of G.711 and some more
)

// slot is one packet in the store.
type slot struct {
	seq, timestamp int64        // extended
	units          int32        // duration in RTP units, 0 for comfort noise
	size           uint16       // of the payload
	chunk          uint8        // first of its chunks
	codec          codecs.Codec // by what its payload type meant when it came: by now it may mean another, or nothing
	flags          slotFlags
}

type slotFlags uint8

const (
	slotUsed  slotFlags = 1 << iota
	slotVoice           // the sender says so (RFC 6464, section 3)
)

func (s *slot) used() bool { return s.flags&slotUsed != 0 }

// store keeps the payloads of a jitter buffer in chunks of an arena, so that long and short packets share little memory and nothing is
// allocated, but when more has to wait than before: the arena then doubles, until it has its full size.
type store struct {
	slots []slot // their number is a power of two
	arena []byte
	link  []uint8 // next chunk of the same packet, or of the free list
	free  uint8   // first free chunk
	left  int     // free chunks
	most  int     // chunks at most
	whole []byte  // where the chunks of a long packet are put together; made when first one comes
}

// chunksOf returns how many chunks are needed for packets of 10 ms or longer that wait for so long.
func chunksOf(delay time.Duration) int {
	return min(int(delay/(10*time.Millisecond))+spareChunks, storeChunks)
}

// make gives the store its memory, for so many chunks at most.
func (s *store) make(most int) {
	s.most = most
	first := min(firstChunks, most)
	s.arena, s.link = make([]byte, first*chunkSize), make([]uint8, first)
	s.slots = make([]slot, firstSlots)
}

// widen gives the store as many slots as it may have. Pointers to slots are no longer valid.
func (s *store) widen() {
	slots := make([]slot, storeSlots)
	for _, p := range s.slots {
		if p.used() {
			slots[p.seq&(storeSlots-1)] = p
		}
	}
	s.slots = slots
}

// place is where the packet with a sequence number is, or would be.
func (s *store) place(seq int64) *slot { return &s.slots[seq&int64(len(s.slots)-1)] }

// grow gives the store twice as many chunks, or as many as it may have. What payload has returned stays valid.
func (s *store) grow() {
	count := min(2*len(s.link), s.most)
	arena, link := make([]byte, count*chunkSize), make([]uint8, count)
	copy(arena, s.arena)
	had := copy(link, s.link)
	for i := had; i < count; i++ {
		link[i] = uint8(i + 1)
	}
	link[count-1] = s.free
	s.arena, s.link, s.free = arena, link, uint8(had)
	s.left += count - had
}

func (s *store) init() {
	if s.arena == nil {
		s.make(storeChunks)
	}
	for i := range s.link {
		s.link[i] = uint8(i + 1)
	}
	s.free, s.left = 0, len(s.link)
	for i := range s.slots {
		s.slots[i] = slot{}
	}
}

// at returns the packet with the extended sequence number, or nil.
func (s *store) at(seq int64) *slot {
	p := s.place(seq)
	if p.used() && p.seq == seq {
		return p
	}
	return nil
}

// chunksFor returns how many chunks a payload takes.
func chunksFor(size int) int { return (size + chunkSize - 1) / chunkSize }

// put stores a packet whose slot is free. It returns false if there is no room.
func (s *store) put(p slot, payload []byte) bool {
	need := chunksFor(len(payload))
	for need > s.left && len(s.link) < s.most {
		s.grow()
	}
	if need > s.left {
		return false
	}
	p.size = uint16(len(payload))
	p.chunk = s.free
	p.flags |= slotUsed
	for len(payload) > 0 {
		i := int(s.free)
		n := copy(s.arena[i*chunkSize:(i+1)*chunkSize], payload)
		payload = payload[n:]
		s.free = s.link[i]
	}
	s.left -= need
	*s.place(p.seq) = p
	return true
}

// payload returns the octets of a packet: in place if they are in one chunk, else put together, until the next ones are.
func (s *store) payload(p *slot) []byte {
	size := int(p.size)
	if size <= chunkSize {
		at := int(p.chunk) * chunkSize
		return s.arena[at : at+size : at+size]
	}
	if cap(s.whole) < size {
		s.whole = make([]byte, 0, chunksFor(size)*chunkSize)
	}
	out := s.whole[:0]
	for i := int(p.chunk); len(out) < size; i = int(s.link[i]) {
		out = append(out, s.arena[i*chunkSize:i*chunkSize+min(chunkSize, size-len(out))]...)
	}
	return out
}

// remove frees a packet. What payload returned stays as it is until the next put.
func (s *store) remove(p *slot) {
	if need := chunksFor(int(p.size)); need > 0 {
		last := p.chunk
		for range need - 1 {
			last = s.link[last]
		}
		s.link[last] = s.free
		s.free = p.chunk
		s.left += need
	}
	p.flags = 0
}
