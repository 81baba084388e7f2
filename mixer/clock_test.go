package mixer

import (
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// onsetTick is when the inputs of these tests begin to be loud.
const onsetTick = 10

// burst is silent, and loud from onsetTick on.
func burst(rate int, seed uint64) *fakeInput {
	in := noise(rate, seed, 12000)
	loud := in.read
	in.read = func(tick int, dst []int16) {
		if clear(dst); tick >= onsetTick {
			loud(tick, dst)
		}
	}

	return in
}

// onset is how many milliseconds after onsetTick an output becomes loud, as its far end decodes it.
func onset(t *testing.T, codec codecs.Codec, out *fakeOutput) float64 {
	t.Helper()
	decoder, err := codecs.NewDecoder(codec)
	if err != nil {
		t.Fatal(err)
	}
	var heard []int16
	var frame [codecs.MaxFrameSamples]int16
	for _, p := range out.packets {
		n, err := decoder.Decode(frame[:], p.payload)
		if err != nil {
			t.Fatal(err)
		}
		heard = append(heard, frame[:n]...)
	}
	for i, s := range heard {
		if s > 3000 || s < -3000 {
			return float64(i)*1000/float64(codec.SampleRate()) - onsetTick*20
		}
	}
	t.Fatal("nothing is heard")

	return 0
}

// What comes in a tick leaves with the same, whatever has to be resampled and encoded: 20 ms for the packet that was waited for, 20 ms for
// the tick, and no more than 20 ms here make less than 60 ms. The streams of each and the mix are on one clock: what begins in one tick is
// heard at the same place in all of them.
//
// Shows ME-MIX-13, ME-MIX-15, ME-AUD-09.
func TestOneClock(t *testing.T) {
	all := []codecs.Codec{codecs.PCMU, codecs.PCMA, codecs.G722, codecs.Opus}
	for _, codec := range all {
		b := newBench(t, MixConfig{})
		inputs := []int{8000, 16000, 48000}
		outs := make([]*fakeOutput, len(inputs)+2)
		members := make([]Member, 0, len(inputs)+len(outs))
		for i, rate := range inputs {
			members = append(members, party(MemberID(i), burst(rate, uint64(i+1)), &fakeOutput{}, all[i]))
		}
		for i := range outs {
			outs[i] = &fakeOutput{}
			m := Member{ID: MemberID(10 + i), Out: outs[i], Format: format(codec), Hears: everyone()}
			if i < len(inputs) {
				m.Hears = Hearing{Mode: Only, Only: []MemberID{MemberID(i)}}
			}
			if i == len(outs)-1 { // somebody who takes part
				m.In, m.Speaks = quiet(8000), true
			}
			members = append(members, m)
		}
		b.apply(members...)
		for range onsetTick + 10 {
			b.step()
		}
		first, last := 1000.0, -1000.0
		for _, out := range outs {
			at := onset(t, codec, out)
			first, last = min(first, at), max(last, at)
		}
		if first < -1 || last > 20 || last-first >= 5 {
			t.Errorf("%v: heard from %.1f to %.1f ms after it came", codec, first, last)
		}
	}
}

// The level of a source is that of the audio in the same packet, after the gain that is applied to it; silence stays silence.
//
// Shows ME-LVL-11, ME-LVL-12.
func TestLevelOfSourcesIsThatOfThePacket(t *testing.T) {
	b := newBench(t, MixConfig{})
	amplitude := 4634.0 // -20 dBov
	in := tone(8000, 1000, 1)
	in.read = func(tick int, dst []int16) { tone(8000, 1000, amplitude).read(tick, dst) }
	talker := party(1, in, &fakeOutput{}, codecs.PCMU)
	out := &fakeOutput{}
	check := func(want uint8) {
		t.Helper()
		b.step()
		if p := lastPacket(t, out); len(p.levels) != 1 || p.levels[0] != want {
			t.Errorf("levels %v, want %d", p.levels, want)
		}
	}
	b.apply(talker, party(2, quiet(8000), out, codecs.PCMU))
	check(20)
	amplitude /= 4
	check(32)
	amplitude *= 4
	check(20)
	talker.GainDB = -6
	b.apply(talker, party(2, quiet(8000), out, codecs.PCMU))
	check(26)
	var l sourceList
	s := seat{in: &input{talking: true}, gainDB: 12}
	s.in.lanes[mainLane].on, s.in.frame = true, codecs.Frame{SSRC: 7, Level: codecs.SilenceLevel}
	p := plan{seats: []seat{s}, talkers: []int32{0}}
	if l.collect(&p, &set{mask: []uint64{1}, lane: mainLane}); l.n != 1 || l.levels[0] != codecs.SilenceLevel {
		t.Errorf("silence with gain has level %d", l.levels[0])
	}
}
