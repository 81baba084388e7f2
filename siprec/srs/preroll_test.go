package srs

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
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
	if first.rx.origin.early != lag {
		t.Errorf("the first audio is %v older than the session", first.rx.origin.early)
	}
	second := newBench(t, codecs.PCMU, known)
	first.share(second)
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

// The same of less than a second, when the report comes while the client still catches up: no packet has been in time yet.
func TestReportWhileCatchingUp(t *testing.T) {
	const lag = 700 * time.Millisecond
	b := newBench(t, codecs.PCMU, clocks{})
	for n := range 100 {
		captured := time.Duration(n)*frame - lag
		b.send(n, max(captured, time.Duration(n)*frame/4)+time.Millisecond)
		if n == 20 {
			b.report(time.Duration(n)*frame/4+time.Millisecond, -lag)
		}
	}
	if b.rx.origin.early != lag {
		t.Errorf("the first audio is %v older than the session", b.rx.origin.early)
	}
	pcm := b.finish(5 * time.Second)
	for _, n := range []int{3, 20, 60, 99} {
		has(t, pcm, n, n*160)
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

// After a failover one stream begins long before the session and another with it: all files grow by as much, and what was captured at the same
// time stays at the same place in them. Nothing is cut off.
func TestOlderThanTheSession(t *testing.T) {
	known := clocks{}
	live, old := newBench(t, codecs.PCMU, known), newBench(t, codecs.PCMU, known)
	live.share(old)
	const lag = 2950 * time.Millisecond
	for n := range 200 {
		live.send(n, time.Duration(n)*frame+time.Millisecond)
		if n == 30 {
			live.report(30*frame, 0)
		}
	}
	for n := range 250 { // comes at once until it has caught up
		captured := time.Duration(n)*frame - lag
		old.send(n, max(captured, 700*time.Millisecond+time.Duration(n)*time.Millisecond)+time.Millisecond)
		if n == 200 {
			old.report(200*frame-lag, -lag)
		}
	}
	if early := live.rx.origin.early; early != 3*time.Second {
		t.Errorf("files begin %v before the session", early)
	}
	pcm, older := live.finish(5*time.Second), old.finish(5*time.Second)
	for _, n := range []int{0, 1, 29, 31, 100, 199} {
		has(t, pcm, n, int(3*time.Second/frame)*160+n*160)
	}
	for _, n := range []int{0, 1, 50, 149, 199, 201, 249} {
		has(t, older, n, int((3*time.Second-lag)*8000/time.Second)+n*160)
	}
	if old.rx.report.ConcealedMS != 0 || old.rx.report.Packets != 250 {
		t.Errorf("%+v", old.rx.report)
	}
}

// What claims to be older than anybody keeps makes nothing grow, and a file that is long already does not, either.
func TestTooOld(t *testing.T) {
	o := origin{later: func(time.Duration) (bool, error) { return true, nil }}
	if err := o.grow(time.Minute); err != nil || o.early != 0 {
		t.Errorf("%v %v", o.early, err)
	}
	for range 100 {
		if err := o.grow(time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if o.early != unbelievable {
		t.Errorf("grown by %v", o.early)
	}
	w, err := createWAV(filepath.Join(t.TempDir(), "x.wav"), 8000, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := recording{}
	r.streams = []*stream{{receiver: newReceiver(w, 8000, &Stream{}, clocks{}, &o)}}
	if done, err := r.later(time.Second); !done || err != nil {
		t.Errorf("a short file: %v %v", done, err)
	}
	if err := w.write(int64(growable/time.Second)*8000, make([]int16, 80)); err != nil {
		t.Fatal(err)
	}
	if done, err := r.later(time.Second); done || err != nil {
		t.Errorf("a long file: %v %v", done, err)
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
}

// A file that is closed already grows as well: the tone in it is later by as much.
func TestShiftOfClosed(t *testing.T) {
	for _, format := range []Format{FormatOpus, FormatWAV} {
		if before, after := onset(t, format, 0), onset(t, format, 2400); math.Abs(after-before-0.3) > 0.005 {
			t.Errorf("%d: the tone begins at %.4f s, and at %.4f s when it is moved by 0.3", format, before, after)
		}
	}
}

// onset is when in seconds a tone begins in a file that was moved by some samples of 8 kHz after it was closed.
func onset(t *testing.T, format Format, by int64) float64 {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x"+format.extension(codecs.PCMU))
	file, err := format.create(name, codecs.PCMU)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, 8000)
	for i := range pcm {
		pcm[i] = int16(9000 * math.Sin(float64(i)*0.7))
	}
	err = file.write(4000, pcm)
	for _, step := range []func() error{file.close, func() error { return file.shift(by, true) }} {
		if err = errors.Join(err, step()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := file.complete(20000 * int64(file.fileRate()) / 8000); err != nil {
		t.Fatal(err)
	}
	out := readAudio(t, name)
	first := slices.IndexFunc(out, func(s int16) bool { return s > 4000 })

	return float64(first) / float64(file.fileRate())
}

// What a client has kept and delivers later is where its reports say that it was captured, however long it took from the beginning of the session to its first
// packet, and whichever stream is reported first.
func TestDeliveredIsPlacedByItsReports(t *testing.T) {
	from := time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC)
	first, second := newBench(t, codecs.PCMU, clocks{}), newBench(t, codecs.PCMU, clocks{})
	first.share(second)
	first.rx.origin.captured = ntpTime(from)
	report := func(b *bench, stamp uint32, captured, at time.Duration) {
		ntp := ntpTime(from) + captured
		sr := senderReport{ssrc: 1, ntp: uint64(ntp/time.Second)<<32 | uint64(ntp%time.Second)<<32/uint64(time.Second), timestamp: stamp}
		if err := b.rx.senderReport(sr, at); err != nil {
			t.Fatal(err)
		}
	}
	const setup, joined = 3 * time.Second, 500 * time.Millisecond // the second stream begins later
	for n := range 100 {
		at := time.Duration(n) * frame
		first.send(n, setup+at)
		second.send(n, setup+joined+at+17*time.Millisecond)
		if n == 70 {
			report(second, uint32(n*160), joined+at, setup+joined+at)
			report(first, uint32(n*160), at, setup+at)
		}
	}
	a, b := first.finish(10*time.Second), second.finish(10*time.Second)
	for _, n := range []int{0, 40, 71, 99} {
		has(t, a, n, n*160)
		has(t, b, n, int(joined/frame)*160+n*160)
	}
	if first.rx.origin.early != 0 {
		t.Errorf("the files begin %v before", first.rx.origin.early)
	}
}

// Reports and packets take different ways: packets that were under way when their source said goodbye belong where they were said, not where they came.
func TestPacketsAfterGoodbye(t *testing.T) {
	b := newBench(t, codecs.PCMU, clocks{})
	for n := range 50 {
		b.send(n, time.Duration(n)*frame)
	}
	if err := b.rx.bye(1, 50*frame); err != nil {
		t.Fatal(err)
	}
	for n := 50; n < 60; n++ {
		b.send(n, 50*frame+200*time.Millisecond)
	}
	pcm := b.finish(3 * time.Second)
	for _, n := range []int{0, 49, 50, 59} {
		has(t, pcm, n, n*160)
	}
	if len(b.rx.report.SSRCs) != 1 || b.rx.report.Packets != 60 {
		t.Errorf("%+v", b.rx.report)
	}
}
