package sound

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/parley-sip/parley/codecs"
)

const (
	testSkip    = 312
	testSamples = 48000*3/10 + 77 // no whole number of frames
	testHz      = 700
)

// packets encode a tone, and give a file's packets.
func packets(t *testing.T, gain int16) [][]byte {
	t.Helper()
	head := binary.LittleEndian.AppendUint16([]byte("OpusHead\x01\x01"), testSkip)
	head = binary.LittleEndian.AppendUint32(head, 48000)
	head = append(binary.LittleEndian.AppendUint16(head, uint16(gain)), 0)
	list := [][]byte{head, []byte("OpusTags\x04\x00\x00\x00test\x00\x00\x00\x00")}
	enc, err := codecs.NewEncoder(codecs.Format{Codec: codecs.Opus, Bitrate: 64000})
	if err != nil {
		t.Fatal(err)
	}
	frame, payload := make([]int16, 960), make([]byte, codecs.MaxPayload)
	for at := 0; at < testSkip+testSamples; at += len(frame) {
		for i := range frame {
			frame[i] = int16(8000 * math.Sin(2*math.Pi*testHz*float64(at+i)/48000))
		}
		n, err := enc.Encode(payload, frame)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, slices.Clone(payload[:n]))
	}
	return list
}

// pages put packets into pages of at most so many segments, so that packets go on over pages.
func pages(list [][]byte, most int) [][]byte {
	type segment struct {
		data        []byte
		first, last bool // of a packet
		packet      int
	}
	var segments []segment
	for k, packet := range list {
		for at := 0; ; at += fullSegment {
			n := min(fullSegment, len(packet)-at)
			segments = append(segments, segment{packet[at : at+n], at == 0, n < fullSegment, k})
			if n < fullSegment {
				break
			}
		}
	}
	var out [][]byte
	for len(segments) > 0 {
		n := min(most, len(segments))
		if len(out) < 2 { // the headers have pages of their own
			n = 1
		}
		taken := segments[:n]
		segments = segments[n:]
		p := append([]byte("OggS\x00"), 0)
		granule := int64(noGranule)
		for _, s := range taken {
			if s.last {
				granule = int64(max(0, s.packet-1) * 960)
			}
		}
		if len(out) == 0 {
			p[5] |= flagFirst
			granule = 0
		}
		if !taken[0].first {
			p[5] |= flagContinued
		}
		if len(segments) == 0 {
			p[5] |= flagLast
			granule = testSkip + testSamples
		}
		p = binary.LittleEndian.AppendUint64(p, uint64(granule))
		p = binary.LittleEndian.AppendUint32(p, 7)
		p = binary.LittleEndian.AppendUint32(p, uint32(len(out)))
		p = append(p, 0, 0, 0, 0, byte(n))
		for _, s := range taken {
			p = append(p, byte(len(s.data)))
		}
		for _, s := range taken {
			p = append(p, s.data...)
		}
		binary.LittleEndian.PutUint32(p[22:], checksum(p))
		out = append(out, p)
	}
	return out
}

// level is that of a frequency, in dB below full scale.
func level(pcm []int16, hz float64) float64 {
	var re, im float64
	for i, v := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / 48000)
		re, im = re+float64(v)*cos, im+float64(v)*sin
	}
	return 20 * math.Log10(2*math.Hypot(re, im)/float64(len(pcm))/32768)
}

// However packets lie in pages, the sound has the length that the last page says, and the level that the header asks for.
func TestOggOpus(t *testing.T) {
	for name, test := range map[string]struct {
		segments int
		gain     int16
		want     float64
	}{
		"a segment a page": {1, 0, -12.2}, "several": {3, 0, -12.2}, "all": {255, 0, -12.2}, "quieter": {255, -6 * 256, -18.2},
	} {
		t.Run(name, func(t *testing.T) {
			pcm, rate, err := Decode(slices.Concat(pages(packets(t, test.gain), test.segments)...))
			if err != nil || rate != 48000 || len(pcm) != testSamples {
				t.Fatalf("%d samples at %d Hz, %v; want %d", len(pcm), rate, err, testSamples)
			}
			if got := level(pcm[4800:9600], testHz); math.Abs(got-test.want) > 0.5 {
				t.Errorf("%.1f dB, want %.1f", got, test.want)
			}
		})
	}
}

// Other bitstreams beside the first are passed over.
func TestOggMultiplexed(t *testing.T) {
	mine := pages(packets(t, 0), 4)
	foreign := slices.Clone(mine[0])
	binary.LittleEndian.PutUint32(foreign[14:], 99)
	binary.LittleEndian.PutUint32(foreign[22:], checksum(foreign))
	pcm, _, err := Decode(slices.Concat(slices.Insert(mine, 1, foreign)...))
	if err != nil || len(pcm) != testSamples {
		t.Errorf("%d samples, %v", len(pcm), err)
	}
}

func TestRefused(t *testing.T) {
	good := func() [][]byte { return pages(packets(t, 0), 4) }
	seal := func(p []byte) []byte {
		binary.LittleEndian.PutUint32(p[22:], checksum(p))
		return p
	}
	for name, spoil := range map[string]func([][]byte) [][]byte{
		"a bit is wrong":     func(p [][]byte) [][]byte { p[3][40] ^= 1; return p },
		"a page is missing":  func(p [][]byte) [][]byte { return slices.Delete(p, 3, 4) },
		"cut off":            func(p [][]byte) [][]byte { p[3] = p[3][:20]; return p[:4] },
		"cut in the body":    func(p [][]byte) [][]byte { p[3] = p[3][:60]; return p[:4] },
		"not from the first": func(p [][]byte) [][]byte { return p[1:] },
		"not Opus":           func(p [][]byte) [][]byte { p[0][28] = 'X'; seal(p[0]); return p },
		"version 16":         func(p [][]byte) [][]byte { p[0][28+8] = 16; seal(p[0]); return p },
		"surround":           func(p [][]byte) [][]byte { p[0][28+18] = 1; seal(p[0]); return p },
		"no tags":            func(p [][]byte) [][]byte { p[1][28] = 'X'; seal(p[1]); return p },
		"only headers":       func(p [][]byte) [][]byte { return p[:2] },
		"WAV without data":   func([][]byte) [][]byte { return [][]byte{[]byte("RIFF\x00\x00\x00\x00WAVEfmt ")} },
		"nothing":            func([][]byte) [][]byte { return nil },
	} {
		if pcm, _, err := Decode(slices.Concat(spoil(good())...)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %d samples, %v", name, len(pcm), err)
		}
	}
}

// FuzzDecode: whatever is given to be played is refused or has samples at a rate that the mixer takes.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data\x04\x00\x00\x00\x01\x02\x03\x04"))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEdata\xff\xff\xff\xff"))
	f.Add([]byte("OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		pcm, rate, err := Decode(data)
		if err == nil && (len(pcm) == 0 || rate != 8000 && rate != 16000 && rate != 48000) {
			t.Errorf("%d samples at %d Hz", len(pcm), rate)
		}
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("error %v", err)
		}
	})
}
