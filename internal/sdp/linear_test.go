package sdp

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// L16 is offered and answered by the length of packets that fit, with the number it has at 44.1 kHz (RFC 3551, sections 4.5.11 and 6); in another
// codec an answer to the same offer is followed as ever.
func TestLinearAudio(t *testing.T) {
	local := Local{Address: netip.MustParseAddr("192.0.2.1"), Streams: []LocalStream{{
		Port: 4000, Codecs: []codecs.Codec{codecs.L16At48000, codecs.L16At44100, codecs.L16At16000, codecs.PCMU}, Direction: SendOnly,
	}}}
	offer := Offer(local)
	text := string(offer.Marshal())
	for _, line := range []string{"a=ptime:10\r\n", "a=rtpmap:112 L16/48000\r\n", "a=rtpmap:11 L16/44100\r\n", "L16/16000\r\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	for codec, want := range map[codecs.Codec]time.Duration{
		codecs.L16At48000: 10 * time.Millisecond, codecs.L16At44100: 10 * time.Millisecond,
		codecs.L16At16000: 20 * time.Millisecond, codecs.PCMU: 20 * time.Millisecond,
	} {
		answered, err := Answer(offer, Local{Address: local.Address, Streams: []LocalStream{{Port: 5000, Codecs: []codecs.Codec{codec}, Direction: RecvOnly}}})
		if err != nil {
			t.Fatal(err)
		}
		answered.Answer.Media[0].PacketTime = 0 // it has no wish
		plan, err := Accept(offer, answered.Answer)
		if err != nil {
			t.Fatal(err)
		}
		if s, _ := plan.Audio(); s.Codec != codec || s.Format.PacketTime != want {
			t.Errorf("%v/%d is sent as %v in packets of %v, want %v", codec, codec.ClockRate(), s.Codec, s.Format.PacketTime, want)
		}
	}
}
