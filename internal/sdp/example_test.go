package sdp_test

import (
	"fmt"
	"net/netip"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

func Example() {
	offer, err := sdp.Parse([]byte("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n" +
		"m=audio 4000 RTP/AVP 18 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := sdp.Answer(offer, sdp.Local{
		Address: netip.MustParseAddr("192.0.2.1"), Session: 1, Version: 1,
		Streams: []sdp.LocalStream{{Port: 10000, Codecs: []codecs.Codec{codecs.PCMU, codecs.PCMA}, Events: true}},
	})
	if err != nil {
		fmt.Println(sdp.WarningFor(err))
		return
	}
	stream, _ := plan.Audio()
	fmt.Println(stream.Codec, stream.Remote, "send", stream.Send, "receive", stream.Receive, "hold", stream.RemoteHold)
	fmt.Println(plan.Answer.Media[0].Direction)
	// Output:
	// PCMA 192.0.2.9:4000 send false receive true hold true
	// recvonly
}
