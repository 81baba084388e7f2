package media

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// dial returns payloads of PCMU: a key of 100 ms and a pause of 60 ms for each.
func dial(tb testing.TB, keys string) [][]byte {
	tb.Helper()
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.PCMU})
	if err != nil {
		tb.Fatal(err)
	}
	out := make([][]byte, 0, 8*len(keys))
	for _, key := range []byte(keys) {
		code, _ := codecs.EventCode(key)
		tone, _ := codecs.DTMFTone(code, -12)
		generator, err := codecs.NewToneGenerator(tone, 8000)
		if err != nil {
			tb.Fatal(err)
		}
		for range 8 {
			pcm, payload := make([]int16, 160), make([]byte, 160)
			generator.Read(pcm)
			if _, err := encoder.Encode(payload, pcm); err != nil {
				tb.Fatal(err)
			}
			out = append(out, payload)
		}
	}
	return out
}

// Shows ME-DTM-20, ME-DTM-16. Keys in the audio are reported if no events were agreed, and only their beginning is heard.
func TestKeysInAudio(t *testing.T) {
	for _, events := range []bool{false, true} {
		s, p := call(t, newTestTransport(t, nil), func(p *Params) {
			if !events {
				p.Receive = slices.DeleteFunc(p.Receive, func(pt PayloadType) bool { return pt.Event })
			}
		})
		digits := digitsOf(s)
		payloads := dial(t, "4#")
		heard := 0
		ticks(t, len(payloads)+3, func(i int) {
			if i < len(payloads) {
				p.say(0, payloads[i], 160)
			}
			if f := ingest(s); !f.Flags.Has(codecs.Silent) && f.Level < 30 {
				heard++
			}
		})
		if events {
			select {
			case d := <-digits:
				t.Errorf("digit %q although there are events", d.Key)
			case <-time.After(3 * lookPeriod):
			}
			continue
		}
		if heard > 8 {
			t.Errorf("%d frames of the keys are heard", heard)
		}
		for _, want := range []byte("4#") {
			select {
			case d := <-digits:
				if d.Key != want || d.Duration <= 0 {
					t.Errorf("digit %q for %v, want %q", d.Key, d.Duration, want)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("no digit %q", want)
			}
		}
	}
}
