package codecs

import (
	"fmt"
	"testing"
)

func BenchmarkEncode(b *testing.B) {
	for _, c := range every {
		b.Run(c.String(), func(b *testing.B) {
			enc := newEncoder(b, Format{Codec: c})
			frame := c.FrameSamples(FrameDuration)
			pcm := speech(b, "alice", c.SampleRate())
			buf := make([]byte, MaxPayload)
			b.ReportAllocs()
			at := 0
			for b.Loop() {
				if _, err := enc.Encode(buf, pcm[at:at+frame]); err != nil {
					b.Fatal(err)
				}
				if at += frame; at+frame > len(pcm) {
					at = 0
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range every {
		b.Run(c.String(), func(b *testing.B) {
			payloads := encodeAll(b, Format{Codec: c}, speech(b, "alice", c.SampleRate()))
			dec := newDecoder(b, c)
			out := make([]int16, MaxPacketSamples)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, err := dec.Decode(out, payloads[i]); err != nil {
					b.Fatal(err)
				}
				i = (i + 1) % len(payloads)
			}
		})
	}
}

// BenchmarkConceal is a loss of one packet and the return from it, each time.
func BenchmarkConceal(b *testing.B) {
	for _, c := range every {
		b.Run(c.String(), func(b *testing.B) {
			payloads := encodeAll(b, Format{Codec: c}, speech(b, "alice", c.SampleRate()))
			dec := newDecoder(b, c)
			out := make([]int16, MaxPacketSamples)
			frame := c.FrameSamples(FrameDuration)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, err := dec.Decode(out, payloads[i]); err != nil {
					b.Fatal(err)
				}
				dec.Conceal(out[:frame])
				i = (i + 1) % len(payloads)
			}
		})
	}
}

func BenchmarkFork(b *testing.B) {
	from, to := newEncoder(b, Format{Codec: Opus}), newEncoder(b, Format{Codec: Opus})
	fork, ok := to.(Forker)
	if !ok {
		b.Fatal("not a Forker")
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := fork.CopyFrom(from); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResample(b *testing.B) {
	for _, from := range rates {
		for _, to := range rates {
			if from == to {
				continue
			}
			b.Run(fmt.Sprintf("%d-%d", from/1000, to/1000), func(b *testing.B) {
				r := newResampler(b, from, to)
				src, dst := speech(b, "bob", from)[from:from+from/50], make([]int16, to/50)
				b.ReportAllocs()
				for b.Loop() {
					r.Process(dst, src)
				}
			})
		}
	}
}

func BenchmarkLevel(b *testing.B) {
	pcm := speech(b, "bob", 48000)[48000 : 48000+960]
	b.ReportAllocs()
	for b.Loop() {
		_ = Level(pcm)
	}
}

func BenchmarkNoise(b *testing.B) {
	g := NewNoiseGenerator(1)
	g.Set(CN{Level: 50, Order: 10, Reflection: [MaxNoiseOrder]uint8{60, 170, 110, 140, 120, 130, 127, 127, 120, 135}})
	pcm := make([]int16, 160)
	b.ReportAllocs()
	for b.Loop() {
		g.Read(pcm)
	}
}

func BenchmarkTone(b *testing.B) {
	g, err := NewToneGenerator(Tone{Frequencies: []float64{1400}, Level: -18}, 48000)
	if err != nil {
		b.Fatal(err)
	}
	pcm := make([]int16, 960)
	b.ReportAllocs()
	for b.Loop() {
		g.Read(pcm)
	}
}
