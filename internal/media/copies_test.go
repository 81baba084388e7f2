package media

import (
	"bytes"
	"slices"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// Packets carry those before them as RFC 2198, section 3, has it, as many as is asked for, and only those that are right before them.
func TestRedundancyIsSent(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), func(p *Params) { p.Redundancy, p.RedundancyPayloadType = true, 121 })
	say := func(size int, text string) {
		s.Emit(&codecs.Packet{Payload: bytes.Repeat([]byte(text), size), Samples: 160})
	}
	heard := func() []byte {
		packets := p.hear(0)
		if len(packets) != 1 {
			t.Fatalf("%d packets", len(packets))
		}
		return append([]byte{packets[0].PayloadType}, packets[0].Payload...)
	}
	expect := func(what string, want ...byte) {
		t.Helper()
		if got := heard(); !bytes.Equal(got, want) {
			t.Errorf("%s: % x, want % x", what, got, want)
		}
	}
	say(3, "a")
	expect("not asked for", 0, 'a', 'a', 'a')
	s.SetRedundancy(1)
	say(2, "b")
	// One block of payload type 0, 160 units before, three octets; then the primary one.
	expect("one", 121, 0x80, 0x02, 0x80, 3, 0, 'a', 'a', 'a', 'b', 'b')
	s.SetRedundancy(2)
	say(1, "c")
	expect("two, the oldest first", 121, 0x80, 0x05, 0x00, 3, 0x80, 0x02, 0x80, 2, 0, 'a', 'a', 'a', 'b', 'b', 'c')
	s.Emit(&codecs.Packet{Samples: 160}) // nothing is sent in this time
	say(1, "d")
	expect("after a gap the one within reach", 0, 'd')
	say(1100, "e")
	if got := heard(); got[0] != 121 || len(got) != 1+5+1+1100 {
		t.Errorf("long: payload type %d, %d octets", got[0], len(got))
	}
	say(1, "f") // its predecessor is too long to be described
	expect("after what is too long", 0, 'f')
	s.SetRedundancy(0)
	say(1, "g")
	expect("none again", 0, 'g')
	params := pcmuParams(p.addr())
	params.Redundancy, params.RedundancyPayloadType = true, 0
	if err := s.Configure(params); err == nil {
		t.Error("the payload type of the audio itself was taken")
	}
}

// What one session sends with copies another one repairs: of losses of one packet in a row none is heard.
func TestRedundancyThrough(t *testing.T) {
	transport := newTestTransport(t, nil)
	from, ear := call(t, transport, func(p *Params) { p.Redundancy, p.RedundancyPayloadType = true, 121 })
	to, mouth := call(t, transport, func(p *Params) { p.Receive = append(p.Receive, PayloadType{Number: 121, Redundant: true}) })
	from.SetRedundancy(1)
	lost := 0
	ticks(t, 100, func(i int) {
		from.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
		for octets := ear.read(ear.rtp, 0); octets != nil; octets = ear.read(ear.rtp, 0) {
			if i%10 == 9 {
				lost++
				continue
			}
			mouth.raw(slices.Clone(octets))
		}
		ingest(to)
	})
	if stats := to.Stats(); lost < 5 || stats.Lost == 0 || stats.Repaired < uint64(lost)/2 {
		t.Errorf("%d lost, %d counted, %d repaired", lost, stats.Lost, stats.Repaired)
	}
}

func TestRedundancyAllocatesNothing(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), func(p *Params) { p.Redundancy, p.RedundancyPayloadType = true, 121 })
	s.SetRedundancy(2)
	packet := codecs.Packet{Payload: loud(), Samples: 160}
	s.Emit(&packet)
	if n := testing.AllocsPerRun(100, func() { s.Emit(&packet) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	_ = p.hear(0)
}
