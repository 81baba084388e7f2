package mixer

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// pausing is somebody who speaks for a second out of two, before a background that is duller than white noise, of which he sends only as much as is
// between his words. What he does in his pauses is in flags.
func pausing(seed uint64, level float64, flags codecs.FrameFlags) *fakeInput {
	r := rand.New(rand.NewPCG(seed, 1))
	in := &fakeInput{rate: 8000, ssrc: uint32(seed)}
	last, size := 0.0, 32768*math.Pow(10, -level/20)*math.Sqrt(1-0.8*0.8)
	in.read = func(tick int, dst []int16) {
		loud := 0.0
		if tick%100 < 40 {
			loud = 6000
		}
		for i := range dst {
			last = 0.8*last + size*r.NormFloat64()
			dst[i] = int16(math.Round(last + loud*math.Sin(float64(i)/3)))
		}
	}
	in.flags = flags

	return in
}

// say lets an input speak for a second, words and what is between them, and pause for another, in each tick of which look is called.
func say(b *bench, in *fakeInput, look func()) {
	pause := in.flags
	in.flags = 0
	for range 60 {
		in.tick %= 60
		b.step()
	}
	in.flags = pause
	for range 50 {
		b.step()
		look()
	}
}

// likeness is the correlation of samples with those before them.
func likeness(pcm []int16) float64 {
	var own, one float64
	for i := 1; i < len(pcm); i++ {
		own += float64(pcm[i]) * float64(pcm[i])
		one += float64(pcm[i]) * float64(pcm[i-1])
	}

	return one / own
}

// In the pauses of who has spoken last, of whom nothing comes, the others hear noise as loud and as dull as between his words; he himself, recorders of
// all and of him alone do not, sample by sample. Who sends silence or says that there is some, has it.
func TestGapsAreFilled(t *testing.T) {
	const level = 62
	for name, test := range map[string]struct {
		sound Sound
		flags codecs.FrameFlags
		level float64
		want  bool
	}{
		"nothing comes":       {sound: Sound{Gaps: true}, flags: codecs.Silent | codecs.Absent, level: level, want: true},
		"and leveled":         {sound: Sound{Gaps: true, RemoveDC: true}, flags: codecs.Silent | codecs.Absent, level: level, want: true},
		"not wanted":          {flags: codecs.Silent | codecs.Absent, level: level},
		"silence is sent":     {sound: Sound{Gaps: true}, flags: codecs.Silent, level: level},
		"too loud for a rest": {sound: Sound{Gaps: true}, flags: codecs.Silent | codecs.Absent, level: 30},
	} {
		in := pausing(3, test.level, test.flags)
		talker := party(1, in, &fakeOutput{}, codecs.PCMU)
		talker.Sound = test.sound
		b := newBench(t, MixConfig{})
		b.apply(
			talker, party(2, quiet(8000), &fakeOutput{}, codecs.PCMU), party(3, quiet(48000), &fakeOutput{}, codecs.Opus),
			Member{ID: 4, Out: &fakeOutput{}, Format: format(codecs.PCMU), Hears: everyone(), AsSent: true},
			Member{ID: 5, Out: &fakeOutput{}, Format: format(codecs.PCMU), Hears: Hearing{Mode: Only, Only: []MemberID{1}}, AsSent: true},
			Member{ID: 6, Out: &fakeOutput{}, Format: format(codecs.PCMU), Hears: everyone(), AsSent: true, Keyless: true},
		)
		say(b, in, func() {})
		var heard []int16
		tick, wide := 0, int64(0)
		say(b, in, func() {
			if tick++; tick < 20 { // the ramps and what filters remember are over
				return
			}
			heard = append(heard, b.heard(2)...)
			wide += energy(b.heard(3))
			for _, id := range []MemberID{1, 4, 5, 6} {
				if e := energy(b.heard(id)); e != 0 {
					t.Fatalf("%s: member %d has energy %d in a gap", name, id, e)
				}
			}
		})
		got := float64(codecs.Level(heard))
		switch {
		case !test.want && (energy(heard) != 0 || wide != 0):
			t.Errorf("%s: -%.0f dBov in a gap", name, got)
		case test.want && (math.Abs(got-level) > 3 || wide == 0):
			t.Errorf("%s: -%.0f dBov in a gap, want -%d", name, got, level)
		case test.want && math.Abs(likeness(heard)-0.8) > 0.12:
			t.Errorf("%s: samples are like those before by %.2f, want 0.8", name, likeness(heard))
		}
	}
}

// Only the gaps of who dominates are filled, so that noises do not add up; nobody counts as speaking for it; and what is faint but comes is
// heard of him like the noise.
func TestGapsOfWhoDominates(t *testing.T) {
	in := pausing(3, 66, codecs.Silent|codecs.Absent)
	other := pausing(4, 66, codecs.Silent|codecs.Absent)
	members := make([]Member, 3)
	for i, source := range []*fakeInput{in, other, quiet(8000)} {
		members[i] = party(MemberID(i+1), source, &countingOutput{}, codecs.PCMU)
		members[i].Sound.Gaps = true
	}
	b := newBench(t, MixConfig{})
	b.apply(members...)
	say(b, other, func() {})
	say(b, in, func() {})
	say(b, in, func() {})
	if id, _ := b.mix.Dominant(); id != 1 {
		t.Fatalf("%d dominates, want 1", id)
	}
	if energy(b.heard(1)) != 0 {
		t.Error("who dominates hears the noise of another")
	}
	if e := energy(b.heard(2)); e == 0 || e != energy(b.heard(3)) {
		t.Errorf("the others hear energies %d and %d", e, energy(b.heard(3)))
	}
	if s := b.stats(1); s.Speaking || s.Level != codecs.SilenceLevel {
		t.Errorf("who pauses is %+v", s)
	}
	in.flags, in.tick = 0, 40 // from now on he sends his pauses, which are below the floor
	for range 15 {
		b.step()
	}
	if e := energy(b.heard(2)); e == 0 {
		t.Error("his own background is not heard")
	}
	if n := testing.AllocsPerRun(20, b.step); n != 0 {
		t.Errorf("%v allocations in a tick", n)
	}
	in.flags = codecs.Silent | codecs.Absent
	for range 5 {
		b.step()
	}
	in.tick = 0
	members[0].Speaks = false
	b.apply(members...)
	b.step()
	b.step()
	if e := energy(b.heard(2)); e != 0 {
		t.Errorf("energy %d of the gaps of who is muted", e)
	}
}
