package mixer

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

func TestApplyRefuses(t *testing.T) {
	in, out := quiet(8000), &fakeOutput{}
	tests := map[string]struct {
		members []Member
		want    error
		at      MemberID
	}{
		"duplicate":    {[]Member{party(1, in, out, codecs.PCMU), party(1, in, out, codecs.PCMU)}, ErrDuplicateMember, 1},
		"no direction": {[]Member{{ID: 2}}, ErrNoDirection, 2},
		"no codec":     {[]Member{{ID: 3, Out: out}}, ErrFormat, 3},
		"packet time": {
			[]Member{{ID: 4, Out: out, Format: codecs.Format{Codec: codecs.Opus, PacketTime: 30 * time.Millisecond}}},
			codecs.ErrPacketTime, 4,
		},
		"gain":        {[]Member{{ID: 5, In: in, GainDB: 25}}, ErrGain, 5},
		"no number":   {[]Member{{ID: 6, In: in, GainDB: math.NaN()}}, ErrGain, 6},
		"output gain": {[]Member{{ID: 7, Out: out, Format: format(codecs.PCMU), OutGainDB: math.Inf(-1)}}, ErrGain, 7},
		"hearing":     {[]Member{{ID: 8, In: in, Hears: Hearing{Mode: 9}}}, ErrHearing, 8},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, MixConfig{})
			b.apply(party(50, in, out, codecs.PCMU))
			b.step()
			_, err := b.mix.Apply(Layout{Members: test.members})
			var at *LayoutError
			if !errors.Is(err, test.want) || !errors.As(err, &at) || at.Member != test.at {
				t.Fatalf("error %v, want %v for member %d", err, test.want, test.at)
			}
			b.step()
			if len(b.mix.live.Load().seats) != 1 {
				t.Error("the layout in effect has changed")
			}
		})
	}
	if Everyone.String() != "everyone" || Nobody.String() != "nobody" || Only.String() != "only" || HearingMode(7).String() != "unknown" {
		t.Error("names of hearing modes")
	}
}

// A refused layout does not take the one before it away.
func TestApplyRefusesAndKeepsThePending(t *testing.T) {
	b := newBench(t, MixConfig{})
	b.apply(party(1, tone(8000, 300, 5000), &fakeOutput{}, codecs.PCMU), party(2, quiet(8000), &fakeOutput{}, codecs.PCMU))
	if _, err := b.mix.Apply(Layout{Members: []Member{{ID: 1}}}); err == nil {
		t.Fatal("accepted")
	}
	b.step()
	if energy(b.heard(2)) == 0 {
		t.Error("nothing heard")
	}
}

// The list of a layout belongs to its caller again when Apply has returned.
func TestApplyKeepsNoList(t *testing.T) {
	b := newBench(t, MixConfig{})
	listener := &fakeOutput{}
	members := []Member{party(1, tone(8000, 300, 5000), &fakeOutput{}, codecs.PCMU), party(2, quiet(8000), listener, codecs.PCMU)}
	if _, err := b.mix.Apply(Layout{Members: members}); err != nil {
		t.Fatal(err)
	}
	members[0], members[1] = party(3, quiet(8000), &fakeOutput{}, codecs.PCMU), Member{}
	b.step()
	b.step()
	if len(listener.packets) == 0 || len(b.mix.live.Load().seats) != 2 || b.mix.live.Load().seats[0].id != 1 {
		t.Error("the layout has changed with the list")
	}
}

// A large mix is planned in the room of the plan before; a small one keeps none.
func TestPlansShareASketch(t *testing.T) {
	b := newBench(t, MixConfig{})
	room := func(parties int) int {
		members := make([]Member, 0, parties)
		for i := range parties {
			members = append(members, party(MemberID(i+1), quiet(8000), &fakeOutput{}, codecs.PCMU))
		}
		b.apply(members...)
		return cap(b.mix.sketch.formats)
	}
	first := room(1000)
	if second := room(999); first < 1000 || second != first {
		t.Errorf("room for %d, then %d", first, second)
	}
	if left := room(keepSketch); left != 0 {
		t.Errorf("room for %d is kept for %d", left, keepSketch)
	}
	if kept := room(keepSketch); kept < keepSketch {
		t.Error("no room is kept")
	}
	if small := room(keepSketch - 1); small != 0 {
		t.Errorf("a small mix keeps room for %d", small)
	}
}

// Layouts that overtake each other before a tick prepare for each other.
func TestApplyTwiceBeforeATick(t *testing.T) {
	b := newBench(t, MixConfig{})
	talker := party(1, tone(8000, 300, 5000), &fakeOutput{}, codecs.PCMU)
	one := party(2, quiet(8000), &fakeOutput{}, codecs.PCMU)
	two := party(3, quiet(16000), &fakeOutput{}, codecs.G722)
	first, err := b.mix.Apply(Layout{Members: []Member{talker, one, two}})
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.mix.Apply(Layout{Members: []Member{talker, two}})
	if err != nil {
		t.Fatal(err)
	}
	b.step()
	b.step()
	if energy(b.heard(3)) == 0 {
		t.Error("nothing heard")
	}
	if _, err := b.mix.MemberStats(2); !errors.Is(err, ErrNoMember) {
		t.Errorf("error %v", err)
	}
	for _, applied := range []<-chan struct{}{first, second} {
		select {
		case <-applied:
			t.Error("closed within the tick")
		default:
		}
	}
	if err := b.mix.engine.Close(); err != nil {
		t.Fatal(err)
	}
	await(t, "first", first)
	await(t, "second", second)
}

// What has not changed keeps its state: the talker's private encoder stays, and the shared one goes on.
func TestUnchangedMembersKeepTheirState(t *testing.T) {
	b := newBench(t, MixConfig{})
	talker := party(1, voiced(48000, 150, always), &fakeOutput{}, codecs.Opus)
	other := party(2, voiced(48000, 170, func(tick int) bool { return tick < 2 }), &fakeOutput{}, codecs.Opus)
	b.apply(talker, other)
	for range 10 {
		b.step()
	}
	before := *b.mix.live.Load().seat(1)
	shared := b.mix.live.Load().seat(2).group.stream
	b.apply(party(7, quiet(48000), &fakeOutput{}, codecs.Opus), other, talker, party(8, tone(8000, 300, 1000), &fakeOutput{}, codecs.PCMU))
	b.step()
	after := b.mix.live.Load().seat(1)
	if after.in != before.in || after.out != before.out || after.out.private != before.out.private || !after.out.apart {
		t.Error("the talker began anew")
	}
	if b.mix.live.Load().seat(2).group.stream != shared {
		t.Error("the shared encoder began anew")
	}
	changed := talker
	changed.Format.PacketTime = 40 * time.Millisecond
	b.apply(changed, other)
	b.step()
	if again := b.mix.live.Load().seat(1); again.out == before.out || again.in != before.in {
		t.Error("a new format must begin a new output, and only that")
	}
}

func TestConfig(t *testing.T) {
	for _, cfg := range []Config{{Workers: -1}, {Workers: 1000}, {Cohorts: -1}, {Cohorts: 21}} {
		if _, err := New(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: error %v", cfg, err)
		}
	}
	if c := (MixConfig{MaxSpeakers: -1}).withDefaults(); c.MaxSpeakers != 0 || c.Floor != defaultFloor {
		t.Errorf("%+v", c)
	}
}
