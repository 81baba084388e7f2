package focus

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/mixer"
	"github.com/parley-sip/parley/siprec"
)

// merged is the line of a persistent session that has the mixed streams of all its conferences in it (RFC 6341, REQ-008; RFC 8068, section 3.5). It is a
// mix of its own with a source for each conference, and nobody who could hear but the recorder. The line is of no session: the metadata say who
// feeds it. So nobody has to wait until the recorder knows whose it is; what it does not take yet is kept as of other streams. Guarded by the
// mutex of the session, but for the capture.
type merged struct {
	owner   *persistent
	line    *line
	mix     *mixer.Mix
	capture *capture
	format  codecs.Format
	feeds   []*feed
	last    mixer.MemberID
	turn    int // counts what the server takes
	told    uint64
	left    uint64 // frames that nobody has taken, beside those that the capture counts; not told yet

	applied   <-chan struct{} // closed when the mix is as it should be
	finishing bool
	gone      []*feed     // of conferences that have gone, and of which something may be kept
	seals     []*feedSeal // that what is sent goes into

	taken  bool      // what flows into it goes to the server at once
	spell  int       // counts the times for which it is so
	leaned time.Time // when the last conference left that keeps nothing itself; zero: none has
	leans  bool      // something of one that has left is kept, or in doubt
}

// mergedListener is who hears all feeds.
const mergedListener mixer.MemberID = 1

// newMerged puts a mix behind a line that is never lent.
func (h *persistent) newMerged(l *line, codec codecs.Codec) *merged {
	return &merged{
		owner: h, line: l, mix: h.focus.mixer.NewMix(mixer.MixConfig{Floor: codecs.SilenceLevel - 1}), last: mergedListener,
		format: codecs.Format{Codec: codec}, capture: newCapture(l.session, max(leaseHold, h.focus.cfg.Hold), codec),
	}
}

// apply makes the layout what it should be; the channel is closed when it is. mu is held, as in what follows.
func (g *merged) apply() <-chan struct{} {
	var l mixer.Layout
	for _, f := range g.feeds {
		l.Members = append(l.Members, mixer.Member{ID: f.member, In: f, Speaks: true})
	}
	if len(g.feeds) > 0 {
		l.Members = append(l.Members, mixer.Member{
			ID: mergedListener, Out: g.capture, Format: g.format, Hears: mixer.Hearing{Mode: mixer.Everyone}, Verbatim: true,
		})
	}
	applied, err := g.mix.Apply(l)
	if err != nil {
		g.owner.focus.log.Error("merged recorded stream", slog.Any("error", err))
		applied = closedChannel()
	}
	g.applied = applied
	return applied
}

// add gives a conference its way into the mix.
func (g *merged) add(l *lease) (*feed, error) {
	decoder, err := codecs.NewDecoder(g.format.Codec)
	if err != nil {
		return nil, err
	}
	g.last++
	f := &feed{into: g, lease: l, member: g.last, codec: g.format.Codec, decoder: decoder}
	g.feeds = append(g.feeds, f)
	f.sealed()
	g.apply()
	return f, nil
}

// start sends to where the server wants the line, when the mix has its codec.
func (g *merged) start(a siprec.StartMedia) {
	g.turn++
	turn := g.turn
	before, dropped, relied := g.capture, g.capture.dropped(), g.relied()
	if g.format.Codec != a.Format.Codec || g.capture.holding.Load() && !relied { // what it has of those who keep it themselves they deliver themselves
		g.capture = newCapture(g.line.session, max(leaseHold, g.owner.focus.cfg.Hold), a.Format.Codec)
		g.left, g.told = g.left+dropped-g.told, 0
	}
	if g.format = a.Format; packable(g.format) {
		g.format.PacketTime = codecs.FrameDuration // what conferences share is counted by ticks
	}
	g.witness()
	for _, f := range g.feeds {
		f.sealed()
	}
	applied := g.apply()
	g.owner.focus.spawn(func(ctx context.Context) {
		select {
		case <-applied:
		case <-ctx.Done():
			return
		}
		g.owner.mu.Lock()
		defer g.owner.mu.Unlock()
		if before != g.capture && relied { // the server has chosen another codec than the frames are in
			g.left += before.dropped() - dropped
			g.forsake(before)
		}
		if turn != g.turn {
			return
		}
		if err := g.line.configure(&a, func() { g.secured(turn) }); err != nil {
			g.owner.focus.log.ErrorContext(ctx, "recorded stream", slog.String("server", g.owner.server.Name), slog.Any("error", err))
			return
		}
		if a.DTLS == nil || g.line.session.Stats().Protected {
			g.flow()
		} else {
			g.capture.hold()
		}
	})
}

// stop keeps what comes until the server takes it again.
func (g *merged) stop() {
	g.turn++
	g.capture.hold()
	g.halt(time.Now())
}

// weigh counts what nobody has taken in time.
func (g *merged) weigh() {
	n := g.capture.dropped() - g.told
	g.told = g.capture.dropped()
	n, g.left = n+g.left, 0
	if !g.relied() {
		n = 0
	}
	all := n
	for _, f := range g.feeds {
		own := f.lost.Swap(0)
		all += own
		g.account(f, f.share(n)+own)
	}
	for _, f := range g.gone {
		g.account(f, f.share(n))
	}
	if g.capture.live() {
		g.leans = false
		for _, f := range g.gone {
			g.unseal(f.seal)
		}
		g.gone = nil
	}
	if all == 0 {
		return
	}
	g.owner.focus.log.Error("captured audio is lost", slog.String("server", g.owner.server.Name), slog.String("stream", g.line.id.Text()), slog.Uint64("frames", all))
	if hook := g.owner.focus.hooks.RecordingFailure; hook != nil {
		hook(g.owner.server.Name, "unrecorded")
	}
	g.owner.focus.unrecorded.Add(all)
}

// sessions are the communication sessions that feed the line.
func (g *merged) sessions() []siprec.ID {
	var list []siprec.ID
	for _, f := range g.feeds {
		if w := f.lease.mergedWish; w != nil && !w.Paused {
			list = append(list, w.Session)
		}
	}
	return list
}

// knows tells whether the server has acknowledged that a conference is in the session.
func (g *merged) knows(session siprec.ID) bool {
	known, synced := g.owner.client.Acknowledged()
	return synced && slices.ContainsFunc(known.SessionRecordings, func(a siprec.SessionRecording) bool { return a.Session == session && a.Disassociate.IsZero() })
}

// feedFor opens the way of a conference into the merged line; nil when there is none.
func (l *lease) feedFor(account *copyAccount, apart bool) *feed {
	h := l.session
	h.mu.Lock()
	defer h.mu.Unlock()
	f, err := h.merged.add(l)
	if err != nil {
		h.focus.log.Error("merged recorded stream", slog.Any("error", err))
		return nil
	}
	l.feed, f.account, f.apart = f, account, apart
	return f
}

// wantMerged takes over what is to be recorded of the conference in the merged line, and puts its sessions into the group of all.
func (l *lease) wantMerged(d siprec.Desire) {
	g := l.session.merged
	if g == nil {
		return
	}
	for i := range l.rosters {
		l.rosters[i].Group, l.rosters[i].GroupStarted, l.rosters[i].GroupEnded = l.session.group, l.session.began, time.Time{}
	}
	l.mergedWish = nil
	i := slices.IndexFunc(d.Streams, func(w siprec.StreamWish) bool { return w.Key == mixedKey })
	if i >= 0 && !d.Stopped {
		w := d.Streams[i]
		w.Session, w.Paused = d.Roster.Session, w.Paused || d.Paused
		l.rename(&w)
		l.mergedWish, l.fed = &w, true
	}
}

// mergedOutcome is what the controller has to do about its stream in the merged line.
func (l *lease) mergedOutcome() []siprec.Action {
	if l.feed == nil {
		return nil
	}
	_, plays := l.playing[mixedKey]
	flows, again := l.mergedWish != nil && !l.mergedWish.Paused, false
	if g := l.feed.into; l.feed.apart {
		flows, again = flows && g.taken, l.spell != g.spell
	}
	switch {
	case flows && !plays:
		l.opens()
		start := siprec.StartMedia{Key: mixedKey, Label: l.session.client.Label(l.feed.into.line.key), Format: codecs.Format{Codec: l.feed.codec}}
		l.playing[mixedKey] = start
		return []siprec.Action{start}
	case plays && (!flows || again), !plays && l.feed.apart && l.fed && l.mergedWish == nil:
		l.closes()
		delete(l.playing, mixedKey)
		stop := siprec.StopMedia{Key: mixedKey, Removed: l.mergedWish == nil}
		if stop.Removed {
			l.feed = nil
		}
		return []siprec.Action{stop}
	}
	return nil
}

// mergedStream is the mixed stream of a recording in the merged line.
func (c *controller) mergedStream(r *recorder, l *lease) *recorded {
	g := l.session.merged
	apart := c.spools(r.recording)
	f := l.feedFor(r.account, apart)
	if f == nil {
		return nil
	}
	format := codecs.Format{Codec: f.codec, Bitrate: feedBitrate} // in frames of one tick
	s := &recorded{
		key: mixedKey, id: g.line.id, outlet: outlet{session: g.line.session, codec: format.Codec}, member: c.newMember(),
		format: format, capture: newCapture(g.line.session, 0, format.Codec), line: g.line, feed: f,
	}
	if apart {
		s.capture, s.apart = f.keeps(), newIdentity()
	}
	r.streams[mixedKey] = s
	return s
}

// packets counts what was sent of a stream.
func (s *recorded) packets(stats *media.Stats) uint64 {
	if s.feed != nil {
		return s.feed.taken.Load()
	}
	return stats.PacketsSent
}

// out is where the mix of the conference sends.
func (s *recorded) out() mixer.Output {
	if s.ownKept() {
		return s.capture
	}
	return s.feed
}
