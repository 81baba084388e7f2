package main

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/conftest"
)

// A mark that is cut in two by the end of one file and the beginning of the next is there, wherever it is cut; one of which a sample is missing, or of
// which the parts are at different times, is not.
func TestMarksInTwoFiles(t *testing.T) {
	const voice, marks, cutMark = 3, 10, 5
	at := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	for cut := range conftest.MarkSamples {
		for _, c := range []struct {
			lost int // samples between the files
			off  time.Duration
			want bool
		}{{0, 0, true}, {0, time.Millisecond, true}, {1, 0, false}, {0, time.Second, cut == 0}} {
			pcm := conftest.Marks(voice, 0, marks)
			in := cutMark*conftest.MarkSamples + cut
			tally := &tally{have: [][]bool{nil, nil, nil, make([]bool, marks)}}
			silence := make([]int16, 100)
			tally.read(append(append([]int16(nil), pcm[:in]...), silence...), 8000, at, func(int) bool { return true })
			later := at.Add(time.Duration(in+c.lost-len(silence))*time.Second/8000 + c.off)
			tally.read(append(append([]int16(nil), silence...), pcm[in+c.lost:]...), 8000, later, func(int) bool { return true })
			tally.join()
			if got := tally.have[voice][cutMark]; got != c.want {
				t.Errorf("cut at %d, %d lost, %v off: it is there: %v", cut, c.lost, c.off, got)
			}
			for i, there := range tally.have[voice] {
				if i != cutMark && !there {
					t.Errorf("mark %d is missing", i)
				}
			}
		}
	}
}
