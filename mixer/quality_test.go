package mixer

import (
	"fmt"
	"math"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// residual returns what is left of a signal, as a part of its power, when the best fit of sines of the given frequencies is
// taken away. The frequencies must be orthogonal over the length of the signal.
func residual(pcm []int16, rate int, hz ...float64) float64 {
	left := make([]float64, len(pcm))
	var total float64
	for i, s := range pcm {
		left[i] = float64(s)
		total += left[i] * left[i]
	}
	for _, f := range hz {
		var re, im float64
		for i, s := range pcm {
			sin, cos := math.Sincos(2 * math.Pi * f * float64(i) / float64(rate))
			re += float64(s) * cos
			im += float64(s) * sin
		}
		re, im = 2*re/float64(len(pcm)), 2*im/float64(len(pcm))
		for i := range left {
			sin, cos := math.Sincos(2 * math.Pi * f * float64(i) / float64(rate))
			left[i] -= re*cos + im*sin
		}
	}
	var rest float64
	for _, x := range left {
		rest += x * x
	}

	return rest / total
}

// ME-MIX-09: ten talkers at full scale neither wrap nor clip.
func TestTenFullScaleTalkers(t *testing.T) {
	sets := map[string][]float64{
		"spread":   {250, 350, 450, 600, 750, 950, 1150, 1400, 1700, 2100},
		"beating":  {251, 353, 457, 613, 757, 953, 1151, 1399, 1709, 2111},
		"harmonic": {200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800, 2000},
		"same":     {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000},
		"low":      {100, 100, 100, 100, 100, 100, 100, 100, 100, 100},
	}
	for name, hz := range sets {
		for _, ahead := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, look-ahead %v", name, ahead), func(t *testing.T) {
				b := newBench(t, MixConfig{LookAhead: ahead})
				members := []Member{party(100, quiet(8000), &fakeOutput{}, codecs.PCMU)}
				for i, f := range hz {
					members = append(members, party(MemberID(i), tone(8000, f, 32767), nil, codecs.PCMU))
					members[i+1].Out = nil
				}
				b.apply(members...)
				for range 50 {
					b.step()
				}
				pcm := make([]int16, 0, 8000)
				for range 50 {
					b.step()
					pcm = append(pcm, b.heard(100)...)
				}
				var distinct []float64
				for i, f := range hz {
					if i == 0 || f != hz[i-1] {
						distinct = append(distinct, f)
					}
				}
				thd := math.Sqrt(residual(pcm, 8000, distinct...))
				t.Logf("THD+N %.3f %%, gain %.1f dB", 100*thd, b.stats(100).LimiterGainDB)
				if thd > 0.03 {
					t.Errorf("THD+N %.2f %%, want at most 3 %%", 100*thd)
				}
				if gain := b.stats(100).LimiterGainDB; gain > -3 {
					t.Errorf("limiter gain %.1f dB is hardly a limit", gain)
				}
			})
		}
	}
}

// The onset of an overload neither wraps nor jumps: wherever in a frame it begins, the output moves about as fast as a full-scale
// tone would, or no faster than what was put in.
func TestOverloadOnset(t *testing.T) {
	for start := range 160 {
		b := newBench(t, MixConfig{})
		members := make([]Member, 1, 6)
		members[0] = party(100, quiet(8000), &fakeOutput{}, codecs.PCMU)
		for i := range 5 {
			in := tone(8000, 300, 30000)
			inner := in.read
			in.read = func(tick int, dst []int16) {
				inner(tick, dst)
				if tick == 0 {
					clear(dst[:start])
				}
			}
			members = append(members, Member{ID: MemberID(i), In: in, Speaks: true})
		}
		b.apply(members...)
		last, lastSum := 0, 0
		frame := make([]int16, 160)
		for tick := range 5 {
			b.step()
			tone(8000, 300, 30000).read(tick, frame)
			if tick == 0 {
				clear(frame[:start])
			}
			for i, s := range b.heard(100) {
				sum := 5 * int(frame[i])
				moved, given := math.Abs(float64(int(s)-last)), math.Abs(float64(sum-lastSum))
				// 300 Hz moves by 23 % of its amplitude per sample: 7700 at full scale.
				if moved > 12000 && moved > given {
					t.Fatalf("start %d, tick %d, sample %d: from %d to %d", start, tick, i, last, s)
				}
				if int(s) != 0 && (s > 0) != (sum > 0) {
					t.Fatalf("start %d, tick %d, sample %d: %d has wrapped to %d", start, tick, i, sum, s)
				}
				last, lastSum = int(s), sum
			}
		}
	}
}

// Below full scale the limiter changes nothing, and it comes back to that.
func TestLimiterReleases(t *testing.T) {
	b := newBench(t, MixConfig{})
	loud := party(1, tone(8000, 500, 30000), nil, codecs.PCMU)
	loud.Out = nil
	second := loud
	second.ID, second.In = 2, tone(8000, 700, 30000)
	soft := loud
	soft.ID, soft.In = 3, tone(8000, 1000, 5000)
	listener := party(4, quiet(8000), &fakeOutput{}, codecs.PCMU)
	b.apply(loud, second, soft, listener)
	for range 20 {
		b.step()
	}
	if g := b.stats(4).LimiterGainDB; g > -3 {
		t.Fatalf("gain %.1f dB", g)
	}
	b.apply(soft, listener)
	for range 75 {
		b.step()
	}
	if g := b.stats(4).LimiterGainDB; g < -1 {
		t.Errorf("1.5 s after the overload the gain is %.1f dB", g)
	}
	for range 125 {
		b.step()
	}
	frame := make([]int16, 160)
	in, ok := soft.In.(*fakeInput)
	if !ok {
		t.Fatal("not a fake")
	}
	in.read(in.tick-1, frame)
	for i, s := range b.heard(4) {
		if s != frame[i] {
			t.Fatalf("4 s after the overload, sample %d is %d, want %d", i, s, frame[i])
		}
	}
}

// A tone is heard without a click while others join, speak, are muted and leave (FreeSWITCH has inserted silence at random).
func TestToneIsContinuous(t *testing.T) {
	rates := map[codecs.Codec]int{codecs.PCMU: 8000, codecs.G722: 16000, codecs.Opus: 48000}
	for talkerCodec, from := range rates {
		for listenerCodec, to := range rates {
			t.Run(fmt.Sprintf("%v to %v", talkerCodec, listenerCodec), func(t *testing.T) {
				b := newBench(t, MixConfig{MaxSpeakers: 3})
				talker := party(1, tone(from, 1000, 8000), &fakeOutput{}, talkerCodec)
				listener := party(2, quiet(to), &fakeOutput{}, listenerCodec)
				var pcm []int16
				for tick := range 60 {
					members := []Member{talker, listener}
					for i := range tick % 7 {
						other := party(MemberID(10+i), quiet(8000), &fakeOutput{}, []codecs.Codec{codecs.PCMU, codecs.G722, codecs.Opus}[i%3])
						other.Speaks = tick%3 > 0
						members = append(members, other)
					}
					b.apply(members...)
					b.step()
					if tick > 1 {
						pcm = append(pcm, b.heard(2)...)
					}
				}
				bound := 8000 * math.Pow(2*math.Pi*1000/float64(to), 2)
				for i := 2; i < len(pcm); i++ {
					d := math.Abs(float64(pcm[i]) - 2*float64(pcm[i-1]) + float64(pcm[i-2]))
					if d > 1.05*bound+6 {
						t.Fatalf("sample %d: second difference %.0f, the tone's own is at most %.0f", i, d, bound)
					}
				}
			})
		}
	}
}

// Ten minutes of a tone while every second somebody joins, leaves, or is given another role: in no tick is its level off by 0.1 dB, which a gap of
// half a millisecond would be, and nowhere is there a click.
func TestToneIsContinuousForTenMinutes(t *testing.T) {
	const (
		rate, hz, amplitude = 8000, 1000, 8000
		ticks, change       = 10 * 60 * 50, 50
	)
	b := newBench(t, MixConfig{MaxSpeakers: 3})
	frame := make([]int16, rate/50) // whole periods
	tone(rate, hz, amplitude).read(0, frame)
	talker := Member{ID: 1, In: &fakeInput{rate: rate, ssrc: hz, read: func(_ int, dst []int16) { copy(dst, frame) }}, Speaks: true}
	listener := party(2, quiet(rate), &fakeOutput{}, codecs.PCMU)
	bound := 2 * amplitude * (1 - math.Cos(2*math.Pi*hz/rate))
	var last [2]float64
	for tick := range ticks {
		if second := tick / change; tick%change == 0 {
			members := []Member{talker, listener}
			for i := range second * 5 % 7 { // another number each time
				other := party(MemberID(10+i), quiet(rate), nil, codecs.PCMU)
				other.Out, other.Speaks = nil, second%3 > 0
				members = append(members, other)
			}
			b.apply(members...)
		}
		b.step()
		pcm := b.heard(2)
		for i, s := range pcm {
			x := float64(s)
			if d := math.Abs(x - 2*last[1] + last[0]); tick > 0 && d > 1.05*bound+6 {
				t.Fatalf("tick %d, sample %d: second difference %.0f, the tone's own is at most %.0f", tick, i, d, bound)
			}
			last[0], last[1] = last[1], x
		}
		if db := 10 * math.Log10(float64(energy(pcm))/float64(len(pcm))/(amplitude*amplitude/2)); tick > 0 && math.Abs(db) > 0.1 {
			t.Fatalf("tick %d: %+.2f dB", tick, db)
		}
	}
}

// ME-MIX-10, ME-AUD-12: levels are kept from any rate to any other.
func TestLevelsAcrossRates(t *testing.T) {
	all := map[codecs.Codec]int{codecs.PCMA: 8000, codecs.G722: 16000, codecs.Opus: 48000, codecs.L16At44100: 44100}
	for _, from := range rates {
		for codec, to := range all {
			for _, hz := range []float64{300, 1000, 3000} {
				b := newBench(t, MixConfig{})
				b.apply(
					Member{ID: 1, In: &ratedInput{fakeInput: *tone(from, hz, 10000), rates: []int{from}}, Speaks: true},
					party(2, quiet(to), &fakeOutput{}, codec),
				)
				for range 3 {
					b.step()
				}
				var power float64
				for range 10 {
					b.step()
					power += float64(energy(b.heard(2)))
				}
				db := 10 * math.Log10(power/float64(10*to/50)/(10000*10000/2))
				limit := 0.5
				if from == to {
					limit = 0.05
				}
				if math.Abs(db) > limit {
					t.Errorf("%.0f Hz from %d to %d: %+.2f dB", hz, from, to, db)
				}
			}
		}
	}
}

// Gains are exact in dB, on the way in and on the way out.
func TestGains(t *testing.T) {
	b := newBench(t, MixConfig{})
	listener := party(2, quiet(8000), &fakeOutput{}, codecs.PCMU)
	boosted := listener
	boosted.ID, boosted.OutGainDB = 3, 6
	talker := Member{ID: 1, In: tone(8000, 500, 4000), Speaks: true, GainDB: -10}
	b.apply(talker, listener, boosted)
	for range 4 {
		b.step()
	}
	level := func(id MemberID) float64 {
		return 10 * math.Log10(float64(energy(b.heard(id)))/160/(4000*4000/2))
	}
	if db := level(2); math.Abs(db+10) > 0.05 {
		t.Errorf("input gain %.2f dB, want -10", db)
	}
	if db := level(3); math.Abs(db+4) > 0.05 {
		t.Errorf("input and output gain %.2f dB, want -4", db)
	}
}

// With look-ahead a sum that fits leaves the mixer as it is, 2.5 ms later, whoever begins or ceases to speak; and an overload that
// begins anywhere is met by a slope from before it.
func TestLookAhead(t *testing.T) {
	for codec, rate := range map[codecs.Codec]int{codecs.PCMU: 8000, codecs.G722: 16000, codecs.Opus: 48000, codecs.L16At44100: 44100} {
		b := newBench(t, MixConfig{LookAhead: true})
		n, late := rate/50, rate/400
		voice, other := tone(rate, 500, 9000), tone(rate, 900, 7000)
		talker := party(1, voice, &fakeOutput{}, codec)
		second := party(2, other, &fakeOutput{}, codec)
		listener := party(3, quiet(rate), &fakeOutput{}, codec)
		b.apply(talker, second, listener)
		frame := make([]int16, n)
		said, heard, own := make([]int16, 0, 60*n), make([]int16, 0, 60*n), make([]int16, 0, 60*n)
		for tick := range 60 {
			other.flags = 0
			if tick/10%2 == 1 {
				other.flags = codecs.Silent
			}
			voice.read(tick, frame)
			said = append(said, frame...)
			if other.flags == 0 {
				other.read(tick, frame)
			} else {
				clear(frame)
			}
			for i, s := range frame {
				said[tick*n+i] += s
			}
			b.step()
			heard = append(heard, b.heard(3)...)
			own = append(own, b.heard(2)...)
		}
		voice.tick = 0
		for i := n; i < len(heard)-late; i++ {
			if heard[i+late] != said[i] {
				t.Fatalf("%v: sample %d is %d, want %d", codec, i, heard[i+late], said[i])
			}
		}
		for tick := range 59 {
			voice.read(tick, frame)
			for i, s := range frame {
				if own[tick*n+i+late] != s {
					t.Fatalf("%v: who speaks hears himself at tick %d, sample %d", codec, tick, i)
				}
			}
		}
	}
}
