package focus_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
)

// hiss is what a phone says that is unlike itself everywhere, and what a decoder of G.711 makes of it at a rate.
func hiss(t *testing.T, d time.Duration, rate int) (said, heard []int16) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 9))
	said = make([]int16, codecs.PCMU.FrameSamples(d))
	for i := range said {
		said[i] = int16(r.IntN(6001) - 3000)
	}
	decoder, err := codecs.NewDecoder(codecs.PCMU)
	must(t, err)
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.PCMU})
	must(t, err)
	change, err := codecs.NewResampler(codecs.PCMU.SampleRate(), rate)
	must(t, err)
	frame, payload, out := make([]int16, 160), make([]byte, 160), make([]int16, codecs.MaxFrameSamples)
	for at := 0; at+160 <= len(said); at += 160 {
		n, err := encoder.Encode(payload, said[at:at+160])
		must(t, err)
		_, err = decoder.Decode(frame, payload[:n])
		must(t, err)
		heard = append(heard, out[:change.Process(out, frame)]...)
	}
	return said, heard
}

// longestRun is the longest run of samples of what was recorded that is in what was heard, beginning with a frame that is told from all others.
func longestRun(recorded []float64, heard []int16, rate int) int {
	longest := 0
	for at := rate / 5; at+rate/50 < len(heard); at += rate / 5 {
		key := heard[at : at+rate/50]
		for i := 0; i+len(key) <= len(recorded); i++ {
			n := 0
			for at+n < len(heard) && i+n < len(recorded) && recorded[i+n] == float64(heard[at+n])/32768 {
				n++
			}
			if n >= len(key) {
				longest = max(longest, n)
				break
			}
		}
	}
	return longest
}

// TestRecordedInL16: a recorder that takes L16 is sent the samples of a decoder of G.711 one by one, at each rate, in packets that fit into 1200 octets,
// with timestamps and sequence numbers without a gap.
func TestRecordedInL16(t *testing.T) {
	for codec, ptime := range map[codecs.Codec]time.Duration{
		codecs.L16At8000: 20 * time.Millisecond, codecs.L16At16000: 20 * time.Millisecond,
		codecs.L16At44100: 10 * time.Millisecond, codecs.L16At48000: 10 * time.Millisecond,
	} {
		runVirtual(t, strconv.Itoa(codec.SampleRate()), func(t *testing.T) {
			t.Helper()
			srs := newRecordingServer(t)
			srs.set(func(s *recordingServer) { s.codecs = []codecs.Codec{codec, codecs.PCMA} })
			b := recordingBench(t, srs, func(c *focus.Config) {
				c.Recorders[0].Codecs = []codecs.Codec{codec, codecs.PCMA}
				c.Defaults.Recording = conference.RecordingConfig{
					Policy: conference.Always, Modes: conference.Separate | conference.Mixed, Servers: []string{"srs"},
				}
			})
			rate, octets := codec.SampleRate(), 2*codec.FrameSamples(ptime)
			said, heard := hiss(t, 20*time.Second, rate)
			alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			alice.Say(said)
			for _, label := range []string{"1", "2"} { // the mixed one, and hers
				wanted := rate // samples, when it is looked next
				b.await("stream "+label, func() bool {
					h := srs.stream(label)
					if len(h.pcm) < wanted {
						return false
					}
					wanted += rate
					return longestRun(h.pcm, heard, rate) >= 3*rate/10
				})
			}
			for _, label := range []string{"1", "2"} {
				h := srs.stream(label)
				if h.largest != octets {
					t.Errorf("stream %s has packets of %d octets, want %d", label, h.largest, octets)
				}
				step := uint32(octets / 2)
				for i := 1; i < len(h.stamps); i++ {
					gap := h.stamps[i] - h.stamps[i-1]
					if h.numbers[i] != h.numbers[i-1]+1 || gap != step {
						t.Fatalf("stream %s, packet %d: number %d after %d, %d units", label, i, h.numbers[i], h.numbers[i-1], gap)
					}
				}
			}
			if m := srs.kept().offers[0].Media[0]; m.PacketTime != ptime || m.PayloadTypes[0].ClockRate != rate || m.PayloadTypes[0].Name != "L16" {
				t.Errorf("offered %+v with ptime %v", m.PayloadTypes[0], m.PacketTime)
			}
			recordings, err := b.focus.Recordings(t.Context(), "room")
			must(t, err)
			if got, want := recordings[0].Streams[0].Codec, fmt.Sprintf("l16/%d", rate); got != want {
				t.Errorf("stream is %s, want %s", got, want)
			}
		})
	}
}

// TestPhonesOfL16: phones of L16, at the rate of a compact disc with its own number (RFC 3551, section 6) and at others, hear and are heard, in
// packets of a length that fits; without events their keys are heard in the sound.
func TestPhonesOfL16(t *testing.T) {
	linear := []codecs.Codec{codecs.L16At44100, codecs.L16At48000, codecs.L16At16000, codecs.L16At8000}
	b := newBench(t, focus.Config{Dynamic: true, Codecs: append(slices.Clone(linear), codecs.PCMU)})
	phones := map[codecs.Codec]*phone{}
	for i, codec := range append(slices.Clone(linear), codecs.PCMU) {
		ptime := 20 * time.Millisecond
		if codec.SampleRate() > 16000 {
			ptime = 10 * time.Millisecond
		}
		name := fmt.Sprintf("p%d", i)
		p := b.dial("room", conftest.PhoneConfig{Name: name, Codec: codec, PacketTime: ptime, NoEvents: codec == codecs.L16At44100})
		p.hum(500+300*float64(i), 20*time.Second)
		phones[codec] = p
		if m := p.Remote().Media[0]; m.PacketTime != ptime || len(m.PayloadTypes) == 0 || m.PayloadTypes[0].ClockRate != codec.ClockRate() {
			t.Errorf("%v/%d is answered with %+v, ptime %v", codec, codec.ClockRate(), m.PayloadTypes, m.PacketTime)
		}
		if got, want := b.find("room", name).Session.Codec, fmt.Sprintf("%s/%d", strings.ToLower(codec.String()), codec.ClockRate()); got != want {
			t.Errorf("%s talks %s, want %s", name, got, want)
		}
	}
	if number := phones[codecs.L16At44100].Remote().Media[0].PayloadTypes[0].Number; number != 11 {
		t.Errorf("L16 of one channel at 44.1 kHz is number %d, want 11", number)
	}
	for i := range len(linear) + 1 {
		for codec, p := range phones {
			if own := codec == append(slices.Clone(linear), codecs.PCMU)[i]; !own {
				b.await(fmt.Sprintf("%v/%d to hear %d", codec, codec.SampleRate(), i), func() bool { return p.hearsNow(500+300*float64(i)) > loud })
			}
		}
	}
	for i, codec := range append(slices.Clone(linear), codecs.PCMU) {
		if level := phones[codec].hearsNow(500 + 300*float64(i)); level > quiet {
			t.Errorf("%v/%d hears itself at %.0f dB", codec, codec.SampleRate(), level)
		}
	}
}
