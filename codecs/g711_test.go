package codecs

import (
	"fmt"
	"os"
	"testing"

	"github.com/zaf/g711"
)

// golden reads the 256 decoded values of a law.
func golden(t *testing.T, name string) (values [256]int16) {
	t.Helper()
	f, err := os.Open("testdata/g711/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for i := range values {
		var code, value int
		if _, err := fmt.Fscanf(f, "%x %d\n", &code, &value); err != nil || code != i {
			t.Fatalf("%s: line %d: %v", name, i+1, err)
		}
		values[i] = int16(value)
	}

	return values
}

// ME-AUD-02 (RFC 3551, section 4.5.14): all codes of both laws, the sign bit first.
func TestG711Golden(t *testing.T) {
	for _, tc := range []struct {
		codec Codec
		name  string
		odd   int // the code that does not come back: mu-law's second zero
	}{{PCMU, "mulaw", 0x7F}, {PCMA, "alaw", -1}} {
		t.Run(tc.name, func(t *testing.T) {
			want := golden(t, tc.name)
			dec, enc := newDecoder(t, tc.codec), newEncoder(t, Format{Codec: tc.codec, PacketTime: ms(20)})
			var pcm, frame [160]int16
			var back [160]byte
			for code := range 256 {
				if n, err := dec.Decode(pcm[:1], []byte{byte(code)}); n != 1 || err != nil {
					t.Fatalf("decode %02x: %d, %v", code, n, err)
				}
				if pcm[0] != want[code] {
					t.Errorf("decode %02x = %d, want %d", code, pcm[0], want[code])
				}
				frame[0] = want[code]
				if _, err := enc.Encode(back[:], frame[:]); err != nil {
					t.Fatal(err)
				}
				if code == tc.odd {
					if back[0] != 0xFF {
						t.Errorf("encode 0 = %02x, want ff", back[0])
					}
				} else if int(back[0]) != code {
					t.Errorf("encode %d = %02x, want %02x", want[code], back[0], code)
				}
			}
		})
	}
}

// The short tables yield what the functions do from which they are made, for every sample value.
func TestG711Tables(t *testing.T) {
	for v := range 1 << 16 {
		s := int16(v)
		if got, want := muLaw.encode[uint16(s)>>2], g711.EncodeUlawFrame(s); got != want {
			t.Fatalf("mu-law of %d = %02x, want %02x", s, got, want)
		}
		if got, want := aLaw.encode[uint16(s)>>3], g711.EncodeAlawFrame(s); got != want {
			t.Fatalf("A-law of %d = %02x, want %02x", s, got, want)
		}
	}
}

// ME-AUD-04 (RFC 3551, section 4.2): packets of 0 to 200 ms.
func TestG711PacketLengths(t *testing.T) {
	dst := make([]int16, MaxPacketSamples)
	for _, c := range []Codec{PCMU, PCMA, G722} {
		dec := newDecoder(t, c)
		for _, d := range []int{0, 1, 5, 10, 13, 20, 30, 60, 120, 200} {
			payload := make([]byte, 8*d)
			want := c.FrameSamples(ms(d))
			if n, err := dec.Decode(dst, payload); n != want || err != nil {
				t.Errorf("%s, %d ms: %d, %v; want %d", c, d, n, err, want)
			}
			if n, err := c.PacketSamples(payload); n != want || err != nil {
				t.Errorf("%s, %d ms: PacketSamples = %d, %v; want %d", c, d, n, err, want)
			}
		}
	}
}
