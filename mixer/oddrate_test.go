package mixer

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// At 44.1 kHz frames are no multiple of the limiter's blocks, nor of the gate's: no sample is left out by either, and what leaves in two packets is
// what was mixed (RFC 3551, section 4.5.11).
func TestFramesOfOddLength(t *testing.T) {
	const rate = 44100
	b := newBench(t, MixConfig{})
	out := &fakeOutput{}
	talker := func(id MemberID, hz float64) Member {
		in := &ratedInput{fakeInput: *tone(rate, hz, 32767), rates: []int{rate}}

		return Member{ID: id, In: in, Speaks: true, Sound: Sound{Gate: Gate{Threshold: 60}}}
	}
	b.apply(talker(1, 441), talker(2, 882), party(3, quiet(8000), out, codecs.L16At44100))
	for range 50 {
		b.step()
	}
	out.packets = nil
	pcm := make([]int16, 0, rate)
	for range 50 {
		b.step()
		pcm = append(pcm, b.heard(3)...)
	}
	if thd := math.Sqrt(residual(pcm, rate, 441, 882)); thd > 0.03 {
		t.Errorf("THD+N %.2f %%, want at most 3 %%", 100*thd)
	}
	if gain := b.stats(3).LimiterGainDB; gain > -3 {
		t.Errorf("limiter gain %.1f dB is hardly a limit", gain)
	}
	if len(out.packets) != 100 {
		t.Fatalf("%d packets in 50 ticks, want two in each", len(out.packets))
	}
	for n, p := range out.packets {
		if p.samples != rate/100 || len(p.payload) != 2*rate/100 {
			t.Fatalf("packet %d: %d units, %d octets", n, p.samples, len(p.payload))
		}
		for i := range p.samples {
			if got, want := int16(binary.BigEndian.Uint16(p.payload[2*i:])), pcm[n*p.samples+i]; got != want {
				t.Fatalf("packet %d, sample %d: %d, want %d", n, i, got, want)
			}
		}
	}
}

// Who speaks and hears at 44.1 kHz among others makes no garbage.
func TestOddRateDoesNotAllocate(t *testing.T) {
	b := newBench(t, MixConfig{})
	in := &ratedInput{fakeInput: *tone(44100, 441, 9000), rates: []int{44100}}
	b.apply(party(1, in, &countingOutput{}, codecs.L16At44100), party(2, tone(8000, 700, 8000), &countingOutput{}, codecs.PCMU))
	for range 5 {
		b.step()
	}
	if n := testing.AllocsPerRun(100, b.step); n != 0 {
		t.Errorf("%v allocations in a tick", n)
	}
}
