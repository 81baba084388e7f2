package sdp_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

// Redundant audio is accepted where we want it and can read all that it may hold (RFC 2198, section 5); we send it if it may hold
// what we send, and nothing else.
func TestRedundancyIsAnswered(t *testing.T) {
	for _, test := range []struct {
		fmtp             string
		wanted, is, sent bool
	}{
		{"0/0", true, true, true},
		{"0/0/0", true, true, true},
		{"0/8", true, true, false},
		{"8/8", true, true, false},
		{"0/0", false, false, false},
		{"0/97", true, false, false},  // not a codec of ours
		{"0/101", true, false, false}, // an event
		{"x", true, false, false},
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
		if stream.Redundant != test.sent || test.sent && stream.RedundancyPT != 121 {
			t.Errorf("%+v: sends %t as %d", test, stream.Redundant, stream.RedundancyPT)
		}
		if accepts != test.is || said != test.is || stream.Codec != codecs.PCMU || stream.SendPT != 0 {
			t.Errorf("%+v: accepts %t, answers %t, sends %v as %d\n%s", test, accepts, said, stream.Codec, stream.SendPT, answered)
		}
	}
}

// In offers of ours there is one for each codec, and the answer says with which number, if any, earlier audio may be sent again.
func TestRedundancyIsOffered(t *testing.T) {
	local := sdp.Local{
		Address: netip.MustParseAddr("192.0.2.2"), Session: 1, Version: 1,
		Streams: []sdp.LocalStream{{Port: 5000, Codecs: []codecs.Codec{codecs.Opus, codecs.PCMU}, Redundancy: true, OfferRedundancy: true}},
	}
	offer := sdp.Offer(local)
	text := string(offer.Marshal())
	for _, line := range []string{"a=rtpmap:121 red/48000/2\r\na=fmtp:121 111/111\r\n", "a=rtpmap:96 red/8000\r\na=fmtp:96 0/0\r\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("offer\n%swithout %q", text, line)
		}
	}
	local.Previous = &offer
	if again := sdp.Offer(local); string(again.Marshal()) != text {
		t.Errorf("again\n%s", again.Marshal())
	}
	const head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	for _, test := range []struct {
		media   string
		sends   bool
		with    uint8
		accepts int
	}{
		{"m=audio 4000 RTP/AVP 0\r\n", false, 0, 0},
		{"m=audio 4000 RTP/AVP 0 99\r\na=rtpmap:99 red/8000\r\na=fmtp:99 0/0\r\n", true, 99, 1},
		{"m=audio 4000 RTP/AVP 111 63\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n", true, 63, 1},
		{"m=audio 4000 RTP/AVP 0 99\r\na=rtpmap:99 red/8000\r\n", false, 0, 0},
	} {
		answer, err := sdp.Parse([]byte(head + test.media))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := sdp.Accept(offer, answer)
		if err != nil {
			t.Fatal(err)
		}
		s, _ := plan.Audio()
		accepts := 0
		for _, a := range s.Accepts {
			if a.Redundant {
				accepts++
			}
		}
		if s.Redundant != test.sends || s.RedundancyPT != test.with || accepts != test.accepts {
			t.Errorf("%s: sends %t as %d, accepts %d", test.media, s.Redundant, s.RedundancyPT, accepts)
		}
	}
}
