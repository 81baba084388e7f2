package srs

import (
	"math"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/siprec"
)

// report is a sender report at a time: the client's clock is 100 s ahead of the time line and its timestamps of the stream begin then.
func (b *bench) report(at, began time.Duration) {
	b.t.Helper()
	ntp := at + 100*time.Second
	whole := uint64(ntp / time.Second)
	sr := senderReport{
		ssrc: 1, ntp: whole<<32 | uint64(float64(ntp%time.Second)/float64(time.Second)*(1<<32)), timestamp: uint32((at - began) / (time.Second / 8000)),
	}
	if err := b.rx.senderReport(sr, at); err != nil {
		b.t.Fatal(err)
	}
}

// A client that has kept three seconds until it was answered sends them at four times the speed. Nothing of it is missing or made up, and a
// stream that comes later is put in line with it.
func TestKeptByClient(t *testing.T) {
	known := clocks{}
	const lag = 3 * time.Second
	first := newBench(t, codecs.PCMU, known)
	for n := range 250 { // what is captured at 20n ms, 3 s before the recording
		captured := time.Duration(n)*frame - lag
		first.send(n, max(captured, time.Duration(n)*frame/4)+time.Millisecond)
	}
	first.report(2100*time.Millisecond, -lag)
	if math.Abs(float64(first.rx.lead-lag)) > float64(5*time.Millisecond) {
		t.Errorf("the first audio was %v older than its arrival", first.rx.lead)
	}
	second := newBench(t, codecs.PCMU, known)
	const joined = 2200 * time.Millisecond
	for n := range 100 {
		second.send(n, joined+time.Duration(n)*frame+time.Millisecond)
		if n == 50 {
			second.report(joined+50*frame, joined)
		}
	}
	pcm := first.finish(10 * time.Second)
	for _, n := range []int{3, 60, 149, 151, 200, 249} {
		has(t, pcm, n, n*160)
	}
	if first.rx.report.ConcealedMS != 0 || first.rx.report.Packets != 250 {
		t.Errorf("%+v", first.rx.report)
	}
	// What was captured at the same time is at the same place.
	late := second.finish(10 * time.Second)
	for _, n := range []int{0, 49, 52, 99} {
		has(t, late, n, int((joined+lag)/frame)*160+n*160)
	}
}

// A session that delivers what was kept says from when it is.
func TestReplayOf(t *testing.T) {
	got := replayOf([]siprec.Extension{`<x xmlns="urn:y"/>`, `<replay xmlns="urn:parley:recording:replay:1" from="2026-03-04T05:06:07.5Z" to="2026-03-04T06:06:07+01:00"/>`})
	if got == nil || !got.From.Equal(time.Date(2026, 3, 4, 5, 6, 7, 5e8, time.UTC)) || !got.To.Equal(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)) {
		t.Errorf("%+v", got)
	}
	for _, other := range []siprec.Extension{"", "<replay/>", `<replay xmlns="urn:parley:recording:replay:1"/>`, `<replay xmlns="urn:parley:recording:replay:1" from="x"/>`} {
		if got := replayOf([]siprec.Extension{other}); got != nil {
			t.Errorf("%q: %+v", other, got)
		}
	}
}
