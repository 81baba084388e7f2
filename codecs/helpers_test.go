package codecs

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// speechNames are the files of testdata/speech.
var speechNames = []string{"alice", "bob", "carol", "dave", "erin", "frank"}

// every is the codecs that exist.
var every = []Codec{PCMU, PCMA, G722, Opus}

// speech returns one of the recordings at a rate.
func speech(tb testing.TB, name string, rate int) []int16 {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "speech", name+".wav"))
	if err != nil {
		tb.Fatal(err)
	}
	from := int(binary.LittleEndian.Uint32(data[24:28]))
	pcm := make([]int16, (len(data)-44)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(data[44+2*i:]))
	}
	r, err := NewResampler(from, rate)
	if err != nil {
		tb.Fatal(err)
	}
	out := make([]int16, r.OutputSamples(len(pcm)))
	r.Process(out, pcm)

	return out
}

// sine returns a sine whose peaks reach the amplitude.
func sine(rate int, hz, amplitude float64, n int) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}

	return out
}

// noise returns white noise with a uniform distribution, always the same.
func noise(amplitude float64, n int) []int16 {
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(amplitude * (2*rng.Float64() - 1))
	}

	return out
}

// power returns the mean square.
func power(pcm []int16) float64 {
	return float64(sumSquares(pcm)) / float64(max(1, len(pcm)))
}

// decibel returns a ratio of powers in dB.
func decibel(a, b float64) float64 { return 10 * math.Log10((a+1e-9)/(b+1e-9)) }

// snr returns the ratio of the signal to the difference in dB.
func snr(signal, other []int16) float64 {
	n := min(len(signal), len(other))
	var s, d float64
	for i := range n {
		diff := float64(signal[i]) - float64(other[i])
		s += float64(signal[i]) * float64(signal[i])
		d += diff * diff
	}

	return decibel(s, d)
}

// bestSNR returns the snr at the best delay of other up to the given number of samples, and that delay. The delay is looked for
// in half a second from the middle.
func bestSNR(signal, other []int16, maxDelay int) (best float64, delay int) {
	n := min(len(signal), len(other))
	from, to := n/2, min(n/2+24000, n-maxDelay)
	best = math.Inf(-1)
	for d := range maxDelay + 1 {
		if s := snr(signal[from:to], other[from+d:]); s > best {
			best, delay = s, d
		}
	}

	return snr(signal, other[delay:]), delay
}

// encodeAll encodes as many frames as the audio holds, each into a payload of its own.
func encodeAll(tb testing.TB, f Format, pcm []int16) [][]byte {
	tb.Helper()
	f, err := f.Normalize()
	if err != nil {
		tb.Fatal(err)
	}
	enc, err := NewEncoder(f)
	if err != nil {
		tb.Fatal(err)
	}
	frame := f.FrameSamples()
	buf := make([]byte, MaxPayload)
	var payloads [][]byte
	for ; len(pcm) >= frame; pcm = pcm[frame:] {
		n, err := enc.Encode(buf, pcm[:frame])
		if err != nil {
			tb.Fatal(err)
		}
		payloads = append(payloads, append([]byte(nil), buf[:n]...))
	}

	return payloads
}

// decodeAll decodes payloads; where lost says so, it conceals a frame of the given length instead.
func decodeAll(tb testing.TB, c Codec, payloads [][]byte, frame int, lost func(i int) bool) []int16 {
	tb.Helper()
	dec := newDecoder(tb, c)
	buf := make([]int16, MaxPacketSamples)
	var out []int16
	for i, p := range payloads {
		if lost != nil && lost(i) {
			out = append(out, buf[:dec.Conceal(buf[:frame])]...)

			continue
		}
		n, err := dec.Decode(buf, p)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, buf[:n]...)
	}

	return out
}

func newDecoder(tb testing.TB, c Codec) Decoder {
	tb.Helper()
	dec, err := NewDecoder(c)
	if err != nil {
		tb.Fatal(err)
	}

	return dec
}

func newEncoder(tb testing.TB, f Format) Encoder {
	tb.Helper()
	enc, err := NewEncoder(f)
	if err != nil {
		tb.Fatal(err)
	}

	return enc
}

func newResampler(tb testing.TB, from, to int) *Resampler {
	tb.Helper()
	r, err := NewResampler(from, to)
	if err != nil {
		tb.Fatal(err)
	}

	return r
}

// ms is a short way to write durations in tables.
func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }
