package focus

import (
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// Pieces follow each other without a gap, the end is told once all has been taken, and nothing is allocated.
func TestSpeech(t *testing.T) {
	ramp := func(n int, from int16) []int16 {
		pcm := make([]int16, n)
		for i := range pcm {
			pcm[i] = from + int16(i%100)
		}
		return pcm
	}
	a, b := ramp(1000, 1000), ramp(1500, 5000)
	s := &speech{parts: [][]int16{a, b}, samples: 2500}
	var got []int16
	dst := make([]int16, codecs.MaxFrameSamples)
	for range 4 {
		if s.over.Load() {
			t.Error("over before its end")
		}
		f := s.Ingest(dst)
		if f.Rate != promptRate || f.Samples != 960 {
			t.Fatalf("%+v", f)
		}
		if !f.Flags.Has(codecs.Silent) {
			got = append(got, dst[:f.Samples]...)
		}
	}
	if !s.over.Load() || len(got) != 2880 {
		t.Fatalf("over %t after %d samples", s.over.Load(), len(got))
	}
	for i, v := range append(append([]int16{}, a...), b...) {
		if got[i] != v {
			t.Fatalf("sample %d: %d, want %d", i, got[i], v)
		}
	}
	for _, v := range got[2500:] {
		if v != 0 {
			t.Fatal("the last frame is not filled with silence")
		}
	}
	s = &speech{parts: [][]int16{make([]int16, 1<<18)}, samples: 1 << 18}
	if n := testing.AllocsPerRun(100, func() { s.Ingest(dst) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
