package media

import (
	"unsafe"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/prefetch"
)

// What a tick uses of a session, in ranges of its memory that lie together.
const (
	headHot   = unsafe.Offsetof(Session{}.shared) + unsafe.Sizeof(counters{})
	packetHot = 256 // of a packet that is read or written
	agreedHot = unsafe.Sizeof(format{})
	playerHot = unsafe.Offsetof(player{}.jitter) + unsafe.Offsetof(jitterBuffer{}.store) + unsafe.Offsetof(store{}.slots)
	slotsSize = unsafe.Sizeof(store{}.slots)
)

// PrefetchIngest asks for the memory that the next Ingest uses: first that of the session itself, then, near, that of the packets, the
// decoder and the parameters.
func (s *Session) PrefetchIngest(near bool) {
	in := &s.in
	if near {
		s.prefetchNear()
		return
	}
	prefetch.Lines(unsafe.Pointer(s), headHot)
	prefetch.Lines(unsafe.Pointer(&in.agreed), unsafe.Offsetof(in.scratch)-unsafe.Offsetof(in.agreed)+packetHot)
	prefetch.Lines(unsafe.Pointer(&in.packet), unsafe.Offsetof(in.player)-unsafe.Offsetof(in.packet))
	after := unsafe.Offsetof(in.player) + playerHot + slotsSize
	prefetch.Lines(unsafe.Add(unsafe.Pointer(in), after), unsafe.Sizeof(*in)-after+unsafe.Sizeof(s.out))
}

// prefetchNear is the second half of PrefetchIngest.
func (s *Session) prefetchNear() {
	p := &s.in.player
	store := &p.jitter.store
	prefetch.Lines(unsafe.Pointer(&store.slots[(p.jitter.highest+1)&(storeSlots-1)]), unsafe.Sizeof(slot{}))
	if int(store.free) < len(store.link) {
		prefetch.Lines(unsafe.Pointer(&store.arena[int(store.free)*chunkSize]), chunkSize)
		prefetch.Lines(unsafe.Pointer(&store.link[store.free]), 1)
	}
	if a := s.in.agreed; a != nil {
		prefetch.Lines(unsafe.Pointer(a), unsafe.Offsetof(a.formats))
		prefetch.Lines(unsafe.Pointer(&a.formats[s.in.packet.payloadType]), agreedHot)
		prefetch.Lines(unsafe.Pointer(&a.guard), unsafe.Sizeof(*a)-unsafe.Offsetof(a.guard))
	}
	if d, ok := p.decoders[p.codec].(codecs.Prefetcher); ok {
		d.Prefetch()
	}
}

// PrefetchEmit asks for the memory that the next Emit uses.
func (s *Session) PrefetchEmit() {
	prefetch.Lines(unsafe.Pointer(s), headHot)
	prefetch.Lines(unsafe.Pointer(&s.in.scratch), packetHot)
	prefetch.Lines(unsafe.Pointer(&s.out), unsafe.Sizeof(s.out))
}
