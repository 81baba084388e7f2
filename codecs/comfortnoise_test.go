package codecs

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// ME-CN-02, ME-CN-03 (RFC 3389, section 3.3): the level is in the first octet; payloads of one octet and more.
func TestParseCN(t *testing.T) {
	for _, tc := range []struct {
		name    string
		payload []byte
		level   uint8
		order   uint8
		err     error
	}{
		{"empty", nil, 0, 0, ErrMalformed},
		{"level only", []byte{63}, 63, 0, nil},
		{"top bit set", []byte{0x80 | 40}, 40, 0, nil},
		{"order 10", []byte{70, 127, 100, 150, 1, 2, 3, 4, 5, 254, 255}, 70, 10, nil},
		{"order 20", make([]byte, 21), 0, MaxNoiseOrder, nil},
	} {
		got, err := ParseCN(tc.payload)
		if got.Level != tc.level || got.Order != tc.order || !errors.Is(err, tc.err) {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
		for i := range got.Order {
			if k := got.coefficient(int(i)); k <= -1 || k >= 1 {
				t.Errorf("%s: coefficient %d is %g", tc.name, i, k)
			}
		}
	}
}

func TestAppendCN(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cn := CN{Level: rapid.Uint8().Draw(t, "level"), Order: uint8(rapid.IntRange(0, MaxNoiseOrder).Draw(t, "order"))}
		for i := range cn.Order {
			cn.Reflection[i] = rapid.Uint8Range(0, 254).Draw(t, "coefficient")
		}
		payload := AppendCN([]byte{9}, cn)
		cn.Level = min(cn.Level, 127)
		if got, err := ParseCN(payload[1:]); got != cn || err != nil || payload[0] != 9 {
			t.Fatalf("%x: %+v, %v; want %+v", payload, got, err, cn)
		}
	})
}

// The noise has the level that was asked for, whatever its spectrum.
func TestNoiseLevel(t *testing.T) {
	for _, tc := range []CN{
		{Level: 30},
		{Level: 50},
		{Level: 40, Order: 1, Reflection: [MaxNoiseOrder]uint8{20}},
		{Level: 40, Order: 1, Reflection: [MaxNoiseOrder]uint8{230}},
		{Level: 45, Order: 4, Reflection: [MaxNoiseOrder]uint8{40, 160, 100, 140}},
		{Level: 45, Order: 10, Reflection: [MaxNoiseOrder]uint8{60, 170, 110, 140, 120, 130, 127, 127, 120, 135}},
	} {
		g := NewNoiseGenerator(7)
		g.Set(tc)
		pcm := make([]int16, 16000)
		if n := g.Read(pcm); n != len(pcm) {
			t.Fatalf("read %d", n)
		}
		if got := Level(pcm[1600:]); math.Abs(float64(got)-float64(tc.Level)) > 1 {
			t.Errorf("%+v: level %d", tc, got)
		}
	}
	g := NewNoiseGenerator(7)
	pcm := noise(100, 160)
	g.Read(pcm)
	if Level(pcm) != SilenceLevel {
		t.Error("noise before any was described")
	}
	g.Set(CN{Level: 127})
	g.Read(pcm)
	if Level(pcm) != SilenceLevel {
		t.Error("noise at level 127")
	}
}

// The noise has the spectrum that was asked for: a negative first coefficient is dull, a positive one bright.
func TestNoiseSpectrum(t *testing.T) {
	slope := func(n uint8) float64 {
		g := NewNoiseGenerator(1)
		g.Set(CN{Level: 30, Order: 1, Reflection: [MaxNoiseOrder]uint8{n}})
		pcm := make([]int16, 8000)
		g.Read(pcm)
		sum := 0.0
		for i := 1; i < len(pcm); i++ {
			sum += float64(pcm[i]) * float64(pcm[i-1])
		}

		return sum / float64(sumSquares(pcm))
	}
	if dull, white, bright := slope(60), slope(127), slope(194); dull < 0.4 || math.Abs(white) > 0.05 || bright > -0.4 {
		t.Errorf("correlation of neighbours: %.2f, %.2f, %.2f", dull, white, bright)
	}
}
