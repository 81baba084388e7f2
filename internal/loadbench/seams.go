package main

import (
	"time"

	"github.com/parley-sip/parley/internal/conftest"
)

// An edge is a part of a mark with which what a file has of a voice begins or ends: packets are cut where they are, not between marks. One file has
// the beginning of a mark then, and the next one its end.
type edge struct {
	voice, index int
	samples      int       // of the mark
	cut          time.Time // where it is cut, by what the recorder says
}

// edgesOf gives the part before the first mark of a voice and the one after the last, which are at these samples.
func edgesOf(pcm []int16, voice int, first, last place) (head, tail edge) {
	head, tail = edge{voice: voice, index: first.index - 1}, edge{voice: voice, index: last.index + 1}
	if head.index >= 0 {
		mark := conftest.Marks(voice, head.index, 1)
		for n := first.sample; head.samples < len(mark) && n > head.samples && pcm[n-1-head.samples] == mark[len(mark)-1-head.samples]; {
			head.samples++
		}
	}
	mark := conftest.Marks(voice, tail.index, 1)
	for n := last.sample + len(mark); tail.samples < len(mark) && n+tail.samples < len(pcm) && pcm[n+tail.samples] == mark[tail.samples]; {
		tail.samples++
	}
	return head, tail
}

// place is where a mark is in a file.
type place struct{ index, sample int }

// joins reports whether two parts are a whole mark. A sample more than there is looks as if it fit in one of 64 cases, so both have to be cut at the same
// time as well, as far as recorders have to agree on it.
func (e edge) joins(head edge) bool {
	return e.voice == head.voice && e.index == head.index && e.samples+head.samples >= conftest.MarkSamples && e.cut.Sub(head.cut).Abs() <= maxApart
}

// join has marks that lie in two files.
func (t *tally) join() {
	for _, tail := range t.tails {
		for _, head := range t.heads {
			if tail.index < len(t.have[tail.voice]) && tail.joins(head) {
				t.have[tail.voice][tail.index] = true
			}
		}
	}
}
