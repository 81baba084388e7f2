package mixer

import (
	"bytes"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// Silent streams of a codec without a state share one packet, which is what they would have encoded, and go on from it with what is said.
func TestSilenceIsShared(t *testing.T) {
	for _, codec := range []codecs.Codec{codecs.PCMU, codecs.PCMA, codecs.L16At8000} {
		f, err := format(codec).Normalize()
		if err != nil {
			t.Fatal(err)
		}
		s, err := newStream(f, false)
		if err != nil {
			t.Fatal(err)
		}
		var w scratch
		b := &bus{set: &set{}, room: make([]int32, 160)}
		said := make([]byte, 320)
		encoder, err := codecs.NewEncoder(f)
		if err != nil {
			t.Fatal(err)
		}
		for tick, sample := range []int32{0, 700, 0, 0, -900, 0} {
			b.n = 0
			one := make([]int32, 160)
			pcm := make([]int16, 160)
			if sample != 0 {
				for i := range one {
					one[i], pcm[i] = sample, int16(sample)
				}
				b.take(one, nil, 0)
			}
			s.render(b, nil, 1, &w)
			s.encode(&w)
			n, err := encoder.Encode(said, pcm)
			if err != nil {
				t.Fatal(err)
			}
			p := s.packets[0]
			if s.count != 1 || !bytes.Equal(p.payload, said[:n]) || sample == 0 && p.level != codecs.SilenceLevel {
				t.Errorf("%v: tick %d: %d packets, % x at -%d dBov, want % x", codec, tick, s.count, p.payload[:4], p.level, said[:4])
			}
			if shared := &p.payload[0] == &still[codec][0]; shared != (sample == 0) {
				t.Errorf("%v: tick %d: shared %t", codec, tick, shared)
			}
		}
	}
}

// What is contributed alone is not copied; several contributions, also faint ones, are summed up apart from them.
func TestBusTakesOneContributionAsItIs(t *testing.T) {
	faint := &soft{mask: []uint64{2}, from: 0.5, to: 0.5}
	fresh := func() (one, two, three []int32, b *bus) {
		return []int32{10, -20}, []int32{100, 200}, []int32{1000, 3000}, &bus{room: []int32{7, 7}}
	}
	one, two, three, b := fresh()
	b.take(one, nil, 0)
	if &b.sum[0] != &one[0] {
		t.Error("a single contribution is copied")
	}
	b.take(two, nil, 2)
	b.take(three, nil, 3)
	if b.n != 3 || b.sum[0] != 1110 || b.sum[1] != 3180 || one[0] != 10 || two[0] != 100 {
		t.Errorf("%d contributions: %v of %v and %v", b.n, b.sum, one, two)
	}
	for _, order := range [][]int32{{0, 1}, {1, 0}} {
		one, two, _, b := fresh()
		for _, seat := range order {
			b.take(map[int32][]int32{0: one, 1: two}[seat], faint, seat)
		}
		if b.sum[0] != 60 || b.sum[1] != 80 || one[0] != 10 || two[0] != 100 {
			t.Errorf("in the order %v: %v of %v and %v, the second by half", order, b.sum, one, two)
		}
	}
}
