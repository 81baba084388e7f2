package codecs

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

// TestSuite holds every codec to the contract of Encoder and Decoder.
func TestSuite(t *testing.T) {
	for _, c := range every {
		t.Run(c.String(), func(t *testing.T) {
			t.Run("round trip", func(t *testing.T) { suiteRoundTrip(t, c) })
			t.Run("level", func(t *testing.T) { suiteLevel(t, c) })
			t.Run("concealment", func(t *testing.T) { suiteConceal(t, c) })
			t.Run("silence", func(t *testing.T) { suiteSilence(t, c) })
			t.Run("silence by design", func(t *testing.T) { suiteDTX(t, c) })
			t.Run("fork", func(t *testing.T) { suiteFork(t, c) })
			t.Run("reset", func(t *testing.T) { suiteReset(t, c) })
			t.Run("arguments", func(t *testing.T) { suiteArguments(t, c) })
			t.Run("packet times", func(t *testing.T) { suitePacketTimes(t, c) })
		})
	}
}

// suiteRoundTrip: speech comes out as it went in, as far as the codec can.
func suiteRoundTrip(t *testing.T, c Codec) {
	t.Helper()
	want := map[Codec]float64{PCMU: 30, PCMA: 30, G722: 18, Opus: 6}[c]
	for _, name := range speechNames {
		pcm := speech(t, name, c.SampleRate())
		got := decodeAll(t, c, encodeAll(t, Format{Codec: c, Bitrate: 64000}, pcm), 0, nil)
		if s, delay := bestSNR(pcm[:len(got)-c.SampleRate()/10], got, c.SampleRate()/100); s < want {
			t.Errorf("%s: SNR %.1f dB at a delay of %d samples, want %.0f", name, s, delay, want)
		}
	}
}

// suiteLevel: a tone and speech keep their level within 0.5 dB (ME-AUD-12).
func suiteLevel(t *testing.T, c Codec) {
	t.Helper()
	rate := c.SampleRate()
	signals := map[string][]int16{
		"loud tone": sine(rate, 1004, 20000, rate), "tone": sine(rate, 1004, 4000, rate),
		"speech": speech(t, "bob", rate), "other speech": speech(t, "carol", rate),
	}
	for name, pcm := range signals {
		got := decodeAll(t, c, encodeAll(t, Format{Codec: c}, pcm), 0, nil)
		if d := decibel(power(got[rate/10:]), power(pcm[rate/10:len(got)])); math.Abs(d) > 0.5 {
			t.Errorf("%s: level changed by %.2f dB", name, d)
		}
	}
}

// suiteConceal: where packets of speech are lost there is no hole, and no burst.
func suiteConceal(t *testing.T, c Codec) {
	t.Helper()
	frame := c.FrameSamples(FrameDuration)
	for _, name := range speechNames {
		payloads := encodeAll(t, Format{Codec: c}, speech(t, name, c.SampleRate()))
		intact := decodeAll(t, c, payloads, frame, nil)
		lost := func(i int) bool { return i%9 == 8 }
		got := decodeAll(t, c, payloads, frame, lost)
		voiced := active(intact, frame)
		holes, judged := 0, 0
		for i := 1; i < len(voiced)-1; i++ {
			if !lost(i) || !voiced[i-1] || !voiced[i] || !voiced[i+1] {
				continue
			}
			judged++
			around := min(power(intact[(i-1)*frame:i*frame]), power(intact[(i+1)*frame:(i+2)*frame]))
			if decibel(power(got[i*frame:(i+1)*frame]), around) < -9 {
				holes++
			}
		}
		if judged == 0 || holes > judged/6 {
			t.Errorf("%s: holes in %d of %d losses", name, holes, judged)
		}
		if l, want := Level(got), Level(intact); math.Abs(float64(l)-float64(want)) > 1 {
			t.Errorf("%s: level %d with losses, %d without", name, l, want)
		}
	}
}

// suiteSilence: silence stays silent.
func suiteSilence(t *testing.T, c Codec) {
	t.Helper()
	got := decodeAll(t, c, encodeAll(t, Format{Codec: c}, make([]int16, c.SampleRate())), 0, nil)
	if l := Level(got); l < 70 {
		t.Errorf("level %d", l)
	}
}

// suiteDTX: an empty payload is no error, and what it yields is no louder than what came before.
func suiteDTX(t *testing.T, c Codec) {
	t.Helper()
	dec := newDecoder(t, c)
	buf := make([]int16, MaxPacketSamples)
	if n, err := dec.Decode(buf, nil); err != nil || c != Opus && n != 0 || c == Opus && n != 960 {
		t.Errorf("empty payload first: %d, %v", n, err)
	}
	for _, p := range encodeAll(t, Format{Codec: c}, noise(50, c.SampleRate()/2)) {
		if _, err := dec.Decode(buf, p); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		n, err := dec.Decode(buf, nil)
		if err != nil {
			t.Fatal(err)
		}
		if l := Level(buf[:n]); n > 0 && l < 55 {
			t.Errorf("level %d in silence", l)
		}
	}
	if _, err := dec.Decode(buf[:100], nil); c == Opus && !errors.Is(err, ErrShortBuffer) {
		t.Errorf("empty payload into a short buffer: %v", err)
	}
}

// suiteFork: all our encoders can be forked.
func suiteFork(t *testing.T, c Codec) {
	t.Helper()
	f := Format{Codec: c}
	a, b := newEncoder(t, f), newEncoder(t, f)
	pcm := speech(t, "dave", c.SampleRate())
	frame := c.FrameSamples(FrameDuration)
	bufA, bufB := make([]byte, MaxPayload), make([]byte, MaxPayload)
	for i := range 100 {
		if i == 40 {
			fork, ok := b.(Forker)
			if !ok {
				t.Fatal("not a Forker")
			}
			if err := fork.CopyFrom(a); err != nil {
				t.Fatal(err)
			}
		}
		na, err := a.Encode(bufA, pcm[i*frame:(i+1)*frame])
		if err != nil {
			t.Fatal(err)
		}
		if i < 40 {
			continue
		}
		if nb, err := b.Encode(bufB, pcm[i*frame:(i+1)*frame]); err != nil || !bytes.Equal(bufA[:na], bufB[:nb]) {
			t.Fatalf("frame %d differs, %v", i, err)
		}
	}
	for _, other := range every {
		if other == c {
			continue
		}
		if fork, ok := b.(Forker); ok {
			if err := fork.CopyFrom(newEncoder(t, Format{Codec: other})); !errors.Is(err, ErrNotForkable) {
				t.Errorf("fork of %s: %v", other, err)
			}
		}
	}
}

// suiteReset: what was reset is as good as new.
func suiteReset(t *testing.T, c Codec) {
	t.Helper()
	pcm := speech(t, "erin", c.SampleRate())[:c.SampleRate()]
	frame := c.FrameSamples(FrameDuration)
	enc, dec := newEncoder(t, Format{Codec: c}), newDecoder(t, c)
	buf, out := make([]byte, MaxPayload), make([]int16, MaxPacketSamples)
	var first []byte
	for pass := range 2 {
		var all []byte
		for i := range len(pcm) / frame {
			n, err := enc.Encode(buf, pcm[i*frame:(i+1)*frame])
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, buf[:n]...)
			m, err := dec.Decode(out, buf[:n])
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range out[:m] {
				all = append(all, byte(s), byte(s>>8))
			}
		}
		if pass == 0 {
			first = all
		} else if !bytes.Equal(first, all) {
			t.Error("differs after a reset")
		}
		enc.Reset()
		dec.Reset()
	}
}

// suiteArguments: a buffer that is too short is refused, nothing beyond the result is touched, and the state is as before.
func suiteArguments(t *testing.T, c Codec) {
	t.Helper()
	payloads := encodeAll(t, Format{Codec: c}, speech(t, "bob", c.SampleRate())[:c.SampleRate()])
	a, b := newDecoder(t, c), newDecoder(t, c)
	frame := c.FrameSamples(FrameDuration)
	bufA, bufB := make([]int16, frame+50), make([]int16, frame+50)
	for i, p := range payloads {
		if n, err := a.Decode(bufA[:frame-1], p); n != 0 || !errors.Is(err, ErrShortBuffer) {
			t.Fatalf("short buffer: %d, %v", n, err)
		}
		for j := range bufA {
			bufA[j] = 321
		}
		n, err := a.Decode(bufA[:frame], p)
		if n != frame || err != nil {
			t.Fatalf("packet %d: %d, %v", i, n, err)
		}
		if _, err := b.Decode(bufB, p); err != nil {
			t.Fatal(err)
		}
		for j := range frame {
			if bufA[j] != bufB[j] {
				t.Fatalf("packet %d, sample %d: the refused call had an effect", i, j)
			}
		}
		for j := frame; j < len(bufA); j++ {
			if bufA[j] != 321 {
				t.Fatalf("packet %d: wrote beyond the buffer", i)
			}
		}
	}
	if n := a.Conceal(nil); n != 0 {
		t.Errorf("concealed %d samples of none", n)
	}
}

// suitePacketTimes: whatever the packet time, the same audio comes out.
func suitePacketTimes(t *testing.T, c Codec) {
	t.Helper()
	pcm := speech(t, "frank", c.SampleRate())
	pcm = pcm[:len(pcm)/c.FrameSamples(ms(600))*c.FrameSamples(ms(600))]
	want := decodeAll(t, c, encodeAll(t, Format{Codec: c}, pcm), 0, nil)
	for _, d := range []int{10, 30, 40, 60} {
		f := Format{Codec: c, PacketTime: ms(d)}
		if _, err := f.Normalize(); err != nil {
			continue
		}
		got := decodeAll(t, c, encodeAll(t, f, pcm), 0, nil)
		if len(got) != len(want) {
			t.Errorf("%d ms: %d samples, want %d", d, len(got), len(want))
		}
		if diff := decibel(power(got), power(want)); math.Abs(diff) > 0.5 {
			t.Errorf("%d ms: level differs by %.2f dB", d, diff)
		}
		if s := snr(want, got); c != Opus && s < 90 {
			t.Errorf("%d ms: differs, SNR %.0f dB", d, s)
		}
	}
}
