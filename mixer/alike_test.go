package mixer

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// untilTick is an input that sounds in the ticks of a range only.
func untilTick(from, to int, hz, amplitude float64) *fakeInput {
	in := tone(8000, hz, amplitude)
	sound := in.read
	in.read = func(tick int, dst []int16) {
		if clear(dst); tick >= from && tick < to {
			sound(tick, dst)
		}
	}

	return in
}

// ME-MIX-20. A recording of all is encoded together with what listeners hear, but for the ticks in which these hear a tone that it does not, and those in which too much
// is said at once for the two to be turned down alike. Its packets are the same as if it were encoded by itself.
func TestRecordingSharesTheEncodingOfListeners(t *testing.T) {
	const ticks, toneFrom, toneTo, loudFrom, loudTo = 400, 120, 145, 200, 215
	for _, codec := range []codecs.Codec{codecs.PCMU, codecs.PCMA, codecs.L16At8000} {
		run := func(recorded, listeners bool) (tap *fakeOutput, encoded []uint64) {
			b := newBench(t, MixConfig{})
			tap = &fakeOutput{}
			loud := tone(8000, 600, 6000)
			soft := loud.read
			loud.read = func(tick int, dst []int16) {
				if soft(tick, dst); tick >= loudFrom && tick < loudTo {
					for i := range dst {
						dst[i] = math.MaxInt16
					}
				}
			}
			members := []Member{party(1, tone(8000, 440, 9000), &fakeOutput{}, codec), party(2, loud, &fakeOutput{}, codec)}
			if listeners {
				members = append(members, party(3, quiet(8000), &fakeOutput{}, codec), party(4, quiet(8000), &fakeOutput{}, codec))
			}
			members = append(members, Member{ID: 5, In: untilTick(toneFrom, toneTo, 1400, 3000), Speaks: true, Audience: []MemberID{1, 2, 3, 4}})
			if recorded {
				members = append(members, Member{ID: 6, Out: tap, Format: format(codec), Hears: everyone(), AsSent: true})
			}
			b.apply(members...)
			for range ticks {
				before := b.encoded(codec)
				b.step()
				encoded = append(encoded, b.encoded(codec)-before)
			}

			return tap, encoded
		}
		alone, _ := run(true, false) // nobody to share with: the talkers have encodings of their own
		shared, with := run(true, true)
		_, without := run(false, true)
		if len(alone.packets) != ticks || len(shared.packets) != ticks {
			t.Fatalf("%v: %d and %d packets in %d ticks", codec, len(alone.packets), len(shared.packets), ticks)
		}
		for i := range ticks {
			if !bytes.Equal(alone.packets[i].payload, shared.packets[i].payload) || alone.packets[i].level != shared.packets[i].level {
				t.Fatalf("%v: the packet of tick %d is not what it is when nobody else is there", codec, i)
			}
		}
		more := func(from, to int) (n uint64) {
			for i := from; i < to; i++ {
				n += with[i] - without[i]
			}

			return n
		}
		if n := more(0, toneFrom); n != 0 {
			t.Errorf("%v: the recording has %d encodings of its own in %d ticks", codec, n, toneFrom)
		}
		if n := more(toneFrom, toneTo); n != toneTo-toneFrom {
			t.Errorf("%v: the recording has %d encodings of its own in %d ticks in which it is not what listeners hear", codec, n, toneTo-toneFrom)
		}
		if n := more(loudFrom, loudTo); n != loudTo-loudFrom {
			t.Errorf("%v: the recording has %d encodings of its own in %d ticks in which there is too much", codec, n, loudTo-loudFrom)
		}
		if n := more(ticks-50, ticks); n != 0 {
			t.Errorf("%v: the recording has %d encodings of its own in 50 ticks long after that", codec, n)
		}
	}
}

// A recording that was turned down because of what only it hears rises again by itself.
func TestRecordingThatWasTurnedDownIsItsOwn(t *testing.T) {
	const ticks, end = 40, 10
	run := func(listeners bool) *fakeOutput {
		b := newBench(t, MixConfig{})
		tap := &fakeOutput{}
		members := []Member{party(1, tone(8000, 440, 9000), &fakeOutput{}, codecs.PCMU), {ID: 2, In: untilTick(0, end, 300, 32000), Speaks: true, Audience: []MemberID{4}}}
		if listeners {
			members = append(members, party(3, quiet(8000), &fakeOutput{}, codecs.PCMU))
		}
		b.apply(append(members, Member{ID: 4, Out: tap, Format: format(codecs.PCMU), Hears: everyone(), AsSent: true})...)
		for range ticks {
			b.step()
		}

		return tap
	}
	alone, beside := run(false), run(true)
	for i := range ticks {
		if !bytes.Equal(alone.packets[i].payload, beside.packets[i].payload) {
			t.Fatalf("the packet of tick %d is not what it is when nobody else is there", i)
		}
	}
}

// Two who hear as many, but not the same ones, have packets of their own.
func TestOthersAreNotAlike(t *testing.T) {
	b := newBench(t, MixConfig{})
	first, second := &fakeOutput{}, &fakeOutput{}
	b.apply(
		party(1, tone(8000, 440, 9000), nil, codecs.PCMU), party(2, tone(8000, 600, 9000), nil, codecs.PCMU), party(3, tone(8000, 900, 9000), nil, codecs.PCMU),
		Member{ID: 4, Out: first, Format: format(codecs.PCMU), Hears: Hearing{Mode: Only, Only: []MemberID{1, 2}}},
		Member{ID: 5, Out: second, Format: format(codecs.PCMU), Hears: Hearing{Mode: Only, Only: []MemberID{2, 3}}},
	)
	for range 20 {
		b.step()
	}
	for i := 1; i < 20; i++ {
		if bytes.Equal(first.packets[i].payload, second.packets[i].payload) {
			t.Fatalf("tick %d: the same packet", i)
		}
	}
}

// What is silent is the same packet for all streams of a codec, and is not encoded: it is near when the others have been sent. Who has just been heard fades out before.
func TestSilenceIsTheSameForAll(t *testing.T) {
	for _, codec := range []codecs.Codec{codecs.PCMU, codecs.PCMA, codecs.L16At8000} {
		b := newBench(t, MixConfig{})
		const end = 10
		spoken := &lastPayload{}
		outs := []*lastPayload{{}, {}, spoken}
		b.apply(
			party(1, quiet(8000), nil, codec), party(2, quiet(8000), nil, codec), party(3, untilTick(0, end, 440, 9000), nil, codec),
			Member{ID: 4, Out: outs[0], Format: format(codec), Hears: Hearing{Mode: Only, Only: []MemberID{1}}},
			Member{ID: 5, Out: outs[1], Format: format(codec), Hears: Hearing{Mode: Only, Only: []MemberID{2}}},
			Member{ID: 6, Out: spoken, Format: format(codec), Hears: Hearing{Mode: Only, Only: []MemberID{3}}},
		)
		encoder, err := codecs.NewEncoder(format(codec))
		if err != nil {
			t.Fatal(err)
		}
		silence := make([]byte, 2*160)
		n, err := encoder.Encode(silence, make([]int16, 160))
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			b.step()
		}
		before := b.encoded(codec)
		b.step()
		if encodings := b.encoded(codec) - before; encodings != 0 {
			t.Errorf("%v: %d encodings of silence", codec, encodings)
		}
		for i, out := range outs {
			if !bytes.Equal(out.payload, silence[:n]) {
				t.Errorf("%v: stream %d has another silence", codec, i)
			}
			if &out.payload[0] != &outs[0].payload[0] {
				t.Errorf("%v: stream %d has a packet of its own", codec, i)
			}
		}
		if !slices.Contains(spoken.loud, true) {
			t.Errorf("%v: nothing was heard before", codec)
		}
	}
}

// lastPayload is an output that keeps hold of the last payload, where it is.
type lastPayload struct {
	payload []byte
	loud    []bool
}

func (l *lastPayload) Emit(p *codecs.Packet) {
	l.payload = p.Payload
	l.loud = append(l.loud, p.Level < codecs.SilenceLevel)
}

// A contribution that is heard alone is not copied, and is what it was when it has been added to others.
func TestContributionsStayAsTheyAre(t *testing.T) {
	b := newBench(t, MixConfig{})
	tap := &fakeOutput{}
	b.apply(
		party(1, tone(8000, 440, 2000), &fakeOutput{}, codecs.PCMU), party(2, tone(8000, 600, 2000), &fakeOutput{}, codecs.PCMU), party(3, tone(8000, 900, 2000), &fakeOutput{}, codecs.PCMU),
		Member{ID: 4, Out: tap, Format: format(codecs.PCMU), Hears: Hearing{Mode: Only, Only: []MemberID{1}}},
	)
	for tick := range 10 {
		b.step()
		if tick == 0 {
			continue // it fades in
		}
		for i, in := range b.mix.live.Load().ins {
			l := &b.mix.live.Load().seats[i].in.lanes[mainLane]
			want := make([]int16, 160)
			tone(8000, []float64{440, 600, 900}[i], 2000).read(tick, want)
			for n, x := range l.out[l.rate] {
				if x != int32(want[n]) {
					t.Fatalf("tick %d: sample %d of input %d is %d, it was %d", tick, n, in, x, want[n])
				}
			}
		}
	}
}

// askedPort is an output that notes when its memory is asked for.
type askedPort struct {
	countingOutput

	id  int
	log *[]string
}

func (a *askedPort) Send(Calls) {}

func (a *askedPort) PrefetchEmit(step int) { *a.log = append(*a.log, fmt.Sprintf("%d.%d", a.id, step)) }

func (a *askedPort) Prepare(*codecs.Packet, []byte) {
	*a.log = append(*a.log, fmt.Sprintf("%d!", a.id))
}

// The memory of each output but the first ones is asked for in three steps before its turn, also of those with which the next batch of system calls begins.
func TestMemoryIsAskedForBeforeEachTurn(t *testing.T) {
	const count = 2*batch + 3
	b := newBench(t, MixConfig{})
	var log []string
	members := make([]Member, count)
	for i := range members {
		members[i] = Member{ID: MemberID(i), Out: &askedPort{id: i, log: &log}, Format: format(codecs.PCMU), Hears: everyone()}
	}
	b.apply(members...)
	b.step()
	for i := askOutput; i < count; i++ {
		last := -1
		for _, what := range []string{"%d.0", "%d.1", "%d.2", "%d!"} {
			at := slices.Index(log, fmt.Sprintf(what, i))
			if at <= last {
				t.Errorf("output %d: %s comes at %d, after %d", i, what, at, last)
			}
			last = at
		}
	}
}
