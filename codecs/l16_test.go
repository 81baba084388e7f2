package codecs

import (
	"errors"
	"math"
	"testing"
	"time"
)

// linear are the codecs of one channel that are encoded, too.
var linear = []Codec{L16At8000, L16At16000, L16At44100, L16At48000}

// What comes out is to the bit what went in (RFC 3551, section 4.5.11: network byte order), and payloads fit a datagram.
func TestLinear(t *testing.T) {
	for _, c := range linear {
		f, err := Format{Codec: c}.Normalize()
		if err != nil {
			t.Fatal(err)
		}
		want := 20 * time.Millisecond
		if c.SampleRate() > 16000 {
			want /= 2
		}
		if f.PacketTime != want {
			t.Errorf("%d Hz: packets of %v, want %v", c.SampleRate(), f.PacketTime, want)
		}
		encoder, decoder := newEncoder(t, f), newDecoder(t, c)
		pcm := make([]int16, f.FrameSamples())
		for i := range pcm {
			pcm[i] = int16(i*37 - 9000)
		}
		pcm[0], pcm[1] = math.MinInt16, 0x1234
		payload, back := make([]byte, MaxPayload), make([]int16, MaxPacketSamples)
		n, err := encoder.Encode(payload, pcm)
		if err != nil || n != 2*len(pcm) || payload[0] != 0x80 || payload[1] != 0 || payload[2] != 0x12 || payload[3] != 0x34 {
			t.Fatalf("%d octets % x %v", n, payload[:4], err)
		}
		m, err := decoder.Decode(back, payload[:n])
		if err != nil || m != len(pcm) {
			t.Fatalf("%d samples %v", m, err)
		}
		for i, s := range pcm {
			if back[i] != s {
				t.Fatalf("%d Hz: sample %d is %d, want %d", c.SampleRate(), i, back[i], s)
			}
		}
		if _, err := decoder.Decode(back, payload[:n-1]); !errors.Is(err, ErrMalformed) {
			t.Errorf("half a sample: %v", err)
		}
		if _, err := decoder.Decode(back[:m-1], payload[:n]); !errors.Is(err, ErrShortBuffer) {
			t.Errorf("short buffer: %v", err)
		}
		if _, err := c.PacketSamples(payload[:3]); !errors.Is(err, ErrMalformed) {
			t.Errorf("half a sample: %v", err)
		}
		if f.PacketTime == FrameDuration { // as the suite has it
			suiteConceal(t, c)
			suiteFork(t, c)
			suiteReset(t, c)
		}
	}
	if _, err := (Format{Codec: L16At48000, PacketTime: 20 * time.Millisecond}).Normalize(); !errors.Is(err, ErrPacketTime) {
		t.Errorf("1920 octets in a packet: %v", err)
	}
}

// Of two channels the mean is played (RFC 3551, section 4.1: interleaved, the left one first), whatever they are.
func TestLinearStereo(t *testing.T) {
	decoder, back := newDecoder(t, L16At48000Stereo), make([]int16, 4)
	n, err := decoder.Decode(back, []byte{0x10, 0, 0x20, 0, 0x7f, 0xff, 0x7f, 0xff, 0x80, 0, 0x80, 0})
	if err != nil || n != 3 || back[0] != 0x1800 || back[1] != math.MaxInt16 || back[2] != math.MinInt16 {
		t.Errorf("%d %v %v", n, back, err)
	}
	if _, err := decoder.Decode(back, []byte{1, 2}); !errors.Is(err, ErrMalformed) {
		t.Errorf("one channel of a sample: %v", err)
	}
	if _, err := NewEncoder(Format{Codec: L16At48000Stereo}); !errors.Is(err, ErrUnknownCodec) && !errors.Is(err, ErrPacketTime) {
		t.Errorf("stereo is encoded: %v", err)
	}
}
