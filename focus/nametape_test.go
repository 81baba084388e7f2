package focus

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// A tape ends some time after something was said, or when it is full, and gives what was said without the silence around it.
func TestNameTape(t *testing.T) {
	feed := func(tape *nameTape, rate, frames int, amplitude int16) {
		dst := make([]int16, rate/50)
		for i := range dst {
			dst[i] = amplitude * int16(1-2*(i/4%2))
		}
		for range frames {
			f := codecs.Frame{Rate: rate, Samples: len(dst)}
			if amplitude == 0 {
				f.Flags = codecs.Silent
			}
			tape.note(f, dst)
		}
	}
	for _, rate := range []int{8000, 16000, 48000} {
		tape := newNameTape(nil, 5*time.Second)
		feed(tape, rate, 1, 10)
		feed(tape, rate, 9, 0)
		feed(tape, rate, 20, 6000)
		feed(tape, rate, nameRest-1, 0)
		if tape.over.Load() {
			t.Errorf("%d: over while something may follow", rate)
		}
		feed(tape, rate, 1, 0)
		if !tape.over.Load() {
			t.Errorf("%d: goes on", rate)
		}
		name := tape.take(0)
		if name == nil || name.rate > nameRate {
			t.Fatalf("%d: %+v", rate, name)
		}
		frame := name.rate / 50
		if got, want := len(name.pcm), (20+2*nameEdge)*frame; got < want-frame || got > want+frame {
			t.Errorf("%d: a name of %d samples, want %d", rate, got, want)
		}
		if pcm := name.sound(); len(pcm) < 25*promptRate/50 {
			t.Errorf("%d: %d samples to play", rate, len(pcm))
		}
	}
	tape := newNameTape(nil, time.Second)
	feed(tape, 8000, leastVoice-1, 6000)
	feed(tape, 8000, 50, 0)
	if !tape.over.Load() || tape.take(0) != nil {
		t.Error("a noise is a name")
	}
	tape = newNameTape(nil, time.Second)
	feed(tape, 8000, 12, 6000)
	if name := tape.take(keyFrames); name == nil || len(name.pcm) != 7*160 {
		t.Errorf("what a key has ended: %+v", name)
	}
	tape = newNameTape(nil, time.Minute)
	dst := make([]int16, 160)
	if n := testing.AllocsPerRun(100, func() { tape.note(codecs.Frame{Rate: 8000, Samples: 160}, dst) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Of many who come at once it is said how many there are.
func TestCrowd(t *testing.T) {
	c := &controller{focus: &Focus{prompts: digits{}}}
	list := []arrival{{entered: true}, {}, {entered: true}, {entered: true}}
	got := c.crowd(list)
	if want := "3 have-joined a-participant has-left"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", strings.Join(got, " "), want)
	}
}

// digits says numbers by themselves.
type digits struct{ noPrompts }

func (digits) Number(n int) []string { return []string{string(rune('0' + n))} }
