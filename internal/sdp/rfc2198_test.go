package sdp_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

// Redundant audio is accepted where we want it and can read all that it may hold (RFC 2198, section 5); it is never what we send.
func TestRedundancyIsAnswered(t *testing.T) {
	for _, test := range []struct {
		fmtp       string
		wanted, is bool
	}{
		{"0/0", true, true},
		{"0/0/0", true, true},
		{"0/8", true, true},
		{"0/0", false, false},
		{"0/97", true, false},  // not a codec of ours
		{"0/101", true, false}, // an event
		{"x", true, false},
	} {
		body := "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 121 0 8 97 101\r\n" +
			"a=rtpmap:121 red/8000\r\na=fmtp:121 " + test.fmtp + "\r\na=rtpmap:97 iLBC/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
		offer, err := sdp.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := sdp.Answer(offer, sdp.Local{
			Address: netip.MustParseAddr("192.0.2.2"), Session: 1, Version: 1,
			Streams: []sdp.LocalStream{{Port: 5000, Codecs: []codecs.Codec{codecs.PCMU, codecs.PCMA}, Redundancy: test.wanted}},
		})
		if err != nil {
			t.Fatal(err)
		}
		stream, _ := plan.Audio()
		answered := string(plan.Answer.Marshal())
		accepts := slices.ContainsFunc(stream.Accepts, func(p sdp.ReceivePayload) bool { return p.Number == 121 && p.Redundant && p.ClockRate == 8000 })
		said := strings.Contains(answered, "a=rtpmap:121 red/8000\r\n") && strings.Contains(answered, "a=fmtp:121 "+test.fmtp+"\r\n")
		if accepts != test.is || said != test.is || stream.Codec != codecs.PCMU || stream.SendPT != 0 {
			t.Errorf("%+v: accepts %t, answers %t, sends %v as %d\n%s", test, accepts, said, stream.Codec, stream.SendPT, answered)
		}
	}
}
