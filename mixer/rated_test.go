package mixer

import (
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// ratedInput says which rates it has.
type ratedInput struct {
	fakeInput
	rates []int
}

func (r *ratedInput) Rates() []int { return r.rates }

// What an input says of its rates saves the resamplers for others; a new one is made when the input has one rate more.
func TestRatesOfAnInput(t *testing.T) {
	in := &ratedInput{fakeInput: *tone(8000, 400, 8000), rates: []int{8000}}
	narrow, wide := &fakeOutput{}, &fakeOutput{}
	members := []Member{
		party(1, in, nil, codecs.PCMU), party(2, quiet(8000), narrow, codecs.PCMU), party(3, quiet(16000), wide, codecs.G722),
	}
	members[0].Out = nil
	b := newBench(t, MixConfig{})
	b.apply(members...)
	b.step()
	lane := &b.mix.live.Load().seats[0].in.lanes[mainLane]
	count := func() (n int) {
		for from := range lane.change {
			for _, r := range lane.change[from] {
				if r != nil {
					n++
				}
			}
		}
		return n
	}
	if got := count(); got != 1 {
		t.Fatalf("%d resamplers for one rate of two in use, want 1", got)
	}
	in.rates = []int{8000, 16000}
	b.apply(members...)
	b.step()
	if got := count(); got != 2 {
		t.Fatalf("%d resamplers for two rates of two in use, want 2", got)
	}
	b.apply(members...)
	b.step()
	if got := count(); got != 2 {
		t.Fatalf("%d resamplers after the same layout, want 2", got)
	}
	in.rate = 16000
	in.read = tone(16000, 400, 8000).read
	for range 10 {
		b.step()
	}
	if level := narrow.packets[len(narrow.packets)-1].level; level > 20 {
		t.Errorf("at -%d dBov the narrowband listener does not hear the wideband frames", level)
	}
}

// A frame of a rate that was not announced is silence where it would have to be resampled, and no more than that.
func TestUnannouncedRate(t *testing.T) {
	in := &ratedInput{fakeInput: *tone(16000, 400, 8000), rates: []int{8000}}
	narrow := &fakeOutput{}
	members := []Member{party(1, in, nil, codecs.PCMU), party(2, quiet(8000), narrow, codecs.PCMU)}
	members[0].Out = nil
	b := newBench(t, MixConfig{})
	b.apply(members...)
	for range 10 {
		b.step()
	}
	if level := narrow.packets[len(narrow.packets)-1].level; level != codecs.SilenceLevel {
		t.Errorf("heard at -%d dBov", level)
	}
}
