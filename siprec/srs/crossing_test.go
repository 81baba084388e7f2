package srs

import (
	"os"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/conftest"
)

// Ten recordings go on at once, and each millisecond says whose it is. What is in a file is of that recording only, all of it, in its order. `make bench` does the same with an hour.
//
// Shows RQ-009.
func TestRecordingsNeverCross(t *testing.T) {
	const recordings, perPacket = 10, 20
	long := 20 * time.Second
	if text := os.Getenv("CROSSING_TIME"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.PCMU, PacketTime: frame})
	if err != nil {
		t.Fatal(err)
	}
	benches := make([]*bench, recordings)
	for i := range benches {
		benches[i] = newBench(t, codecs.PCMU, clocks{})
	}
	var payload [codecs.MaxPayload]byte
	packets := int(long / frame)
	for n := range packets {
		for i, b := range benches {
			size, err := encoder.Encode(payload[:], conftest.Marks(i, n*perPacket, perPacket))
			if err != nil {
				t.Fatal(err)
			}
			packet := append([]byte(nil), rtpPacket(uint16(n), uint32(n*160), uint32(i+1), payload[:size])...)
			if err = b.rx.packet(packet, b.from, time.Duration(n)*frame); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, b := range benches {
		next := 0
		conftest.FindMarks(b.finish(time.Duration(packets)*frame), func(voice, index, _ int) {
			if voice != i || index != next {
				t.Fatalf("recording %d has millisecond %d of recording %d in the place of its own %d", i, index, voice, next)
			}
			next++
		})
		if next != packets*perPacket {
			t.Errorf("recording %d has %d ms of %d", i, next, packets*perPacket)
		}
	}
}
