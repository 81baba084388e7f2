package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/internal/srtp"
)

// header is that of an RTP packet with a first octet, and of as many contributing sources as that says.
func header(first byte) []byte {
	b := make([]byte, headerSize+4*int(first&0x0F))
	b[0], b[1], b[3], b[11] = first, 0x80|101, 7, 9
	for i := range int(first & 0x0F) {
		b[headerSize+4*i+3] = byte(i + 1)
	}
	return b
}

// What says that it has more padding, sources or elements than octets is no packet; what says so truly is read without them (RFC 3550, section 5.1).
func TestPacketIsAsLongAsItSays(t *testing.T) {
	extended := slices.Concat(header(0x90), []byte{0xBE, 0xDE, 0, 1, 0x10, 0x85, 0, 0})
	for name, test := range map[string]struct {
		octets  []byte
		payload string
		bad     bool
	}{
		"plain":                       {octets: append(header(0x80), "media"...), payload: "media"},
		"nothing":                     {octets: header(0x80)},
		"sources":                     {octets: append(header(0x8F), "media"...), payload: "media"},
		"a source is missing":         {octets: header(0x8F)[:headerSize+4*14], bad: true},
		"half a header":               {octets: header(0x80)[:headerSize-1], bad: true},
		"another version":             {octets: append(header(0x40), "media"...), bad: true},
		"padding":                     {octets: append(header(0xA0), "media\x00\x00\x03"...), payload: "media"},
		"nothing but padding":         {octets: append(header(0xA0), 0, 0, 3)},
		"one octet of it":             {octets: append(header(0xA0), 'm', 1), payload: "m"},
		"padding that counts nothing": {octets: append(header(0xA0), 'm', 0), bad: true},
		"padding of the header":       {octets: append(header(0xA0), 0, 0, 4), bad: true},
		"padding of a source":         {octets: append(header(0xA1), 0, 3), bad: true},
		"extension":                   {octets: append(slices.Clone(extended), "media"...), payload: "media"},
		"extension alone":             {octets: extended},
		"a short extension":           {octets: extended[:len(extended)-1], bad: true},
		"no length of it":             {octets: extended[:headerSize+3], bad: true},
		"padding within it":           {octets: append(append([]byte{extended[0] | 0x20}, extended[1:]...), 1), payload: ""},
		"padding over it":             {octets: append(append([]byte{extended[0] | 0x20}, extended[1:]...), 2), bad: true},
	} {
		var p packet
		ok := p.parse(test.octets, 1)
		if ok == test.bad {
			t.Errorf("%s: %v", name, ok)
			continue
		}
		if ok && (string(p.payload) != test.payload || p.payloadType != 101 || !p.marker || p.seq != 7 || p.ssrc != 9) {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// The audio level is found among other elements, whatever they are, and only as far as they are whole (RFC 8285, section 4; RFC 6464, section 3).
func TestLevelAmongElements(t *testing.T) {
	const one, two, appBits, other = 0xBEDE, 0x1000, 0x100F, 0x1234
	for name, test := range map[string]struct {
		profile  uint16
		elements []byte
		level    int // -1: none
		voice    bool
	}{
		"alone":                         {one, []byte{0x50, 0x85, 0, 0}, 5, true},
		"loudest, no voice":             {one, []byte{0x50, 0, 0, 0}, 0, false},
		"silence":                       {one, []byte{0x50, 127, 0, 0}, 127, false},
		"longer than needed":            {one, []byte{0x51, 0x85, 1, 0}, 5, true},
		"behind another":                {one, []byte{0x62, 1, 2, 3, 0x50, 0x86, 0, 0}, 6, true},
		"behind padding":                {one, []byte{0, 0, 0x50, 7}, 7, false},
		"behind the longest":            {one, append(append([]byte{0x6F}, make([]byte, 16)...), 0x50, 8, 0), 8, false},
		"behind what ends all":          {one, []byte{0xF0, 1, 0x50, 7}, -1, false},
		"without its octet":             {one, []byte{0, 0, 0, 0x50}, -1, false},
		"behind what is cut":            {one, []byte{0x63, 1, 2, 0}, -1, false},
		"another":                       {one, []byte{0x40, 7, 0, 0}, -1, false},
		"two octets":                    {two, []byte{5, 1, 0x85, 0}, 5, true},
		"two octets, of an application": {appBits, []byte{5, 1, 9, 0}, 9, false},
		"two octets, behind an empty":   {two, []byte{6, 0, 5, 1, 10, 0, 0, 0}, 10, false},
		"two octets, empty":             {two, []byte{5, 0, 0, 0}, -1, false},
		"two octets, cut":               {two, []byte{0, 0, 5, 1}, -1, false},
		"two octets, half a head":       {two, []byte{0, 0, 0, 5}, -1, false},
		"two octets, number 15":         {two, []byte{15, 1, 7, 5, 1, 11, 0, 0}, 11, false},
		"another profile":               {other, []byte{0x50, 0x85, 0, 0}, -1, false},
	} {
		octets := binary.BigEndian.AppendUint16(header(0x90), test.profile)
		octets = append(binary.BigEndian.AppendUint16(octets, uint16((len(test.elements)+3)/4)), test.elements...)
		octets = append(octets, make([]byte, (4-len(test.elements)%4)%4)...)
		var p packet
		if !p.parse(octets, 5) {
			t.Errorf("%s: no packet", name)
			continue
		}
		if p.hasLevel != (test.level >= 0) || p.hasLevel && int(p.level) != test.level || p.voice != test.voice || len(p.payload) != 0 {
			t.Errorf("%s: level %d %v, voice %v", name, p.level, p.hasLevel, p.voice)
		}
		if !p.parse(octets, 0) || p.hasLevel || p.voice {
			t.Errorf("%s: nobody has agreed on one", name)
		}
	}
}

// A packet with copies is read as it is built (RFC 2198, section 3), to the last payload type, the longest time back and the longest copy.
func TestRedundantBlocks(t *testing.T) {
	long := bytes.Repeat([]byte{7}, 0x3FF)
	block := func(pt uint8, offset uint32, size int) []byte {
		return binary.BigEndian.AppendUint32(nil, 0x80<<24|uint32(pt)<<24|offset<<10|uint32(size))
	}
	whole := slices.Concat(block(127, 0x3FFF, len(long)), block(97, 160, 2), []byte{101}, long, []byte("ab"), []byte("primary"))
	var r redundancy
	p := packet{payload: whole}
	if !r.unpack(&p) || p.payloadType != 101 || string(p.payload) != "primary" || r.count != 2 {
		t.Fatalf("%d copies, %d, %q", r.count, p.payloadType, p.payload)
	}
	if b := r.blocks[0]; b.payloadType != 127 || b.offset != 0x3FFF || !bytes.Equal(b.payload, long) {
		t.Errorf("%d, %d back, %d octets", b.payloadType, b.offset, len(b.payload))
	}
	if b := r.blocks[1]; b.payloadType != 97 || b.offset != 160 || string(b.payload) != "ab" {
		t.Errorf("%d, %d back, %q", b.payloadType, b.offset, b.payload)
	}
	for name, octets := range map[string][]byte{
		"nothing": nil, "no primary": block(97, 160, 0), "half a block": {0x80 | 97, 1}, "a copy is cut": whole[:9+len(long)+1],
		"more than there may be": append(bytes.Repeat(block(97, 160, 0), maxRedundant+1), 101),
	} {
		if p = (packet{payload: octets}); r.unpack(&p) {
			t.Errorf("%s: %d copies", name, r.count)
		}
	}
}

// What was under way with the keys of before is heard as it was sent, for as long as it may be on its way, and what is of no key is not (RFC 5764, section
// 5.2).
func TestOldKeysOpenWhatIsUnderWay(t *testing.T) {
	context := func(seed byte) (*srtp.Sender, *srtp.Receiver) {
		s, err := srtp.NewSender(testKey(srtp.AESCM128HMACSHA180, seed))
		if err != nil {
			t.Fatal(err)
		}
		r, err := srtp.NewReceiver(testKey(srtp.AESCM128HMACSHA180, seed))
		if err != nil {
			t.Fatal(err)
		}
		return s, r
	}
	oldSender, oldReceiver := context(1)
	newSender, newReceiver := context(2)
	strange, _ := context(3)
	in := receiver{old: oldReceiver, oldUntil: time.Minute}
	g := &guard{receive: newReceiver, spare: make([]byte, 1500)}
	plain := append(header(0x80), "what was said"...)
	seq := uint16(0)
	open := func(s *srtp.Sender, at time.Duration) (string, error) {
		seq++
		buf := append(bytes.Clone(plain), make([]byte, srtp.MaxOverhead)...)
		binary.BigEndian.PutUint16(buf[2:], seq)
		size, err := s.Protect(buf, len(plain))
		if err != nil {
			t.Fatal(err)
		}
		if size, err = in.open(g, buf[:size], at); err != nil {
			return "", err
		}
		return string(buf[headerSize:size]), nil
	}
	for name, s := range map[string]*srtp.Sender{"new": newSender, "old": oldSender} {
		if got, err := open(s, time.Minute); err != nil || got != "what was said" {
			t.Errorf("%s keys: %q, %v", name, got, err)
		}
	}
	if got, err := open(strange, time.Minute); !errors.Is(err, srtp.ErrAuthentication) {
		t.Errorf("other keys: %q, %v", got, err)
	}
	if got, err := open(oldSender, time.Minute+1); err == nil {
		t.Errorf("long after: %q", got)
	}
	if got, err := open(newSender, time.Minute+1); err != nil || got != "what was said" {
		t.Errorf("new keys, long after: %q, %v", got, err)
	}
}

// A player that stands still keeps the newest packets, and each that is thrown away is counted: what was queued is handed out, or dropped.
func TestWhatIsDroppedIsCounted(t *testing.T) {
	for _, size := range []int{1, 160, 1600} {
		b := &jitterBuffer{maxDelay: testMax}
		b.reset(8000)
		queued, handed := 0, 0
		const packets = 200
		for i := range packets {
			if b.push(arrivedPacket{seq: uint16(i), timestamp: uint32(i * 160), units: 160, payload: make([]byte, size)}, time.Duration(i)*tick) == pushQueued {
				queued++
			}
		}
		if b.dropped == 0 || queued != packets {
			t.Errorf("%d octets: %d of %d queued, %d dropped", size, queued, packets, b.dropped)
		}
		last := int64(0)
		for s := b.step(packets*tick, 160); s.kind == stepPacket || s.kind == stepLost || s.kind == stepGap; s = b.step(packets*tick, 160) {
			if s.kind == stepPacket {
				handed, last = handed+1, s.packet.seq&0xFFFF
			}
		}
		if handed+int(b.dropped) != queued || handed == 0 || last != packets-1 {
			t.Errorf("%d octets: %d queued, %d handed out to %d, %d dropped", size, queued, handed, last, b.dropped)
		}
	}
}
