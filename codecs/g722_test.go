package codecs

import (
	"bytes"
	"math"
	"testing"

	"github.com/gotranspile/g722"
	"pgregory.net/rapid"
)

// On speech, tones and noise at telephone levels our coder and the reference agree bit for bit, both ways.
func TestG722Reference(t *testing.T) {
	signals := map[string][]int16{
		"silence":  make([]int16, 16000),
		"sine":     sine(16000, 1000, 8000, 32000),
		"high":     sine(16000, 6500, 8000, 32000),
		"noise":    noise(6000, 32000),
		"impulses": impulses(32000),
	}
	for _, name := range speechNames {
		signals[name] = speech(t, name, 16000)
	}
	for name, pcm := range signals {
		t.Run(name, func(t *testing.T) {
			pcm = pcm[:len(pcm)/320*320]
			payload := bytes.Join(encodeAll(t, Format{Codec: G722}, pcm), nil)
			if want := g722.Encode(pcm, g722.Rate64000, 0); !bytes.Equal(payload, want) {
				t.Fatalf("encoded differs at octet %d", firstDifference(payload, want))
			}
			got := make([]int16, 2*len(payload))
			if _, err := newDecoder(t, G722).Decode(got, payload); err != nil {
				t.Fatal(err)
			}
			compareG722(t, got, g722.Decode(payload, g722.Rate64000, 0))
		})
	}
}

func impulses(n int) []int16 {
	pcm := make([]int16, n)
	for i := 0; i < n; i += 251 {
		pcm[i] = int16(20000 - i%40000)
	}

	return pcm
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}

	return min(len(a), len(b))
}

// compareG722 holds the rule: equal, or at the limit where the reference wraps to the other sign.
func compareG722(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, got, want []int16,
) (wraps int) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d samples, want %d", len(got), len(want))
	}
	for i := range got {
		switch {
		case got[i] == want[i]:
		case got[i] == math.MaxInt16 && want[i] < 0, got[i] == math.MinInt16 && want[i] > 0:
			wraps++
		default:
			t.Fatalf("sample %d = %d, want %d", i, got[i], want[i])
		}
	}

	return wraps
}

// A sine of full scale overshoots in the filters: the reference wraps, ours must not.
func TestG722Saturates(t *testing.T) {
	pcm := sine(16000, 1000, 32767, 32000)
	payload := bytes.Join(encodeAll(t, Format{Codec: G722}, pcm), nil)
	if want := g722.Encode(pcm, g722.Rate64000, 0); !bytes.Equal(payload, want) {
		t.Fatalf("encoded differs at octet %d", firstDifference(payload, want))
	}
	got := make([]int16, 2*len(payload))
	if _, err := newDecoder(t, G722).Decode(got, payload); err != nil {
		t.Fatal(err)
	}
	if wraps := compareG722(t, got, g722.Decode(payload, g722.Rate64000, 0)); wraps == 0 {
		t.Error("the reference did not wrap: the test tests nothing")
	}
	if s, _ := bestSNR(pcm[:31000], got, 40); s < 20 {
		t.Errorf("SNR %.1f dB, want 20", s)
	}
}

// Any octets decode as by the reference, apart from its wrapping; so does the encoder for any samples.
func TestG722Property(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.SliceOfN(rapid.Byte(), 1, 400).Draw(t, "payload")
		dec := newG722Decoder()
		got := make([]int16, 2*len(payload))
		if _, err := dec.Decode(got, payload); err != nil {
			t.Fatalf("decode: %v", err)
		}
		compareG722(t, got, g722.Decode(payload, g722.Rate64000, 0))

		pcm := rapid.SliceOfN(rapid.Int16(), 320, 320).Draw(t, "pcm")
		enc, octets := newG722Encoder(320), make([]byte, 160)
		if _, err := enc.Encode(octets, pcm); err != nil {
			t.Fatalf("encode: %v", err)
		}
		if want := g722.Encode(pcm, g722.Rate64000, 0); !bytes.Equal(octets, want) {
			t.Fatalf("encoded differs at octet %d", firstDifference(octets, want))
		}
	})
}
