package mixer

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/codecs"
)

// noise is an input of random samples of at most the given size.
func noise(rate int, seed uint64, size int) *fakeInput {
	return &fakeInput{rate: rate, ssrc: uint32(seed), read: func(tick int, dst []int16) {
		r := rand.New(rand.NewPCG(seed, uint64(tick)))
		for i := range dst {
			dst[i] = int16(r.IntN(2*size+1) - size)
		}
	}}
}

// ME-MIX-07 (RFC 3550, section 7.1): each member is given the sum of all others, sample by sample.
func TestEveryoneElseIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, MixConfig{})
		n := rapid.IntRange(2, 9).Draw(rt, "members")
		inputs := make([]*fakeInput, n)
		members := make([]Member, n)
		for i := range n {
			inputs[i] = noise(8000, rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(100, 3600).Draw(rt, "size"))
			members[i] = party(MemberID(i), inputs[i], &fakeOutput{}, codecs.PCMU)
		}
		b.apply(members...)
		frame := make([]int16, 160)
		for tick := range 5 {
			b.step()
			sum := make([]int, 160)
			for _, in := range inputs {
				in.read(tick, frame)
				for i, s := range frame {
					sum[i] += int(s)
				}
			}
			for id, in := range inputs {
				in.read(tick, frame)
				for i, got := range b.heard(MemberID(id)) {
					if want := sum[i] - int(frame[i]); int(got) != want {
						rt.Fatalf("tick %d, member %d, sample %d: %d, want %d", tick, id, i, got, want)
					}
				}
			}
		}
	})
}

// drawLayout makes any layout of the given ports.
func drawLayout(rt *rapid.T, inputs []*fakeInput, formats []codecs.Format) []Member {
	ids := make([]MemberID, len(inputs))
	for i := range ids {
		ids[i] = MemberID(i)
	}
	some := func(name string) []MemberID {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, 4, rapid.ID[MemberID]).Draw(rt, name)
	}
	var members []Member
	for i, in := range inputs {
		if rapid.IntRange(0, 5).Draw(rt, "absent") == 0 {
			continue
		}
		m := Member{
			ID: ids[i], Out: outputs[i], Format: formats[i], Speaks: rapid.IntRange(0, 3).Draw(rt, "muted") > 0,
			Hears: Hearing{
				Mode: rapid.SampledFrom([]HearingMode{Nobody, Everyone, Everyone, Only}).Draw(rt, "mode"),
				Only: some("only"),
			},
		}
		if rapid.IntRange(0, 4).Draw(rt, "tap") > 0 {
			m.In = in
		}
		if rapid.Bool().Draw(rt, "leave out") {
			m.Hears.Except = some("except")
		}
		if rapid.IntRange(0, 3).Draw(rt, "whisper") == 0 {
			m.Audience = append([]MemberID{}, some("audience")...)
		}
		members = append(members, m)
	}

	return members
}

// outputs are shared by the layouts of one check, so that members stay the same.
var outputs = []*countingOutput{{}, {}, {}, {}, {}, {}, {}, {}}

// mayHear is the hearing matrix, said as plainly as possible.
func mayHear(listener, talker *Member) bool {
	if talker.In == nil || listener.ID == talker.ID {
		return false
	}
	if talker.Audience != nil && !slices.Contains(talker.Audience, listener.ID) {
		return false
	}
	if slices.Contains(listener.Hears.Except, talker.ID) {
		return false
	}
	switch listener.Hears.Mode {
	case Everyone:
		return true
	case Only:
		return slices.Contains(listener.Hears.Only, talker.ID)
	case Nobody:
	}

	return false
}

// ME-AUD-09. Layouts change at every tick, and members have any of the codecs. Whatever they are, each output is exactly the sum of what those may be heard contribute in its
// rate, and who may not be heard adds nothing at all.
func TestLayoutsNeverLeak(t *testing.T) {
	all := []codecs.Codec{codecs.PCMU, codecs.PCMA, codecs.G722, codecs.Opus, codecs.L16At44100, codecs.L16At48000}
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, MixConfig{MaxSpeakers: rapid.SampledFrom([]int{0, 2}).Draw(rt, "speakers")})
		n := len(outputs)
		inputs := make([]*fakeInput, n)
		formats := make([]codecs.Format, n)
		for i := range n {
			rate := rapid.SampledFrom([]int{8000, 16000, 48000}).Draw(rt, "rate")
			inputs[i] = noise(rate, uint64(i+1), 3000)
			formats[i] = codecs.Format{Codec: rapid.SampledFrom(all).Draw(rt, "codec"), Complexity: codecs.LowestComplexity}
		}
		for range rapid.IntRange(1, 12).Draw(rt, "ticks") {
			members := drawLayout(rt, inputs, formats)
			b.apply(members...)
			b.step()
			p := b.mix.live.Load()
			for i := range members {
				checkHeard(rt, b, p, members, i)
			}
		}
	})
}

// checkHeard compares what a member was given with what it should be.
func checkHeard(rt *rapid.T, b *bench, p *plan, members []Member, listener int) {
	s := &p.seats[listener]
	lane := s.group.bus.set.lane
	got := b.heard(s.id)
	want := make([]int32, len(got))
	for i := range members {
		if !mayHear(&members[listener], &members[i]) {
			continue
		}
		if l := &p.seats[i].in.lanes[lane]; l.sounding {
			add(want, l.out[s.group.bus.rate])
		}
	}
	for i, g := range got {
		if int32(g) != want[i] {
			rt.Fatalf("member %d, sample %d: %d, want %d", s.id, i, g, want[i])
		}
	}
}

// Who is muted adds nothing but a ramp of 5 ms made of what was heard before (ME-MIX-12).
func TestMuteTakesOneTick(t *testing.T) {
	b := newBench(t, MixConfig{})
	talker := party(1, tone(8000, 440, 9000), &fakeOutput{}, codecs.PCMU)
	listener := party(2, quiet(8000), &fakeOutput{}, codecs.PCMU)
	b.apply(talker, listener)
	for range 3 {
		b.step()
	}
	last := b.heard(2)[159]
	talker.Speaks = false
	b.apply(talker, listener)
	b.step()
	for i, s := range b.heard(2) {
		limit := int(last) * (40 - i) / 41
		if i >= 40 {
			limit = 0
		}
		if d := int(s) - limit; d > 1 || d < -1 {
			t.Fatalf("sample %d after muting is %d, want %d", i, s, limit)
		}
	}
	b.step()
	if e := energy(b.heard(2)); e != 0 {
		t.Errorf("energy %d in the second tick after muting", e)
	}
	if s := b.stats(1); s.Speaking || !s.Talking || s.Mixed || s.Level > 20 {
		t.Errorf("a muted talker shows as %+v", s)
	}
	talker.Speaks = true
	b.apply(talker, listener)
	b.step()
	if got := b.heard(2); got[0] != 0 || energy(got[40:]) == 0 {
		t.Errorf("unmuting begins with %d", got[0])
	}
}

// Who hears somebody alone hears nothing of what he said before he was muted, however long nobody has heard him alone (ME-MIX-12).
func TestNothingIsLeftInALane(t *testing.T) {
	b := newBench(t, MixConfig{MaxSpeakers: 1})
	talker := party(1, tone(8000, 440, 9000), &fakeOutput{}, codecs.PCMU)
	tap := Member{ID: 2, Out: &fakeOutput{}, Format: format(codecs.PCMU), Hears: Hearing{Mode: Only, Only: []MemberID{1}}}
	b.apply(talker, tap)
	for range 3 {
		b.step()
	}
	b.apply(talker)
	b.step()
	talker.Speaks = false
	b.apply(talker)
	b.step()
	b.apply(talker, tap)
	b.step()
	if e := energy(b.heard(2)); e != 0 {
		t.Errorf("energy %d of somebody who is muted", e)
	}
	talker.Speaks = true
	b.apply(talker, tap)
	b.step()
	if e := energy(b.heard(2)); e == 0 {
		t.Error("nothing of somebody who speaks again")
	}
}

// A recording of one member is that member, sample by sample, whatever else is said (ME-MIX-14, RQ-028), and also when it is not among
// the loudest.
func TestTapOfOneIsExact(t *testing.T) {
	for _, speakers := range []int{0, 1} {
		b := newBench(t, MixConfig{MaxSpeakers: speakers})
		in := noise(8000, 5, 1000)
		b.apply(
			party(1, in, &fakeOutput{}, codecs.PCMU),
			party(2, noise(8000, 6, 20000), &fakeOutput{}, codecs.PCMU),
			Member{ID: 3, Out: &fakeOutput{}, Format: format(codecs.PCMA), Hears: Hearing{Mode: Only, Only: []MemberID{1}}},
			Member{ID: 4, Out: &fakeOutput{}, Format: format(codecs.PCMA), Hears: everyone()},
		)
		frame := make([]int16, 160)
		for tick := range 10 {
			b.step()
			in.read(tick, frame)
			if !slices.Equal(b.heard(3), frame) {
				t.Fatalf("with %d speakers, tick %d differs", speakers, tick)
			}
			if mixed := b.stats(1).Mixed; mixed != (speakers == 0) {
				t.Fatalf("with %d speakers, the quiet one mixed: %v", speakers, mixed)
			}
		}
	}
}
