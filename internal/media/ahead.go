package media

import (
	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/prefetch"
)

// The parts of a session and an agreement that a tick uses.
//
//nolint:gochecknoglobals // constants, but for the compiler
var (
	sessionCounters, sessionSent    prefetch.Span // the second is of what Emit uses
	sessionReceives, sessionPlays   prefetch.Span
	sessionLent, sessionSends       prefetch.Span
	agreementParams, agreementGuard prefetch.Span
)

func init() { //nolint:gochecknoinits // the offsets of nested fields, once
	s, a := &Session{}, &agreement{}
	sessionCounters = prefetch.SpanOf(s, &s.transport, &s.shared.bursts.packet)
	sessionReceives = prefetch.SpanOf(s, &s.in.agreed, &s.in.player.jitter.window.worst)
	sessionPlays = prefetch.SpanOf(s, &s.in.player.jitter.drift, &s.in.aging)
	sessionSent = prefetch.SpanOf(s, &s.transport, &s.shared.sentOctets)
	sessionLent = prefetch.SpanOf(s, &s.in.agreed, &s.in.own)
	sessionSends = prefetch.SpanOf(s, &s.out.to, &s.out.plain)
	agreementParams = prefetch.SpanOf(a, &a.params, &a.params)
	agreementGuard = prefetch.SpanOf(a, &a.guard, &a.clock)
}

// PrefetchIngest asks for the memory that the next Ingest uses: first that of the session itself, but for what is seldom used, then,
// near, that of the packets, the decoder and the parameters.
func (s *Session) PrefetchIngest(near bool) {
	if near {
		s.prefetchNear()
		return
	}
	prefetch.Part(s, sessionCounters)
	prefetch.Part(s, sessionReceives)
	prefetch.Part(s, sessionPlays)
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
	prefetch.Part(s.in.agreed, agreementParams)
	prefetch.Part(s.in.agreed, agreementGuard)
	if d, ok := p.decoders[p.codec].(codecs.Prefetcher); ok {
		d.Prefetch()
	}
}

// PrefetchEmit asks for the memory that the next Emit uses: first that of the session itself, then, near, that of the agreement, unless
// Ingest has used it just before.
func (s *Session) PrefetchEmit(near bool) {
	if near {
		if s.in.idleEmits > 0 {
			prefetch.Part(s.in.agreed, agreementParams)
			prefetch.Part(s.in.agreed, agreementGuard)
		}
		return
	}
	prefetch.Part(s, sessionSent)
	prefetch.Part(s, sessionLent)
	prefetch.Part(s, sessionSends)
}
