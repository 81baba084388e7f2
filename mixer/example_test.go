package mixer_test

import (
	"fmt"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/mixer"
)

// beep is an Input: the notes of a tone generator would do as well.
type beep struct{}

// Ingest writes 20 ms of a square wave at 8 kHz.
func (beep) Ingest(dst []int16) codecs.Frame {
	for i := range dst[:160] {
		dst[i] = int16(3000 - 6000*(i/8%2))
	}

	return codecs.Frame{Rate: 8000, Samples: 160, SSRC: 1}
}

// listener is an Output that tells of the first packet with sound.
type listener chan string

// Emit must not block, so that it drops what nobody waits for.
func (l listener) Emit(p *codecs.Packet) {
	if p.Voice {
		select {
		case l <- fmt.Sprintf("%d octets, %d units, level -%d dBov", len(p.Payload), p.Samples, p.Level):
		default:
		}
	}
}

func Example() {
	engine, err := mixer.New(mixer.Config{})
	if err != nil {
		panic(err)
	}
	if err = engine.Start(); err != nil {
		panic(err)
	}
	defer func() { _ = engine.Close() }()

	heard := make(listener, 1)
	mix := engine.NewMix(mixer.MixConfig{})
	_, err = mix.Apply(mixer.Layout{Members: []mixer.Member{
		{ID: 1, In: beep{}, Speaks: true},
		{ID: 2, Out: heard, Format: codecs.Format{Codec: codecs.PCMU}, Hears: mixer.Hearing{Mode: mixer.Everyone}},
	}})
	if err != nil {
		panic(err)
	}
	fmt.Println(<-heard)
	<-mix.Close()
	// Output: 160 octets, 160 units, level -21 dBov
}
