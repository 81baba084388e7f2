package mixer

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/codecs"
)

// Each hears the exact sum of the others, those in the background with the exact gain, whoever else hears what.
func TestBackgroundIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const n = 5
		b := newBench(t, MixConfig{})
		frames := make([][]int16, n)
		members := make([]Member, n)
		softer := make([]map[MemberID]bool, n)
		gains := make([]float32, n)
		for i := range n {
			frames[i] = rapid.SliceOfN(rapid.Int16Range(-6000, 6000), 160, 160).Draw(rt, "frame")
			in := &fakeInput{rate: 8000, read: func(_ int, dst []int16) { copy(dst, frames[i]) }}
			members[i] = party(MemberID(i), in, &fakeOutput{}, codecs.PCMU)
			h := &members[i].Hears
			h.BackgroundDB = rapid.SampledFrom([]float64{0, -6, -12.5}).Draw(rt, "gain")
			gains[i], softer[i] = factor(h.BackgroundDB), map[MemberID]bool{}
			for j := range n {
				if rapid.Bool().Draw(rt, "soft") {
					h.Background = append(h.Background, MemberID(j))
					softer[i][MemberID(j)] = true
				}
			}
		}
		b.apply(members...)
		b.step()
		b.step()
		for i := range n {
			heard := b.heard(MemberID(i))
			for k := range heard {
				var want int32
				for j := range n {
					switch x := int32(frames[j][k]); {
					case i == j || b.mix.live.Load().seat(MemberID(j)).in.lanes[mainLane].on == false:
					case softer[i][MemberID(j)]:
						want += round32(float32(x) * gains[i])
					default:
						want += x
					}
				}
				if int32(heard[k]) != want {
					rt.Fatalf("member %d, sample %d: %d, want %d", i, k, heard[k], want)
				}
			}
		}
	})
}

// Going to the background and coming back are heard as a slope, not as a step, and end exactly where they should.
func TestBackgroundMovesSlowly(t *testing.T) {
	b := newBench(t, MixConfig{})
	talker := Member{ID: 1, In: tone(8000, 1000, 8000), Speaks: true}
	listener := party(2, quiet(8000), &fakeOutput{}, codecs.PCMU)
	ducked := listener
	ducked.Hears.Background, ducked.Hears.BackgroundDB = []MemberID{1}, -20
	var pcm []int16
	run := func(m Member) {
		b.apply(talker, m)
		for range 25 {
			b.step()
			pcm = append(pcm, b.heard(2)...)
		}
	}
	run(listener)
	full := levelOf(b.heard(2))
	run(ducked)
	if fall := levelOf(b.heard(2)) - full; math.Abs(fall+20) > 0.1 {
		t.Errorf("in the background by %.2f dB", fall)
	}
	run(listener)
	if rise := levelOf(b.heard(2)) - full; math.Abs(rise) > 0.001 {
		t.Errorf("back with %.3f dB", rise)
	}
	bound := 8000 * (2 * math.Pi / 8) * (2 * math.Pi / 8)
	for i := 162; i < len(pcm); i++ {
		if d := math.Abs(float64(pcm[i]) - 2*float64(pcm[i-1]) + float64(pcm[i-2])); d > 1.05*bound+6 {
			t.Fatalf("sample %d: second difference %.0f of %.0f", i, d, bound)
		}
	}
	b.apply(talker, listener)
	if b.step(); b.mix.live.Load().seat(2).group.bus.set.soft != nil {
		t.Error("what has come back is still reckoned with as a background")
	}
}

// A priority member is mixed however soft it is, takes one of the places, and leaves it to others while it is silent.
func TestPriority(t *testing.T) {
	b := newBench(t, MixConfig{MaxSpeakers: 2})
	soft := tone(8000, 500, 200)
	first := party(1, soft, &fakeOutput{}, codecs.PCMU)
	first.Priority = true
	members := make([]Member, 0, 4)
	members = append(members, first)
	for i := range 3 {
		members = append(members, party(MemberID(i+2), tone(8000, 700, float64(20000-5000*i)), &fakeOutput{}, codecs.PCMU))
	}
	b.apply(members...)
	mixed := func() (ids []MemberID) {
		for id := MemberID(1); id <= 4; id++ {
			if b.stats(id).Mixed {
				ids = append(ids, id)
			}
		}
		return ids
	}
	check := func(when string, want ...MemberID) {
		t.Helper()
		for range 30 {
			b.step()
		}
		if got := mixed(); len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
	}
	check("soft beside three", 1, 2)
	soft.flags = codecs.Silent
	check("silent", 2, 3)
	soft.flags = 0
	members[1].Priority, members[2].Priority = true, true
	b.apply(members...)
	check("three with priority for two places", 1, 2, 3)
}

// Who speaks most dominates, not who coughs, and goes on to in pauses.
func TestDominant(t *testing.T) {
	b := newBench(t, MixConfig{})
	voices := []*fakeInput{tone(8000, 500, 9000), tone(8000, 700, 9000)}
	for _, v := range voices {
		v.flags = codecs.Silent
	}
	members := []Member{party(1, voices[0], &fakeOutput{}, codecs.PCMU), party(2, voices[1], &fakeOutput{}, codecs.PCMU)}
	b.apply(members...)
	run := func(ticks int, first, second bool) {
		for i, on := range []bool{first, second} {
			voices[i].flags = codecs.Silent
			if on {
				voices[i].flags = 0
			}
		}
		for range ticks {
			b.step()
		}
	}
	check := func(when string, want MemberID, held bool) {
		t.Helper()
		if got, is := b.mix.Dominant(); got != want || is != held {
			t.Errorf("%s: %d, %v; want %d, %v", when, got, is, want, held)
		}
	}
	run(50, false, false)
	check("silence", 0, false)
	run(100, true, false)
	check("one speaks", 1, true)
	run(15, true, true)
	run(20, true, false)
	check("another says yes", 1, true)
	run(100, false, false)
	check("pause", 1, true)
	run(100, false, true)
	check("the other speaks", 2, true)
	run(100, true, true)
	check("both speak", 2, true)
	members[1].Speaks = false
	b.apply(members...)
	run(2, true, true)
	check("muted", 1, true)
	b.apply(members[1])
	run(1, true, true)
	check("gone", 0, false)
}
