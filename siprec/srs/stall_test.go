package srs

import (
	"bytes"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sdp"
)

// newOpusBench is a bench whose payloads are passed on to a file.
func newOpusBench(t *testing.T, known clocks) (*bench, *ogg) {
	t.Helper()
	file, err := createOgg(filepath.Join(t.TempDir(), "x.opus"), opusRate)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, from: netip.MustParseAddrPort("192.0.2.1:4000"), codec: codecs.Opus}
	b.rx = newReceiver(file, opusRate, &Stream{}, known, &origin{})
	b.share()
	if err := b.rx.configure(sdp.Stream{Codec: codecs.Opus, Accepts: []sdp.ReceivePayload{{Number: 96, Codec: codecs.Opus, ClockRate: opusRate}}}); err != nil {
		t.Fatal(err)
	}

	return b, file
}

// TestNothingIsLeftOutAfterStalls: a client whose first packets are late, and that stands still for two seconds at most and then sends what it has
// not, has every packet of its sound in the file, also where its reports come before packets that it has sent earlier. What stood before the first
// report would lie where the rest belongs, were it not put in its own place when a stall ends it.
func TestNothingIsLeftOutAfterStalls(t *testing.T) {
	const (
		frames = 175
		began  = 100 * time.Millisecond
		offset = 3_900_000_000 * time.Second // of the client's clock
	)
	sent := opusBeat(t, frames)
	rapid.Check(t, func(rt *rapid.T) {
		known := clocks{}
		if rapid.Bool().Draw(rt, "another stream has reported") {
			known[netip.MustParseAddr("192.0.2.1")] = -offset + time.Duration(rapid.IntRange(0, 300).Draw(rt, "late by"))*time.Millisecond
		}
		b, file := newOpusBench(t, known)
		due := func(n int) time.Duration { return began + time.Duration(n)*frame }
		early, reports := rapid.IntRange(0, 40).Draw(rt, "reports lead by"), 0
		at := began + time.Duration(rapid.IntRange(0, 800).Draw(rt, "first packet late by"))*time.Millisecond
		for n := range frames {
			if at <= due(n) {
				at = due(n)
				if rapid.IntRange(0, 20).Draw(rt, "stands still") == 0 {
					at += time.Duration(rapid.IntRange(0, 2000).Draw(rt, "for")) * time.Millisecond
				}
			}
			for ; reports < frames && reports <= n+early && at >= due(reports); reports++ {
				if reports%50 != 10 {
					continue
				}
				if err := b.rx.senderReport(reportAt(1, uint32(reports*960), due(reports), offset), at); err != nil {
					rt.Fatal(err)
				}
			}
			if err := b.rx.packet(rtpPacket(uint16(n), uint32(n*960), 1, sent[n]), b.from, at); err != nil {
				rt.Fatal(err)
			}
		}
		if err := b.rx.play(at, true); err != nil {
			rt.Fatal(err)
		}
		if _, err := file.end(file.length()); err != nil {
			rt.Fatal(err)
		}
		if got, want := payloads(t, file.name), sounds(sent); !slices.EqualFunc(got, want, bytes.Equal) {
			rt.Fatalf("%d packets of %d", len(got), len(want))
		}
	})
}

// TestStallBeforeTheFirstReport: what came before a stall, late in its beginning, is where it belongs when a report puts the rest behind it.
func TestStallBeforeTheFirstReport(t *testing.T) {
	const (
		began  = 100 * time.Millisecond
		offset = 3_900_000_000 * time.Second
	)
	b := newBench(t, codecs.PCMU, clocks{netip.MustParseAddr("192.0.2.1"): -offset})
	due := func(n int) time.Duration { return began + time.Duration(n)*frame }
	for n := range 200 {
		at := max(due(n), began+400*time.Millisecond) // the first 20 come late, and at once
		if n >= 30 {
			at = max(at, due(30)+1500*time.Millisecond)
		}
		b.send(n, at)
		if n == 30 {
			if err := b.rx.senderReport(reportAt(1, 100*160, due(100), offset), at); err != nil {
				t.Fatal(err)
			}
		}
	}
	pcm := b.finish(10 * time.Second)
	for n := range 200 {
		has(t, pcm, n, 800+160*n)
	}
}
