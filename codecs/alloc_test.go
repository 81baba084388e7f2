package codecs

import (
	"testing"
	"time"
)

// Nothing on the media path allocates.
func TestAllocs(t *testing.T) {
	check := func(name string, f func()) {
		t.Helper()
		f()
		if n := testing.AllocsPerRun(50, f); n != 0 {
			t.Errorf("%s: %.1f allocations", name, n)
		}
	}
	out, buf := make([]int16, MaxPacketSamples), make([]byte, MaxPayload)
	for _, c := range every {
		frame := c.FrameSamples(FrameDuration)
		pcm := speech(t, "bob", c.SampleRate())[c.SampleRate() : c.SampleRate()+frame]
		enc, fork, dec := newEncoder(t, Format{Codec: c}), newEncoder(t, Format{Codec: c}), newDecoder(t, c)
		payload := encodeAll(t, Format{Codec: c}, pcm)[0]
		check(c.String()+" encode", func() { _, _ = enc.Encode(buf, pcm) })
		check(c.String()+" fork", func() { _ = fork.(Forker).CopyFrom(enc) }) //nolint:forcetypeassert // the suite holds it
		check(c.String()+" reset encoder", fork.Reset)
		check(c.String()+" decode", func() { _, _ = dec.Decode(out, payload) })
		check(c.String()+" conceal", func() { dec.Conceal(out[:frame]) })
		check(c.String()+" conceal and return", func() { dec.Conceal(out[:frame]); _, _ = dec.Decode(out, payload) })
		check(c.String()+" refuse", func() { _, _ = dec.Decode(out[:3], payload); _, _ = enc.Encode(buf[:1], pcm[1:]) })
		check(c.String()+" packet samples", func() { _, _ = c.PacketSamples(payload) })
		check(c.String()+" reset decoder", dec.Reset)
	}
	fec, ok := newDecoder(t, Opus).(FECDecoder)
	packets := encodeAll(t, Format{Codec: Opus, FEC: true}, speech(t, "alice", 48000)[:48000])
	if !ok {
		t.Fatal("no FECDecoder")
	}
	check("Opus FEC", func() { _, _ = fec.DecodeFEC(out[:960], packets[30]) })
	check("Opus flags", func() { _, _ = OpusVoice(packets[30]); _ = OpusHasFEC(packets[30]) })
	malformed := []byte{3, 0}
	check("Opus malformed", func() { _, _ = fec.Decode(out, malformed) })
	allocsResampler(t, check)
	allocsSignals(t, check)
}

func allocsResampler(t *testing.T, check func(string, func())) {
	t.Helper()
	for _, from := range rates {
		for _, to := range rates {
			r := newResampler(t, from, to)
			src16, dst16 := make([]int16, from/50), make([]int16, to/50)
			src32, dst32 := make([]int32, from/50), make([]int32, to/50)
			srcF, dstF := make([]float32, from/50), make([]float32, to/50)
			check("resample", func() {
				r.Process(dst16, src16)
				r.ProcessInt32(dst32, src32)
				r.ProcessFloat32(dstF, srcF)
			})
		}
	}
}

func allocsSignals(t *testing.T, check func(string, func())) {
	t.Helper()
	pcm := make([]int16, 960)
	check("level", func() { _ = Level(pcm) })
	generator := NewNoiseGenerator(1)
	payload := make([]byte, 0, 16)
	check("comfort noise", func() {
		cn, _ := ParseCN([]byte{60, 100, 150})
		generator.Set(cn)
		generator.Read(pcm)
		payload = AppendCN(payload[:0], cn)
	})
	tone, err := NewToneGenerator(RecordingTone(15*time.Second), 48000)
	if err != nil {
		t.Fatal(err)
	}
	check("tone", func() { tone.Read(pcm) })
	var detector EventDetector
	timestamp := uint32(0)
	count := 0
	report := func(r EventReport) {
		if r.Started {
			count++
		}
	}
	check("event", func() {
		sender := NewEventSender(5, 10, 800, 160)
		for p, ok := sender.Next(); ok; p, ok = sender.Next() {
			payload = AppendEvent(payload[:0], p.Event)
			detector.Push(timestamp+p.Offset, payload, report)
			_, _ = detector.Digit(timestamp+p.Offset, payload)
		}
		timestamp += 5000
	})
}
