package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

const head = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"

func parse(tb testing.TB, lines ...string) Description {
	tb.Helper()
	d, err := Parse([]byte(head + strings.Join(lines, "\r\n") + "\r\n"))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func mustAnswer(tb testing.TB, offer Description, local Local) Plan {
	tb.Helper()
	plan, err := Answer(offer, local)
	if err != nil {
		tb.Fatal(err)
	}
	checkAnswer(tb, offer, plan)
	return plan
}

func first(tb testing.TB, plan Plan) Stream {
	tb.Helper()
	s, ok := plan.Audio()
	if !ok {
		tb.Fatal("no stream")
	}
	return s
}

func numbersOf(m Media) string {
	all := make([]string, 0, len(m.PayloadTypes))
	for _, p := range m.PayloadTypes {
		all = append(all, strconv.Itoa(int(p.Number)))
	}
	return strings.Join(all, " ")
}

// FO-MOD-03, FO-MOD-04, FO-MOD-06 (RFC 3264, sections 6.1 and 8.4).
func TestDirections(t *testing.T) {
	const zero = "c=IN IP4 0.0.0.0"
	tests := []struct {
		offer         string
		wish          Direction
		answer        Direction
		send, receive bool
		hold          bool
	}{
		{"a=sendrecv", Unspecified, SendRecv, true, true, false},
		{"", Unspecified, SendRecv, true, true, false},
		{"", RecvOnly, RecvOnly, false, true, false},
		{"", SendOnly, SendOnly, true, false, false},
		{"", Inactive, Inactive, false, false, false},
		{"a=sendonly", Unspecified, RecvOnly, false, true, true},
		{"a=sendonly", SendOnly, Inactive, false, false, true},
		{"a=recvonly", Unspecified, SendOnly, true, false, false},
		{"a=recvonly", RecvOnly, Inactive, false, false, false},
		{"a=inactive", Unspecified, Inactive, false, false, true},
		{zero, Unspecified, RecvOnly, false, true, true},
		{zero + "\r\na=sendonly", Unspecified, RecvOnly, false, true, true},
		{zero + "\r\na=recvonly", Unspecified, Inactive, false, false, true},
		{zero + "\r\na=inactive", Unspecified, Inactive, false, false, true},
		{"c=IN IP6 ::", Unspecified, RecvOnly, false, true, true},
		{"c=IN IP4 hold.invalid", Unspecified, RecvOnly, false, true, true},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%q wish %v", tt.offer, tt.wish), func(t *testing.T) {
			local := participant("192.0.2.1")
			local.Streams[0].Direction = tt.wish
			plan := mustAnswer(t, parse(t, "m=audio 4000 RTP/AVP 0", tt.offer), local)
			s := first(t, plan)
			if got := plan.Answer.DirectionOf(0); got != tt.answer || s.Send != tt.send || s.Receive != tt.receive || s.RemoteHold != tt.hold {
				t.Errorf("answer %v, stream %+v", got, s)
			}
			if strings.Contains(string(plan.Answer.Marshal()), "0.0.0.0") {
				t.Error("0.0.0.0 in our description")
			}
		})
	}
}

// A session-level direction holds where the stream has none (RFC 8866, section 6.7).
func TestSessionDirection(t *testing.T) {
	plan := mustAnswer(t, parse(t, "a=sendonly", "m=audio 4000 RTP/AVP 0"), participant("192.0.2.1"))
	if got := plan.Answer.Media[0].Direction; got != RecvOnly {
		t.Error(got)
	}
	plan = mustAnswer(t, parse(t, "a=sendonly", "m=audio 4000 RTP/AVP 0", "a=sendrecv"), participant("192.0.2.1"))
	if got := plan.Answer.Media[0].Direction; got != SendRecv {
		t.Error(got)
	}
}

// FO-IN-08, FO-ERR-19 (RFC 3261, sections 21.4.26 and 20.43).
func TestRefusals(t *testing.T) {
	tests := []struct {
		name    string
		lines   []string
		err     error
		warning int
	}{
		{"no audio", []string{"m=video 4000 RTP/AVP 96"}, ErrNoAudio, 304},
		{"codec", []string{"m=video 4002 RTP/AVP 96", "m=audio 4000 RTP/AVP 18 3"}, ErrNoCommonCodec, 305},
		{"only events", []string{"m=audio 4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"}, ErrNoCommonCodec, 305},
		{"SDES", []string{"m=audio 4000 RTP/SAVP 0"}, ErrTransport, 302},
		{"DTLS", []string{"m=audio 4000 UDP/TLS/RTP/SAVPF 0"}, ErrTransport, 302},
		{"TCP", []string{"m=audio 4000 TCP/RTP/AVP 0"}, ErrTransport, 302},
		{"host name", []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 phone.example.com"}, ErrAddress, 301},
		{"family", []string{"m=audio 4000 RTP/AVP 0", "c=IN IP6 2001:db8::1"}, ErrAddress, 301},
		{"multicast", []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 233.252.0.1/127"}, ErrMulticast, 330},
		{"closest counts", []string{"m=audio 1 RTP/SAVP 0", "m=audio 2 RTP/AVP 18", "m=video 3 RTP/AVP 9"}, ErrNoCommonCodec, 305},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Answer(parse(t, tt.lines...), participant("192.0.2.1"))
			if !errors.Is(err, tt.err) || WarningFor(err).Code != tt.warning {
				t.Errorf("%v, warning %d", err, WarningFor(err).Code)
			}
			var stream *StreamError
			if !errors.As(err, &stream) || stream.Error() == "" {
				t.Errorf("%T", err)
			}
		})
	}
	if got := WarningFor(errors.New("other")).Code; got != 399 {
		t.Error(got)
	}
}

// An offer without streams in use is answered likewise (RFC 3264, sections 6 and 8.2).
func TestNothingInUse(t *testing.T) {
	for _, lines := range [][]string{nil, {"m=audio 0 RTP/AVP 0"}, {"m=audio 0 RTP/AVP", "m=video 0 RTP/AVP 99"}} {
		offer := parse(t, lines...)
		plan := mustAnswer(t, offer, participant("192.0.2.1"))
		if len(plan.Streams) != 0 || len(plan.Rejected) != 0 {
			t.Errorf("%+v", plan)
		}
	}
}

// ME-AUD-08 (RFC 3264, section 6.1): the order of the offer, or ours if told so; the peer's numbers.
func TestCodecChoice(t *testing.T) {
	offer := parse(t, "m=audio 4000 RTP/AVP 18 97 8 0 96 9 100", "a=rtpmap:97 foo/8000", "a=rtpmap:96 OPUS/48000/2",
		"a=rtpmap:100 pcmu/8000")
	tests := []struct {
		name   string
		change func(*Local)
		codec  codecs.Codec
		number uint8
		list   string
	}{
		{"offer", func(*Local) {}, codecs.PCMA, 8, "8 0 96 9"},
		{"local", func(l *Local) { l.PreferLocal = true }, codecs.Opus, 96, "96 9 8 0"},
		{"single", func(l *Local) { l.Streams[0].SingleCodec = true }, codecs.PCMA, 8, "8"},
		{"few", func(l *Local) { l.Streams[0].Codecs = []codecs.Codec{codecs.G722} }, codecs.G722, 9, "9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			local := participant("192.0.2.1")
			tt.change(&local)
			plan := mustAnswer(t, offer, local)
			if s := first(t, plan); s.Codec != tt.codec || s.SendPT != tt.number || numbersOf(plan.Answer.Media[0]) != tt.list {
				t.Errorf("%v %d, %s", s.Codec, s.SendPT, numbersOf(plan.Answer.Media[0]))
			}
		})
	}
}

// ME-AUD-01 (RFC 3551, section 6): a static number without mapping, and one that is mapped to something else.
func TestStaticPayloadTypes(t *testing.T) {
	plan := mustAnswer(t, parse(t, "m=audio 4000 RTP/AVP 0 8 9"), participant("192.0.2.1"))
	if got := first(t, plan).Codec; got != codecs.PCMU {
		t.Error(got)
	}
	plan = mustAnswer(t, parse(t, "m=audio 4000 RTP/AVP 0", "a=rtpmap:0 PCMA/8000"), participant("192.0.2.1"))
	if got := first(t, plan).Codec; got != codecs.PCMA {
		t.Error(got)
	}
	// ME-AUD-11: a common mistake about the clock rate of G.722, not repeated.
	plan = mustAnswer(t, parse(t, "m=audio 4000 RTP/AVP 9", "a=rtpmap:9 G722/16000"), participant("192.0.2.1"))
	if s := first(t, plan); s.Codec != codecs.G722 || s.Accepts[0].ClockRate != 8000 || plan.Answer.Media[0].PayloadTypes[0].ClockRate != 8000 {
		t.Errorf("%+v", s)
	}
	if _, ok := (Plan{}).Audio(); ok {
		t.Error("a plan without streams has one")
	}
}

// ME-AUD-08 (RFC 3264, sections 6.1 and 7): each side sends with the other's numbers.
func TestAsymmetricPayloadTypes(t *testing.T) {
	local := participant("192.0.2.1")
	offer := Offer(local)
	if got := numbersOf(offer.Media[0]); got != "111 9 8 0 110 101" {
		t.Fatal(got)
	}
	answer := parse(t, "m=audio 4000 RTP/AVP 96 97", "a=rtpmap:96 opus/48000/2", "a=rtpmap:97 telephone-event/48000", "a=fmtp:97 0-9")
	plan, err := Accept(offer, answer)
	if err != nil {
		t.Fatal(err)
	}
	s := first(t, plan)
	if s.SendPT != 96 || s.Event.Number != 97 || s.Event.Events.Has(10) || !s.Event.Events.Has(9) { // ME-DTM-03
		t.Errorf("%+v", s)
	}
	got := make([]uint8, 0, len(s.Accepts))
	for _, p := range s.Accepts {
		got = append(got, p.Number)
	}
	if want := []uint8{111, 110, 101, 96, 97}; !slices.Equal(got, want) {
		t.Errorf("accepts %v, want %v", got, want)
	}
}

// ME-AUD-03, ME-OPU-14 (RFC 3264, section 6.1): the nearest packet time we can send.
func TestPacketTimes(t *testing.T) {
	tests := []struct {
		format  string
		lines   string
		ours    time.Duration
		send    int
		written int
	}{
		{"0", "", 0, 20, 20},
		{"0", "", 30 * time.Millisecond, 30, 30},
		{"0", "a=ptime:10", 0, 10, 10},
		{"0", "a=ptime:30", 0, 30, 30},
		{"0", "a=ptime:40", 20 * time.Millisecond, 40, 20},
		{"0", "a=ptime:50", 0, 50, 50},
		{"0", "a=ptime:60", 0, 60, 60},
		{"0", "a=ptime:5", 0, 10, 10},
		{"0", "a=ptime:200", 0, 60, 60},
		{"0", "a=ptime:24", 0, 20, 20},
		{"0", "a=ptime:40\r\na=maxptime:30", 0, 30, 30},
		{"0", "a=maxptime:10", 0, 10, 10},
		{"0", "a=maxptime:3", 0, 10, 10},
		{"0", "a=ptime:0", 0, 20, 20},
		{"96", "a=ptime:30", 0, 20, 20},
		{"96", "a=ptime:50", 0, 40, 40},
		{"96", "a=ptime:60", 0, 60, 60},
		{"96", "a=ptime:60\r\na=maxptime:50", 0, 40, 40},
		{"96", "a=ptime:120", 0, 60, 60},
	}
	for _, tt := range tests {
		t.Run(tt.format+" "+tt.lines, func(t *testing.T) {
			local := participant("192.0.2.1")
			local.Streams[0].PacketTime = tt.ours
			plan := mustAnswer(t, parse(t, "m=audio 4000 RTP/AVP "+tt.format, "a=rtpmap:96 opus/48000/2", tt.lines), local)
			s := first(t, plan)
			if got := s.Format.PacketTime.Milliseconds(); got != int64(tt.send) {
				t.Errorf("sends %d ms", got)
			}
			if got := plan.Answer.Media[0].PacketTime.Milliseconds(); got != int64(tt.written) {
				t.Errorf("writes %d ms", got)
			}
		})
	}
}

// FO-MOD-02, SR-SDP-01 (RFC 3264, section 8): same session, version plus one with each change only.
func TestVersions(t *testing.T) {
	local := participant("192.0.2.1")
	offer := parse(t, "m=audio 4000 RTP/AVP 0")
	answer := mustAnswer(t, offer, local).Answer
	local.Previous, local.Session, local.Version = &answer, 99, 99
	again := mustAnswer(t, offer, local).Answer
	if again.Origin != answer.Origin {
		t.Errorf("%+v without change of %+v", again.Origin, answer.Origin)
	}
	held := mustAnswer(t, parse(t, "m=audio 4000 RTP/AVP 0", "a=sendonly"), local).Answer
	want := answer.Origin
	want.Version++
	if held.Origin != want {
		t.Errorf("%+v, want %+v", held.Origin, want)
	}
	local.Previous = &held
	reoffer := Offer(local)
	want.Version++
	if reoffer.Origin != want {
		t.Errorf("%+v, want %+v", reoffer.Origin, want)
	}
}

// FO-MOD-01, FO-MOD-02 (RFC 3264, section 8): our offers keep the lines of the dialog, whoever made them.
func TestReofferKeepsLines(t *testing.T) {
	local := participant("192.0.2.1")
	theirs := parse(t, "m=video 4002 RTP/AVP 96", "a=rtpmap:96 VP8/90000", "m=audio 4000 RTP/AVP 0 98 99", "a=rtpmap:98 opus/48000/2",
		"a=rtpmap:99 telephone-event/8000", "m=audio 4006 RTP/AVP 0")
	answer := mustAnswer(t, theirs, local).Answer
	local.Previous, local.Remote = &answer, &theirs
	got := Offer(local)
	if len(got.Media) != 3 || got.Media[0].Port != 0 || got.Media[0].Kind != "video" || got.Media[1].Port != 10000 || got.Media[2].Port != 0 {
		t.Fatalf("%s", got.Marshal())
	}
	// Numbers of the dialog stay (RFC 3264, section 8.3.2).
	if got := numbersOf(got.Media[1]); got != "98 9 8 0 110 99" {
		t.Error(got)
	}
	// A peer that adds a stream in front does not take the place of the one in use.
	more := parse(t, "m=audio 4010 RTP/AVP 0", "m=audio 4000 RTP/AVP 0", "m=audio 4006 RTP/AVP 0")
	if s := first(t, mustAnswer(t, more, local)); s.Index != 1 {
		t.Errorf("stream %d", s.Index)
	}
}

// ME-LVL-15, RFC 3264, section 8.3.2: a number the peer uses for something else is not ours.
func TestNumbersDoNotChangeMeaning(t *testing.T) {
	local := participant("192.0.2.1")
	theirs := parse(t, "m=audio 4000 RTP/AVP 0 111 101 110", "a=rtpmap:111 speex/8000", "a=rtpmap:101 iLBC/8000", "a=rtpmap:110 G7221/16000",
		"a=extmap:1 urn:example:other", "a=extmap:7 urn:ietf:params:rtp-hdrext:ssrc-audio-level")
	answer := mustAnswer(t, theirs, local).Answer
	local.Previous, local.Remote = &answer, &theirs
	again := Offer(local).Media[0]
	if got := numbersOf(again); got != "96 9 8 0 97 98" {
		t.Error(got)
	}
	if len(again.Extensions) != 2 || again.Extensions[0].ID != 7 || again.Extensions[1].ID != 2 {
		t.Errorf("%+v", again.Extensions)
	}
}

// FO-MOD-17 (RFC 3264, section 8.3.1).
func TestNewAddress(t *testing.T) {
	local := participant("192.0.2.1")
	s := first(t, mustAnswer(t, parse(t, "m=audio 4000 RTP/AVP 0", "c=IN IP4 198.51.100.4"), local))
	if want := netip.MustParseAddrPort("198.51.100.4:4000"); s.Remote != want {
		t.Error(s.Remote)
	}
	s = first(t, mustAnswer(t, parse(t, "m=audio 4100 RTP/AVPF 0"), local))
	if want := netip.MustParseAddrPort("192.0.2.9:4100"); s.Remote != want {
		t.Error(s.Remote)
	}
}
