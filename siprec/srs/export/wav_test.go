package export

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// Where 32 bits are not enough the sizes are in the chunk ds64 (ITU-R BS.2088).
func TestLargeHeader(t *testing.T) {
	const frames = 1 << 31
	h := wavHeader(4, 48000, frames)
	if string(h[:4]) != "RF64" || string(h[8:16]) != "WAVEds64" || !bytes.HasSuffix(h, []byte("data\xff\xff\xff\xff")) {
		t.Fatalf("%q", h)
	}
	size := binary.LittleEndian.Uint64(h[28:])
	if riff := binary.LittleEndian.Uint64(h[20:]); size != frames*8 || riff != uint64(len(h)-8)+size || binary.LittleEndian.Uint64(h[36:]) != frames {
		t.Errorf("sizes %d and %d with %d octets before", riff, size, len(h))
	}
	small := wavHeader(2, 8000, 100)
	if len(small) != 44 || binary.LittleEndian.Uint32(small[4:]) != 36+400 || binary.LittleEndian.Uint32(small[40:]) != 400 {
		t.Errorf("%q", small)
	}
}
