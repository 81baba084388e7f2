package mixer

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/codecs"
)

// What is sent is what was mixed, for every member, in random mixes in which everybody starts and stops: the octets of G.711
// are those of the samples that the member is to hear.
func TestPayloadIsTheMix(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, MixConfig{MaxSpeakers: rapid.IntRange(0, 2).Draw(rt, "speakers")})
		n := rapid.IntRange(1, 6).Draw(rt, "members")
		outs := make([]*fakeOutput, n)
		members := make([]Member, n)
		for i := range n {
			outs[i] = &fakeOutput{}
			period := rapid.IntRange(1, 9).Draw(rt, "period")
			in := noise(8000, uint64(i+1), 4000)
			inner := in.read
			in.read = func(tick int, dst []int16) {
				if inner(tick, dst); tick/period%2 == 1 {
					clear(dst)
				}
			}
			members[i] = party(MemberID(i), in, outs[i], codecs.PCMU)
		}
		b.apply(members...)
		want := make([]byte, 160)
		enc, err := codecs.NewEncoder(format(codecs.PCMU))
		if err != nil {
			rt.Fatal(err)
		}
		for tick := range 20 {
			b.step()
			for i, out := range outs {
				if _, err := enc.Encode(want, b.heard(MemberID(i))); err != nil {
					rt.Fatal(err)
				}
				if len(out.packets) != tick+1 || string(out.packets[tick].payload) != string(want) {
					rt.Fatalf("tick %d: member %d was sent something else", tick, i)
				}
			}
		}
	})
}

// ME-RTP-15 (RFC 3551, section 4.1): with DTX the timestamp goes on in silence, and the marker begins what is said after it.
func TestDTX(t *testing.T) {
	b := newBench(t, MixConfig{})
	out := &fakeOutput{}
	b.apply(
		Member{ID: 1, In: voiced(48000, 150, func(tick int) bool { return tick < 10 || tick >= 80 }), Speaks: true},
		Member{ID: 2, Out: out, Format: codecs.Format{Codec: codecs.Opus, DTX: true}, Hears: everyone()},
	)
	for range 90 {
		b.step()
	}
	units, empty, markers := 0, 0, 0
	for _, p := range out.packets {
		units += p.samples
		if len(p.payload) == 0 {
			empty++
		}
		if p.marker {
			markers++
		}
	}
	if units != 90*960 || empty < 20 || markers < 2 || !out.packets[0].marker {
		t.Errorf("%d units, %d packets not sent, %d markers", units, empty, markers)
	}
}

// A change of gain changes the level at the next tick, and not the encoder.
func TestGainChangesAtOnce(t *testing.T) {
	b := newBench(t, MixConfig{})
	talker := Member{ID: 1, In: tone(48000, 500, 4000), Speaks: true}
	listener := party(2, quiet(48000), &fakeOutput{}, codecs.Opus)
	b.apply(talker, listener)
	b.step()
	before, loud := b.mix.live.Load().seat(2).group.stream, energy(b.heard(2))
	listener.OutGainDB = -20
	b.apply(talker, listener)
	b.step()
	if got := energy(b.heard(2)); got > loud/99 || got < loud/101 {
		t.Errorf("energy from %d to %d", loud, got)
	}
	if b.mix.live.Load().seat(2).group.stream != before {
		t.Error("the encoder began anew")
	}
}

// A tick that is missed moves all timestamps on.
func TestMissedTicksMoveTimestamps(t *testing.T) {
	b := newBench(t, MixConfig{})
	for i, c := range []codecs.Codec{codecs.PCMU, codecs.G722, codecs.Opus} {
		out := &fakeOutput{}
		b.apply(Member{ID: 1, Out: out, Format: codecs.Format{Codec: c, PacketTime: 20 * time.Millisecond}})
		b.mix.skipped = 3
		b.step()
		b.mix.skipped = 0
		b.step()
		units := []int{160, 160, 960}[i]
		if len(out.packets) != 3 || out.packets[0].samples != 3*units || len(out.packets[0].payload) != 0 || out.packets[1].samples != units {
			t.Errorf("%v: %+v", c, out.packets)
		}
	}
}

// Who begins and ceases to speak in the middle of long packets loses nothing of the others.
func TestLongPacketsWhileSpeakingBegins(t *testing.T) {
	for begin := 10; begin < 14; begin++ {
		b := newBench(t, MixConfig{})
		f := codecs.Format{Codec: codecs.PCMU, PacketTime: 60 * time.Millisecond}
		out, other := &fakeOutput{}, noise(8000, 3, 8000)
		b.apply(
			Member{
				ID: 1, In: voiced(8000, 200, func(tick int) bool { return tick >= begin && tick < 2*begin }), Out: out,
				Format: f, Speaks: true, Hears: everyone(),
			},
			Member{ID: 2, In: other, Speaks: true},
			Member{ID: 3, Out: &fakeOutput{}, Format: f, Hears: everyone()},
		)
		want, frame := make([]int16, 0, 60*160), make([]int16, 160)
		for tick := range 60 {
			b.step()
			other.read(tick, frame)
			want = append(want, frame...)
		}
		if got := decodeAll(t, codecs.PCMU, out.packets); len(got) != len(want) || snr(want, got) < 30 {
			t.Errorf("from tick %d: %d samples of %d", begin, len(got), len(want))
		}
	}
}
