package media

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/parley-sip/parley/codecs"
)

// emitted calls Emit for a number of packets of 20 ms of PCMU and gives what came of it.
func emitted(t *testing.T, s *Session, p *phone, levels ...uint8) []rtp.Packet {
	t.Helper()
	for _, level := range levels {
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160, Level: level})
	}
	packets := p.hear(50 * time.Millisecond)
	if len(packets) < 2 {
		t.Fatalf("%d packets were sent", len(packets))
	}
	return packets
}

// Key presses are sent in place of audio, one after the other, each with the timestamp of its beginning, a marker and an end that is sent
// three times; timestamps of the audio go on.
//
// Shows ME-DTM-04, ME-DTM-05, ME-DTM-06, ME-DTM-07, ME-DTM-08, ME-DTM-11.
func TestPress(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), func(params *Params) { params.Events, params.EventPayloadType = true, 101 })
	if s.Press(Digit{Key: 'x'}) {
		t.Error("pressed what is no key")
	}
	if !s.Press(Digit{Key: '5', Duration: 100 * time.Millisecond}) || !s.Press(Digit{Key: '#'}) {
		t.Fatal("not taken")
	}
	levels := make([]uint8, 20)
	packets := emitted(t, s, p, levels...)
	var events []codecs.Event
	var starts []uint32
	first := packets[0].Timestamp
	for i, packet := range packets {
		if i > 0 && packet.SequenceNumber != packets[i-1].SequenceNumber+1 {
			t.Errorf("packet %d has number %d after %d", i, packet.SequenceNumber, packets[i-1].SequenceNumber)
		}
		if packet.PayloadType != 101 {
			if (packet.Timestamp-first)%160 != 0 {
				t.Errorf("audio at %d", packet.Timestamp-first)
			}
			continue
		}
		e, err := codecs.ParseEvent(packet.Payload)
		if err != nil {
			t.Fatal(err)
		}
		begins := len(starts) == 0 || starts[len(starts)-1] != packet.Timestamp-first
		if begins {
			starts = append(starts, packet.Timestamp-first)
		}
		if packet.Marker != begins {
			t.Errorf("packet %d has marker %t", i, packet.Marker)
		}
		events = append(events, e)
	}
	// 100 ms are five packets and two repetitions; 80 ms four and two.
	want := make([]codecs.Event, 0, 13)
	for code, n := range map[uint8]int{5: 5, 11: 4} {
		for k := range n + 2 {
			k = min(k+1, n)
			want = append(want, codecs.Event{Code: code, Volume: pressVolume, Duration: uint16(160 * k), End: k == n})
		}
	}
	slices.SortStableFunc(want, func(a, b codecs.Event) int { return int(a.Code) - int(b.Code) })
	if !slices.Equal(events, want) {
		t.Errorf("events\n%+v, want\n%+v", events, want)
	}
	if !slices.Equal(starts, []uint32{0, 8 * 160}) { // five packets of the key, and three of a pause
		t.Errorf("the presses begin at %v", starts)
	}
	last := packets[len(packets)-1]
	if last.PayloadType != 0 || last.Timestamp-first != 19*160 {
		t.Errorf("the audio ends with %+v", last.Header)
	}
}

// What is dropped is not sent, be it waiting or under way; what is pressed afterwards is.
func TestDropPresses(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), func(params *Params) { params.Events, params.EventPayloadType = true, 101 })
	s.DropPresses() // of none
	events := func() (codes []uint8) {
		for _, packet := range emitted(t, s, p, make([]uint8, 12)...) {
			if packet.PayloadType != 101 {
				continue
			}
			e, err := codecs.ParseEvent(packet.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if len(codes) == 0 || codes[len(codes)-1] != e.Code {
				codes = append(codes, e.Code)
			}
		}
		return codes
	}
	for _, key := range "12" {
		if !s.Press(Digit{Key: byte(key)}) {
			t.Fatal("not taken")
		}
	}
	s.DropPresses()
	if got := events(); len(got) > 0 {
		t.Errorf("sent what was dropped before it began: %v", got)
	}
	s.Press(Digit{Key: '3', Duration: time.Second})
	s.Press(Digit{Key: '4'})
	if got := events(); !slices.Equal(got, []uint8{3}) {
		t.Fatalf("sent %v", got)
	}
	s.DropPresses()
	s.Press(Digit{Key: '5'})
	if got := events(); !slices.Equal(got, []uint8{5}) {
		t.Errorf("sent %v after 3 and 4 were dropped", got)
	}
}

// Without agreement nothing is pressed.
func TestPressNeedsAgreement(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), nil)
	if s.Press(Digit{Key: '5'}) {
		t.Error("pressed although the far end takes no events")
	}
	if got := emitted(t, s, p, 20, 20); len(got) != 2 || got[0].PayloadType != 0 {
		t.Errorf("sent %+v", got)
	}
	if err := s.Configure(Params{Send: true, SendCodec: codecs.Opus, SendPayloadType: 96, Quiet: true, QuietPayloadType: 13}); err == nil {
		t.Error("comfort noise beside Opus was taken")
	}
}

// Where nothing may be lost only the codec's own silence is left out, whatever level is told of it, and the comfort noise says that there is none. Another far end,
// or one that has not got what was sent, hears the silence begin.
//
// Shows ME-CN-09.
func TestExactQuiet(t *testing.T) {
	params := func(p *Params) { p.Quiet, p.QuietExact, p.QuietPayloadType = true, true, 13 }
	for codec, silence := range map[codecs.Codec]byte{codecs.PCMU: 0xFF, codecs.PCMA: 0xD5} {
		s, p := call(t, newTestTransport(t, nil), func(agreed *Params) {
			params(agreed)
			agreed.SendCodec, agreed.SendPayloadType = codec, 0
		})
		quiet := bytes.Repeat([]byte{silence}, 160)
		faint := bytes.Clone(quiet)
		faint[159] ^= 0x03
		send := func(n int, payload []byte) (audio, noise int) {
			for range n {
				s.Emit(&codecs.Packet{Payload: payload, Samples: 160, Level: codecs.SilenceLevel})
			}
			for _, packet := range p.hear(50 * time.Millisecond) {
				switch {
				case packet.PayloadType == 0:
					audio++
				case len(packet.Payload) == 1 && packet.Payload[0] == codecs.SilenceLevel:
					noise++
				default:
					t.Errorf("%v: comfort noise %v", codec, packet.Payload)
				}
			}
			return audio, noise
		}
		expect := func(what string, n int, payload []byte, audio, noise int) {
			t.Helper()
			if a, q := send(n, payload); a != audio || q != noise {
				t.Errorf("%v, %s: %d of audio, %d of noise, want %d and %d", codec, what, a, q, audio, noise)
			}
		}
		expect("silence", 60, quiet, 10, 2)
		expect("what only claims to be silence", 30, faint, 30, 0)
		expect("silence", 60, quiet, 10, 2)
		s.Rewind(400*time.Millisecond, 0)
		expect("silence that is sent again", 20, quiet, 10, 1)
	}
	s, p := call(t, newTestTransport(t, nil), params)
	quiet := codecs.Packet{Payload: bytes.Repeat([]byte{0xFF}, 160), Samples: 160, Level: codecs.SilenceLevel}
	for range 2 {
		again := s.offered.Load().params
		if err := s.Configure(again); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			s.Emit(&quiet)
		}
		if got := p.hear(50 * time.Millisecond); len(got) != 11 {
			t.Errorf("%d packets of 30 of silence to who hears it anew", len(got))
		}
	}
	if err := s.Configure(Params{Send: true, SendCodec: codecs.G722, SendPayloadType: 9, Quiet: true, QuietExact: true, QuietPayloadType: 13}); err == nil {
		t.Error("silence of G.722, which has no octets of its own, would be left out")
	}
}

// Digital silence is left out after 200 ms, but for comfort noise every 500 ms; audio that comes again begins a talk spurt.
//
// Shows ME-CN-02, ME-CN-04, ME-CN-05, ME-CN-06, ME-CN-07.
func TestQuiet(t *testing.T) {
	for _, quiet := range []bool{true, false} {
		s, p := call(t, newTestTransport(t, nil), func(params *Params) { params.Quiet, params.QuietPayloadType = quiet, 13 })
		levels := make([]uint8, 0, 74)
		levels = append(levels, 20, 20)
		for range 70 {
			levels = append(levels, codecs.SilenceLevel)
		}
		packets := emitted(t, s, p, append(levels, 20, 20)...)
		if !quiet {
			if len(packets) != 74 {
				t.Errorf("%d packets where comfort noise was not agreed", len(packets))
			}
			continue
		}
		var at []uint32
		for _, packet := range packets {
			if packet.PayloadType == 13 {
				at = append(at, (packet.Timestamp-packets[0].Timestamp)/160)
				if packet.Marker || len(packet.Payload) != 1 || packet.Payload[0] != hushLevel {
					t.Errorf("comfort noise %+v", packet)
				}
			}
		}
		if !slices.Equal(at, []uint32{12, 37, 62}) {
			t.Errorf("comfort noise at packets %v", at)
		}
		if n := len(packets); n != 2+10+3+2 || !packets[n-2].Marker || packets[n-1].Marker || packets[n-2].Timestamp-packets[0].Timestamp != 72*160 {
			t.Errorf("%d packets, the last but one %+v", n, packets[n-2].Header)
		}
	}
}
