package mixer

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// crossingTime is how much audio the tests of crossing take; `make bench` has them take an hour.
func crossingTime(t *testing.T) time.Duration {
	t.Helper()
	if text := os.Getenv("CROSSING_TIME"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	return 20 * time.Second
}

// payloadInput is a voice whose frames come as payloads of PCMU.
type payloadInput struct {
	*fakeInput

	payload []byte
}

func (p *payloadInput) Encoded() (codecs.Codec, []byte) { return codecs.PCMU, p.payload }

// checkingOutput compares each packet with what it must be.
type checkingOutput struct {
	t     *testing.T
	name  string
	want  *payloadInput
	count int
}

func (c *checkingOutput) Emit(p *codecs.Packet) {
	c.count++
	if string(p.Payload) != string(c.want.payload) {
		c.t.Fatalf("%s: packet %d is not what its own participant said", c.name, c.count)
	}
}

// Ten conferences in which everybody has a tone of his own are mixed by the same thread, and recorded: the one who speaks alone and in the mix, by payload and encoded anew.
// Layouts change all the time: somebody is masked and comes back, the mixed stream goes and comes. Not one sample is of another conference, or of anybody else.
//
// Shows RQ-009, ME-AUD-09.
func TestConferencesNeverCross(t *testing.T) {
	const conferences = 10
	b := newBench(t, MixConfig{})
	encoder, err := codecs.NewEncoder(format(codecs.PCMU))
	if err != nil {
		t.Fatal(err)
	}
	type room struct {
		mix     *Mix
		speaker *payloadInput
		outs    [3]*checkingOutput
		members []Member
	}
	rooms := make([]*room, conferences)
	for i := range rooms {
		in := &payloadInput{fakeInput: tone(8000, 200+330*float64(i), 6000)}
		r := &room{mix: b.mix.engine.NewMix(MixConfig{}), speaker: in}
		for k, name := range []string{"passed on", "encoded", "mixed"} {
			r.outs[k] = &checkingOutput{t: t, name: name, want: in}
		}
		own := Hearing{Mode: Only, Only: []MemberID{1}}
		r.members = []Member{
			{ID: 1, In: in, Speaks: true},
			{ID: 2, In: quiet(8000), Speaks: true, Out: &countingOutput{}, Format: format(codecs.PCMU), Hears: everyone()},
			{ID: 3, Out: r.outs[0], Format: format(codecs.PCMU), Verbatim: true, Hears: own},
			{ID: 4, Out: r.outs[1], Format: format(codecs.PCMU), Hears: own},
			{ID: 5, Out: r.outs[2], Format: format(codecs.PCMU), Hears: everyone()},
		}
		if _, err = r.mix.Apply(Layout{Members: r.members}); err != nil {
			t.Fatal(err)
		}
		rooms[i] = r
	}
	var pcm [160]int16
	ticks := int(crossingTime(t) / codecs.FrameDuration)
	for tick := range ticks {
		for i, r := range rooms {
			r.speaker.read(tick, pcm[:])
			r.speaker.payload = make([]byte, 160)
			if _, err = encoder.Encode(r.speaker.payload, pcm[:]); err != nil {
				t.Fatal(err)
			}
			switch (tick + 7*i) % 100 {
			case 0: // one stream of the recording goes, another stays
				_, err = r.mix.Apply(Layout{Members: r.members[:3+tick/100%3]})
			case 50:
				_, err = r.mix.Apply(Layout{Members: r.members})
			}
			if err != nil {
				t.Fatal(err)
			}
			r.mix.step(&b.w)
		}
	}
	for i, r := range rooms {
		for _, out := range r.outs {
			if out.count < ticks/2 {
				t.Errorf("conference %d, %s: %d packets of %d", i, out.name, out.count, ticks)
			}
		}
		if got := r.speaker.tick; math.Abs(float64(got-ticks)) > 1 {
			t.Errorf("conference %d was mixed %d times", i, got)
		}
	}
}
