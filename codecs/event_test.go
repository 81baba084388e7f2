package codecs

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestParseEvent(t *testing.T) {
	for _, tc := range []struct {
		name    string
		payload []byte
		want    Event
		err     error
	}{
		{"empty", nil, Event{}, ErrMalformed},
		{"short", []byte{1, 2, 3}, Event{}, ErrMalformed},
		{"start of 5", []byte{5, 10, 0, 160}, Event{Code: 5, Volume: 10, Duration: 160}, nil},
		{"end of #", []byte{11, 0x8A, 0x03, 0x20}, Event{Code: 11, Volume: 10, Duration: 800, End: true}, nil},
		{"reserved bit", []byte{1, 0x4A, 0, 1}, Event{Code: 1, Volume: 10, Duration: 1}, nil}, // ME-DTM-10
		{"more behind", []byte{1, 10, 0, 1, 9}, Event{Code: 1, Volume: 10, Duration: 1}, nil},
	} {
		got, err := ParseEvent(tc.payload)
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%s: %+v, %v; want %+v, %v", tc.name, got, err, tc.want, tc.err)
		}
	}
}

// ME-DTM-10 (RFC 4733, section 2.3.3): the reserved bit is sent as 0; what is appended parses back.
func TestAppendEvent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := Event{
			Code: rapid.Uint8().Draw(t, "code"), Volume: rapid.Uint8().Draw(t, "volume"),
			Duration: rapid.Uint16().Draw(t, "duration"), End: rapid.Bool().Draw(t, "end"),
		}
		payload := AppendEvent([]byte{99}, e)
		if len(payload) != 1+EventSize || payload[0] != 99 || payload[2]&0x40 != 0 {
			t.Fatalf("payload %x", payload)
		}
		e.Volume = min(e.Volume, 63)
		if got, err := ParseEvent(payload[1:]); got != e || err != nil {
			t.Fatalf("%+v, %v; want %+v", got, err, e)
		}
	})
}

func TestEventDigits(t *testing.T) {
	for i, want := range []byte("0123456789*#ABCD") {
		digit, ok := Event{Code: uint8(i)}.Digit()
		code, ok2 := EventCode(want)
		if digit != want || !ok || int(code) != i || !ok2 {
			t.Errorf("%d: %q %v; %q: %d %v", i, digit, ok, want, code, ok2)
		}
	}
	if code, ok := EventCode('c'); code != 14 || !ok {
		t.Errorf("c: %d, %v", code, ok)
	}
	for _, b := range []byte("eE \x00\xff") {
		if _, ok := EventCode(b); ok {
			t.Errorf("%q has a code", b)
		}
	}
	if _, ok := EventDigit(EventFlash); ok {
		t.Error("flash is a digit")
	}
}

// step is one packet on its way to a detector.
type step struct {
	timestamp uint32
	payload   []byte
}

// sent returns all packets of an event.
func sent(code uint8, start, duration uint32) (out []step) {
	s := NewEventSender(code, 10, duration, 160)
	for p, ok := s.Next(); ok; p, ok = s.Next() {
		out = append(out, step{start + p.Offset, AppendEvent(nil, p.Event)})
	}

	return out
}

// moving is what a sender makes of an event that gives each packet a timestamp of its own.
func moving(steps []step) []step {
	out := slices.Clone(steps)
	for i := range out {
		out[i].timestamp += uint32(160 * i)
	}

	return out
}

// pressed returns the digits that a detector reports.
func pressed(steps []step) (digits string, ends int) {
	var d EventDetector
	for _, s := range steps {
		d.Push(s.timestamp, s.payload, func(r EventReport) {
			if r.Started {
				digit, _ := r.Event.Digit()
				digits += string(digit)
			}
			if r.Ended {
				ends++
			}
		})
	}

	return digits, ends
}

// ME-DTM-11, ME-DTM-12, ME-DTM-14, ME-DTM-19 (RFC 4733, section 2.5.2.2): one digit per timestamp.
func TestEventDetector(t *testing.T) {
	one, two, again := sent(1, 1000, 800), sent(2, 5000, 800), sent(1, 9000, 800)
	long := sent(5, 4294967295-1000, 3*0xFFFF+500) // over the wrap of the timestamp, in four segments
	for _, tc := range []struct {
		name  string
		steps [][]step
		want  string
		ends  int
	}{
		{"nothing", nil, "", 0},
		{"one press", [][]step{one}, "1", 1},
		{"the same key twice", [][]step{one, again}, "11", 2},
		{"first packets lost", [][]step{one[3:]}, "1", 1},
		{"only the last packet", [][]step{one[len(one)-1:]}, "1", 1},
		{"all ends lost", [][]step{one[:2], two[:2], again[:2]}, "121", 0},
		{"every packet twice", [][]step{one, one, two, two}, "12", 2},
		{"late repeats", [][]step{one[:4], two, one[4:], one, again, two}, "121", 3},
		{"long event", [][]step{long}, "5", 1},
		{"long event, a segment's end lost", [][]step{long[:300], long[500:]}, "5", 1},
		{"timestamp moves with the packets", [][]step{moving(one)}, "1", 1},
		{"timestamp moves, twice", [][]step{moving(one), moving(again)}, "11", 2},
		{"timestamp moves, one lost", [][]step{moving(one)[:2], moving(one)[3:]}, "1", 1},
		{"the same key in one packet", [][]step{{{1000, []byte{3, 0x8A, 3, 0x20, 3, 10, 0, 160}}}}, "33", 1},
		{"no duration", [][]step{{{1000, []byte{1, 10, 0, 0}}}}, "", 0},
		{"malformed", [][]step{{{1000, []byte{1, 10, 0}}, {1000, nil}}}, "", 0},
		{"two in one packet", [][]step{{{1000, []byte{3, 0x8A, 3, 0x20, 4, 10, 0, 160}}}}, "34", 1},
		{"two in one packet, then the second alone", [][]step{{
			{1000, []byte{3, 0x8A, 3, 0x20, 4, 10, 0, 160}}, {1800, []byte{4, 0x8A, 3, 0x20}},
		}}, "34", 2},
	} {
		if got, ends := pressed(slices.Concat(tc.steps...)); got != tc.want || ends != tc.ends {
			t.Errorf("%s: %q with %d ends, want %q with %d", tc.name, got, ends, tc.want, tc.ends)
		}
	}
}

// Whatever packets are lost or repeated, every event of which one arrives is reported once.
func TestEventDetectorProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := make([]step, 0, 64)
		var want []byte
		at := rapid.Uint32().Draw(t, "start")
		for range rapid.IntRange(1, 12).Draw(t, "events") {
			code := uint8(rapid.IntRange(0, 15).Draw(t, "code"))
			duration := uint32(rapid.IntRange(400, 4000).Draw(t, "duration"))
			arrived := false
			for _, s := range sent(code, at, duration) {
				for range rapid.IntRange(0, 2).Draw(t, "copies") {
					all = append(all, s)
					arrived = true
				}
			}
			if arrived {
				digit, _ := EventDigit(code)
				want = append(want, digit)
			}
			at += duration + uint32(rapid.IntRange(400, 60000).Draw(t, "pause"))
		}
		if got, _ := pressed(all); got != string(want) {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}

func TestEventDetectorDigit(t *testing.T) {
	var d EventDetector
	count := 0
	for _, s := range sent(10, 77, 1600) {
		if code, ok := d.Digit(s.timestamp, s.payload); ok {
			count++
			if code != 10 {
				t.Errorf("code %d", code)
			}
		}
	}
	d.Reset()
	if _, ok := d.Digit(77, []byte{10, 10, 0, 160}); !ok || count != 1 {
		t.Errorf("%d presses, after a reset %v", count, ok)
	}
}

// ME-DTM-05, ME-DTM-06, ME-DTM-07 (RFC 4733, sections 2.5.1.2 and 2.5.1.4): one timestamp, growing duration, marker first, end last
// and three times.
func TestEventSender(t *testing.T) {
	s := NewEventSender(7, 99, 500, 160)
	want := []EventPacket{
		{Event: Event{Code: 7, Volume: 63, Duration: 160}, Marker: true},
		{Event: Event{Code: 7, Volume: 63, Duration: 320}},
		{Event: Event{Code: 7, Volume: 63, Duration: 480}},
		{Event: Event{Code: 7, Volume: 63, Duration: 500, End: true}},
		{Event: Event{Code: 7, Volume: 63, Duration: 500, End: true}, Repeat: true},
		{Event: Event{Code: 7, Volume: 63, Duration: 500, End: true}, Repeat: true},
	}
	for i, w := range want {
		if got, ok := s.Next(); !ok || got != w {
			t.Errorf("packet %d: %+v, %v; want %+v", i, got, ok, w)
		}
	}
	if p, ok := s.Next(); ok {
		t.Errorf("a packet too many: %+v", p)
	}
	var none EventSender
	if p, ok := none.Next(); ok {
		t.Errorf("the zero value sends %+v", p)
	}
}

// ME-DTM-09, ME-DTM-11 (RFC 4733, sections 2.5.1.3 and 2.3.5): segments of 0xFFFF units, never a duration of 0.
func TestEventSenderSegments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Uint32Range(0, 500000).Draw(t, "total")
		s := NewEventSender(1, 10, total, rapid.Uint32Range(0, 3000).Draw(t, "step"))
		var covered uint32
		markers, ends := 0, 0
		for i := 0; ; i++ {
			p, ok := s.Next()
			if !ok {
				break
			}
			if p.Event.Duration == 0 || p.Offset%0xFFFF != 0 || p.Marker != (i == 0) {
				t.Fatalf("packet %d: %+v", i, p)
			}
			if now := p.Offset + uint32(p.Event.Duration); now < covered {
				t.Fatalf("packet %d goes back: %+v", i, p)
			} else {
				covered = now
			}
			if p.Marker {
				markers++
			}
			if p.Event.End {
				ends++
			}
		}
		if covered != max(total, 1) || markers != 1 || ends != 3 {
			t.Fatalf("covered %d of %d, %d markers, %d ends", covered, total, markers, ends)
		}
	})
}
