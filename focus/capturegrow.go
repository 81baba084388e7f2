package focus

import (
	"time"

	"github.com/parley-sip/parley/codecs"
)

// What a server was sent that gives no sign of life any more is kept for longer than usual, so that all of it can be sent again when a request finds out that it
// is gone, half a minute later (ADR 113). It is as much as a silent server's request takes, and is given back when the server is heard again.

const (
	// keptInDoubt is how much of a stream is kept at most for a server that is silent: the time until a request is not answered (RFC 3261, section 17.1.1.2), and
	// before it that between two reports.
	keptInDoubt = 36 * time.Second
	// alarming is after how long without a sign there is room for all of it at once. Reports come every 7.5 s at least (RFC 3550, section 6.2).
	alarming = 10 * time.Second
	// calm is for how long a server has to be heard in time before the room is given back.
	calm = time.Minute
	// maxInDoubt bounds what is kept of all streams beyond the usual, in octets.
	maxInDoubt = 256 << 20
	// maxGrowing is how many streams of a session get more room in one look: it costs the tick a copy of what is kept.
	maxGrowing = 64
)

// extent is how large a backlog is: the controller's.
type extent struct {
	usual, now int       // octets
	needed     time.Time // when it had to be more than usual last
}

// growth is what the tick takes the next time that it is the reader of what is kept: a ring of another size.
type growth struct{ octets []byte }

// fit makes room for what was sent since the last sign of life, so long ago, before any of it has to give way, or gives back what is not needed any more. It
// reports whether the tick has something to copy.
func (c *capture) fit(f *Focus, silence time.Duration, now time.Time) bool {
	if c.kept == nil || c.marks.first.at == 0 {
		return false
	}
	e := &c.extent
	want := powerOfTwo(c.needs(silence, now))
	switch {
	case want > e.usual:
		e.needed = now
		if want <= e.now {
			return false
		}
		if f.inDoubt.Add(int64(want-e.now)) > maxInDoubt {
			f.inDoubt.Add(-int64(want - e.now))
			return false
		}
	case e.now == e.usual || now.Sub(e.needed) < calm:
		return false
	default:
		want = e.usual
		f.inDoubt.Add(-int64(e.now - want))
	}
	e.now = want
	c.grown.Store(&growth{octets: make([]byte, want)})
	return true
}

// needs is how many octets of the backlog are in doubt of a server that has been silent for so long, or will be until the next look.
func (c *capture) needs(silence time.Duration, now time.Time) int {
	size := frameSize(codecs.Codec(c.codec.Load()))                                     //nolint:gosec // as stored
	sent := int(c.progress(now).next - c.marks.before(c.clock(now.Add(-silence))).next) //nolint:gosec // of what is kept
	need := sent + backlogNeeds(watchInterval+2*codecs.FrameDuration, size)
	if silence > alarming {
		need = max(need, int(float64(sent)*keptInDoubt.Seconds()/silence.Seconds()))
	}
	return min(need, backlogSize(keptInDoubt, size))
}

// release gives back the count of what was kept beyond the usual.
func (e *extent) release(f *Focus) {
	f.inDoubt.Add(-int64(e.now - e.usual))
	e.now = e.usual
}

// resize takes another ring, if what has not been read fits. It belongs to who both writes and reads.
func (b *backlog) resize(octets []byte) {
	head, tail := b.head.Load(), b.tail.Load()
	if int(tail-b.sent.Load()) > len(octets) { //nolint:gosec // sizes are small
		return
	}
	for int(tail-head) > len(octets) { //nolint:gosec // sizes are small
		head += uint64(b.length(head))
	}
	for at := head; at != tail; {
		from, to := int(at&uint64(len(b.octets)-1)), int(at&uint64(len(octets)-1)) //nolint:gosec // lengths
		n := min(len(b.octets)-from, len(octets)-to, int(tail-at))                 //nolint:gosec // sizes are small
		copy(octets[to:], b.octets[from:from+n])
		at += uint64(n) //nolint:gosec // of a copy
	}
	b.octets = octets
	b.head.Store(head)
}
