package rtt_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/parley-sip/parley/internal/rtt"
)

// What cannot be read, as it is in another format, says nothing of the time of what can: that comes whatever timestamps a source begins with.
func TestOtherFormatFirst(t *testing.T) {
	for _, timestamp := range []uint32{1000, 1<<31 + 1000, 1<<32 - 1} {
		r := rtt.NewReceiver(rtt.Format{Text: 98, Red: 100, Generations: 2})
		if list := r.Put(0, rtt.Packet{PayloadType: 100, Sequence: 1, Timestamp: timestamp, SSRC: 7, Payload: []byte{97, 'x'}}); len(list) != 0 {
			t.Errorf("%d: another format is read as %v", timestamp, list)
		}
		list := r.Put(0, rtt.Packet{PayloadType: 100, Sequence: 2, Timestamp: timestamp + 300, SSRC: 7, Payload: []byte{98, 'h', 'i'}})
		if len(list) != 1 || list[0].Text != "hi" {
			t.Errorf("%d: %v", timestamp, list)
		}
	}
}

// A packet is as long as it says, or it is none (RFC 3550, section 5.1).
func TestMalformedPackets(t *testing.T) {
	plain := rtt.Packet{Marker: true, PayloadType: 98, Sequence: 5, Timestamp: 6, SSRC: 7, Payload: []byte("text")}
	octets := plain.Append(nil)
	with := func(first byte, rest ...byte) []byte { return append(append([]byte{first}, octets[1:12]...), rest...) }
	for name, test := range map[string]struct {
		octets []byte
		text   string
		bad    bool
	}{
		"plain": {octets: octets, text: "text"}, "empty": {octets: octets[:12]}, "cut": {octets: octets[:11], bad: true}, "another version": {octets: with(0x40), bad: true},
		"padding": {octets: with(0xA0, 'a', 0, 2), text: "a"}, "only padding": {octets: with(0xA0, 1)}, "padding of nothing": {octets: with(0xA0, 'a', 0), bad: true},
		"padding of the header": {octets: with(0xA0, 2), bad: true}, "source": {octets: with(0x81, 0, 0, 0, 9, 'a'), text: "a"}, "half a source": {octets: with(0x81, 0, 0, 9), bad: true},
		"two sources": {octets: with(0x82, 0, 0, 0, 9, 0, 0, 0, 8, 'a'), text: "a"}, "extension": {octets: with(0x90, 0, 0, 0, 1, 1, 2, 3, 4, 'a'), text: "a"},
		"extension of nothing": {octets: with(0x90, 0, 0, 0, 0, 'a'), text: "a"}, "half an extension": {octets: with(0x90, 0, 0, 0), bad: true}, "a short one": {octets: with(0x90, 0, 0, 0, 1, 1, 2, 3), bad: true},
	} {
		p, err := rtt.ParsePacket(test.octets)
		if (err != nil) != test.bad || string(p.Payload) != test.text {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if err == nil && p.Mixed != (p.Contributor == 9) {
			t.Errorf("%s: of %d, mixed %v", name, p.Contributor, p.Mixed)
		}
	}
	long := bytes.Repeat([]byte("x"), 1023)
	payload := slices.Concat([]byte{0x80 | 127, 0xFF, 0xFF, 0xFF, 101}, long, []byte("new"))
	blocks, err := rtt.ParseBlocks(payload)
	if err != nil || len(blocks) != 2 || blocks[0].PayloadType != 127 || blocks[0].Offset != 1<<14-1 || !bytes.Equal(blocks[0].Text, long) || blocks[1].PayloadType != 101 || string(blocks[1].Text) != "new" {
		t.Errorf("%+v, %v", blocks, err)
	}
	for _, n := range []int{0, 1, 3, 4, 5, 5 + 1022} {
		if blocks, err := rtt.ParseBlocks(payload[:n]); err == nil {
			t.Errorf("%d octets are %+v", n, blocks)
		}
	}
}
