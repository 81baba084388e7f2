package srs

import (
	"time"

	"github.com/parley-sip/parley/codecs"
)

// A timeline says where the audio of one source belongs: at which sample of the
// file an RTP timestamp is. It begins with the arrival of the first packet,
// which may have been late, and is corrected by what is learned later: a packet
// that took less time, and best a sender report, as all streams of a client
// have one wall clock (RFC 3550, section 6.4.1).
//
// Times are those since the recording began; what was captured before is at negative samples. It belongs to one goroutine.
type timeline struct {
	rate  int64 // of the file, samples per second
	ratio int64 // samples of the file per unit of RTP time
	delay int64 // samples by which the codec makes audio late

	anchorTS int64 // extended timestamp
	anchor   int64 // its sample
	began    int64 // sample at which this piece of audio begins
	byReport bool

	window time.Duration // when the measurement of arrivals ends
	first  bool          // it is the first one
	least  int64         // least lateness of a packet in it, in samples
	any    bool

	slew int64 // samples by which the audio has still to move

	calm   bool  // moves of less than unheard are made only where nothing is heard
	rest   int64 // samples by which it has to move there
	mapped int64 // where timestamp 0 was by the last report
}

const (
	firstWindow = time.Second
	laterWindow = 10 * time.Second
	// exact is how far off the time line audio may be before it is moved.
	exact = 2 * time.Millisecond
	// loose is the same by arrival, which jitters.
	loose = 10 * time.Millisecond
	// jittered is by how much packets can come earlier than the first ones on account of the network.
	jittered = time.Second
	// unbelievable is a correction that nobody needs: clients keep what they capture for half a minute at most.
	unbelievable = 31 * time.Second
	// unheard is the most by which audio is moved only where nothing is heard: the client has found out that a source is earlier or later than
	// it had told. What clocks drift apart is less from one report to the next.
	unheard = 100 * time.Millisecond
	// movable is how much audio is moved in the file; more is brought in place little by little.
	movable = 45 * time.Second
)

func (t *timeline) samples(d time.Duration) int64 {
	return (int64(d)*t.rate + int64(time.Second)/2) / int64(time.Second)
}

// start anchors a timestamp at the sample of its arrival, not before what is written already; at the
// very beginning that may be before the file.
func (t *timeline) start(timestamp int64, at time.Duration, written int64) {
	t.anchorTS, t.anchor = timestamp, t.samples(at)-t.delay
	if written > 0 {
		t.anchor = max(t.anchor, written)
	}
	t.began = t.anchor
	t.byReport, t.slew, t.rest = false, 0, 0
	t.window, t.first, t.any = at+firstWindow, true, false
}

// place is the sample of a timestamp.
func (t *timeline) place(timestamp int64) int64 {
	return t.anchor + (timestamp-t.anchorTS)*t.ratio
}

// arrived takes note of when a packet came and returns by how many samples what was
// written so far should move, 0 for not at all.
func (t *timeline) arrived(timestamp int64, at time.Duration) int64 {
	if t.byReport {
		return 0
	}
	if late := t.samples(at) - t.delay - t.place(timestamp); !t.any || late < t.least {
		t.least, t.any = late, true
	}
	if at < t.window {
		return 0
	}
	first, off := t.first, t.least
	t.window, t.first, t.any = at+laterWindow, false, false
	if first {
		return t.forward(off)
	}

	if off < -t.samples(jittered) {
		return 0 // caught up with what it had kept
	}

	return t.correct(off, loose, false)
}

// forward takes out that the first packet was late, as it is when the client had kept it until we answered.
func (t *timeline) forward(off int64) int64 {
	if abs(off) > t.samples(unbelievable) {
		return 0
	}

	return t.correct(off, exact, true)
}

// settle returns by how many samples what was written so far should move when no more comes after it, and its arrivals have not been looked at yet.
func (t *timeline) settle() int64 {
	if t.byReport || !t.first || !t.any {
		return 0
	}
	t.first = false

	return t.forward(t.least)
}

// report takes a sender report: timestamp is at that sample. It returns by how many samples what
// was written so far should move.
func (t *timeline) report(timestamp, sample, written int64) int64 {
	off := sample - t.delay - t.place(timestamp)
	if abs(off) > t.samples(unbelievable) {
		return 0
	}
	fresh, mapped := !t.byReport, sample-timestamp*t.ratio
	if leap := mapped - t.mapped; t.calm && !fresh && abs(leap) > t.samples(exact) {
		t.rest += leap
	}
	if abs(t.rest) > t.samples(unheard) {
		t.rest = 0
	}
	t.byReport, t.mapped = true, mapped

	return t.correct(off-t.rest, exact, fresh && written-t.began < t.samples(movable))
}

// kept takes out that the client sends faster than it was made what it had kept until we answered: the timestamp is that of the instant at which
// it has reported it, and seems to be ahead, which it cannot be. It returns by how many samples what was written so far should move.
func (t *timeline) kept(timestamp int64, at time.Duration) int64 {
	ahead := t.place(timestamp) + t.delay - t.samples(at)
	if ahead <= t.samples(exact) || ahead > t.samples(unbelievable) {
		return 0
	}

	return t.correct(-ahead, exact, true)
}

// correct decides how to take a deviation out: at once by moving what is written,
// or slowly by a sample each packet.
func (t *timeline) correct(off int64, tolerance time.Duration, move bool) int64 {
	t.slew = 0
	switch {
	case move && off != 0:
		t.shift(off)

		return off
	case abs(off) > t.samples(tolerance):
		t.slew = off
	}

	return 0
}

// shift moves the whole piece.
func (t *timeline) shift(by int64) {
	t.anchor += by
	t.began += by
}

// creep tells by how many samples the next packet should be longer, or shorter (negative): one, or so many as may be where nothing is heard; 0: it is heard.
func (t *timeline) creep(quiet int64) int64 {
	step := min(max(t.slew, -1), 1)
	t.slew -= step
	if still := min(max(t.rest, -quiet), quiet); step == 0 {
		step = still
		t.rest -= still
	}
	t.anchor += step

	return step
}

// leap moves what comes next at once, as far as it has to: there is nothing in so many samples before it.
func (t *timeline) leap(silence int64) {
	for _, left := range []*int64{&t.rest, &t.slew} {
		step := max(*left, -silence)
		*left -= step
		t.anchor += step
		silence += step
	}
}

func abs(v int64) int64 { return max(v, -v) }

// delayOf is by how many samples the output of a decoder is later than the input of its encoder. Clients
// tell the time of the input (RFC 3550, section 5.1), so this has to be taken out again.
func delayOf(codec codecs.Codec) int64 {
	if codec == codecs.Opus {
		return 312 // look-ahead of libopus, the usual pre-skip (RFC 7845, section 4.2)
	}
	if codec == codecs.G722 {
		return 22 // its filter bank
	}

	return 0
}
