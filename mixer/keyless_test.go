package mixer

import (
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// TestKeyless: who wants no keys is given nothing of a frame in which there may be one, by any lane, and everything again after it; the
// others are given all.
func TestKeyless(t *testing.T) {
	for name, cfg := range map[string]MixConfig{"all": {}, "some": {MaxSpeakers: 1}} {
		in := tone(8000, 440, 8000)
		only := Hearing{Mode: Only, Only: []MemberID{1}}
		b := newBench(t, cfg)
		b.apply(
			Member{ID: 1, In: in, Speaks: true},
			Member{ID: 2, Out: &countingOutput{}, Format: format(codecs.PCMU), Hears: everyone(), Keyless: true},
			Member{ID: 3, Out: &countingOutput{}, Format: format(codecs.PCMU), Hears: only, Keyless: true},
			Member{ID: 4, Out: &countingOutput{}, Format: format(codecs.PCMU), Hears: everyone()},
		)
		for tick := range 60 {
			in.flags = 0
			keys := tick%20 >= 15
			if keys {
				in.flags = codecs.Keys
			}
			b.step()
			if tick < 5 {
				continue
			}
			for _, id := range []MemberID{2, 3} {
				pcm := b.heard(id)
				switch quiet := energy(pcm[80:]) == 0; { // a ramp down from the last sample may be before
				case keys && !quiet:
					t.Fatalf("%s: tick %d: %d hears something of a key", name, tick, id)
				case !keys && quiet:
					t.Fatalf("%s: tick %d: %d hears nothing", name, tick, id)
				}
			}
			if energy(b.heard(4)) < 1000 {
				t.Fatalf("%s: tick %d: who did not ask for it misses a key", name, tick)
			}
		}
		if n := testing.AllocsPerRun(50, b.step); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}
