package media

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"
)

// What another implementation writes is read as it was meant, and what it refuses is refused.
func FuzzPacket(f *testing.F) {
	plain := rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: 1, SSRC: 2, CSRC: []uint32{3, 4}}, Payload: []byte("payload")}
	for i := range 4 {
		p := plain
		switch i {
		case 1:
			_ = p.SetExtension(1, []byte{0x85})
		case 2:
			p.Extension, p.ExtensionProfile = true, profileTwoByte
			_ = p.SetExtension(1, []byte{0x85})
		case 3:
			p.Padding, p.PaddingSize = true, 4
		}
		octets, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(octets, uint8(1))
	}
	f.Add([]byte{0xBF, 0, 0, 0}, uint8(0))
	f.Fuzz(func(t *testing.T, octets []byte, id uint8) {
		before := bytes.Clone(octets)
		var p packet
		if !p.parse(octets, id) {
			return
		}
		if !bytes.Equal(before, octets) {
			t.Error("the packet was changed")
		}
		var want rtp.Packet
		if err := want.Unmarshal(octets); err != nil {
			return // it looks into extensions, of which we skip what nobody has agreed on
		}
		if p.seq != want.SequenceNumber || p.timestamp != want.Timestamp || p.ssrc != want.SSRC || p.marker != want.Marker ||
			p.payloadType != want.PayloadType || int(p.csrcCount) != len(want.CSRC) {
			t.Errorf("%+v, want %+v", p, want.Header)
		}
		if !bytes.Equal(p.payload, want.Payload) {
			t.Errorf("payload % x, want % x", p.payload, want.Payload)
		}
		for i, ssrc := range want.CSRC {
			if p.csrc[i] != ssrc {
				t.Errorf("CSRC %d is %d", i, p.csrc[i])
			}
		}
	})
}

// ME-MUX-04 (RFC 5761, section 4).
func TestDemultiplexing(t *testing.T) {
	for second := range 256 {
		if got, want := isRTCP([]byte{0x80, byte(second)}), second >= 192 && second <= 223; got != want {
			t.Errorf("second octet %d: %v", second, got)
		}
	}
}
