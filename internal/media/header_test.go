package media

import (
	"encoding/binary"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

// ME-MIX-03 (RFC 3550, section 7.1): what the mixer itself contributes is listed under its own SSRC.
func TestOwnContributionHasOwnSSRC(t *testing.T) {
	o := sender{ssrc: 0xABCD}
	buf := make([]byte, scratchSize)
	n := o.header(buf, &agreement{}, &codecs.Packet{CSRC: []uint32{7, 0}}, 0, 0)
	if n != headerSize+8 || buf[0]&0x0F != 2 {
		t.Fatalf("header of %d octets with %d contributors, want 20 with 2", n, buf[0]&0x0F)
	}
	if first, second := binary.BigEndian.Uint32(buf[headerSize:]), binary.BigEndian.Uint32(buf[headerSize+4:]); first != 7 || second != 0xABCD {
		t.Errorf("contributors %x and %x, want 7 and abcd", first, second)
	}
}
