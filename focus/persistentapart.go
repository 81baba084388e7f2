package focus

import (
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/siprec"
)

// What a line that conferences share has sent to nobody cannot be kept for one of them: a frame of it is of all. So a conference with a spool keeps its own mix
// before it goes into the line, and as long as the server does not take the line nothing of it goes in: it goes to the spool, and is delivered as a recording
// of its own, in which nobody else is. When the server takes the line again, the conference is in it from that frame on.
//
//	mix of a conference ──▶ capture ──▶ feed ──▶ mix of all ──▶ capture ──▶ session
//	                           └─────▶ spool, what the server has not been there for

// feedLag is by how much what is in the line is older than when it goes out, at most: so much waits in a feed.
const feedLag = (feedFrames + 1) * codecs.FrameDuration

// keeps is what keeps the frames of a conference on their way into a feed. It holds.
func (f *feed) keeps() *capture {
	g := f.into
	c := newCapture(g.line.session, max(leaseHold, g.owner.focus.cfg.Hold), f.codec)
	c.feed = f
	return c
}

// share is how much of what the line has lost is of a conference.
func (f *feed) share(n uint64) uint64 {
	if f.apart && !f.open {
		return 0
	}
	return n
}

// takes notes that what flows into the line goes to the server from now on. mu of the session is held, as in what follows.
func (g *merged) takes() {
	if g.taken {
		return
	}
	g.taken = true
	g.spell++
	for _, l := range g.owner.leases {
		l.wake()
	}
}

// halt notes that the server does not take the line, and has not for sure taken what went out since a time.
func (g *merged) halt(since time.Time) {
	g.taken = false
	g.leans = g.leans || g.leaned.After(since)
	for _, f := range g.feeds {
		switch {
		case f.apart && f.open:
			f.lease.unsure = earliest(f.lease.unsure, since)
		case f.apart: // what it has fed last may be on its way, and nobody asks for it any more
			g.leans = g.leans || time.Since(f.shut) < feedLag
		}
	}
}

// relied tells whether what is kept of the line may be of a conference that does not keep it itself.
func (g *merged) relied() bool {
	for _, list := range [][]*feed{g.feeds, g.gone} {
		for _, f := range list {
			if !f.apart {
				return true
			}
		}
	}
	return g.leans
}

// opens and closes note that a conference that keeps its frames is in the line, or is not: what the line loses is its only while it is.
func (l *lease) opens() { l.setOpen(true) }

func (l *lease) closes() { l.setOpen(false) }

func (l *lease) setOpen(open bool) {
	f := l.feed
	if f == nil || !f.apart {
		return
	}
	f.into.weigh()
	if f.open = open; open {
		l.spell, l.unsure = f.into.spell, time.Time{}
		return
	}
	if f.into.taken { // else what was on its way is in doubt already
		f.shut = time.Now()
	}
}

// keepsFed tells whether what is to be in the line is kept until the server takes it.
func (l *lease) keepsFed() bool {
	return l.feed != nil && l.feed.apart && !l.stopped && l.mergedWish != nil && !l.mergedWish.Paused
}

// unsure is since when a line that conferences share may not have taken what one has fed, once; zero: it has, or the stream is in no such line.
func (r *recorder) unsure(s *recorded) time.Time {
	l, lent := r.client.(*lease)
	if !lent || s.feed == nil || !s.ownKept() {
		return time.Time{}
	}
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	since := l.unsure
	l.unsure = time.Time{}
	return since
}

// openApart lets a conference that keeps its frames into the line. What is kept so far goes to the spool: the line goes on in the present.
func (c *controller) openApart(r *recorder, s *recorded) {
	if !s.ownKept() {
		return
	}
	before := s.capture
	if before.owed() {
		before.extent.release(c.focus)
		s.capture = s.feed.keeps()
	}
	s.capture.release(s.format.Codec)
	if before != s.capture {
		c.updateMix()
		c.abandon(r, s, before)
	}
}

// waitsApart tells whether the server does not take the line that a conference is to be in, while it takes others.
func (r *recorder) waitsApart(s *recorded) bool {
	return s.feed != nil && s.ownKept() && !s.started && r.client.Awaited(s.key)
}

// ownKept tells whether what is kept of a stream is its own, and not of a line that conferences share.
func (s *recorded) ownKept() bool { return s.feed == nil || s.capture.kept != nil }

// ended is until when a stream may have been sent that has stopped; zero: it has not been, or what was sent of it last is kept.
func (s *recorded) ended() time.Time {
	if s.feed == nil || s.until.IsZero() {
		return s.until
	}
	return s.until.Add(feedLag)
}

// left is when what was sent at a time had left what is kept of the stream.
func (s *recorded) left(sent time.Time) time.Time {
	if s.feed == nil || sent.IsZero() {
		return sent
	}
	return sent.Add(-feedLag)
}

// doubt has what a server was sent since a time sent again.
func (s *recorded) doubt(since time.Time, server string) { s.capture.doubt(s.left(since), server) }

// doubt has what was sent of the line since a time sent again, as far as it is of those who do not keep it themselves. They know of it, too.
func (g *merged) doubt(since time.Time) {
	g.capture.doubt(since, g.owner.server.Name)
	if g.relied() {
		since = earliest(since, g.capture.oldest())
	}
	g.halt(since)
}

// group has what is kept of a conference say of which group it is: that of all conferences in its session.
func (r *recorder) group(roster *spoolRosters) {
	l, lent := r.client.(*lease)
	if !lent || l.session.merged == nil {
		return
	}
	join := func(one *siprec.Roster) {
		one.Group, one.GroupStarted, one.GroupEnded = l.session.group, l.session.began, time.Time{}
	}
	join(&roster.Roster)
	for i := range roster.Others {
		join(&roster.Others[i])
	}
}
