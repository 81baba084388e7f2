package mixer

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// sounding is an input that allocates nothing: a period of a tone, over and over.
type sounding struct {
	rate  int
	ssrc  uint32
	pcm   [codecs.MaxFrameSamples]int16
	count int
	talks func(tick int) bool
}

func newSounding(rate int, ssrc uint32, talks func(tick int) bool) *sounding {
	s := &sounding{rate: rate, ssrc: ssrc, talks: talks}
	tone(rate, 50*float64(3+ssrc%20), 3000).read(0, s.pcm[:rate/50])

	return s
}

func (s *sounding) Ingest(dst []int16) codecs.Frame {
	s.count++
	f := codecs.Frame{Rate: s.rate, Samples: s.rate / 50, SSRC: s.ssrc}
	if !s.talks(s.count) {
		f.Flags, f.Level = codecs.Silent, codecs.SilenceLevel

		return f
	}
	copy(dst, s.pcm[:f.Samples])

	return f
}

func always(int) bool { return true }

func never(int) bool { return false }

// Nothing is allocated in a tick, whoever speaks or stops.
func TestTickAllocatesNothing(t *testing.T) {
	for _, codec := range []codecs.Codec{codecs.PCMU, codecs.PCMA, codecs.G722, codecs.Opus} {
		for _, ms := range []int{10, 20, 40} {
			for _, speakers := range []int{0, 2} {
				b := newBench(t, MixConfig{MaxSpeakers: speakers})
				f := codecs.Format{Codec: codec, PacketTime: time.Duration(ms) * time.Millisecond, Complexity: codecs.LowestComplexity}
				members := make([]Member, 0, 12)
				for i := range 10 {
					rate := []int{8000, 16000, 48000}[i%3]
					in := newSounding(rate, uint32(i), func(tick int) bool { return i < 3 || (tick/(3+i))%2 == 0 })
					m := Member{ID: MemberID(i), In: in, Out: &countingOutput{}, Format: f, Speaks: true, Hears: everyone()}
					if i == 4 {
						m.OutGainDB, m.GainDB = 3, 20
					}
					members = append(members, m)
				}
				members = append(members,
					Member{ID: 20, Out: &countingOutput{}, Format: format(codecs.PCMA), Hears: Hearing{Mode: Only, Only: []MemberID{1}}},
					Member{ID: 21, Out: &countingOutput{}, Format: format(codecs.G722), Hears: everyone()},
				)
				b.apply(members...)
				b.step()
				if n := testing.AllocsPerRun(60, b.step); n != 0 {
					t.Errorf("%v of %d ms, %d speakers: %.1f allocations per tick", codec, ms, speakers, n)
				}
			}
		}
	}
}

// A thousand members: few speak, all are given packets.
func TestThousandMembers(t *testing.T) {
	b := newBench(t, MixConfig{MaxSpeakers: 3})
	outs := make([]*countingOutput, 1000)
	members := make([]Member, 0, len(outs))
	for i := range outs {
		outs[i] = &countingOutput{}
		talks := never
		if i%100 == 0 {
			talks = always
		}
		members = append(members, party(MemberID(i), newSounding(8000, uint32(i+1), talks), outs[i], codecs.PCMU))
	}
	b.apply(members...)
	for range 20 {
		b.step()
	}
	mixed := 0
	for i, out := range outs {
		if out.packets != 20 || out.units != 3200 || out.octets != 3200 {
			t.Fatalf("member %d: %+v", i, *out)
		}
		if b.stats(MemberID(i)).Mixed {
			mixed++
		}
	}
	if mixed != 3 {
		t.Errorf("%d members are mixed, want 3", mixed)
	}
	if n := b.encoded(codecs.PCMU); n > 20*4 {
		t.Errorf("%d encodings in 20 ticks for 1000 members", n)
	}
}

// BenchmarkStep is one tick of a mix with two talkers, by codec and number of members.
func BenchmarkStep(bm *testing.B) {
	for _, codec := range []codecs.Codec{codecs.PCMU, codecs.G722, codecs.Opus} {
		for _, n := range []int{2, 3, 10, 100, 1000} {
			bm.Run(fmt.Sprintf("%v/%d", codec, n), func(bm *testing.B) {
				b := newBench(bm, MixConfig{})
				members := make([]Member, 0, n)
				for i := range n {
					talks := never
					if i < 2 {
						talks = always
					}
					members = append(members, Member{
						ID: MemberID(i), In: newSounding(codec.SampleRate(), uint32(i+1), talks), Out: &countingOutput{},
						Format: codecs.Format{Codec: codec}, Speaks: true, Hears: everyone(),
					})
				}
				b.apply(members...)
				b.step()
				bm.ReportAllocs()
				for bm.Loop() {
					b.step()
				}
				bm.ReportMetric(float64(bm.Elapsed().Nanoseconds())/float64(bm.N)/float64(n), "ns/member")
			})
		}
	}
}

// BenchmarkMixedRates is one tick of ten members of three rates, of whom the given number talk.
func BenchmarkMixedRates(bm *testing.B) {
	for _, talkers := range []int{1, 3, 10} {
		bm.Run(fmt.Sprintf("talkers=%d", talkers), func(bm *testing.B) {
			b := newBench(bm, MixConfig{})
			members := make([]Member, 0, 10)
			for i := range 10 {
				codec := []codecs.Codec{codecs.PCMU, codecs.G722, codecs.Opus}[i%3]
				talks := never
				if i < talkers {
					talks = always
				}
				members = append(members, party(MemberID(i), newSounding(codec.SampleRate(), uint32(i+1), talks), &countingOutput{}, codec))
			}
			b.apply(members...)
			b.step()
			bm.ReportAllocs()
			for bm.Loop() {
				b.step()
			}
		})
	}
}

// BenchmarkApply is a change to a large mix.
func BenchmarkApply(bm *testing.B) {
	b := newBench(bm, MixConfig{})
	members := make([]Member, 0, 1000)
	for i := range 1000 {
		members = append(members, party(MemberID(i), newSounding(8000, 1, never), &countingOutput{}, codecs.PCMU))
	}
	b.apply(members...)
	b.step()
	bm.ReportAllocs()
	for bm.Loop() {
		b.apply(members...)
		b.step()
	}
}
