package media

import (
	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/prefetch"
)

// PrefetchIngest asks for the memory that the next Ingest uses: first that of the session itself, but for what is seldom used, then,
// near, that of the packets, the decoder and the parameters.
func (s *Session) PrefetchIngest(near bool) {
	if near {
		s.prefetchNear()
		return
	}
	in := &s.in
	prefetch.Between(&s.transport, &s.shared.bursts.packet)
	prefetch.Between(&in.agreed, &in.player.jitter.window.worst)
	prefetch.Between(&in.player.jitter.drift, &in.player.fec)
}

// prefetchNear is the second half of PrefetchIngest.
func (s *Session) prefetchNear() {
	p := &s.in.player
	store := &p.jitter.store
	prefetch.Value(store.place(p.jitter.highest + 1))
	if at := int(store.free); at < len(store.link) {
		prefetch.Between(&store.arena[at*chunkSize], &store.arena[(at+1)*chunkSize-1])
		prefetch.Value(&store.link[at])
	}
	if a := s.in.agreed; a != nil {
		prefetch.Value(&a.params)
		prefetch.Value(&a.formats.index[s.in.packet.payloadType&0x7f])
		prefetch.Value(&a.formats.list[0])
		prefetch.Between(&a.guard, &a.clock)
	}
	if d, ok := p.decoders[p.codec].(codecs.Prefetcher); ok {
		d.Prefetch()
	}
}

// PrefetchEmit asks for the memory that the next Emit uses: first that of the session itself, then, near, that of the agreement, unless
// Ingest has used it just before.
func (s *Session) PrefetchEmit(near bool) {
	if near {
		if a := s.in.agreed; a != nil && s.in.idleEmits > 0 {
			prefetch.Value(&a.params)
			prefetch.Between(&a.guard, &a.clock)
		}
		return
	}
	prefetch.Between(&s.transport, &s.shared.sentOctets)
	prefetch.Between(&s.in.agreed, &s.in.own)
	prefetch.Between(&s.out.to, &s.out.plain)
}
