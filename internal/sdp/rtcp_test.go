package sdp

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// ME-MUX-01, ME-MUX-02, ME-MUX-03, ME-MUX-06 (RFC 5761, sections 4 and 5.1.1; RFC 3605).
func TestRTCP(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		ours  bool
		mux   bool
		rtcp  string
	}{
		{"next port", []string{"m=audio 4000 RTP/AVP 0"}, true, false, "192.0.2.9:4001"},
		{"mux", []string{"m=audio 4000 RTP/AVP 0", "a=rtcp-mux"}, true, true, "192.0.2.9:4000"},
		{"mux not ours", []string{"m=audio 4000 RTP/AVP 0", "a=rtcp-mux", "a=rtcp:4005"}, false, false, "192.0.2.9:4005"},
		{"port", []string{"m=audio 4000 RTP/AVP 0", "a=rtcp:53020"}, true, false, "192.0.2.9:53020"},
		{"address", []string{"m=audio 4000 RTP/AVP 0", "a=rtcp:53020 IN IP4 198.51.100.3"}, true, false, "198.51.100.3:53020"},
		{"other family", []string{"m=audio 4000 RTP/AVP 0", "a=rtcp:53020 IN IP6 2001:db8::3"}, true, false, "192.0.2.9:53020"},
		{"last port", []string{"m=audio 65535 RTP/AVP 0"}, true, false, "invalid AddrPort"},
		{"number like RTCP", []string{"m=audio 4000 RTP/AVP 72", "a=rtpmap:72 opus/48000/2", "a=rtcp-mux"}, true, false, "192.0.2.9:4001"},
		{"IPv6", []string{"m=audio 4000 RTP/AVP 0", "c=IN IP6 2001:db8::3"}, true, false, "[2001:db8::3]:4001"},
		{"held", []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 0.0.0.0"}, true, false, "invalid AddrPort"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			offer := parse(t, tt.lines...)
			local := participant("192.0.2.1")
			if offer.Family().Is6() {
				local = participant("2001:db8::1")
			}
			local.Streams[0].Mux = tt.ours
			s := first(t, mustAnswer(t, offer, local))
			if s.Mux != tt.mux || fmt.Sprint(s.RemoteRTCP) != tt.rtcp {
				t.Errorf("mux %v, RTCP to %v", s.Mux, s.RemoteRTCP)
			}
		})
	}
}

// ME-MUX-01, ME-MUX-06: our offer multiplexes only if the answer does; another RTCP port is written.
func TestOfferedRTCP(t *testing.T) {
	local := participant("192.0.2.1")
	local.Streams[0].RTCPPort = 10007
	offer := Offer(local)
	if m := offer.Media[0]; !m.Mux || m.RTCP.Port != 10007 {
		t.Fatalf("%+v", m)
	}
	for _, mux := range []bool{false, true} {
		lines := []string{"m=audio 4000 RTP/AVP 0", "a=rtcp:4009"}
		want := netip.MustParseAddrPort("192.0.2.9:4009")
		if mux {
			lines, want = append(lines, "a=rtcp-mux"), netip.MustParseAddrPort("192.0.2.9:4000")
		}
		plan, err := Accept(offer, parse(t, lines...))
		if err != nil {
			t.Fatal(err)
		}
		if s := first(t, plan); s.Mux != mux || s.RemoteRTCP != want {
			t.Errorf("mux %v: %+v", mux, s)
		}
	}
	// ME-MUX-03: a number that looks like RTCP is not taken over from the peer, nor is a codec that does not exist.
	remote := parse(t, "m=audio 4000 RTP/AVP 72", "a=rtpmap:72 opus/48000/2")
	local.Remote = &remote
	local.Streams[0].Codecs = []codecs.Codec{codecs.None, codecs.Opus}
	if got := numbersOf(Offer(local).Media[0]); got != "111 110" {
		t.Error(got)
	}
	local.Streams[0].Mux = false
	if got := numbersOf(Offer(local).Media[0]); got != "72 110" {
		t.Error(got)
	}
	local.Streams[0].RTCPPort = 10001
	if m := Offer(local).Media[0]; m.RTCP.Port != 0 {
		t.Error("a=rtcp for the next port")
	}
}

// ME-LVL-01, ME-LVL-03, ME-LVL-08 (RFC 6464, section 4; RFC 6465, section 5).
func TestLevelExtensions(t *testing.T) {
	const level, mixer = "urn:ietf:params:rtp-hdrext:ssrc-audio-level", "urn:ietf:params:rtp-hdrext:csrc-audio-level"
	tests := []struct {
		lines        []string
		level, mixer uint8
		voice        bool
		answer       string
	}{
		{nil, 0, 0, false, "[]"},
		{[]string{"a=extmap:3 " + level}, 3, 0, true, "[{3  " + level + " }]"},
		{[]string{"a=extmap:3/sendonly " + level + " vad=on"}, 3, 0, true, "[{3 recvonly " + level + " }]"},
		{[]string{"a=extmap:3 " + level + " vad=off"}, 3, 0, false, "[{3  " + level + " vad=off}]"},
		{[]string{"a=extmap:15 " + level}, 0, 0, false, "[]"},
		{[]string{"a=extmap:4096 " + level}, 0, 0, false, "[]"},
		{[]string{"a=extmap:2 " + mixer}, 0, 2, false, "[{2 sendonly " + mixer + " }]"},
		{[]string{"a=extmap:2/sendonly " + mixer}, 0, 0, false, "[]"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.lines), func(t *testing.T) {
			plan := mustAnswer(t, parse(t, append([]string{"m=audio 4000 RTP/AVP 0"}, tt.lines...)...), participant("192.0.2.1"))
			s := first(t, plan)
			if s.LevelExtension != tt.level || s.MixerLevelExtension != tt.mixer || s.LevelVoice != tt.voice {
				t.Errorf("%+v", s)
			}
			if got := fmt.Sprint(plan.Answer.Media[0].Extensions); got != tt.answer {
				t.Errorf("answers %s", got)
			}
		})
	}
	if got, want := fmt.Sprint(Offer(participant("192.0.2.1")).Media[0].Extensions), "[{1  "+level+" } {2 sendonly "+mixer+" }]"; got != want {
		t.Errorf("offers %s, want %s", got, want)
	}
	session := parse(t, "a=extmap:9 "+level, "a=extmap:x", "m=audio 4000 RTP/AVP 0")
	if s := first(t, mustAnswer(t, session, participant("192.0.2.1"))); s.LevelExtension != 9 {
		t.Errorf("%+v", s)
	}
	plain := participant("192.0.2.1")
	plain.Streams[0].LevelExtension, plain.Streams[0].MixerLevelExtension = 0, 0
	plan := mustAnswer(t, parse(t, "m=audio 4000 RTP/AVP 0", "a=extmap:3 "+level, "a=extmap:2 "+mixer), plain)
	if s := first(t, plan); s.LevelExtension != 0 || s.MixerLevelExtension != 0 {
		t.Errorf("%+v", s)
	}
}

// ME-DTM-01, ME-DTM-02, ME-DTM-03 (RFC 4733, sections 2.1, 2.4.1 and 2.5.1.1).
func TestEvents(t *testing.T) {
	offer := Offer(participant("192.0.2.1"))
	rates := map[int]string{}
	for _, p := range offer.Media[0].PayloadTypes {
		if p.isEvent() {
			rates[p.ClockRate] = p.Parameters
		}
	}
	if fmt.Sprint(rates) != "map[8000:0-16 48000:0-16]" {
		t.Error(rates)
	}
	tests := []struct {
		lines  []string
		number uint8
		events EventSet
		answer string
	}{
		{[]string{"m=audio 4000 RTP/AVP 0"}, 0, EventSet{}, "0"},
		{[]string{"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"}, 101, EventSet{0xffff}, "0 101"},
		{[]string{"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16"}, 101, EventSet{0x1ffff}, "0 101"},
		{[]string{"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-9, 11"}, 101, EventSet{0xbff}, "0 101"},
		{[]string{"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 events=66,255"}, 101, EventSet{0, 4, 0, 1 << 63}, "0 101"},
		{[]string{"m=audio 4000 RTP/AVP 0 101 102", "a=rtpmap:101 telephone-event/48000", "a=rtpmap:102 telephone-event/8000"}, 102, EventSet{0xffff}, "0 102"},
		{[]string{"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/16000"}, 0, EventSet{}, "0 101"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.lines), func(t *testing.T) {
			plan := mustAnswer(t, parse(t, tt.lines...), participant("192.0.2.1"))
			if s := first(t, plan); s.Event.Number != tt.number || s.Event.Events != tt.events || numbersOf(plan.Answer.Media[0]) != tt.answer {
				t.Errorf("%+v, answer %s", s.Event, numbersOf(plan.Answer.Media[0]))
			}
		})
	}
	if got := ParseEvents("nonsense"); got != DigitEvents() {
		t.Error(got)
	}
}

// ME-OPU-12 (RFC 7587, section 3.1.3): comfort noise with G.711, not with Opus.
func TestComfortNoise(t *testing.T) {
	plan := mustAnswer(t, parse(t, "m=audio 4000 RTP/AVP 0 13"), participant("192.0.2.1"))
	if got := numbersOf(plan.Answer.Media[0]); got != "0 13" {
		t.Error(got)
	}
	if s := first(t, plan); !s.Accepts[1].ComfortNoise || s.Accepts[1].Codec != codecs.None {
		t.Errorf("%+v", s.Accepts)
	}
	plan = mustAnswer(t, parse(t, "m=audio 4000 RTP/AVP 96 0 13", "a=rtpmap:96 opus/48000/2"), participant("192.0.2.1"))
	if got := numbersOf(plan.Answer.Media[0]); got != "96 0" {
		t.Error(got)
	}
	local := participant("192.0.2.1")
	local.Streams[0].Codecs = []codecs.Codec{codecs.PCMU}
	if got := numbersOf(Offer(local).Media[0]); got != "0 101 13" {
		t.Error(got)
	}
}

// ME-RCP-20 (RFC 3556): what the peer leaves for RTCP, of the media before that of the session.
func TestReportShares(t *testing.T) {
	for name, x := range map[string]struct {
		lines              []string
		senders, receivers int
	}{
		"nothing said": {[]string{"m=audio 4000 RTP/AVP 0", "b=AS:64"}, 0, 0},
		"none":         {[]string{"m=audio 4000 RTP/AVP 0", "b=RS:0", "b=RR:0"}, -1, -1},
		"some":         {[]string{"m=audio 4000 RTP/AVP 0", "b=RS:600", "b=RR:2000"}, 600, 2000},
		"of receivers": {[]string{"m=audio 4000 RTP/AVP 0", "b=RR:0"}, 0, -1},
	} {
		if s := first(t, mustAnswer(t, parse(t, x.lines...), participant("192.0.2.1"))); s.SenderReports != x.senders || s.ReceiverReports != x.receivers {
			t.Errorf("%s: %d, %d", name, s.SenderReports, s.ReceiverReports)
		}
	}
	if got := reportShare("RR", nil, []Bandwidth{{Type: "RS", Value: 7}, {Type: "RR", Value: 800}}); got != 800 {
		t.Errorf("of the session: %d", got)
	}
}
