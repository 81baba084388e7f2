package codecs

import (
	"math"
	"testing"
)

// Who asks for a constant bit rate gets packets of one length, whatever is said, also of an encoder that was reset or took over from
// another; the others do not.
//
// Shows ME-OPU-07.
func TestConstantBitrate(t *testing.T) {
	for _, cbr := range []bool{true, false} {
		encoder, err := NewEncoder(Format{Codec: Opus, Bitrate: 32000, CBR: cbr})
		if err != nil {
			t.Fatal(err)
		}
		second, err := NewEncoder(Format{Codec: Opus, Bitrate: 32000, CBR: cbr})
		if err != nil {
			t.Fatal(err)
		}
		sizes := map[int]int{}
		pcm, dst := make([]int16, 960), make([]byte, MaxPayload)
		for frame := range 150 {
			for i := range pcm {
				at := float64(frame*960 + i)
				pcm[i] = 0
				if frame%30 > 10 {
					pcm[i] = int16(9000 * math.Sin(at*(0.02+0.00002*at/960)) * math.Sin(at/4000))
				}
			}
			switch frame {
			case 50:
				encoder.Reset()
			case 100:
				forker, ok := second.(Forker)
				if !ok {
					t.Fatal("cannot be forked")
				}
				if err := forker.CopyFrom(encoder); err != nil {
					t.Fatal(err)
				}
				encoder = second
			}
			n, err := encoder.Encode(dst, pcm)
			if err != nil {
				t.Fatal(err)
			}
			sizes[n]++
		}
		if cbr && (len(sizes) != 1 || sizes[80] != 150) { // 32000 bit/s are 80 octets in 20 ms
			t.Errorf("constant: sizes %v", sizes)
		}
		if !cbr && len(sizes) < 5 {
			t.Errorf("variable: sizes %v", sizes)
		}
	}
}
