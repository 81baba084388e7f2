package focus

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// What is kept of the line that conferences share is sent to its end when the last of them has gone: the mix has nobody who hears then, and who reads what
// is kept is the session. mu of the session is held in all of this.

// owes tells whether something of conferences that have gone is to be sent.
func (g *merged) owes() bool { return g != nil && len(g.feeds) == 0 && !g.capture.live() }

// finishLater sends what is kept, as often as the mix would, until a conference comes or the server takes the line no more.
func (g *merged) finishLater() {
	if g.finishing || !g.owes() || g.capture.holding.Load() {
		return
	}
	g.finishing = true
	h := g.owner
	h.focus.spawn(func(ctx context.Context) {
		ticker := time.NewTicker(codecs.FrameDuration)
		defer ticker.Stop()
		for g.finishSome(ctx) {
			select {
			case <-ticker.C:
			case <-h.over:
				return
			case <-ctx.Done():
				return
			}
		}
	})
}

// finishSome sends the next of it, and reports whether more may be left. mu is not held.
func (g *merged) finishSome(ctx context.Context) (more bool) {
	h := g.owner
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.over:
		return false
	case <-ctx.Done():
		return false
	default:
	}
	select {
	case <-g.applied:
		more = g.owes() && !g.capture.holding.Load() && !g.capture.drain()
	default: // the mix has it yet
		return true
	}
	if !more {
		g.finishing = false
		g.weigh()
		h.desire() // the session may end now
	}
	return more
}

// forsake counts what is kept as lost: nobody will take it, and the mix has let go of it.
func (g *merged) forsake(c *capture) {
	c.unsent(0, func(*codecs.Packet, held) { g.left++ })
}

// account adds frames to what is lost of those whose audio they are, as far as that is known: who feeds the line, or fed it last.
func (g *merged) account(f *feed, lost uint64) {
	if lost > 0 {
		g.owner.focus.assurance.add(f.account, g.owner.server.Name, 0, 0, lost)
	}
}

// leave takes a feed out. As long as what is kept may be of its conference, what is lost is counted there as well.
func (g *merged) leave(f *feed) {
	g.feeds = slices.DeleteFunc(g.feeds, func(other *feed) bool { return other == f })
	if !f.apart {
		g.leaned = time.Now()
	}
	if !g.capture.live() || f.seal != nil {
		g.gone = append(g.gone, f)
	}
}

// KeptSessions is how many recording sessions there are that are kept up while nothing is recorded, those among them that are being begun:
// INVITE dialogs that nobody is in, and that end for no caller. Any goroutine may call it.
func (f *Focus) KeptSessions() int {
	f.mu.Lock()
	sessions := slices.Collect(maps.Values(f.persistent))
	f.mu.Unlock()
	n := 0
	for _, h := range sessions {
		h.mu.Lock()
		if len(h.leases) == 0 && (h.dialog != nil || h.inviting != nil) {
			n++
		}
		h.mu.Unlock()
	}
	return n
}
