package focus

import (
	"time"

	"github.com/parley-sip/parley/codecs"
)

// A capture counts what it sends. How far it had come at some times is kept, so that it can be told to the frame what was sent since the last of them at which
// the server is known to have been there: that is in doubt when the server turns out to be gone (ADR 113).

// keptMarks is how many of the last looks at a capture are kept: it takes longer than the time between two reports of a recorder (RFC 3550, section 6.2) to come
// round.
const keptMarks = 32

// markSlack is by how much later than a mark a server has to have been there to have got what was sent before it: what a tick sends leaves at its end.
const markSlack = codecs.FrameDuration

// mark is how far a capture had come at a time.
type mark struct {
	at   time.Time // zero: it had not begun
	next uint32    // frame, by the numbers of the backlog
	outs uint32    // frames sent until then
}

// marks are those of a capture in the present dialog.
type marks struct {
	first  mark      // when it began to be sent; none: it has not
	proven mark      // until there the server has got everything
	until  time.Time // when that was known of it
	asked  pin       // when the last request went out
	probed pin       // when the last OPTIONS went out that was answered
	recent [keptMarks]mark
	n      int // of the next of them
}

// pin is the last mark before a time, kept however long ago that is.
type pin struct {
	until time.Time
	mark  mark
}

// recall is what is to be sent again.
type recall struct {
	since  time.Time // it was sent after this
	outs   uint32    // frames that had been sent until then
	server string    // whom it was sent to
	told   uint64    // of what was lost of it, as the last loss was told
}

// publish lets others see how far it has come, for who reads the backlog.
func (c *capture) publish() {
	next := c.outs
	if c.kept != nil {
		next = c.kept.sentN
	}
	c.sums.Store(uint64(next)<<32 | uint64(c.outs))
}

// progress is how far it had come when a tick ended last. For the controller, as all that follows but for recall.
func (c *capture) progress(now time.Time) mark {
	sums := c.sums.Load()
	return mark{at: now, next: uint32(sums >> 32), outs: uint32(sums)} //nolint:gosec // halves
}

// begin notes that it is sent from now on, if it has not been in this dialog.
func (c *capture) begin(now time.Time) {
	if c.marks.first.at.IsZero() {
		m := c.progress(now)
		if n := c.again.Load(); n != 0 && after(m.next, uint32(n-1)) { //nolint:gosec // as stored
			m.next = uint32(n - 1) //nolint:gosec // as stored
		}
		c.marks = marks{first: m, proven: m}
	}
}

// mark notes how far it has come, unless that has been done in the last while.
func (c *capture) mark(now time.Time) {
	s := &c.marks
	last := s.recent[(s.n+keptMarks-1)%keptMarks].at
	if s.first.at.IsZero() || now.Sub(last) < watchInterval/2 {
		return
	}
	s.recent[s.n] = c.progress(now)
	s.n = (s.n + 1) % keptMarks
}

// follow takes what is known of the server: when it was there for sure, and when it was asked last, or answered to others. Marks of those times stay.
func (c *capture) follow(there, asked, probed time.Time) {
	s := &c.marks
	if there.After(s.until) {
		s.until, s.proven = there, s.before(there)
	}
	if asked.After(s.asked.until) {
		s.asked = pin{asked, s.before(asked)}
	}
	if probed.After(s.probed.until) {
		s.probed = pin{probed, s.before(probed)}
	}
}

// before is the last mark of what a server has got that was there at a time.
func (s *marks) before(at time.Time) mark {
	best := s.proven
	consider := func(m *mark) {
		if !m.at.IsZero() && !m.at.Add(markSlack).After(at) && m.at.After(best.at) {
			best = *m
		}
	}
	consider(&s.asked.mark)
	consider(&s.probed.mark)
	for i := range s.recent {
		consider(&s.recent[i])
	}
	return best
}

// doubt keeps what comes from now on, and has sent again what was sent since a time, as far as it is still there: whom it was sent to may not have
// been there any more. What is not there any more is lost. What came in a pause is nobody's as ever, and a pause goes on. A new dialog is next.
func (c *capture) doubt(since time.Time, server string) {
	c.recalls.server = server
	from := c.marks.before(since)
	c.marks = marks{}
	switch {
	case from.at.IsZero(): // nothing has been sent
		c.keep()
		return
	case c.kept == nil:
		c.gone.Add(uint64(c.progress(since).outs - from.outs))
		return
	}
	if after(c.taken, from.next) {
		from.next = c.taken
	}
	c.recalls.since, c.recalls.outs = since, from.outs
	c.parked.Store(false)
	c.again.Store(uint64(from.next) + 1)
	c.holding.Store(true)
}

// loser is who has lost what was lost since that was asked last: the server that has died without a word, or who has the stream now.
func (c *capture) loser(now string) string {
	if n := c.gone.Load(); n != c.recalls.told {
		c.recalls.told = n
		return c.recalls.server
	}
	return now
}

// trust is for what needs no doubt: the dialog is over, and the server has got everything.
func (c *capture) trust() { c.marks = marks{} }

// recall makes what is to be sent again unsent, for who reads the backlog, and counts what is not there any more.
func (c *capture) recall(n uint64) {
	sends := codecs.Codec(c.sends.Load())                                                                                           //nolint:gosec // as stored
	kept := c.kept.rewind(uint32(n-1), func(codec codecs.Codec, at time.Duration) bool { return codec == sends && !c.nobodys(at) }) //nolint:gosec // as stored
	if sent := c.outs - c.recalls.outs; after(sent, kept) {
		c.gone.Add(uint64(sent - kept))
	}
	c.rewound = true
	c.publish()
}
