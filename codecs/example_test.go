package codecs_test

import (
	"fmt"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// One frame of a 440 Hz tone through G.711, with the level that the mixer would see; then a packet is lost.
func Example() {
	tone, err := codecs.NewToneGenerator(codecs.Tone{Frequencies: []float64{440}, Level: -10}, codecs.PCMA.SampleRate())
	if err != nil {
		fmt.Println(err)

		return
	}
	enc, err := codecs.NewEncoder(codecs.Format{Codec: codecs.PCMA, PacketTime: 20 * time.Millisecond})
	if err != nil {
		fmt.Println(err)

		return
	}
	dec, err := codecs.NewDecoder(codecs.PCMA)
	if err != nil {
		fmt.Println(err)

		return
	}
	pcm, payload := make([]int16, 160), make([]byte, codecs.MaxPayload)
	for range 3 {
		tone.Read(pcm)
		n, err := enc.Encode(payload, pcm)
		if err != nil {
			fmt.Println(err)

			return
		}
		samples, err := dec.Decode(pcm, payload[:n])
		fmt.Println(n, "octets,", samples, "samples, level", codecs.Level(pcm), err)
	}
	dec.Conceal(pcm)
	fmt.Println("concealed, level", codecs.Level(pcm))
	// Output:
	// 160 octets, 160 samples, level 17 <nil>
	// 160 octets, 160 samples, level 16 <nil>
	// 160 octets, 160 samples, level 16 <nil>
	// concealed, level 17
}

// A key is reported once, whichever of its packets arrive.
func ExampleEventDetector() {
	var detector codecs.EventDetector
	sender := codecs.NewEventSender(11, 10, 800, 160)
	for packet, ok := sender.Next(); ok; packet, ok = sender.Next() {
		payload := codecs.AppendEvent(nil, packet.Event)
		if code, pressed := detector.Digit(1000+packet.Offset, payload); pressed {
			digit, _ := codecs.EventDigit(code)
			fmt.Printf("%c\n", digit)
		}
	}
	// Output: #
}
