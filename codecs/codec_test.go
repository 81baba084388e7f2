package codecs

import (
	"errors"
	"testing"
	"time"
)

// ME-AUD-01, ME-AUD-11 (RFC 3551, sections 6 and 4.5.2), ME-OPU-01, ME-OPU-02 (RFC 7587, sections 7 and 4.1).
func TestCodecFacts(t *testing.T) {
	for _, tc := range []struct {
		codec                         Codec
		name                          string
		rate, clock, channels, static int
	}{
		{None, "none", 0, 0, 0, -1},
		{PCMU, "PCMU", 8000, 8000, 1, 0},
		{PCMA, "PCMA", 8000, 8000, 1, 8},
		{G722, "G722", 16000, 8000, 1, 9},
		{Opus, "opus", 48000, 48000, 2, -1},
		{L16At8000, "L16", 8000, 8000, 1, -1},
		{L16At16000, "L16", 16000, 16000, 1, -1},
		{L16At44100, "L16", 44100, 44100, 1, 11},
		{L16At48000, "L16", 48000, 48000, 1, -1},
		{L16At8000Stereo, "L16", 8000, 8000, 2, -1},
		{L16At44100Stereo, "L16", 44100, 44100, 2, 10},
		{L16At48000Stereo, "L16", 48000, 48000, 2, -1},
		{Codec(99), "none", 0, 0, 0, -1},
	} {
		c := tc.codec
		static := -1
		if pt, ok := c.StaticPayloadType(); ok {
			static = int(pt)
		}
		if c.String() != tc.name || c.SampleRate() != tc.rate || c.ClockRate() != tc.clock || c.Channels() != tc.channels || static != tc.static {
			t.Errorf("%s: %d %d %d %d", c, c.SampleRate(), c.ClockRate(), c.Channels(), static)
		}
		if c.Valid() != (tc.rate != 0) {
			t.Errorf("%s: valid %v", c, c.Valid())
		}
		if got, ok := ParseCodecChannels(tc.name, tc.clock, tc.channels); ok != c.Valid() || ok && got != c {
			t.Errorf("%s: parsed as %s, %v", c, got, ok)
		}
		if got, ok := ParseCodec(tc.name, tc.clock); ok != c.Valid() || ok && got != c && (!c.Linear() || got.Channels() != 1) {
			t.Errorf("%s: parsed as %s, %v", c, got, ok)
		}
		if tc.static >= 0 {
			if got, ok := CodecOfStaticPayloadType(uint8(tc.static)); got != c || !ok {
				t.Errorf("payload type %d: %s, %v", tc.static, got, ok)
			}
		}
		if want := tc.clock / 50; c.TimestampUnits(FrameDuration) != want {
			t.Errorf("%s: %d units in 20 ms, want %d", c, c.TimestampUnits(FrameDuration), want)
		}
		if want := tc.rate / 50; c.FrameSamples(FrameDuration) != want {
			t.Errorf("%s: %d samples in 20 ms, want %d", c, c.FrameSamples(FrameDuration), want)
		}
		if c.Valid() && (c.SamplesToUnits(tc.rate) != tc.clock || c.UnitsToSamples(tc.clock) != tc.rate) {
			t.Errorf("%s: a second of samples is %d units", c, c.SamplesToUnits(tc.rate))
		}
		if n, err := c.PacketSamples(nil); n != 0 || (err == nil) != c.Valid() {
			t.Errorf("%s: an empty payload has %d samples, %v", c, n, err)
		}
	}
	for name, want := range map[string]Codec{"OPUS": Opus, "Opus": Opus} {
		if c, ok := ParseCodec(name, 48000); c != want || !ok {
			t.Errorf("%s: %s, %v", name, c, ok)
		}
	}
	if _, ok := ParseCodec("PCMU", 16000); ok {
		t.Error("PCMU at 16 kHz is known")
	}
	if _, ok := CodecOfStaticPayloadType(13); ok {
		t.Error("comfort noise is a codec")
	}
}

// ME-AUD-03 (RFC 3551, section 4.2): 10 to 60 ms; Opus has no frames of 30 and 50 ms (RFC 6716, section 2.1.4).
func TestPacketTimes(t *testing.T) {
	for _, c := range every {
		for _, d := range []time.Duration{ms(5), ms(10), ms(15), ms(20), ms(30), ms(40), ms(50), ms(60), ms(70), -1} {
			enc, err := NewEncoder(Format{Codec: c, PacketTime: d})
			odd := d == ms(30) || d == ms(50)
			ok := d >= ms(10) && d <= ms(60) && d%ms(10) == 0 && (c != Opus || !odd)
			if (err == nil) != ok || !ok && !errors.Is(err, ErrPacketTime) {
				t.Errorf("%s, %s: %v", c, d, err)
			}
			if !ok {
				continue
			}
			pcm := make([]int16, c.FrameSamples(d))
			buf := make([]byte, MaxPayload)
			n, err := enc.Encode(buf, pcm)
			if err != nil || n == 0 {
				t.Errorf("%s, %s: encoded %d, %v", c, d, n, err)
			}
			if got, err := c.PacketSamples(buf[:n]); got != len(pcm) || err != nil {
				t.Errorf("%s, %s: packet of %d samples, %v", c, d, got, err)
			}
			if _, err := enc.Encode(buf, pcm[1:]); !errors.Is(err, ErrFrameSize) {
				t.Errorf("%s, %s: a sample too few: %v", c, d, err)
			}
			if _, err := enc.Encode(buf[:10], pcm); !errors.Is(err, ErrShortBuffer) {
				t.Errorf("%s, %s: short buffer: %v", c, d, err)
			}
		}
	}
}

// Formats that encode to the same octets are equal once normalised.
func TestNormalize(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   Format
		want Format
		err  error
	}{
		{"none", Format{}, Format{}, ErrUnknownCodec},
		{"unknown", Format{Codec: 99}, Format{}, ErrUnknownCodec},
		{"PCMU", Format{Codec: PCMU}, Format{Codec: PCMU, PacketTime: ms(20)}, nil},
		{"what PCMA ignores", Format{Codec: PCMA, Bitrate: 1, Complexity: 99, FEC: true, LossPercent: 200, DTX: true, MaxBandwidth: -1}, Format{Codec: PCMA, PacketTime: ms(20)}, nil},
		{"Opus", Format{Codec: Opus}, Format{Codec: Opus, PacketTime: ms(20), Bitrate: 32000, Complexity: 5}, nil},
		{"Opus with FEC", Format{Codec: Opus, FEC: true, Complexity: LowestComplexity}, Format{Codec: Opus, PacketTime: ms(20), Bitrate: 32000, Complexity: -1, FEC: true, LossPercent: 10}, nil},
		{"unlimited", Format{Codec: Opus, MaxBandwidth: 48000}, Format{Codec: Opus, PacketTime: ms(20), Bitrate: 32000, Complexity: 5}, nil},
		{"bitrate too low", Format{Codec: Opus, Bitrate: 5999}, Format{}, ErrFormat},
		{"bitrate too high", Format{Codec: Opus, Bitrate: 510001}, Format{}, ErrFormat},
		{"complexity", Format{Codec: Opus, Complexity: 11}, Format{}, ErrFormat},
		{"less than the lowest", Format{Codec: Opus, Complexity: -2}, Format{}, ErrFormat},
		{"loss", Format{Codec: Opus, LossPercent: 101}, Format{}, ErrFormat},
		{"bandwidth", Format{Codec: Opus, MaxBandwidth: -1}, Format{}, ErrFormat},
		{"packet time", Format{Codec: Opus, PacketTime: ms(30)}, Format{}, ErrPacketTime},
	} {
		got, err := tc.in.Normalize()
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%s: %+v, %v; want %+v, %v", tc.name, got, err, tc.want, tc.err)
		}
		if again, _ := got.Normalize(); again != got {
			t.Errorf("%s: normalised twice: %+v", tc.name, again)
		}
		if _, err := NewEncoder(tc.in); !errors.Is(err, tc.err) {
			t.Errorf("%s: NewEncoder: %v", tc.name, err)
		}
	}
	f, _ := Format{Codec: G722, PacketTime: ms(30)}.Normalize()
	if f.FrameSamples() != 480 || f.TimestampStep() != 240 {
		t.Errorf("30 ms of G722: %d samples, %d units", f.FrameSamples(), f.TimestampStep())
	}
}

func TestUnknownDecoder(t *testing.T) {
	for _, c := range []Codec{None, Codec(77)} {
		if _, err := NewDecoder(c); !errors.Is(err, ErrUnknownCodec) {
			t.Errorf("%d: %v", c, err)
		}
	}
	if f := Concealed | Silent; !f.Has(Silent) || f.Has(ComfortNoise) || f.Has(Silent|ComfortNoise) {
		t.Error("flags")
	}
}
