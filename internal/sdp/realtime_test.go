package sdp_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

func textLocal(generations int, mixer bool) sdp.Local {
	return sdp.Local{
		Address: netip.MustParseAddr("10.0.0.1"), Session: 1, Version: 1,
		Streams: []sdp.LocalStream{
			{Port: 4000, Codecs: []codecs.Codec{codecs.PCMU}},
			{Port: 4002, Label: "text", Text: &sdp.LocalText{CPS: 90, Generations: generations, Mixer: mixer}},
		},
	}
}

const textOffer = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n"

// An offer of ours has t140/1000 and red/1000, the rate that we take, and rtt-mixer; the answer to one has rtt-mixer if that has.
// Shows ME-RTT-01, ME-RTT-13, ME-RTT-14, ME-RTT-31.
func TestTextDescriptions(t *testing.T) {
	offer := string(sdp.Offer(textLocal(2, true)).Marshal())
	_, text, _ := strings.Cut(offer, "m=text 4002 RTP/AVP 100 98\r\n")
	for _, line := range []string{"a=rtpmap:100 red/1000", "a=fmtp:100 98/98/98", "a=rtpmap:98 t140/1000", "a=fmtp:98 cps=90", "a=rtt-mixer"} {
		if !strings.Contains(text, line+"\r\n") {
			t.Errorf("the offer has no %s:\n%s", line, offer)
		}
	}
	if audio, _, _ := strings.Cut(offer, "m=text"); strings.Contains(audio, "rtt-mixer") {
		t.Errorf("audio has it:\n%s", offer)
	}
	theirs := "m=text 5002 RTP/AVP 120 110\r\na=rtpmap:110 t140/1000\r\na=fmtp:110 cps=15\r\na=rtpmap:120 red/1000\r\na=fmtp:120 110/110/110\r\n"
	for _, mixer := range []string{"", "a=rtt-mixer\r\n"} {
		offer, err := sdp.Parse([]byte(textOffer + theirs + mixer))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := sdp.Answer(offer, textLocal(2, true))
		if err != nil {
			t.Fatal(err)
		}
		answer := string(plan.Answer.Marshal())
		for _, line := range []string{"m=text 4002 RTP/AVP 120 110", "a=fmtp:120 110/110/110", "a=fmtp:110 cps=90"} {
			if !strings.Contains(answer, line+"\r\n") {
				t.Errorf("the answer has no %s:\n%s", line, answer)
			}
		}
		stream, ok := plan.Text()
		if !ok || strings.Contains(answer, "rtt-mixer") != (mixer != "") || stream.Text.Mixer != (mixer != "") {
			t.Errorf("%q, %+v is answered by\n%s", mixer, stream.Text, answer)
		}
		if stream.Text.CPS != 15 || stream.Text.Send.Text != 110 || stream.Text.Send.Red != 120 || !stream.Send || !stream.Receive || stream.LocalPort != 4002 {
			t.Errorf("%+v", stream)
		}
		if audio, ok := plan.Audio(); !ok || audio.LocalPort != 4000 {
			t.Errorf("audio: %+v", audio)
		}
	}
}

// The smaller number of generations counts, and what does not fit is no redundancy. Shows ME-RTT-21.
func TestTextGenerations(t *testing.T) {
	for _, c := range []struct {
		fmtp string
		ours int
		want int
	}{{"98/98/98", 2, 2}, {"98/98", 2, 1}, {"98/98/98/98", 2, 2}, {"98/98/98", 1, 1}, {"98/0", 2, 0}, {"", 2, 0}} {
		text := textOffer + "m=text 5002 RTP/AVP 100 98\r\na=rtpmap:98 t140/1000\r\na=rtpmap:100 red/1000\r\n"
		if c.fmtp != "" {
			text += "a=fmtp:100 " + c.fmtp + "\r\n"
		}
		offer, err := sdp.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := sdp.Answer(offer, textLocal(c.ours, true))
		if err != nil {
			t.Fatal(err)
		}
		if stream, ok := plan.Text(); !ok || stream.Text.Send.Generations != c.want || stream.Text.Receive.Generations != c.want {
			t.Errorf("%q and %d: %+v", c.fmtp, c.ours, stream.Text)
		}
	}
	for _, c := range [][3]int{{2, 1, 1}, {1, 2, 1}, {2, 2, 2}, {4, 2, 2}, {2, 0, 0}, {0, 2, 0}} { // offered, of who answers, agreed
		offer := sdp.Offer(textLocal(c[0], true))
		answered, err := sdp.Answer(offer, textLocal(c[1], true))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := sdp.Accept(offer, answered.Answer)
		if err != nil {
			t.Fatal(err)
		}
		if stream, ok := plan.Text(); !ok || stream.Text.Send.Generations != c[2] || stream.Text.Receive.Generations != c[2] {
			t.Errorf("%v: %+v", c, stream.Text)
		}
	}
}

// Between two of us both sides come to the same, whoever offers. Without text of ours an offer of it gets port 0, and what was there stays as a
// line with port 0.
func TestTextAgreement(t *testing.T) {
	ours := textLocal(2, true)
	offer := sdp.Offer(ours)
	peer := textLocal(2, true)
	peer.Address = netip.MustParseAddr("10.0.0.2")
	answered, err := sdp.Answer(offer, peer)
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := sdp.Accept(offer, answered.Answer)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := answered.Text()
	b, ok := accepted.Text()
	if !ok || *a.Text != *b.Text || a.Remote.Port() != 4002 || !b.Text.Mixer {
		t.Errorf("%+v and %+v", a.Text, b.Text)
	}
	ours.Previous, ours.Streams = &offer, ours.Streams[:1]
	gone := sdp.Offer(ours)
	if len(gone.Media) != 2 || gone.Media[1].Kind != "text" || gone.Media[1].Port != 0 {
		t.Errorf("%+v", gone.Media)
	}
	refused, err := sdp.Answer(offer, sdp.Local{Address: peer.Address, Streams: peer.Streams[:1]})
	if err != nil || refused.Answer.Media[1].Port != 0 || refused.Answer.Media[0].Port == 0 {
		t.Errorf("%v: %+v", err, refused.Answer.Media)
	}
	ours.Previous, ours.Streams = &gone, textLocal(2, true).Streams
	if again := sdp.Offer(ours); len(again.Media) != 2 || again.Media[1].Port != 4002 || again.Media[1].PayloadTypes[0].Number != 100 {
		t.Errorf("%+v", again.Media)
	}
}

// Text shares a port with its reports, with copies or without, but where one of its numbers would be taken for that of a report (RFC 5761, section 4).
func TestTextSharesAPort(t *testing.T) {
	for _, generations := range []int{0, 2} {
		ours, peer := textLocal(generations, false), textLocal(generations, false)
		ours.Streams[1].Mux, peer.Streams[1].Mux = true, true
		peer.Address = netip.MustParseAddr("10.0.0.2")
		offer := sdp.Offer(ours)
		for number, mux := range map[string]bool{"98": true, "72": false} {
			text := strings.NewReplacer(" 98", " "+number, ":98", ":"+number, "98/98", number+"/"+number).Replace(string(offer.Marshal()))
			changed, err := sdp.Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			answered, err := sdp.Answer(changed, peer)
			if err != nil {
				t.Fatal(err)
			}
			accepted, err := sdp.Accept(changed, answered.Answer)
			if err != nil {
				t.Fatal(err)
			}
			a, _ := answered.Text()
			b, ok := accepted.Text()
			if !ok || a.Mux != mux || b.Mux != mux || a.Text.CPS != 90 || b.Text.CPS != 90 || a.Text.Send.Generations != generations {
				t.Errorf("%d copies, number %s: %+v %+v, %+v %+v", generations, number, a, a.Text, b, b.Text)
			}
		}
	}
}
