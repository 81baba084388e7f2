package focus_test

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// Who has heard a first tone goes on with those of all, so that all share an encoding; who comes later, too, and who goes ends
// nothing for the others.
func TestTonesAreShared(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	phones := []*phone{b.dial("room", conftest.PhoneConfig{Name: "first"}), b.dial("room", conftest.PhoneConfig{Name: "second"}), b.dial("room", conftest.PhoneConfig{Name: "third"})}
	b.record("room", conference.Mixed)
	b.await("packets", func() bool { return srs.stream("1").packets > 20 })
	phones = append(phones, b.dial("room", conftest.PhoneConfig{Name: "late"}))
	everybody := func(beeps int) {
		t.Helper()
		heard, sounds := map[*phone]int{}, map[*phone]bool{}
		b.await("the tones", func() bool {
			all := true
			for _, p := range phones {
				level := p.hearsNow(1400)
				if level > -40 && !sounds[p] {
					heard[p]++
				}
				sounds[p] = level > -40
				all = all && heard[p] >= beeps
			}
			return all
		})
	}
	everybody(2)
	phones[3].hum(600, 3*time.Second) // silence is not encoded
	b.await("one encoding for all, and one for the recorder", func() bool {
		encoded, sent := b.packets(codecs.PCMU)
		pass(200 * time.Millisecond)
		e, s := b.packets(codecs.PCMU)
		return e > encoded && 3*(e-encoded) <= 2*(s-sent) // of five streams two or three are made
	})
	phones[0].leave("room")
	phones = phones[1:]
	everybody(2) // the first of them may have begun before
}

// packets counts what has been encoded and sent in a codec.
func (b *bench) packets(codec codecs.Codec) (encoded, sent uint64) {
	for _, c := range b.mixer.Stats().Codecs {
		if c.Codec == codec {
			return c.Encoded, c.Sent
		}
	}
	return 0, 0
}
