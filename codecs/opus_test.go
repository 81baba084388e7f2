package codecs

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"
	"unsafe"

	"gopkg.in/hraban/opus.v2"
)

// rawOpus encodes with libopus itself, for the packets that our encoder does not make.
func rawOpus(t *testing.T, channels, frame int, app opus.Application, set func(*opus.Encoder) error, pcm []int16) [][]byte {
	t.Helper()
	enc, err := opus.NewEncoder(48000, channels, app)
	if err != nil {
		t.Fatal(err)
	}
	if set != nil {
		if err := set(enc); err != nil {
			t.Fatal(err)
		}
	}
	var out [][]byte
	for ; len(pcm) >= frame*channels; pcm = pcm[frame*channels:] {
		buf := make([]byte, 4000)
		n, err := enc.Encode(pcm[:frame*channels], buf)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, buf[:n])
	}

	return out
}

// ME-OPU-04 (RFC 7587, section 4.2): every frame size decodes, and the length is known beforehand.
func TestOpusFrameSizes(t *testing.T) {
	pcm := speech(t, "alice", 48000)[48000 : 2*48000]
	for _, app := range []opus.Application{opus.AppVoIP, opus.AppAudio, opus.AppRestrictedLowdelay} {
		for _, frame := range []int{120, 240, 480, 960, 1920, 2880} {
			dec := newDecoder(t, Opus)
			buf := make([]int16, frame)
			var got []int16
			for i, p := range rawOpus(t, 1, frame, app, nil, pcm) {
				if n, err := OpusPacketSamples(p); n != frame || err != nil {
					t.Fatalf("%d: length %d, %v", frame, n, err)
				}
				if n, err := dec.Decode(buf[:frame-1], p); n != 0 || !errors.Is(err, ErrShortBuffer) {
					t.Fatalf("short buffer: %d, %v", n, err)
				}
				n, err := dec.Decode(buf, p)
				if n != frame || err != nil {
					t.Fatalf("%d, packet %d: %d, %v", frame, i, n, err)
				}
				got = append(got, buf...)
			}
			if s, _ := bestSNR(pcm[:len(got)-1000], got, 700); s < 5 {
				t.Errorf("frames of %d samples: SNR %.1f dB", frame, s)
			}
		}
	}
}

// ME-OPU-04 (RFC 6716, section 3.2): several frames in one packet, up to 120 ms.
func TestOpusManyFrames(t *testing.T) {
	frames := rawOpus(t, 1, 960, opus.AppAudio, func(e *opus.Encoder) error { return e.SetBitrate(24000) }, sine(48000, 440, 8000, 48000))[:6]
	packet := []byte{frames[0][0] | 3, 0x80 | 6}
	for _, f := range frames[:5] {
		if len(f)-1 >= 252 {
			t.Fatal("frame too long for this test")
		}
		packet = append(packet, byte(len(f)-1))
	}
	for _, f := range frames {
		packet = append(packet, f[1:]...)
	}
	buf := make([]int16, MaxPacketSamples)
	if n, err := newDecoder(t, Opus).Decode(buf, packet); n != 5760 || err != nil {
		t.Fatalf("decoded %d, %v", n, err)
	}
	packet[1]++ // 140 ms
	if _, err := newDecoder(t, Opus).Decode(buf, packet); !errors.Is(err, ErrMalformed) {
		t.Errorf("140 ms: %v", err)
	}
}

// ME-OPU-05 (RFC 7587, sections 6.1 and 7.1): every bandwidth, mono and stereo, with and without FEC.
func TestOpusBandwidthsAndStereo(t *testing.T) {
	mono := speech(t, "dave", 48000)[24000 : 24000+48000]
	stereo := make([]int16, 2*len(mono))
	for i, s := range mono {
		stereo[2*i], stereo[2*i+1] = s, s
	}
	want := map[opus.Bandwidth]int{
		opus.Narrowband: 8000, opus.Mediumband: 12000, opus.Wideband: 16000, opus.SuperWideband: 24000, opus.Fullband: 48000,
	}
	for bandwidth, hz := range want {
		for _, channels := range []int{1, 2} {
			for _, fec := range []bool{false, true} {
				pcm := mono
				if channels == 2 {
					pcm = stereo
				}
				packets := rawOpus(t, channels, 960, opus.AppVoIP, func(e *opus.Encoder) error {
					return errors.Join(e.SetBitrate(64000), e.SetMaxBandwidth(bandwidth), e.SetInBandFEC(fec), e.SetPacketLossPerc(10))
				}, pcm)
				toc, err := ParseOpusTOC(packets[10])
				if err != nil || toc.Bandwidth > hz {
					t.Errorf("%d Hz: TOC %+v, %v", hz, toc, err)
				}
				if toc.Stereo != (channels == 2) {
					t.Errorf("%d channels: TOC %+v", channels, toc)
				}
				got := decodeAll(t, Opus, packets, 960, nil)
				if d := decibel(power(got), power(mono)); d < -3 || d > 1 {
					t.Errorf("%d Hz, %d channels, FEC %v: level changed by %.1f dB", hz, channels, fec, d)
				}
			}
		}
	}
}

// ME-OPU-06, ME-OPU-07 (RFC 7587, section 7.1): always mono, never wider than the receiver's maxplaybackrate.
func TestOpusEncoderKeepsLimits(t *testing.T) {
	pcm := noise(8000, 48000)
	for rate, widest := range map[int]int{0: 48000, 48000: 48000, 44100: 24000, 24000: 24000, 16000: 16000, 12000: 12000, 8000: 8000, 1000: 8000} {
		for _, p := range encodeAll(t, Format{Codec: Opus, MaxBandwidth: rate, Bitrate: 40000}, pcm) {
			toc, err := ParseOpusTOC(p)
			if err != nil || toc.Stereo || toc.Bandwidth > widest {
				t.Fatalf("maxplaybackrate %d: TOC %+v, %v", rate, toc, err)
			}
		}
	}
	for _, bitrate := range []int{16000, 24000, 32000, 64000} {
		octets := 0
		for _, p := range encodeAll(t, Format{Codec: Opus, Bitrate: bitrate}, speech(t, "alice", 48000)[:5*48000]) {
			octets += len(p)
		}
		if got := octets * 8 / 5; got > bitrate*11/10 {
			t.Errorf("bitrate %d: %d bit/s", bitrate, got)
		}
	}
}

// ME-OPU-09 (RFC 7587, section 3.3): the copy in the next packet is nearer to what was lost than concealment.
func TestOpusFEC(t *testing.T) {
	pcm := speech(t, "carol", 48000)
	packets := encodeAll(t, Format{Codec: Opus, FEC: true, LossPercent: 20}, pcm)
	plain := decodeAll(t, Opus, packets, 960, nil)
	lost := func(i int) bool { return i%5 == 4 && i+1 < len(packets) }
	concealed := decodeAll(t, Opus, packets, 960, lost)
	dec, ok := newDecoder(t, Opus).(FECDecoder)
	if !ok {
		t.Fatal("the Opus decoder is no FECDecoder")
	}
	repaired := make([]int16, 0, 960*len(packets))
	carried := 0
	for i, p := range packets {
		buf := make([]int16, 960)
		var err error
		if lost(i) {
			if OpusHasFEC(packets[i+1]) {
				carried++
			}
			_, err = dec.DecodeFEC(buf, packets[i+1])
		} else {
			_, err = dec.Decode(buf, p)
		}
		if err != nil {
			t.Fatal(err)
		}
		repaired = append(repaired, buf...)
	}
	if carried < len(packets)/20 {
		t.Errorf("only %d packets carry a copy", carried)
	}
	if a, b := snr(plain, repaired), snr(plain, concealed); a < b+3 {
		t.Errorf("SNR with FEC %.1f dB, concealed %.1f dB", a, b)
	}
	for _, n := range []int{0, 100, 961} {
		if _, err := dec.DecodeFEC(make([]int16, n), packets[0]); !errors.Is(err, ErrShortBuffer) {
			t.Errorf("DecodeFEC of %d samples: %v", n, err)
		}
	}
	if _, err := dec.DecodeFEC(make([]int16, 960), nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("DecodeFEC of nothing: %v", err)
	}
}

// The flags for voice and for redundancy are read without decoding.
func TestOpusFlags(t *testing.T) {
	pcm := slices.Concat(make([]int16, 48000), speech(t, "erin", 48000)[24000:3*48000])
	for _, frame := range []int{960, 1920, 2880} {
		packets := rawOpus(t, 1, frame, opus.AppVoIP, func(e *opus.Encoder) error { return e.SetBitrate(16000) }, pcm)
		quiet, voiced := 0, 0
		for i, p := range packets {
			voice, known := OpusVoice(p)
			if !known {
				continue
			}
			if OpusHasFEC(p) {
				t.Fatalf("%d samples, packet %d: FEC that was not asked for", frame, i)
			}
			switch begins := i * frame; {
			case begins > 10000 && begins+frame < 46000 && voice:
				quiet++
			case begins > 48000 && voice:
				voiced++
			}
		}
		if quiet > 0 || voiced < len(packets)/4 {
			t.Errorf("%d samples: voice in %d packets of silence and %d of speech", frame, quiet, voiced)
		}
	}
}

// ME-OPU-10 (RFC 7587, section 3.1.3): without DTX everything is sent, with it silence is not.
func TestOpusDTX(t *testing.T) {
	pcm := slices.Concat(speech(t, "bob", 48000)[:48000], make([]int16, 2*48000))
	for _, p := range encodeAll(t, Format{Codec: Opus}, pcm) {
		if len(p) == 0 {
			t.Fatal("a packet left out without DTX")
		}
	}
	left, packets := 0, encodeAll(t, Format{Codec: Opus, DTX: true}, pcm)
	for _, p := range packets {
		if len(p) == 0 {
			left++
		}
	}
	if left < 60 {
		t.Errorf("%d of 100 packets of silence left out", left)
	}
	got := decodeAll(t, Opus, packets, 960, nil) // an empty payload is DTX
	if len(got) != len(pcm) {
		t.Errorf("%d samples, want %d", len(got), len(pcm))
	}
	if l := Level(got[len(got)-9600:]); l < 70 {
		t.Errorf("level %d in silence", l)
	}
}

// A fork yields the same octets as the encoder it was taken from, and does not disturb it.
func TestOpusFork(t *testing.T) {
	f := Format{Codec: Opus}
	a, b, c := newEncoder(t, f), newEncoder(t, f), newEncoder(t, f)
	fork, ok := b.(Forker)
	if !ok {
		t.Fatal("the Opus encoder is no Forker")
	}
	pcm := speech(t, "alice", 48000)
	bufA, bufB, bufC := make([]byte, MaxPayload), make([]byte, MaxPayload), make([]byte, MaxPayload)
	for i := range 150 {
		frame := pcm[i*960 : (i+1)*960]
		na, errA := a.Encode(bufA, frame)
		nc, errC := c.Encode(bufC, frame)
		if err := errors.Join(errA, errC); err != nil || !bytes.Equal(bufA[:na], bufC[:nc]) {
			t.Fatalf("frame %d: the original differs from a third encoder: %v", i, err)
		}
		if i < 50 {
			continue
		}
		if i > 50 {
			if nb, err := b.Encode(bufB, frame); err != nil || !bytes.Equal(bufA[:na], bufB[:nb]) {
				t.Fatalf("frame %d: the fork differs: %v", i, err)
			}

			continue
		}
		if err := fork.CopyFrom(a); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []Encoder{newEncoder(t, Format{Codec: Opus, Bitrate: 24000}), newEncoder(t, Format{Codec: PCMU})} {
		if err := fork.CopyFrom(other); !errors.Is(err, ErrNotForkable) {
			t.Errorf("fork of another format: %v", err)
		}
	}
}

// The layout that copying of state relies on; see opus_state.go.
func TestOpusBindingLayout(t *testing.T) {
	if !opusEncoderKnown || !opusDecoderKnown {
		t.Fatal("the binding is not laid out as expected: encoders cannot be forked")
	}
	enc, err := opus.NewEncoder(48000, 1, opus.AppAudio)
	if err != nil {
		t.Fatal(err)
	}
	m := (*opusEncoderMirror)(unsafe.Pointer(enc))
	if m.channels != 1 || len(m.mem) < 10000 || m.p != unsafe.Pointer(&m.mem[0]) {
		t.Errorf("encoder: %d channels, %d octets", m.channels, len(m.mem))
	}
	dec, err := opus.NewDecoder(48000, 1)
	if err != nil {
		t.Fatal(err)
	}
	d := (*opusDecoderMirror)(unsafe.Pointer(dec))
	if d.channels != 1 || d.sampleRate != 48000 || len(d.mem) < 10000 || d.p != unsafe.Pointer(&d.mem[0]) {
		t.Errorf("decoder: %d channels, %d Hz, %d octets", d.channels, d.sampleRate, len(d.mem))
	}
}

// A decoder that was reset is as good as new.
func TestOpusDecoderReset(t *testing.T) {
	packets := encodeAll(t, Format{Codec: Opus}, speech(t, "frank", 48000)[:2*48000])
	used, fresh := newDecoder(t, Opus), newDecoder(t, Opus)
	a, b := make([]int16, 960), make([]int16, 960)
	for _, p := range packets {
		if _, err := used.Decode(a, p); err != nil {
			t.Fatal(err)
		}
	}
	used.Reset()
	for i, p := range packets {
		_, err1 := used.Decode(a, p)
		_, err2 := fresh.Decode(b, p)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		for j := range a {
			if a[j] != b[j] {
				t.Fatalf("packet %d, sample %d: %d, want %d", i, j, a[j], b[j])
			}
		}
	}
}

// A loss of any length is filled, and the capacity beyond it left alone.
func TestOpusConcealLength(t *testing.T) {
	dec := newDecoder(t, Opus)
	buf := make([]int16, MaxPacketSamples)
	for _, p := range encodeAll(t, Format{Codec: Opus}, sine(48000, 300, 8000, 9600)) {
		if _, err := dec.Decode(buf, p); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int{0, 1, 119, 120, 121, 480, 960, 1000, 2880} {
		for i := range buf {
			buf[i] = 12345
		}
		if got := dec.Conceal(buf[:n]); got != n {
			t.Errorf("concealed %d of %d", got, n)
		}
		for i, s := range buf[n:] {
			if s != 12345 {
				t.Fatalf("%d samples: wrote beyond, at %d", n, n+i)
			}
		}
	}
}

// ME-OPU-03 (RFC 6716, sections 3.1 and 3.4): the table of contents.
func TestParseOpusTOC(t *testing.T) {
	for _, tc := range []struct {
		name   string
		packet []byte
		want   OpusTOC
		err    error
	}{
		{"empty", nil, OpusTOC{}, ErrMalformed},
		{"SILK NB 10", []byte{0x00}, OpusTOC{8000, 480, 1, OpusSILK, false}, nil},
		{"SILK WB 60", []byte{11 << 3}, OpusTOC{16000, 2880, 1, OpusSILK, false}, nil},
		{"SILK WB 60 twice", []byte{11<<3 | 1}, OpusTOC{16000, 2880, 2, OpusSILK, false}, nil},
		{"hybrid SWB 10", []byte{12 << 3}, OpusTOC{24000, 480, 1, OpusHybrid, false}, nil},
		{"hybrid FB 20 stereo", []byte{15<<3 | 4}, OpusTOC{48000, 960, 1, OpusHybrid, true}, nil},
		{"CELT NB 2.5", []byte{16 << 3}, OpusTOC{8000, 120, 1, OpusCELT, false}, nil},
		{"CELT FB 20", []byte{31 << 3}, OpusTOC{48000, 960, 1, OpusCELT, false}, nil},
		{"48 of 2.5", []byte{16<<3 | 3, 48}, OpusTOC{8000, 120, 48, OpusCELT, false}, nil},
		{"49 of 2.5", []byte{16<<3 | 3, 49}, OpusTOC{}, ErrMalformed},
		{"three of 60", []byte{11<<3 | 3, 3}, OpusTOC{}, ErrMalformed},
		{"no frames", []byte{3, 0}, OpusTOC{}, ErrMalformed},
		{"no count", []byte{3}, OpusTOC{}, ErrMalformed},
	} {
		got, err := ParseOpusTOC(tc.packet)
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%s: %+v, %v; want %+v, %v", tc.name, got, err, tc.want, tc.err)
		}
	}
	if d := time.Duration(MaxPacketSamples) * time.Second / 48000; d != ms(120) {
		t.Errorf("the longest packet is %s", d)
	}
}
