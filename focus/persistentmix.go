package focus

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
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
	before, dropped := g.capture, g.capture.dropped()
	if g.format.Codec != a.Format.Codec {
		g.capture = newCapture(g.line.session, max(leaseHold, g.owner.focus.cfg.Hold), a.Format.Codec)
		g.left, g.told = g.left+dropped-g.told, 0
	}
	g.format = a.Format
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
		if before != g.capture { // the server has chosen another codec than the frames are in
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
}

// weigh counts what nobody has taken in time.
func (g *merged) weigh() {
	n := g.capture.dropped() - g.told
	g.told = g.capture.dropped()
	n, g.left = n+g.left, 0
	all := n
	for _, f := range g.feeds {
		own := f.lost.Swap(0)
		all += own
		g.account(f, n+own)
	}
	for _, f := range g.gone {
		g.account(f, n)
	}
	if g.capture.live() {
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

// feed brings the mixed stream of a conference into the mix of all. The tick of the conference writes, that of the mix reads; neither waits. One
// frame is kept back, so that a tick that is late by less than its length leaves no gap.
type feed struct {
	into    *merged
	lease   *lease
	account *copyAccount
	seal    *feedSeal // in the present dialog; nil: nothing is sealed
	member  mixer.MemberID
	codec   codecs.Codec
	decoder codecs.Decoder

	frames [feedFrames]fedFrame
	tail   atomic.Uint64 // the writer's
	head   atomic.Uint64 // the reader's
	taken  atomic.Uint64 // frames that have been in the mix
	lost   atomic.Uint64 // frames that have not been, as one of both ticks was too late, and have not been counted yet

	part    int       // the writer's: RTP units of the frame that is not whole yet
	late    bool      // the writer's: there was no room for its beginning
	flows   bool      // the reader's: it has begun
	current *fedFrame // the reader's: the last one
}

// feedBitrate is that of Opus on the way into the mix, in bit/s: it is encoded twice.
const feedBitrate = 128000

// feedFrames bounds what waits: a mix that hangs loses frames, rather than being late for ever.
const feedFrames = 8

// maxFed is the most octets of a frame: 20 ms of L16 at 48 kHz, which come in two packets.
const maxFed = 1920

type fedFrame struct {
	payload [maxFed]byte
	size    int
	level   uint8
	voice   bool
	csrc    [codecs.MaxCSRC]uint32
	sources int
}

// Emit implements [mixer.Output].
func (f *feed) Emit(p *codecs.Packet) {
	tail, whole := f.tail.Load(), f.codec.TimestampUnits(codecs.FrameDuration)
	if f.part == 0 {
		f.late = tail-f.head.Load() >= feedFrames-1 // one is being read
	}
	frame := &f.frames[tail%feedFrames]
	begun := f.part > 0
	if f.part += p.Samples; f.part >= whole {
		f.part = 0
	}
	switch {
	case f.late:
		if f.part == 0 {
			f.lost.Add(1)
		}
		return
	case !begun:
		frame.size, frame.sources = 0, 0
		frame.level, frame.voice = codecs.SilenceLevel, false
	}
	frame.size += copy(frame.payload[frame.size:], p.Payload)
	frame.level, frame.voice = min(frame.level, p.Level), frame.voice || p.Voice
	frame.sources = max(frame.sources, copy(frame.csrc[:], p.CSRC))
	if f.part == 0 {
		f.tail.Store(tail + 1)
	}
}

// Ingest implements [mixer.Input].
func (f *feed) Ingest(dst []int16) codecs.Frame {
	rate := f.codec.SampleRate()
	silent := codecs.Frame{Rate: rate, Samples: rate / 50, Level: codecs.SilenceLevel, Flags: codecs.Silent} //nolint:mnd // ticks in a second
	head, tail := f.head.Load(), f.tail.Load()
	f.current = nil
	if tail == head {
		f.flows = false
		return silent
	}
	if f.flows = f.flows || tail-head > 1; !f.flows {
		return silent
	}
	if tail-head > feedFrames/2 { // what was late is not made up for by being late for ever
		f.lost.Add(tail - 2 - head)
		head = tail - 2
	}
	frame := &f.frames[head%feedFrames]
	defer f.head.Store(head + 1)
	f.taken.Add(1)
	if frame.size == 0 {
		return silent
	}
	n, err := f.decoder.Decode(dst, frame.payload[:frame.size])
	if err != nil || n != silent.Samples {
		return silent
	}
	f.current = frame
	out := codecs.Frame{Rate: rate, Samples: n, Level: frame.level, Voice: frame.voice, CSRCCount: uint8(frame.sources)} //nolint:gosec // at most MaxCSRC
	out.CSRC = frame.csrc
	return out
}

// Encoded implements [mixer.Encoded]: while there is one conference its stream goes on as it came.
func (f *feed) Encoded() (codecs.Codec, []byte) {
	if f.current == nil {
		return codecs.None, nil
	}
	return f.codec, f.current.payload[:f.current.size]
}

// close takes a feed out of the mix, when nobody writes into it any more.
func (f *feed) close() {
	h := f.into.owner
	h.mu.Lock()
	defer h.mu.Unlock()
	f.into.weigh()
	f.into.leave(f)
	f.into.apply()
	f.into.finishLater()
	f.into.sealLater(f)
	h.desire()
}

// feedFor opens the way of a conference into the merged line; nil when there is none.
func (l *lease) feedFor(account *copyAccount) *feed {
	h := l.session
	h.mu.Lock()
	defer h.mu.Unlock()
	f, err := h.merged.add(l)
	if err != nil {
		h.focus.log.Error("merged recorded stream", slog.Any("error", err))
		return nil
	}
	l.feed, f.account = f, account
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
		l.mergedWish = &w
	}
}

// mergedOutcome is what the controller has to do about its stream in the merged line.
func (l *lease) mergedOutcome() []siprec.Action {
	if l.feed == nil {
		return nil
	}
	_, plays := l.playing[mixedKey]
	flows := l.mergedWish != nil && !l.mergedWish.Paused
	switch {
	case flows && !plays:
		start := siprec.StartMedia{Key: mixedKey, Label: l.session.client.Label(l.feed.into.line.key), Format: codecs.Format{Codec: l.feed.codec}}
		l.playing[mixedKey] = start
		return []siprec.Action{start}
	case plays && !flows:
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
	f := l.feedFor(r.account)
	if f == nil {
		return nil
	}
	format := codecs.Format{Codec: f.codec, Bitrate: feedBitrate} // in frames of one tick
	s := &recorded{
		key: mixedKey, id: g.line.id, outlet: outlet{session: g.line.session, codec: format.Codec}, member: c.newMember(),
		format: format, capture: newCapture(g.line.session, 0, format.Codec), line: g.line, feed: f,
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
	if s.feed != nil {
		return s.feed
	}
	return s.capture
}

var (
	_ mixer.Input   = (*feed)(nil)
	_ mixer.Output  = (*feed)(nil)
	_ mixer.Encoded = (*feed)(nil)
)
