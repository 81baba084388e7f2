package codecs

import (
	"errors"
	"testing"
)

// Any payload decodes or is refused, never more than announced; afterwards a good one decodes as ever.
func FuzzDecode(f *testing.F) {
	f.Add(uint8(0), []byte{0xFF, 0x7F}, []byte{})
	f.Fuzz(func(t *testing.T, which uint8, first, second []byte) {
		c := every[int(which)%len(every)]
		dec := newDecoder(t, c)
		out := make([]int16, MaxPacketSamples)
		for _, payload := range [][]byte{first, second} {
			want, sizeErr := c.PacketSamples(payload)
			n, err := dec.Decode(out, payload)
			switch {
			case err == nil && sizeErr != nil:
				t.Fatalf("decoded %d samples of what has no length: %v", n, sizeErr)
			case err == nil && n != want && len(payload) > 0:
				t.Fatalf("decoded %d samples, announced %d", n, want)
			case err != nil && n != 0:
				t.Fatalf("%d samples and %v", n, err)
			case err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrShortBuffer):
				t.Fatalf("undocumented error %v", err)
			}
			if n := dec.Conceal(out[:333]); n != 333 {
				t.Fatalf("concealed %d", n)
			}
			if fec, ok := dec.(FECDecoder); ok {
				if n, err := fec.DecodeFEC(out[:960], payload); err == nil && n != 960 {
					t.Fatalf("repaired %d", n)
				}
			}
		}
		frame := make([]int16, c.FrameSamples(FrameDuration))
		good := encodeAll(t, Format{Codec: c}, frame)[0]
		if n, err := dec.Decode(out, good); n != len(frame) || err != nil {
			t.Fatalf("a good packet afterwards: %d, %v", n, err)
		}
	})
}

// What is parsed is within the limits of Opus, and the flags are found without reading beyond the packet.
func FuzzOpusTOC(f *testing.F) {
	f.Add([]byte{0xFC, 1, 2, 3})
	f.Fuzz(func(t *testing.T, packet []byte) {
		toc, err := ParseOpusTOC(packet)
		samples, err2 := OpusPacketSamples(packet)
		voice, known := OpusVoice(packet)
		fec := OpusHasFEC(packet)
		if (err == nil) != (err2 == nil) || samples != toc.Samples() {
			t.Fatalf("%v, %v, %d, %+v", err, err2, samples, toc)
		}
		if err != nil {
			if !errors.Is(err, ErrMalformed) || toc != (OpusTOC{}) || voice || known || fec {
				t.Fatalf("%v: %+v, voice %v %v, FEC %v", err, toc, voice, known, fec)
			}

			return
		}
		if samples < opusUnit || samples > MaxPacketSamples || samples%opusUnit != 0 || toc.Mode.String() == "unknown" {
			t.Fatalf("%+v", toc)
		}
		if known && toc.Mode == OpusCELT || voice && !known {
			t.Fatalf("voice %v %v in %s", voice, known, toc.Mode)
		}
	})
}

// What parses is appended to the same octets, but for the reserved bit; a detector reports an event at most once.
func FuzzEvent(f *testing.F) {
	f.Add(uint32(1000), []byte{5, 0x8A, 3, 0x20})
	f.Fuzz(func(t *testing.T, timestamp uint32, payload []byte) {
		e, err := ParseEvent(payload)
		if (err == nil) != (len(payload) >= EventSize) {
			t.Fatalf("%d octets: %v", len(payload), err)
		}
		if err == nil {
			back := AppendEvent(nil, e)
			if len(back) != EventSize || back[0] != payload[0] || back[1] != payload[1]&0xBF || back[2] != payload[2] || back[3] != payload[3] {
				t.Fatalf("%x became %x", payload[:4], back)
			}
		}
		var d EventDetector
		d.Push(timestamp, payload, func(r EventReport) {
			if !r.Started && !r.Ended || r.Event.Duration == 0 {
				t.Fatalf("reported %+v", r)
			}
		})
		if len(payload) < 2*EventSize {
			d.Push(timestamp, payload, func(r EventReport) { t.Fatalf("reported twice: %+v", r) })
		}
	})
}

// What parses is appended to the same description, and its noise has no more than its level.
func FuzzCN(f *testing.F) {
	f.Add([]byte{60, 127, 100})
	f.Fuzz(func(t *testing.T, payload []byte) {
		cn, err := ParseCN(payload)
		if (err == nil) != (len(payload) > 0) {
			t.Fatalf("%d octets: %v", len(payload), err)
		}
		if err != nil {
			return
		}
		if again, err := ParseCN(AppendCN(nil, cn)); again != cn || err != nil {
			t.Fatalf("%+v became %+v, %v", cn, again, err)
		}
		g := NewNoiseGenerator(1)
		g.Set(cn)
		pcm := make([]int16, 800)
		g.Read(pcm)
		if cn.Order == 0 && cn.Level > 3 && Level(pcm)+2 < cn.Level {
			t.Fatalf("%+v is at %d", cn, Level(pcm))
		}
	})
}
