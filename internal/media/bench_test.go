package media

import (
	"net/netip"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// BenchmarkEmit is one packet of a G.711 session to a socket that takes it.
func BenchmarkEmit(b *testing.B) {
	transport := newTestTransport(b, nil)
	from, _ := connectPair(b, transport, nil)
	packet := codecs.Packet{Payload: loud(), Samples: 160}
	b.ReportAllocs()
	for b.Loop() {
		from.Emit(&packet)
	}
}

// BenchmarkIngest is one tick of a G.711 session that finds one packet; the sending of it is in the time, see BenchmarkEmit.
func BenchmarkIngest(b *testing.B) {
	transport := newTestTransport(b, nil)
	from, to := connectPair(b, transport, nil)
	packet := codecs.Packet{Payload: loud(), Samples: 160}
	var dst [codecs.MaxFrameSamples]int16
	b.ReportAllocs()
	for b.Loop() {
		from.Emit(&packet)
		to.Ingest(dst[:])
	}
}

// BenchmarkIngestNothing is one tick of a session to which nothing has come.
func BenchmarkIngestNothing(b *testing.B) {
	transport := newTestTransport(b, nil)
	s := openSession(b, transport)
	if err := s.Configure(pcmuParams(netip.MustParseAddrPort("127.0.0.1:9"))); err != nil {
		b.Fatal(err)
	}
	var dst [codecs.MaxFrameSamples]int16
	b.ReportAllocs()
	for b.Loop() {
		s.Ingest(dst[:])
	}
}

// BenchmarkJitterBuffer is one packet in and out, without socket and codec.
func BenchmarkJitterBuffer(b *testing.B) {
	buffer := &jitterBuffer{maxDelay: testMax}
	buffer.reset(8000)
	payload := loud()
	p := arrivedPacket{units: 160, payload: payload}
	at := tick
	b.ReportAllocs()
	for b.Loop() {
		p.seq++
		p.timestamp += 160
		at += tick
		buffer.push(p, at)
		buffer.observe(at, 0)
		buffer.step(at, 160)
	}
}
