package focus

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// What is transcoded keeps all of its samples, whatever the packets of the server are: those that no packet has had yet come with silence after them.
func TestTranscoderKeepsAll(t *testing.T) {
	for to, frames := range map[codecs.Format]int{
		{Codec: codecs.PCMA, PacketTime: 60 * time.Millisecond}: 1, // as what needs no transcoding
		{Codec: codecs.Opus, PacketTime: 60 * time.Millisecond}: 3,
		{Codec: codecs.Opus}: 1,
	} {
		change, err := newTranscoder(codecs.PCMU, to)
		if err != nil {
			t.Fatal(err)
		}
		sent := time.Duration(0)
		count := func(_ []byte, samples int) {
			sent += time.Duration(samples) * time.Second / time.Duration(to.Codec.ClockRate())
		}
		const given = 7
		for range given {
			if err := change.each(make([]byte, 160), count); err != nil {
				t.Fatal(err)
			}
		}
		if kept := given % frames * int(codecs.FrameDuration); change.kept() != time.Duration(kept) || sent+change.kept() != given*codecs.FrameDuration {
			t.Errorf("%v: %v sent, %v kept", to, sent, change.kept())
		}
		if change.kept() > 0 {
			if err := change.rest(count); err != nil {
				t.Fatal(err)
			}
		}
		if change.kept() != 0 || sent < given*codecs.FrameDuration {
			t.Errorf("%v: %v sent in the end", to, sent)
		}
	}
}
