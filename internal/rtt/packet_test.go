package rtt_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/parley-sip/parley/internal/rtt"
)

func TestPacketRoundTrip(t *testing.T) {
	for _, p := range []rtt.Packet{
		{PayloadType: 98, Sequence: 65535, Timestamp: 1 << 31, SSRC: 7, Payload: []byte("a")},
		{PayloadType: 100, Marker: true, Mixed: true, Contributor: 0xCAFE, SSRC: 9, Payload: []byte{}},
	} {
		got, err := rtt.ParsePacket(p.Append(nil))
		if err != nil || !bytes.Equal(got.Payload, p.Payload) {
			t.Fatalf("%+v: %+v, %v", p, got, err)
		}
		got.Payload, p.Payload = nil, nil
		if got.Marker != p.Marker || got.PayloadType != p.PayloadType || got.Sequence != p.Sequence || got.Timestamp != p.Timestamp ||
			got.SSRC != p.SSRC || got.Contributor != p.Contributor || got.Mixed != p.Mixed {
			t.Errorf("%+v became %+v", p, got)
		}
	}
}

func TestPacketWithPaddingAndExtension(t *testing.T) {
	octets := append([]byte{0xB2, 98, 0, 1, 0, 0, 0, 5, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9}, 0xBE, 0xDE, 0, 1, 1, 2, 3, 4, 'h', 'i', 0, 2)
	p, err := rtt.ParsePacket(octets)
	if err != nil || string(p.Payload) != "hi" || !p.Mixed || p.Contributor != 8 {
		t.Errorf("%+v, %v", p, err)
	}
	for n := range octets {
		if _, err := rtt.ParsePacket(octets[:n]); n < 28 && !errors.Is(err, rtt.ErrPacket) {
			t.Errorf("%d octets: %v", n, err)
		}
	}
}

func FuzzPacket(f *testing.F) {
	f.Add([]byte{0x80, 100, 0, 1, 0, 0, 0, 5, 0, 0, 0, 7, 0x80 | 98, 0, 4, 1, 98, 'a', 'b'})
	f.Fuzz(func(t *testing.T, octets []byte) {
		p, err := rtt.ParsePacket(octets)
		if err != nil {
			return
		}
		blocks, err := rtt.ParseBlocks(p.Payload)
		if err == nil && len(blocks) == 0 {
			t.Error("no block and no error")
		}
		in := rtt.NewReceiver(rtt.Format{Text: 98, Red: 100, Generations: 2})
		for i := range 3 {
			p.Sequence += uint16(i)
			in.Put(0, p)
		}
		in.Poll(rtt.Reordering)
	})
}
