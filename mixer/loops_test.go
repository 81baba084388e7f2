package mixer

import (
	"math"
	"slices"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// bridge is one way of a leg between two mixes: what one sends is what the other receives a tick later, CSRC list and all.
type bridge struct {
	ssrc uint32
	last packet
}

func (l *bridge) SSRC() uint32 { return l.ssrc }

func (l *bridge) Emit(p *codecs.Packet) {
	l.last = packet{payload: slices.Clone(p.Payload), csrc: slices.Clone(p.CSRC)}
	for i, source := range l.last.csrc {
		if source == 0 {
			l.last.csrc[i] = l.ssrc
		}
	}
}

// Ingest is what the other end receives.
func (l *bridge) Ingest(dst []int16) codecs.Frame {
	f := codecs.Frame{Rate: 8000, Samples: 160, SSRC: l.ssrc, Level: codecs.SilenceLevel}
	decoder, err := codecs.NewDecoder(codecs.PCMU)
	if err != nil || len(l.last.payload) != 160 {
		f.Flags = codecs.Silent

		return f
	}
	if _, err = decoder.Decode(dst[:160:160], l.last.payload); err != nil {
		f.Flags = codecs.Silent
	}
	f.CSRCCount = uint8(copy(f.CSRC[:], l.last.csrc))
	f.Level = codecs.Level(dst[:160])

	return f
}

// Two bridges with two legs between them are a loop: whatever is said would come back by the other leg, again and again. What comes back is
// not mixed, whether it comes as a talker or as an announcement of ours, and who talks is heard once by everybody.
//
// Shows ME-MIX-18.
func TestLoopOfTwoBridges(t *testing.T) {
	for _, source := range []uint32{500, 0} { // somebody who talks; an announcement of the mixer
		a, b := newBench(t, MixConfig{}), newBench(t, MixConfig{})
		there := []*bridge{{ssrc: 0xA1}, {ssrc: 0xA2}}
		back := []*bridge{{ssrc: 0xB1}, {ssrc: 0xB2}}
		talker := tone(8000, 500, 4000)
		talker.ssrc = source
		alice := party(1, talker, &fakeOutput{}, codecs.PCMU)
		if source == 0 {
			alice.Out = nil
		}
		here, far := make([]Member, 0, 2+len(there)), make([]Member, 0, 1+len(there))
		here = append(here, alice, party(2, quiet(8000), &fakeOutput{}, codecs.PCMU))
		far = append(far, party(2, quiet(8000), &fakeOutput{}, codecs.PCMU))
		for i := range there {
			here = append(here, party(MemberID(10+i), back[i], there[i], codecs.PCMU))
			far = append(far, party(MemberID(10+i), there[i], back[i], codecs.PCMU))
		}
		a.apply(here...)
		b.apply(far...)
		var power [2]float64
		for tick := range 200 {
			a.step()
			b.step()
			if tick >= 150 {
				power[0] += float64(energy(a.heard(2)))
				power[1] += float64(energy(b.heard(2)))
			}
		}
		for i, p := range power {
			if i > 0 && source == 0 {
				continue // announced to it twice, under two names
			}
			if db := 10 * math.Log10(p/(50*160)/(4000*4000/2)); math.Abs(db) > 0.5 {
				t.Errorf("source %d: listener of bridge %d hears it at %+.1f dB", source, i, db)
			}
		}
		if looped := a.stats(10).Looped + a.stats(11).Looped; looped < 150 {
			t.Errorf("source %d: %d looped frames", source, looped)
		}
		if a.stats(10).Speaking || a.stats(11).Speaking {
			t.Errorf("source %d: an echo speaks", source)
		}
	}
}

// A mixer whose sources are its own is heard, and is again soon after it has been a loop.
func TestNoLoop(t *testing.T) {
	b := newBench(t, MixConfig{})
	mixer := tone(8000, 300, 5000)
	mixer.csrc = []uint32{71, 72}
	b.apply(party(1, mixer, &fakeOutput{}, codecs.PCMU), party(2, tone(8000, 400, 5000), &fakeOutput{}, codecs.PCMU))
	for i, step := range []struct {
		csrc  []uint32
		ticks int
		mixed bool
	}{
		{[]uint32{71, 72}, 10, true},
		{[]uint32{71, 400}, 2, true}, // the end of something said before
		{[]uint32{71, 72}, 5, true},
		{[]uint32{71, 400}, 10, false},
		{[]uint32{71, 72}, echoRest + 2, true},
	} {
		mixer.csrc = step.csrc
		for range step.ticks {
			b.step()
		}
		if got := b.stats(1).Mixed; got != step.mixed {
			t.Errorf("step %d: mixed %t", i, got)
		}
	}
}

// Two members whose phones have chosen the same SSRC are told from each other in CSRC lists, from the first packet on and for as long as
// they are there; who was there first keeps his.
//
// Shows ME-MIX-19, SR-RTP-18.
func TestCollidingSources(t *testing.T) {
	b := newBench(t, MixConfig{})
	inputs := make([]*fakeInput, 4)
	members := make([]Member, 0, len(inputs)+1)
	out := &fakeOutput{}
	for i := range inputs {
		inputs[i] = tone(8000, float64(300+100*i), 4000)
		inputs[i].ssrc = 77
		members = append(members, party(MemberID(i+1), inputs[i], &fakeOutput{}, codecs.PCMU))
	}
	members = append(members, party(9, quiet(8000), out, codecs.PCMU))
	b.apply(members[0], members[4])
	b.step()
	b.apply(members...)
	b.step()
	want := []uint32{77}
	for id := MemberID(2); id <= 4; id++ {
		want = append(want, b.stats(id).Source)
	}
	slices.Sort(want)
	check := func(when string, want []uint32) {
		t.Helper()
		got := lastPacket(t, out).csrc
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: sources %v, want %v", when, got, want)
		}
	}
	if b.stats(1).Source != 77 || len(slices.Compact(slices.Clone(want))) != 4 {
		t.Errorf("sources %v", want)
	}
	check("at once", want)
	b.apply(members[1:]...) // the first leaves
	b.step()
	check("later", slices.DeleteFunc(want, func(s uint32) bool { return s == 77 }))
	inputs[1].ssrc = 78
	b.step()
	if s := b.stats(2).Source; s != 78 {
		t.Errorf("another source is called %d", s)
	}
}
