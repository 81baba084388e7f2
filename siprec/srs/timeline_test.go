package srs

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// reportAt is a sender report for a moment of the client's clock, which is off from ours by the offset.
func reportAt(ssrc uint32, timestamp uint32, at, offset time.Duration) senderReport {
	ntp := at + offset
	seconds := uint64(ntp / time.Second)
	fraction := uint64(ntp%time.Second) << 32 / uint64(time.Second)

	return senderReport{ssrc: ssrc, ntp: seconds<<32 | fraction, timestamp: timestamp}
}

// Two streams of one client, one of whose first packets takes 80 ms longer for the first five
// seconds: their reports put them together, also what was written before.
func TestReportsAlign(t *testing.T) {
	const offset = 3_900_000_000 * time.Second
	known := clocks{}
	a, b := newBench(t, codecs.PCMU, known), newBench(t, codecs.PCMU, known)
	for n := range 500 {
		at := time.Second + time.Duration(n)*frame
		a.send(n, at)
		b.sendAs(n, uint32(1000+n*160), 2, at+80*time.Millisecond)
		if n == 200 || n == 400 {
			for _, err := range []error{
				a.rx.senderReport(reportAt(1, uint32(n*160), at, offset), at),
				b.rx.senderReport(reportAt(2, uint32(1000+n*160), at, offset), at),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	first, second := a.finish(12*time.Second), b.finish(12*time.Second)
	for n := range 500 {
		has(t, first, n, 8000+160*n)
		has(t, second, n, 8000+160*n)
	}
	if !b.rx.source.line.byReport {
		t.Error("not on the reports' clock")
	}
	// A clock that nobody can have is not believed.
	if err := b.rx.senderReport(senderReport{ssrc: 2, ntp: math.MaxUint64, timestamp: 5}, 0); err != nil {
		t.Fatal(err)
	}
}

// A client whose sampling clock is 200 ppm fast stays on the time line.
func TestDrift(t *testing.T) {
	const offset = 3_900_000_000 * time.Second
	b := newBench(t, codecs.PCMU, clocks{})
	step := time.Duration(float64(frame) * (1 - 200e-6))
	at := time.Duration(0)
	n := 0
	for ; n < 3000; n++ { // a minute: 12 ms off
		at = time.Duration(n) * step
		b.send(n, at)
		if n%250 == 0 {
			if err := b.rx.senderReport(reportAt(1, uint32(n*160), at, offset), at); err != nil {
				t.Fatal(err)
			}
		}
	}
	off := b.rx.source.line.place(int64(1<<32+n*160)) - b.rx.source.line.samples(time.Duration(n)*step)
	if abs(off) > 24 { // 3 ms
		t.Errorf("off by %d samples", off)
	}
	b.finish(at)
}

// Every codec: a tone comes out at its frequency's level and at its place to the millisecond.
func TestCodecsKeepPlace(t *testing.T) {
	for _, codec := range []codecs.Codec{codecs.PCMU, codecs.PCMA, codecs.G722, codecs.Opus} {
		b := newBench(t, codec, clocks{})
		enc, err := codecs.NewEncoder(codecs.Format{Codec: codec})
		if err != nil {
			t.Fatal(err)
		}
		rate := codec.SampleRate()
		size := codec.FrameSamples(frame)
		payload := make([]byte, codecs.MaxPayload)
		onset := 0.5 // seconds of the signal
		random := rand.New(rand.NewPCG(1, 2))
		for n := range 50 {
			pcm := make([]int16, size)
			for i := range pcm {
				if at := float64(n*size+i) / float64(rate); at >= onset {
					pcm[i] = int16(12000*math.Sin(2*math.Pi*800*(at-onset))) + int16(random.IntN(2))
				}
			}
			k, err := enc.Encode(payload, pcm)
			if err != nil {
				t.Fatal(err)
			}
			at := time.Second + time.Duration(n)*frame
			if err := b.rx.packet(rtpPacket(uint16(n), uint32(n*codec.TimestampUnits(frame)), 1, payload[:k]), b.from, at); err != nil {
				t.Fatal(err)
			}
		}
		pcm := b.finish(3 * time.Second)
		got := onsetOf(pcm, rate, 0, 6000)
		if math.Abs(got-1.5) > 0.0015 {
			t.Errorf("%v: begins at %.4f s", codec, got)
		}
	}
}

// onsetOf is when the signal first reaches a level after a time, in seconds; NaN if never.
func onsetOf(pcm []int16, rate int, after float64, level int16) float64 {
	for i := int(after * float64(rate)); i < len(pcm); i++ {
		if pcm[i] > level || pcm[i] < -level {
			return float64(i) / float64(rate)
		}
	}

	return math.NaN()
}

// Whatever arrives, the file stays a WAV file, no longer than the time that passed, and the
// counters add up.
func FuzzReceiver(f *testing.F) {
	f.Add([]byte{0, 20, 1, 20, 2, 20, 2, 20, 9, 200, 3, 1})
	f.Add([]byte{0, 0, 0, 0, 255, 255, 128, 7})
	f.Fuzz(func(t *testing.T, script []byte) {
		b := newBench(t, codecs.PCMU, clocks{})
		at := time.Duration(0)
		sent := 0
		for len(script) >= 4 && sent < 400 {
			at += time.Duration(script[1]) * time.Millisecond
			seq, ts, ssrc := int(script[0]), uint32(script[2])<<(script[3]%26), uint32(script[3]%3)
			b.sendAs(seq, ts, ssrc, at)
			if err := b.rx.senderReport(senderReport{ssrc: ssrc, ntp: uint64(script[0]) << (script[1] % 60), timestamp: ts}, at); err != nil {
				t.Fatal(err)
			}
			sent++
			script = script[4:]
		}
		pcm := b.finish(at)
		if limit := b.rx.rate * int((at+5*time.Second)/time.Millisecond) / 1000; len(pcm) > limit {
			t.Fatalf("%d samples after %v", len(pcm), at)
		}
		r := b.rx.report
		if got := r.Packets + r.Late + r.Duplicate; got > uint64(sent) {
			t.Fatalf("%d sent: %+v", sent, r)
		}
	})
}
