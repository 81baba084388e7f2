package srs

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

// A telephone event is in the file as the tones of its key, as long as it was, although packets of it are lost; what was said before and after it is
// where it belongs.
func TestTelephoneEvents(t *testing.T) {
	b := newBench(t, codecs.PCMU, clocks{})
	err := b.rx.configure(sdp.Stream{Codec: codecs.PCMU, Accepts: []sdp.ReceivePayload{
		{Number: 96, Codec: codecs.PCMU, ClockRate: 8000}, {Number: 101, ClockRate: 8000, Event: true}, {Number: 102, ClockRate: 48000, Event: true},
	}})
	if err != nil {
		t.Fatal(err)
	}
	at := func(n int) time.Duration { return 500*time.Millisecond + time.Duration(n)*frame }
	for n := range 50 {
		b.send(n, at(n))
	}
	event := func(n, number, payloadType int, e codecs.Event, start int) {
		packet := rtpPacket(uint16(number), uint32(start*160), 1, codecs.AppendEvent(nil, e))
		packet[1] = byte(payloadType)
		if err = b.rx.packet(packet, b.from, at(n)); err != nil {
			t.Fatal(err)
		}
	}
	for k := 1; k <= 10; k++ { // 200 ms
		if k != 1 && k != 5 { // are lost
			event(49+k, 49+k, 101, codecs.Event{Code: 5, Duration: uint16(160 * k), End: k == 10}, 50)
		}
	}
	event(60, 60, 101, codecs.Event{Code: 5, Duration: 1600, End: true}, 50)
	event(60, 61, 101, codecs.Event{Code: 5, Duration: 1600, End: true}, 50)
	event(60, 62, 101, codecs.Event{Code: 16, Duration: 160, End: true}, 60) // a flash has no sound
	event(60, 63, 102, codecs.Event{Code: 7, Duration: 160, End: true}, 60)  // of another clock
	for n := 61; n < 100; n++ {
		if err = b.rx.packet(rtpPacket(uint16(n+3), uint32(n*160), 1, ulaw(n)), b.from, at(n)); err != nil {
			t.Fatal(err)
		}
	}
	pcm := b.finish(4 * time.Second)
	for n := range 100 {
		if n < 50 || n > 61 {
			has(t, pcm, n, 4000+160*n)
		}
	}
	detector, err := codecs.NewDTMFDetector(8000)
	if err != nil {
		t.Fatal(err)
	}
	tone := pcm[4000+160*50 : 4000+160*60]
	if key := detector.Push(tone); key != '5' {
		t.Errorf("key %q", key)
	}
	for i := 0; i+80 <= len(tone); i += 80 {
		if codecs.Level(tone[i:i+80]) > 20 {
			t.Errorf("nothing sounds at sample %d of the key", i)
		}
	}
	silent(t, pcm, 4000+160*60, 4000+160*61)
}
