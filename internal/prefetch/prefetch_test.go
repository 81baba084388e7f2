package prefetch_test

import (
	"testing"
	"unsafe"

	"github.com/parley-sip/parley/internal/prefetch"
)

// Whatever is asked for, nothing happens but that it may come: not even memory that is not there is touched.
func TestLines(t *testing.T) {
	memory := make([]byte, 1000)
	for at := range 65 {
		for _, size := range []uintptr{0, 1, 63, 64, 65, 900} {
			prefetch.Lines(unsafe.Pointer(&memory[at]), size)
		}
	}
	prefetch.Lines(nil, 100)
	prefetch.Value[piece](nil)
	p := &piece{}
	prefetch.Value(p)
	prefetch.Slice(memory)
	prefetch.Slice[byte](nil)
	prefetch.Between(&p.next, &p.lines)
	prefetch.Between(&p.lines, &p.next) // nothing: the wrong way round
	prefetch.Lines(unsafe.Pointer(&memory[999]), 1<<16)
	for _, b := range memory {
		if b != 0 {
			t.Fatal("memory has changed")
		}
	}
	if n := testing.AllocsPerRun(100, func() { prefetch.Lines(unsafe.Pointer(&memory[0]), 1000) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// piece is a page of memory.
type piece struct {
	next  *piece
	lines [63][8]uint64
}

// chain is memory that has left the near caches when it is gone over: 64 MiB in pieces, in no order.
func chain() []*piece {
	const n = 16 << 10
	pieces := make([]*piece, n)
	for i := range pieces {
		pieces[i] = &piece{}
	}
	at := uint32(1)
	for i := n - 1; i > 0; i-- {
		at = at*1664525 + 1013904223
		j := int(at>>8) % (i + 1)
		pieces[i], pieces[j] = pieces[j], pieces[i]
	}
	return pieces
}

// BenchmarkLines reads 24 lines of each piece of memory, the next of each depending on the one before, as in work on a structure.
func BenchmarkLines(b *testing.B) {
	pieces := chain()
	for _, ahead := range []int{0, 2} {
		b.Run(map[int]string{0: "unasked", 2: "asked"}[ahead], func(b *testing.B) {
			var at uint64
			for i := range b.N {
				if ahead > 0 {
					p := pieces[(i+ahead)%len(pieces)]
					prefetch.Lines(unsafe.Pointer(p), 24*64)
				}
				p := pieces[i%len(pieces)]
				for line := range 24 {
					at = p.lines[(uint64(line)+at)%63][0]
				}
			}
			if at != 0 {
				b.Fatal("memory has changed")
			}
		})
	}
}
