package mixer

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

func (b *bench) encoded(c codecs.Codec) uint64 { return b.w.encoded[c].Load() }

// ME-MIX-20: one encoding for all listeners, and one more for each who speaks.
func TestListenersShareOneEncoding(t *testing.T) {
	for _, codec := range []codecs.Codec{codecs.PCMU, codecs.PCMA, codecs.G722, codecs.Opus} {
		b := newBench(t, MixConfig{})
		members := []Member{party(0, tone(8000, 440, 5000), &fakeOutput{}, codec)}
		for i := 1; i < 100; i++ {
			members = append(members, party(MemberID(i), quiet(8000), &fakeOutput{}, codec))
		}
		b.apply(members...)
		b.step()
		before := b.encoded(codec)
		for range 10 {
			b.step()
		}
		want := uint64(10) // the talker hears silence, which is not encoded
		if codec == codecs.Opus {
			want = 11 // or soon is not any more
		}
		if codec == codecs.G722 {
			want = 20
		}
		if n := b.encoded(codec) - before; n != want {
			t.Errorf("%v: %d encodings in 10 ticks for 99 listeners and a talker, want %d", codec, n, want)
		}
		for _, m := range members {
			out, ok := m.Out.(*fakeOutput)
			if !ok || len(out.packets) != 11 {
				t.Fatalf("%v: member %d got %d packets in 11 ticks", codec, m.ID, len(out.packets))
			}
		}
	}
}

// Different gains, formats and sets are not shared; the same set by other words is.
func TestWhatIsShared(t *testing.T) {
	b := newBench(t, MixConfig{})
	tap := func(id MemberID, f codecs.Format, h Hearing, gain float64) Member {
		return Member{ID: id, Out: &fakeOutput{}, Format: f, Hears: h, OutGainDB: gain}
	}
	pcmu := format(codecs.PCMU)
	b.apply(
		Member{ID: 1, In: tone(8000, 440, 5000), Speaks: true},
		Member{ID: 2, In: tone(8000, 540, 5000), Speaks: true},
		Member{ID: 3, In: tone(8000, 640, 5000), Speaks: true, Audience: []MemberID{14}},
		tap(10, pcmu, everyone(), 0),
		tap(11, codecs.Format{Codec: codecs.PCMU, PacketTime: 20 * time.Millisecond}, everyone(), 0),
		tap(12, pcmu, Hearing{Mode: Only, Only: []MemberID{2, 1}}, 0),
		tap(13, pcmu, Hearing{Mode: Everyone, Except: []MemberID{3, 77}}, 0),
		tap(14, pcmu, everyone(), 0),                                     // hears 3
		tap(15, pcmu, everyone(), 3),                                     // gain
		tap(16, format(codecs.PCMA), everyone(), 0),                      // codec
		tap(17, pcmu, Hearing{Mode: Everyone, Except: []MemberID{2}}, 0), // set
		tap(18, pcmu, Hearing{}, 0),
		tap(19, pcmu, Hearing{Mode: Only, Only: []MemberID{99}}, 0),
	)
	b.step()
	if n := b.encoded(codecs.PCMU); n != 4 {
		t.Errorf("%d encodings of PCMU, want 4: all, all and 3, louder, without 2; that of nobody is there already", n)
	}
	if n := b.encoded(codecs.PCMA); n != 1 {
		t.Errorf("%d encodings of PCMA, want 1", n)
	}
}

// voiced is an input like speech: harmonics with an envelope; it speaks in the ticks for which speaks is true.
func voiced(rate int, hz float64, speaks func(tick int) bool) *fakeInput {
	return &fakeInput{rate: rate, ssrc: uint32(hz), read: func(tick int, dst []int16) {
		if !speaks(tick) {
			clear(dst)

			return
		}
		for i := range dst {
			at := float64(tick*len(dst)+i) / float64(rate)
			x := 0.0
			for h := 1.0; h < 12; h++ {
				x += math.Sin(2*math.Pi*hz*h*at+h*h) / h
			}
			dst[i] = int16(5000 * x * (0.6 + 0.4*math.Sin(2*math.Pi*3*at)))
		}
	}}
}

// decodeAll decodes the packets of an output.
func decodeAll(t *testing.T, c codecs.Codec, packets []packet) []int16 {
	t.Helper()
	dec, err := codecs.NewDecoder(c)
	if err != nil {
		t.Fatal(err)
	}
	var pcm []int16
	buf := make([]int16, codecs.MaxPacketSamples)
	for _, p := range packets {
		n, err := dec.Decode(buf, p.payload)
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, buf[:n]...)
	}

	return pcm
}

// snr in dB of got against want.
func snr(want, got []int16) float64 {
	var signal, noise float64
	for i, w := range want {
		d := float64(w) - float64(got[i])
		signal += float64(w) * float64(w)
		noise += d * d
	}
	if noise == 0 {
		return 99
	}

	return 10 * math.Log10(signal/noise)
}

// A listener who speaks for a while and is silent again hears the same as one that had an encoder alone all the time.
func TestForkAndMerge(t *testing.T) {
	for _, codec := range []codecs.Codec{codecs.Opus, codecs.G722, codecs.PCMU} {
		t.Run(codec.String(), func(t *testing.T) {
			rate := codec.SampleRate()
			speaks := func(tick int) bool { return tick >= 30 && tick < 60 }
			run := func(alone bool) []packet {
				b := newBench(t, MixConfig{})
				out := &fakeOutput{}
				other := party(3, quiet(rate), &fakeOutput{}, codec)
				if alone {
					other.Hears = Hearing{}
				}
				b.apply(
					party(1, voiced(rate, 140, func(int) bool { return true }), &fakeOutput{}, codec),
					party(2, voiced(rate, 190, speaks), out, codec), other,
				)
				if alone { // always its own encoder: never merged
					b.mix.adopt()
					s := b.mix.live.Load().seat(2)
					if s.out.private == nil {
						s.out.private = s.out.reserve.take()
					}
					s.out.private.copyFrom(s.group.stream)
					s.out.apart = true
					s.group.sharers = 1 << 20
				}
				for tick := range 120 {
					b.step()
					if alone {
						b.mix.live.Load().seat(2).out.alike = 0
					}
					if s := b.stats(2); !alone && s.Private != (tick >= 30 && tick <= 60+mergeAfter) && codec != codecs.PCMU {
						t.Fatalf("tick %d: private is %v", tick, s.Private)
					}
				}

				return out.packets
			}
			got, want := decodeAll(t, codec, run(false)), decodeAll(t, codec, run(true))
			n := rate / 50
			for tick := 2; tick < 120; tick++ {
				db := snr(want[tick*n:(tick+1)*n], got[tick*n:(tick+1)*n])
				limit := 99.0 // the very same octets
				switch since := tick - 61 - mergeAfter; {
				case codec == codecs.PCMU || since < 0:
				case codec == codecs.Opus:
					limit = 20 // two encoders of the same sound: no click, as the frame of the change shows
				case since < 5:
					limit = 15
				default:
					limit = 25
				}
				if db < limit {
					t.Errorf("tick %d: %.1f dB, want %.0f", tick, db, limit)
				}
			}
		})
	}
}

// Two who speak to each other have one encoder each and no shared one on the side, and go back without a trace.
func TestDialogueNeedsNoSharedEncoder(t *testing.T) {
	b := newBench(t, MixConfig{})
	speaks := func(tick int) bool { return tick < 20 }
	out := &fakeOutput{}
	b.apply(
		party(1, voiced(48000, 140, speaks), out, codecs.Opus),
		party(2, voiced(48000, 190, func(int) bool { return true }), &fakeOutput{}, codecs.Opus),
	)
	enc, err := codecs.NewEncoder(format(codecs.Opus))
	if err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, codecs.MaxPayload)
	step := func() {
		b.step()
		n, err := enc.Encode(payload, b.heard(1))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(payload[:n], lastPacket(t, out).payload) {
			t.Error("not what one encoder alone would have made")
		}
	}
	for range 20 {
		step()
	}
	if n := b.encoded(codecs.Opus); n != 40 {
		t.Errorf("%d encodings in 20 ticks, want 40", n)
	}
	for range 10 {
		step()
	}
	if s := b.stats(1); s.Private {
		t.Error("a lone listener still has a private encoder")
	}
}

// The silence of a room costs no Opus encoding, and what is said after it is as good as ever.
func TestSilenceIsEncodedOnce(t *testing.T) {
	b := newBench(t, MixConfig{})
	out := &fakeOutput{}
	speaks := func(tick int) bool { return tick < 10 || tick >= 100 }
	b.apply(
		Member{ID: 1, In: voiced(48000, 150, speaks), Speaks: true},
		party(2, quiet(48000), out, codecs.Opus),
	)
	for range 60 {
		b.step()
	}
	before := b.encoded(codecs.Opus)
	for range 40 {
		b.step()
	}
	if n := b.encoded(codecs.Opus) - before; n != 0 {
		t.Errorf("%d encodings of silence", n)
	}
	if len(out.packets) != 100 || len(out.packets[99].payload) == 0 || out.packets[99].level != codecs.SilenceLevel {
		t.Errorf("%d packets, the last of %d octets", len(out.packets), len(out.packets[99].payload))
	}
	for range 30 {
		b.step()
	}
	pcm := decodeAll(t, codecs.Opus, out.packets)
	enc, err := codecs.NewEncoder(format(codecs.Opus))
	if err != nil {
		t.Fatal(err)
	}
	in := voiced(48000, 150, speaks)
	reference := make([]packet, 0, 130)
	frame, payload := make([]int16, 960), make([]byte, codecs.MaxPayload)
	for tick := range 130 {
		in.read(tick, frame)
		n, err := enc.Encode(payload, frame)
		if err != nil {
			t.Fatal(err)
		}
		reference = append(reference, packet{payload: bytes.Clone(payload[:n])})
	}
	want := decodeAll(t, codecs.Opus, reference)
	for tick := 100; tick < 130; tick++ {
		limit := 10.0
		if tick > 105 {
			limit = 25
		}
		if db := snr(want[tick*960:(tick+1)*960], pcm[tick*960:(tick+1)*960]); db < limit {
			t.Errorf("tick %d after the silence: %.1f dB, want %.0f", tick, db, limit)
		}
	}
}

// Every packet time yields all of the audio, in order.
func TestPacketTimes(t *testing.T) {
	for _, codec := range []codecs.Codec{codecs.PCMU, codecs.PCMA, codecs.G722, codecs.Opus} {
		for ms := 10; ms <= 60; ms += 10 {
			f := codecs.Format{Codec: codec, PacketTime: time.Duration(ms) * time.Millisecond}
			if _, err := f.Normalize(); err != nil {
				continue // Opus has no 30 and 50 ms
			}
			t.Run(fmt.Sprintf("%v %d ms", codec, ms), func(t *testing.T) {
				b := newBench(t, MixConfig{})
				rate := codec.SampleRate()
				out, own := &fakeOutput{}, &fakeOutput{}
				listener := Member{ID: 2, Out: out, Format: f, Hears: everyone()}
				talker := Member{ID: 1, In: tone(rate, 500, 9000), Out: own, Format: f, Speaks: true, Hears: everyone()}
				b.apply(talker, listener, Member{ID: 3, In: tone(rate, 900, 4000), Speaks: true})
				const ticks = 60
				pcm := make([]int16, 0, ticks*rate/50)
				for range ticks {
					b.step()
					pcm = append(pcm, b.heard(2)...)
				}
				units, unit := 0, codec.ClockRate()*ms/1000
				for i, p := range out.packets {
					if p.samples != unit || len(p.payload) == 0 || p.marker != (i == 0) {
						t.Fatalf("packet %d: %d units, %d octets, marker %v", i, p.samples, len(p.payload), p.marker)
					}
					units += p.samples
				}
				if want := codec.ClockRate() * ticks / 50 / unit * unit; units != want {
					t.Errorf("%d units in %d ticks, want %d", units, ticks, want)
				}
				if len(own.packets) != len(out.packets) {
					t.Errorf("the talker got %d packets, the listener %d", len(own.packets), len(out.packets))
				}
				got := decodeAll(t, codec, out.packets)
				if codec == codecs.PCMU || codec == codecs.PCMA {
					if db := snr(pcm[:len(got)], got); db < 30 {
						t.Errorf("%.1f dB", db)
					}
				}
				if len(got) != units*codec.SampleRate()/codec.ClockRate() {
					t.Errorf("%d samples in %d units", len(got), units)
				}
			})
		}
	}
}

// With long packets nothing of a talker's own voice comes back in the packet in which it has stopped.
func TestLongPacketsHoldNoOwnVoice(t *testing.T) {
	for stop := 10; stop < 14; stop++ {
		b := newBench(t, MixConfig{})
		out := &fakeOutput{}
		f := codecs.Format{Codec: codecs.PCMU, PacketTime: 60 * time.Millisecond}
		talker := voiced(8000, 200, func(tick int) bool { return tick < stop })
		b.apply(
			Member{ID: 1, In: talker, Out: out, Format: f, Speaks: true, Hears: everyone()},
			Member{ID: 2, In: quiet(8000), Out: &fakeOutput{}, Format: f, Speaks: true, Hears: everyone()},
		)
		for range 40 {
			b.step()
		}
		if e := energy(decodeAll(t, codecs.PCMU, out.packets)); e != 0 {
			t.Errorf("stopping in tick %d: energy %d of its own voice", stop, e)
		}
		if b.stats(1).Private {
			t.Error("still private")
		}
	}
}

// Who comes to a shared packet that is half full does not get the half from before.
func TestNoAudioFromBeforeTheChange(t *testing.T) {
	f := codecs.Format{Codec: codecs.PCMU, PacketTime: 60 * time.Millisecond}
	late := &fakeOutput{}
	b := newBench(t, MixConfig{})
	loud := tone(8000, 440, 9000)
	inner := loud.read
	loud.read = func(tick int, dst []int16) {
		if inner(tick, dst); tick > 4 {
			clear(dst)
		}
	}
	talker := Member{ID: 1, In: loud, Speaks: true}
	listener := Member{ID: 2, Out: &fakeOutput{}, Format: f, Hears: everyone()}
	newcomer := Member{ID: 3, Out: late, Format: f, Hears: Hearing{}}
	b.apply(talker, listener, newcomer)
	for range 5 {
		b.step()
	}
	newcomer.Hears = everyone()
	b.apply(talker, listener, newcomer)
	for range 10 {
		b.step()
	}
	if e := energy(decodeAll(t, codecs.PCMU, slices.DeleteFunc(slices.Clone(late.packets), func(p packet) bool { return len(p.payload) == 0 }))); e != 0 {
		t.Errorf("energy %d of before it could hear", e)
	}
	units := 0
	for _, p := range late.packets {
		units += p.samples
	}
	if units != 15*160 {
		t.Errorf("timestamps went on by %d, want %d", units, 15*160)
	}
}
