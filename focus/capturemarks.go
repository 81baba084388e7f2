package focus

import (
	"time"

	"github.com/parley-sip/parley/codecs"
)

// A capture counts what it sends. How far it had come at some times is kept, so that it can be told to the frame what was sent since the last of them at which
// the server is known to have been there: that is in doubt when the server turns out to be gone (ADR 113).

// keptMarks is how many of the last looks at a capture are kept: of as long as what is kept for a silent server, and longer than the time between two reports of
// a recorder (RFC 3550, section 6.2).
const keptMarks = int(keptInDoubt/watchInterval) + 8

// markSlack is by how much later than a mark a server has to have been there to have got what was sent before it: what a tick sends leaves at its end.
const markSlack = codecs.FrameDuration

// mark is how far a capture had come at a time.
type mark struct {
	at       time.Duration // of the clock of the capture; 0: it had not begun
	captured time.Duration // when the first was captured of what was not sent yet; 0: nothing waited
	next     uint64        // the place in the backlog of the first frame that was not sent yet
	outs     uint32        // frames sent until then, modulo 2^32
}

// marks are those of a capture in the present dialog.
type marks struct {
	first  mark          // when it began to be sent; none: it has not
	proven mark          // until there the server has got everything
	until  time.Duration // when that was known of it
	asked  pin           // when the last request went out
	probed pin           // when the last OPTIONS went out that was answered
	recent [keptMarks]mark
	n      int // of the next of them
}

// pin is the last mark before a time, kept however long ago that is.
type pin struct {
	until time.Duration
	mark  mark
}

// recall is what is to be sent again. It does not change.
type recall struct {
	captured time.Duration // the first of it, or later
	outs     uint32        // frames that had been sent before it
	marks    []mark        // from where on, and more of them after that, in their order
}

// publish lets others see how far it has come, for who reads the backlog, unless that is amid a tick: what is sent again begins with one.
func (c *capture) publish() {
	b := c.kept
	if b == nil {
		c.sums.Store(uint64(c.outs))
		return
	}
	sent, waits := b.sent.Load(), int64(0)
	if sent == b.tail.Load() {
		if c.within != 0 {
			return
		}
	} else {
		if b.inner(sent) {
			return
		}
		waits = max(1, int64(b.time(sent)))
	}
	if waits != c.waits.Load() {
		c.waits.Store(waits)
	}
	c.sums.Store(sent<<32 | uint64(c.outs))
}

// clock is a time by the clock of the capture, one that is not 0.
func (c *capture) clock(t time.Time) time.Duration { return max(1, t.Sub(c.epoch)) }

// progress is how far it had come when a tick ended last. For the controller, as all that follows but for recall.
func (c *capture) progress(now time.Time) mark {
	m := mark{at: c.clock(now), captured: time.Duration(c.waits.Load())}
	sums := c.sums.Load()
	m.outs = uint32(sums) //nolint:gosec // a half
	if c.kept != nil {
		tail := c.kept.tail.Load()
		m.next = tail - uint64(uint32(tail)-uint32(sums>>32)) //nolint:gosec // the lower halves of a place not far before it
	}
	return m
}

// begin notes that it is sent from now on, if it has not been in this dialog.
func (c *capture) begin(now time.Time) {
	if c.marks.first.at != 0 {
		return
	}
	m := c.progress(now)
	if r := c.again.Load(); r != nil {
		m.next, m.captured = r.marks[0].next, r.captured
	}
	c.marks = marks{first: m, proven: m}
}

// mark notes how far it has come, unless that has been done in the last while, or it is about to go back.
func (c *capture) mark(now time.Time) {
	s := &c.marks
	last := s.recent[(s.n+keptMarks-1)%keptMarks].at
	if s.first.at == 0 || c.clock(now)-last < watchInterval/2 || c.again.Load() != nil {
		return
	}
	s.recent[s.n] = c.progress(now)
	s.n = (s.n + 1) % keptMarks
}

// follow takes what is known of the server: when it was there for sure, and when it was asked last, or answered to others. Marks of those times stay.
func (c *capture) follow(there, asked, probed time.Time) {
	s := &c.marks
	if at := c.clock(there); at > s.until {
		s.until, s.proven = at, s.before(at)
	}
	if at := c.clock(asked); at > s.asked.until {
		s.asked = pin{at, s.before(at)}
	}
	if at := c.clock(probed); at > s.probed.until {
		s.probed = pin{at, s.before(at)}
	}
}

// before is the last mark of what a server has got that was there at a time.
func (s *marks) before(at time.Duration) mark {
	best := s.proven
	consider := func(m *mark) bool {
		if m.at == 0 || m.at+markSlack > at {
			return false
		}
		if m.at > best.at {
			best = *m
		}
		return true
	}
	consider(&s.asked.mark)
	consider(&s.probed.mark)
	for i := 1; i <= keptMarks && !consider(&s.recent[(s.n+keptMarks-i)%keptMarks]); i++ {
		continue
	}
	return best
}

// after gives a mark and all looks after it, in their order.
func (s *marks) after(from mark) []mark {
	list := []mark{from}
	for i := range keptMarks {
		if m := &s.recent[(s.n+i)%keptMarks]; m.at != 0 && m.next > list[len(list)-1].next {
			list = append(list, *m)
		}
	}
	return list
}

// doubt keeps what comes from now on, and has sent again what was sent since a time, as far as it is still there: whom it was sent to may not have
// been there any more. What is not there any more is lost. What came in a pause is nobody's as ever, and a pause goes on. A new dialog is next.
func (c *capture) doubt(since time.Time, server string) {
	c.from = server
	from := c.marks.before(c.clock(since))
	if from.at == 0 { // nothing has been sent
		c.keep()
		return
	}
	r := &recall{captured: from.at, outs: from.outs}
	if from.captured != 0 {
		r.captured = from.captured
	}
	if c.kept != nil && c.taken.next > from.next {
		from = c.taken
	}
	r.marks = c.marks.after(from)
	c.marks = marks{}
	if c.kept == nil {
		c.gone.Add(uint64(c.progress(since).outs - from.outs))
		return
	}
	if before := c.again.Load(); before != nil { // nor has anything been sent since then
		r = before
	}
	c.parked.Store(false)
	c.again.Store(r)
	c.holding.Store(true)
}

// loser is who has lost what was lost since that was asked last: the server that has died without a word, or who has the stream now.
func (c *capture) loser(now string) string {
	if n := c.gone.Load(); n != c.blamed {
		c.blamed = n
		return c.from
	}
	return now
}

// trust is for what needs no doubt: the dialog is over, and the server has got everything.
func (c *capture) trust() { c.marks = marks{} }

// recall makes what is to be sent again unsent, for who reads the backlog, and counts what is not there any more: it looks at no more frames than are between two
// marks, however much is kept.
func (c *capture) recall(r *recall) {
	b := c.kept
	head, to, outs := b.head.Load(), b.sent.Load(), c.outs
	start := head
	for i := range r.marks {
		if m := &r.marks[i]; m.next >= head && m.next <= to {
			to, outs = m.next, m.outs
			if i == 0 {
				start = to
			}
			break
		}
	}
	if start != to {
		start = b.whole(start)
	}
	sends := codecs.Codec(c.sends.Load()) //nolint:gosec // as stored
	kept := b.count(start, to, func(codec codecs.Codec, at time.Duration) bool { return codec == sends && !c.nobodys(at) })
	if lost := int32(outs - r.outs - kept); lost > 0 { //nolint:gosec // modular arithmetic
		c.gone.Add(uint64(lost))
	}
	b.rewind(start)
	c.rewound = true
	c.publish()
}
