package media

import (
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// Who only listens has no decoder, which of Opus is 18 KiB; it is there as soon as he may speak, and stays when he may no longer.
func TestListenersHaveNoDecoder(t *testing.T) {
	transport := newTestTransport(t, nil)
	a, b := connectPair(t, transport, func(p *Params) {
		p.SendCodec, p.SendPayloadType, p.Receiving = codecs.Opus, 111, false
		p.Receive = []PayloadType{{Number: 111, Codec: codecs.Opus}, {Number: 0, Codec: codecs.PCMU}, {Number: 101, Event: true}}
	})
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.Opus, PacketTime: tick})
	if err != nil {
		t.Fatal(err)
	}
	tone := &sine{frequency: 1000, rate: 48000, amplitude: 8000}
	hear := func() (heard int) {
		ticks(t, 25, func(int) {
			a.Emit(&codecs.Packet{Payload: encodedTone(t, encoder, tone, 960), Samples: 960})
			if f := ingest(b); f.Flags == 0 && f.Level < 40 {
				heard++
			}
		})
		return heard
	}
	made := func() (n int) {
		for _, decoder := range b.in.player.decoders {
			if decoder != nil {
				n++
			}
		}
		return n
	}
	if n := hear(); n != 0 || made() != 0 || len(b.Rates()) != 0 || b.Stats().PacketsReceived < 20 {
		t.Errorf("he hears %d frames, with %d decoders, of rates %v; %d packets have come", n, made(), b.Rates(), b.Stats().PacketsReceived)
	}
	for _, receiving := range []bool{true, false} {
		p := pcmuParams(a.LocalAddr())
		p.SendCodec, p.SendPayloadType, p.Receiving = codecs.Opus, 111, receiving
		p.Receive = []PayloadType{{Number: 111, Codec: codecs.Opus}, {Number: 0, Codec: codecs.PCMU}, {Number: 101, Event: true}}
		if err := b.Configure(p); err != nil {
			t.Fatal(err)
		}
		if n := hear(); receiving && n < 10 || !receiving && n > 5 || made() != 2 || len(b.Rates()) != 2 {
			t.Errorf("receiving %t: %d frames are heard, with %d decoders, of rates %v", receiving, n, made(), b.Rates())
		}
	}
}
