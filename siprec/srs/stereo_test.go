package srs

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// Uncompressed streams of every kind, with the payload types 10 and 11 and others, are in their files as they came: the two channels apart, at
// their own rates, in WAV also where the rest is Opus. They are in line with each other.
func TestLinear(t *testing.T) {
	t.Parallel()
	log := newLog()
	server := startServer(t, Config{Format: FormatOpus, Hooks: log.hooks()})
	c := newClient(t, server)
	voices := []*voice{
		newVoice(t, "1", codecs.L16At44100, 400), newVoice(t, "2", codecs.L16At44100Stereo, 500), newVoice(t, "3", codecs.L16At16000, 600),
		newVoice(t, "4", codecs.L16At48000Stereo, 700), newVoice(t, "5", codecs.L16At8000, 800),
	}
	response, err := c.invite(c.call("udp", "application/sdp", c.describe(voices...)))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range voices {
		v.use(c.accept(response.Body).Streams[i])
	}
	if voices[0].pt != 11 || voices[1].pt != 10 || voices[3].pt < 96 {
		t.Errorf("payload types %d %d %d", voices[0].pt, voices[1].pt, voices[3].pt)
	}
	c.stream(0, 110, true, voices...)
	if err := c.dialog.Bye(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := log.wait(t)
	for i, want := range []struct {
		codec, extension string
		rate, channels   int
	}{
		{"L16/44100", ".wav", 44100, 1}, {"L16/44100/2", ".wav", 44100, 2}, {"L16/16000", ".opus", 48000, 1}, {"L16/48000/2", ".wav", 48000, 2}, {"L16/8000", ".opus", 48000, 1},
	} {
		s := r.Streams[i]
		if s.Codec != want.codec || filepath.Ext(s.File) != want.extension || s.SampleRate != want.rate || s.Channels != want.channels || s.Lost > 0 {
			t.Errorf("%+v, want %+v", s, want)

			continue
		}
		name := filepath.Join(r.Directory, s.File)
		pcm := readAudio(t, name)
		if len(pcm) != int(s.Samples)*s.Channels {
			t.Errorf("%s: %d samples, want %d in %d channels", s.File, len(pcm), s.Samples, s.Channels)
		}
		left := pcm
		if want.channels == 2 {
			left = apart(t, s.File, pcm)
			if data, err := os.ReadFile(name); err != nil || binary.LittleEndian.Uint16(data[22:]) != 2 || binary.LittleEndian.Uint16(data[32:]) != 4 {
				t.Errorf("%s: header % x %v", s.File, data[:wavHeader], err)
			}
			if mean := loudest(mixedDown(t, name)); mean > 1 {
				t.Errorf("%s: the mean of both channels has %d", s.File, mean)
			}
		}
		// Loud from 0.2 s to 0.3 s of each half second of the client, which began just before the recording or just after.
		if top := loudest(left); top < 11000 || top > 13000 && want.extension == ".wav" { // an encoder may overshoot
			t.Errorf("%s: loudest sample %d", s.File, top)
		}
	}
}

// apart returns the left channel of a voice, whose right one has to be it upside down.
func apart(t *testing.T, name string, pcm []int16) []int16 {
	t.Helper()
	left := make([]int16, 0, len(pcm)/2)
	for i := 0; i+1 < len(pcm); i += 2 {
		if pcm[i] != -pcm[i+1] {
			t.Fatalf("%s: sample %d is %d and %d", name, i/2, pcm[i], pcm[i+1])
		}
		left = append(left, pcm[i])
	}

	return left
}

func loudest(pcm []int16) int16 {
	top := int16(0)
	for _, s := range pcm {
		top = max(top, s)
	}

	return top
}

func mixedDown(t *testing.T, name string) []int16 {
	t.Helper()
	audio, err := OpenAudio(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = audio.Close() }()
	pcm := make([]int16, 200_000)
	n, _ := audio.Read(pcm)
	if n == 0 {
		t.Errorf("%s: nothing is read", name)
	}

	return pcm[:n]
}

// A lost packet is made up in each channel by itself, and what comes then is at its place.
func TestLossOfStereo(t *testing.T) {
	b := newBench(t, codecs.L16At8000Stereo, clocks{})
	send := func(n int) {
		var payload []byte
		for range 160 {
			payload = binary.BigEndian.AppendUint16(payload, uint16(1000+n))
			payload = binary.BigEndian.AppendUint16(payload, uint16(int16(-3000-n)))
		}
		if err := b.rx.packet(rtpPacket(uint16(n), uint32(n*160), 1, payload), b.from, time.Duration(n)*frame+time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 30 {
		if n != 17 {
			send(n)
		}
	}
	if err := b.rx.packet(rtpPacket(30, 30*160, 1, []byte{1, 2}), b.from, 601*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	pcm := b.finish(time.Second)
	if b.rx.report.Lost != 1 || b.rx.report.ConcealedMS != 20 || b.rx.report.Discarded != 1 {
		t.Errorf("%+v", b.rx.report)
	}
	first := int(b.rx.first)
	for _, n := range []int{0, 5, 16, 18, 29} {
		at := 2 * (first + n*160 + 100)
		if pcm[at] != int16(1000+n) || pcm[at+1] != int16(-3000-n) {
			t.Errorf("packet %d: %d and %d", n, pcm[at], pcm[at+1])
		}
	}
	if at := 2 * (first + 17*160 + 20); pcm[at] < 500 || pcm[at+1] > -1500 {
		t.Errorf("made up: %d and %d", pcm[at], pcm[at+1])
	}
}
