package mixer

import (
	"slices"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

func lastPacket(t *testing.T, out *fakeOutput) packet {
	t.Helper()
	if len(out.packets) == 0 {
		t.Fatal("no packet")
	}

	return out.packets[len(out.packets)-1]
}

// ME-MIX-02, ME-MIX-04, ME-MIX-08, ME-LVL-09 (RFC 3550, section 7.4; RFC 6465, section 3): the loudest 15 who speak, but never the
// listener itself.
func TestContributingSources(t *testing.T) {
	b := newBench(t, MixConfig{})
	outs := make([]*fakeOutput, 20)
	members := make([]Member, 0, len(outs)+1)
	for i := range outs {
		outs[i] = &fakeOutput{}
		in := tone(8000, float64(200+50*i), 200*float64(i+4))
		in.ssrc = uint32(1000 + i)
		members = append(members, party(MemberID(i), in, outs[i], codecs.PCMU))
	}
	silent := &fakeOutput{}
	members = append(members, party(50, quiet(8000), silent, codecs.PCMU))
	b.apply(members...)
	b.step()
	b.step()
	p := lastPacket(t, silent)
	var want []uint32
	for i := 19; i > 4; i-- {
		want = append(want, uint32(1000+i))
	}
	if got := slices.Clone(p.csrc); len(got) != 15 || len(p.levels) != 15 || !slices.IsSorted(p.levels) || !p.voice {
		t.Errorf("sources %v with levels %v, voice %v", got, p.levels, p.voice)
	}
	level := map[uint32]uint8{}
	for i, source := range p.csrc {
		level[source] = p.levels[i]
	}
	slices.Sort(p.csrc)
	slices.Sort(want)
	if !slices.Equal(p.csrc, want) {
		t.Errorf("sources %v, want %v", p.csrc, want)
	}
	for i, out := range outs {
		p := lastPacket(t, out)
		if slices.Contains(p.csrc, uint32(1000+i)) || len(p.csrc) != 15 {
			t.Errorf("member %d is told of %v", i, p.csrc)
		}
		for k, source := range p.csrc {
			if want, known := level[source]; len(p.levels) != len(p.csrc) || known && p.levels[k] != want {
				t.Fatalf("member %d is told of %v with the levels %v; that of %d is %d", i, p.csrc, p.levels, source, want)
			}
		}
	}
}

// ME-MIX-05, ME-MIX-03, ME-MIX-11, ME-CN-08: the sources of another mixer stand for it; an announcement is the output's own
// source; silence, noise floor and comfort noise are no sources; there is a hang-over.
func TestWhoCounts(t *testing.T) {
	b := newBench(t, MixConfig{})
	out := &fakeOutput{}
	cascade := tone(8000, 300, 5000)
	cascade.csrc = []uint32{71, 72}
	announcement := tone(8000, 400, 2000)
	announcement.ssrc = 0
	noisy := tone(8000, 500, 20)
	comfort := tone(8000, 600, 3000)
	comfort.flags = codecs.ComfortNoise
	pauses := tone(8000, 700, 9000)
	inner := pauses.read
	pauses.read = func(tick int, dst []int16) {
		if inner(tick, dst); tick >= 5 {
			for i := range dst {
				dst[i] /= 200
			}
		}
	}
	back := &fakeOutput{}
	b.apply(
		Member{ID: 2, In: announcement, Speaks: true}, party(1, cascade, back, codecs.PCMU),
		party(3, noisy, &fakeOutput{}, codecs.PCMU), party(4, comfort, &fakeOutput{}, codecs.PCMU),
		party(5, pauses, &fakeOutput{}, codecs.PCMU), party(9, quiet(8000), out, codecs.PCMU),
	)
	for range 5 {
		b.step()
	}
	if p := lastPacket(t, out); !slices.Equal(p.csrc, []uint32{700, 71, 72, 0}) {
		t.Errorf("sources %v", p.csrc)
	}
	// Its own would be taken for a loop there.
	if p := lastPacket(t, back); !slices.Equal(p.csrc, []uint32{700, 0}) {
		t.Errorf("sources for the other mixer: %v", p.csrc)
	}
	for range floorHold - 1 {
		b.step()
	}
	if p := lastPacket(t, out); len(p.csrc) != 4 {
		t.Errorf("sources in a pause: %v", p.csrc)
	}
	for range 20 {
		b.step()
	}
	if p := lastPacket(t, out); !slices.Equal(p.csrc, []uint32{71, 72, 0}) {
		t.Errorf("sources after the pause: %v", p.csrc)
	}
	if b.stats(4).Speaking || b.stats(5).Speaking || !b.stats(1).Speaking {
		t.Error("wrong speakers")
	}
}

// ME-LVL-04, ME-LVL-05 (RFC 6464, section 3): the level of each packet, 127 for silence.
func TestOutputLevel(t *testing.T) {
	b := newBench(t, MixConfig{})
	out, silent := &fakeOutput{}, &fakeOutput{}
	b.apply(party(1, tone(8000, 1000, 4634), silent, codecs.PCMU), party(2, quiet(8000), out, codecs.PCMU))
	for range 3 {
		b.step()
	}
	if p := lastPacket(t, out); p.level != 20 {
		t.Errorf("level %d, want 20", p.level)
	}
	if p := lastPacket(t, silent); p.level != codecs.SilenceLevel || p.voice || len(p.csrc) != 0 {
		t.Errorf("silence as %+v", p)
	}
	if s := b.stats(2); s.OutLevel != 20 || s.Level != codecs.SilenceLevel {
		t.Errorf("stats %+v", s)
	}
}

// Of many who speak the loudest are mixed; who is mixed stays so until somebody is clearly louder; who only speaks always is.
func TestLoudestSpeakers(t *testing.T) {
	b := newBench(t, MixConfig{MaxSpeakers: 2})
	amplitude := map[MemberID]float64{1: 3000, 2: 4000, 3: 2000, 4: 100}
	var members []Member
	for id := MemberID(1); id <= 4; id++ {
		in := tone(8000, 200*float64(id), 1)
		in.read = func(tick int, dst []int16) { tone(8000, 200*float64(id), amplitude[id]).read(tick, dst) }
		m := party(id, in, &fakeOutput{}, codecs.PCMU)
		if id == 4 {
			m.Out = nil
		}
		members = append(members, m)
	}
	b.apply(members...)
	check := func(what string, want ...MemberID) {
		t.Helper()
		var mixed []MemberID
		for id := MemberID(1); id <= 4; id++ {
			if b.stats(id).Mixed {
				mixed = append(mixed, id)
			}
		}
		if !slices.Equal(mixed, want) {
			t.Errorf("%s: mixed %v, want %v", what, mixed, want)
		}
	}
	b.step()
	check("at first", 1, 2, 4)
	amplitude[3] = 5000
	b.step()
	check("a little louder", 1, 2, 4)
	amplitude[3] = 9000
	b.step()
	check("clearly louder", 2, 3, 4)
	amplitude[2] = 0
	for range floorHold + 2 {
		b.step()
	}
	check("room again", 1, 3, 4)
}

// Frames that are not one tick of a known rate are dropped and counted.
func TestBadFrames(t *testing.T) {
	b := newBench(t, MixConfig{})
	in := tone(8000, 400, 5000)
	b.apply(Member{ID: 1, In: inputFunc(func(dst []int16) codecs.Frame {
		f := in.Ingest(dst)
		f.Rate = 11025

		return f
	}), Speaks: true}, party(2, quiet(8000), &fakeOutput{}, codecs.PCMU))
	b.step()
	b.step()
	if e := energy(b.heard(2)); e != 0 || b.w.badFrames.Load() != 2 {
		t.Errorf("energy %d, %d bad frames", e, b.w.badFrames.Load())
	}
}

type inputFunc func([]int16) codecs.Frame

func (f inputFunc) Ingest(dst []int16) codecs.Frame { return f(dst) }
