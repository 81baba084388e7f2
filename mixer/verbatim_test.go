package mixer

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/codecs"
)

// encodedInput is an input whose frames have come as payloads, which nobody would make of its sound: so they are known again.
type encodedInput struct {
	*fakeInput

	codec codecs.Codec
	mark  byte
	whole bool
}

func (e *encodedInput) Encoded() (codecs.Codec, []byte) {
	if !e.whole {
		return e.codec, nil
	}

	return e.codec, e.payload()
}

func (e *encodedInput) payload() []byte {
	return append([]byte{e.mark, byte(e.tick)}, bytes.Repeat([]byte{0xa5}, 30)...)
}

// TestVerbatim: an output that asks for it gets the payloads of the only one it hears, from the tick after he has begun to be heard, and
// what the mixer has made as soon as anything is done to them.
func TestVerbatim(t *testing.T) {
	in := &encodedInput{fakeInput: tone(48000, 440, 8000), codec: codecs.Opus, mark: 0x78, whole: true}
	other := tone(8000, 700, 8000)
	out, plain := &fakeOutput{}, &fakeOutput{}
	b := newBench(t, MixConfig{})
	members := func(change func(speaker, listener *Member)) []Member {
		speaker := Member{ID: 1, In: in, Speaks: true}
		listener := Member{ID: 2, Out: out, Format: format(codecs.Opus), Verbatim: true, Hears: Hearing{Mode: Only, Only: []MemberID{1}}}
		if change != nil {
			change(&speaker, &listener)
		}

		return []Member{
			speaker, listener,
			{ID: 3, Out: plain, Format: format(codecs.Opus), Hears: Hearing{Mode: Only, Only: []MemberID{1}}},
			{ID: 4, In: other, Speaks: true},
		}
	}
	for name, test := range map[string]struct {
		change func(speaker, listener *Member)
		input  func()
		want   bool
	}{
		"as it came":    {want: true},
		"of several":    {input: func() { in.whole = false }},
		"another codec": {input: func() { in.codec = codecs.G722 }},
		"two channels":  {input: func() { in.mark = 0x7c }},
		"two that are wanted": {
			change: func(_, listener *Member) { listener.Stereo = true }, input: func() { in.mark = 0x7c }, want: true,
		},
		"louder":            {change: func(speaker, _ *Member) { speaker.GainDB = 3 }},
		"louder for one":    {change: func(_, listener *Member) { listener.OutGainDB = 3 }},
		"muted":             {change: func(speaker, _ *Member) { speaker.Speaks = false }},
		"with another":      {change: func(_, listener *Member) { listener.Hears.Only = []MemberID{1, 4} }},
		"not asked for":     {change: func(_, listener *Member) { listener.Verbatim = false }},
		"other packet time": {change: func(_, listener *Member) { listener.Format.PacketTime = 2 * codecs.FrameDuration }},
	} {
		in.whole, in.codec, in.mark = true, codecs.Opus, 0x78
		b.apply(members(nil)...)
		for range 5 {
			b.step()
		}
		if got := out.packets[len(out.packets)-1]; !bytes.Equal(got.payload, in.payload()) || got.samples != 960 || got.level > 20 {
			t.Fatalf("before %q: %d octets, level %d", name, len(got.payload), got.level)
		}
		if test.input != nil {
			test.input()
		}
		b.apply(members(test.change)...)
		for range 5 {
			before := len(out.packets)
			b.step()
			for _, got := range out.packets[before:] {
				if is := bytes.Equal(got.payload, in.payload()); is != test.want {
					t.Errorf("%s: passed on: %t", name, is)
				}
			}
		}
	}
	for _, got := range plain.packets {
		if got.payload[0] == in.mark && got.payload[2] == 0xa5 {
			t.Fatal("who did not ask for it was given the payload of another")
		}
	}
	if n := b.w.forwarded[codecs.Opus].Load(); n == 0 {
		t.Error("not counted")
	}
}

// TestVerbatimStorm: whatever changes, a payload is only passed on of who speaks, is the only one heard, and has not just begun.
func TestVerbatimStorm(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, MixConfig{MaxSpeakers: rapid.IntRange(0, 2).Draw(rt, "speakers")})
		ins := make([]*encodedInput, 3)
		outs := make([]*fakeOutput, 3)
		for i := range ins {
			ins[i] = &encodedInput{fakeInput: noise(8000, uint64(i+1), 8000), codec: codecs.PCMU, mark: byte(0xf0 + i)}
			outs[i] = &fakeOutput{}
		}
		for range rapid.IntRange(1, 8).Draw(rt, "layouts") {
			speaks := make([]bool, len(ins))
			heard := make([]int, len(ins))
			members := make([]Member, 0, 2*len(ins))
			for i, in := range ins {
				in.whole = rapid.Bool().Draw(rt, "whole")
				speaks[i] = rapid.Bool().Draw(rt, "speaks")
				heard[i] = rapid.IntRange(0, 2).Draw(rt, "heard")
				members = append(members, Member{ID: MemberID(i + 1), In: in, Speaks: speaks[i]}, Member{
					ID: MemberID(i + 11), Out: outs[i], Format: format(codecs.PCMU), Verbatim: rapid.Bool().Draw(rt, "verbatim"),
					Hears: Hearing{Mode: Only, Only: []MemberID{MemberID(heard[i] + 1)}},
				})
			}
			b.apply(members...)
			for range rapid.IntRange(1, 4).Draw(rt, "ticks") {
				b.step()
				for i, out := range outs {
					p := out.packets[len(out.packets)-1].payload
					if len(p) == 160 {
						continue
					}
					if from := int(p[0] - 0xf0); from != heard[i] || !speaks[from] || !ins[from].whole || !members[2*i+1].Verbatim {
						rt.Fatalf("%d was given a payload of %d", i, from)
					}
				}
			}
		}
	})
}

// TestVerbatimAllocates nothing.
func TestVerbatimAllocations(t *testing.T) {
	payload := bytes.Repeat([]byte{0x11}, 160)
	in := &fixedInput{fakeInput: tone(8000, 440, 8000), payload: payload}
	b := newBench(t, MixConfig{})
	b.apply(Member{ID: 1, In: in, Speaks: true}, Member{
		ID: 2, Out: &countingOutput{}, Format: format(codecs.PCMU), Verbatim: true, Hears: Hearing{Mode: Only, Only: []MemberID{1}},
	})
	for range 5 {
		b.step()
	}
	if n := testing.AllocsPerRun(100, b.step); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if b.w.forwarded[codecs.PCMU].Load() < 100 {
		t.Error("nothing was passed on")
	}
}

// fixedInput has always the same payload.
type fixedInput struct {
	*fakeInput

	payload []byte
}

func (f *fixedInput) Encoded() (codecs.Codec, []byte) { return codecs.PCMU, f.payload }
