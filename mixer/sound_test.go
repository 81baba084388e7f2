package mixer

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// levelOf is the level of samples in dBov, as a square wave of full scale has 0.
func levelOf(pcm []int16) float64 {
	return 10 * math.Log10(float64(energy(pcm))/float64(len(pcm))/(fullScale*fullScale))
}

func conditioned(id MemberID, in Input, s Sound) Member {
	return Member{ID: id, In: in, Speaks: true, Sound: s}
}

// Talkers of any loudness come to the same, no faster than allowed, and pauses do not move the gain.
func TestAutomaticGain(t *testing.T) {
	for _, amplitude := range []float64{300, 3000, 30000} {
		b := newBench(t, MixConfig{})
		in := tone(16000, 400, amplitude)
		b.apply(conditioned(1, in, Sound{Gain: AutoGain{Target: 23, MaxDB: 24, RateDB: 5}}), party(2, quiet(16000), &fakeOutput{}, codecs.G722))
		before, largest := levelOf([]int16{int16(amplitude)})-3.01, 0.0
		for range 50 * 6 {
			b.step()
			level := levelOf(b.heard(2))
			largest = max(largest, math.Abs(level-before))
			before = level
		}
		if math.Abs(before+23) > 0.5 {
			t.Errorf("amplitude %.0f: %.2f dBov after 6 s, want -23", amplitude, before)
		}
		if largest > 4*5*0.02+0.05 {
			t.Errorf("amplitude %.0f: the gain has moved by %.2f dB in a frame", amplitude, largest)
		}
		if amplitude == 300 && 23+levelOf([]int16{300})-3.01 > -3 {
			t.Fatal("not soft enough to show anything")
		}
		speak := in.read
		in.read = func(_ int, dst []int16) {
			for i := range dst { // the room: 40 dB below
				dst[i] = int16(20 * (i%2*2 - 1))
			}
		}
		gain := b.mix.live.Load().seat(1).cond.gainDB
		for range 500 {
			b.step()
		}
		if after := b.mix.live.Load().seat(1).cond.gainDB; after != gain {
			t.Errorf("amplitude %.0f: a pause has moved the gain from %.1f to %.1f dB", amplitude, gain, after)
		}
		in.read = speak
		b.step()
		b.step()
		if level := levelOf(b.heard(2)); math.Abs(level+23) > 1 {
			t.Errorf("amplitude %.0f: %.2f dBov after the pause", amplitude, level)
		}
	}
}

// A shout into a high gain neither wraps nor clips.
func TestAutomaticGainIsLimited(t *testing.T) {
	b := newBench(t, MixConfig{})
	in := tone(8000, 500, 500)
	b.apply(conditioned(1, in, Sound{Gain: AutoGain{Target: 10, MaxDB: 24, RateDB: 6}}), party(2, quiet(8000), &fakeOutput{}, codecs.PCMU))
	for range 300 {
		b.step()
	}
	in.read = tone(8000, 500, 32000).read
	for tick := range 5 {
		b.step()
		pcm := b.heard(2)
		if tick == 0 {
			continue // the step itself is in what came in
		}
		if thd := math.Sqrt(residual(pcm, 8000, 500)); thd > 0.1 {
			t.Errorf("tick %d: THD+N %.1f %%", tick, 100*thd)
		}
		for i := 1; i < len(pcm); i++ {
			if d := math.Abs(float64(pcm[i]) - float64(pcm[i-1])); d > 16000 {
				t.Fatalf("tick %d: from %d to %d", tick, pcm[i-1], pcm[i])
			}
		}
	}
}

// Noise is kept out, and a word is heard from its very first sample.
func TestGateLooksBack(t *testing.T) {
	for rate, codec := range map[int]codecs.Codec{8000: codecs.PCMU, 16000: codecs.G722, 48000: codecs.Opus} {
		n := rate / 50
		for _, start := range []int{0, 1, n / 8, n/2 - 1, n / 2, n - 1} {
			b := newBench(t, MixConfig{Floor: 90})
			word := tone(rate, 700, 9000)
			in := &fakeInput{rate: rate, read: func(tick int, dst []int16) {
				word.read(tick, dst)
				for i := range dst {
					if tick < 20 || tick == 20 && i < start {
						dst[i] = int16(16 * (i%2*2 - 1)) // -66 dBov
					}
				}
			}}
			b.apply(conditioned(1, in, Sound{Gate: Gate{Threshold: 50}}), party(2, quiet(rate), &fakeOutput{}, codec))
			heard, said := make([]int16, 0, 24*n), make([]int16, 0, 24*n)
			frame := make([]int16, n)
			for tick := range 24 {
				in.read(tick, frame)
				said = append(said, frame...)
				b.step()
				heard = append(heard, b.heard(2)...)
			}
			first := 20*n + start
			for i := first; i < 23*n; i++ {
				if heard[i+n/2] != said[i] {
					t.Fatalf("%d Hz, word at %d: sample %d of it is %d, want %d", rate, start, i-first, heard[i+n/2], said[i])
				}
			}
			if i := slices.IndexFunc(heard[:first-n/2], func(s int16) bool { return s != 0 }); i >= 0 {
				t.Errorf("%d Hz, word at %d: the noise is heard at %d", rate, start, i)
			}
		}
	}
}

// The gate closes without a click after a word, not in its pauses.
func TestGateCloses(t *testing.T) {
	b := newBench(t, MixConfig{Floor: 90})
	word := tone(8000, 700, 9000)
	soft := tone(8000, 700, 90) // -54 dBov, between the thresholds
	in := &fakeInput{rate: 8000, read: func(tick int, dst []int16) {
		switch {
		case tick < 10:
			word.read(tick, dst)
		case tick < 40:
			soft.read(tick, dst)
		default:
			tone(8000, 700, 40).read(tick, dst) // -61 dBov
		}
	}}
	b.apply(conditioned(1, in, Sound{Gate: Gate{Threshold: 50}}), party(2, quiet(8000), &fakeOutput{}, codecs.PCMU))
	for tick := range 70 {
		b.step()
		level := energy(b.heard(2))
		if tick < 48 && level == 0 {
			t.Fatalf("tick %d: closed", tick)
		}
		if tick > 57 && level != 0 {
			t.Fatalf("tick %d: open", tick)
		}
	}
}

// An offset goes away, the sound stays.
func TestOffsetIsRemoved(t *testing.T) {
	for rate, codec := range map[int]codecs.Codec{8000: codecs.PCMU, 16000: codecs.G722, 48000: codecs.Opus} {
		b := newBench(t, MixConfig{})
		in := &fakeInput{rate: rate, read: func(tick int, dst []int16) {
			tone(rate, 300, 8000).read(tick, dst)
			for i := range dst {
				dst[i] += 4000
			}
		}}
		b.apply(conditioned(1, in, Sound{RemoveDC: true}), party(2, quiet(rate), &fakeOutput{}, codec))
		for range 25 {
			b.step()
		}
		sum, pcm := 0, b.heard(2)
		for _, s := range pcm {
			sum += int(s)
		}
		if mean := sum / len(pcm); mean < -20 || mean > 20 {
			t.Errorf("%d Hz: the offset is %d", rate, mean)
		}
		if want := levelOf([]int16{8000}) - 3.01; math.Abs(levelOf(pcm)-want) > 0.1 {
			t.Errorf("%d Hz: %.2f dBov, want %.2f", rate, levelOf(pcm), want)
		}
	}
}

// A recording of one member alone has what came in, whatever is done to it for the others.
func TestConditionedMemberIsRecordedRaw(t *testing.T) {
	b := newBench(t, MixConfig{})
	in := tone(8000, 500, 1000)
	alone := party(3, nil, &fakeOutput{}, codecs.PCMU)
	alone.In, alone.Speaks, alone.Hears = nil, false, Hearing{Mode: Only, Only: []MemberID{1}}
	b.apply(conditioned(1, in, Sound{RemoveDC: true, Gate: Gate{Threshold: 50}, Gain: AutoGain{Target: 20}}), party(2, quiet(8000), &fakeOutput{}, codecs.PCMU), alone)
	frame := make([]int16, 160)
	for tick := range 100 {
		b.step()
		tone(8000, 500, 1000).read(tick, frame)
		if !slices.Equal(b.heard(3), frame) {
			t.Fatalf("tick %d: not what came in", tick)
		}
	}
	if a, c := levelOf(b.heard(2)), levelOf(frame); a < c+5 {
		t.Errorf("the others hear %.1f dBov of %.1f", a, c)
	}
}

// The silence after a sound ends what is left of it, and then costs nothing.
func TestConditionerSettles(t *testing.T) {
	b := newBench(t, MixConfig{})
	in := tone(8000, 500, 20000)
	b.apply(conditioned(1, in, Sound{Gate: Gate{Threshold: 50}, Gain: AutoGain{Target: 1, MaxDB: 24, RateDB: 60}}), party(2, quiet(8000), &fakeOutput{}, codecs.PCMU))
	for range 50 {
		b.step()
	}
	in.flags = codecs.Silent
	b.step()
	if energy(b.heard(2)[:80]) == 0 {
		t.Error("what the gate looks back on is lost")
	}
	for range 400 {
		b.step()
	}
	if !b.mix.live.Load().seat(1).cond.settled() {
		t.Error("not settled after 8 s of silence")
	}
}

// What is out of range is refused.
func TestSoundIsValidated(t *testing.T) {
	for _, s := range []Sound{
		{Gate: Gate{Threshold: 127}},
		{Gain: AutoGain{Target: 61}},
		{Gain: AutoGain{Target: 20, MaxDB: 25}},
		{Gain: AutoGain{Target: 20, MaxDB: math.NaN()}},
		{Gain: AutoGain{Target: 20, RateDB: -1}},
	} {
		b := newBench(t, MixConfig{})
		if _, err := b.mix.Apply(Layout{Members: []Member{conditioned(1, quiet(8000), s)}}); !errors.Is(err, ErrSound) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	b := newBench(t, MixConfig{})
	m := party(1, quiet(8000), &fakeOutput{}, codecs.PCMU)
	m.Hears.BackgroundDB = 1
	if _, err := b.mix.Apply(Layout{Members: []Member{m}}); !errors.Is(err, ErrGain) {
		t.Errorf("background: %v", err)
	}
}

// With all that can be switched on a tick allocates nothing.
func TestConditionedTickDoesNotAllocate(t *testing.T) {
	b := newBench(t, MixConfig{MaxSpeakers: 2, LookAhead: true})
	all := Sound{RemoveDC: true, Gate: Gate{Threshold: 50}, Gain: AutoGain{Target: 20}}
	members := make([]Member, 0, 5)
	for i := range 5 {
		m := party(MemberID(i+1), tone(8000, float64(300+100*i), 20000), &countingOutput{}, codecs.PCMU)
		m.Sound, m.Priority = all, i == 0
		m.Hears.Background, m.Hears.BackgroundDB = []MemberID{2, 3}, -10
		members = append(members, m)
	}
	b.apply(members...)
	for range 5 {
		b.step()
	}
	if n := testing.AllocsPerRun(200, b.step); n != 0 {
		t.Errorf("%.1f allocations in a tick", n)
	}
}
