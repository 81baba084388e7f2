package focus

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/spool"
	"github.com/parley-sip/parley/siprec"
)

// segment is what one copy of a recording has in the spool, from the loss of a server until another takes over.
type segment struct {
	writer *spool.Writer
	index  map[siprec.ID]uint16 // of the streams declared so far
	roster spoolRosters         // as written last
	buffer []byte
}

// spools tells whether the policy of a recording wants what no server takes to be kept on disk.
func (c *controller) spools(id conference.RecordingID) bool {
	r, ok := c.machine.State().Recording(id)
	if !ok || r.Config == nil { // its last frames come when it is forgotten
		return c.focus.spool != nil && c.entry.cfg.Recording.Spool
	}
	return c.focus.spool != nil && r.Config.Spool
}

// spoolWaiting writes what has waited for a server for longer than it should.
func (c *controller) spoolWaiting(r *recorder) {
	live := false
	switch r.state {
	case siprec.StateRecording, siprec.StatePaused, siprec.StateStopped:
		live = true
		if !r.keyless() {
			c.closeSegment(r)
			return
		}
	case siprec.StateIdle, siprec.StateConnecting, siprec.StateFailed:
	}
	if !c.spools(r.recording) {
		return
	}
	for _, s := range r.streams {
		if s.capture.parked.Load() && (!live || s.keyless || r.waitsApart(s)) {
			c.spoolUnsent(r, s, s.capture, c.focus.cfg.Hold/2) //nolint:mnd // half is written, half can still go out live
		}
	}
	for _, t := range r.texts {
		c.spoolWritten(r, t, c.focus.cfg.Hold/2) //nolint:mnd // as of audio
	}
	if r.segment != nil {
		c.spoolRoster(r)
		r.segment.writer.Flush()
	}
}

// gone reports whether a stream ends because its participant has left, its sidebar, or everybody: the last tick in the mix is nobody's then.
func (c *controller) gone(s *recorded) bool {
	state := c.machine.State()
	switch {
	case s.participant == "" && s.sidebar == "":
		return state.PresentCount() == 0
	case s.participant == "":
		_, lives := state.Sidebar(s.sidebar)
		return !lives
	}
	p, ok := state.Participant(s.participant)
	return !ok || !p.Status.Present() || s.sidebar != "" && p.Sidebar != s.sidebar
}

// abandon takes what was kept of a stream and no server will take any more: into the spool, or it is lost.
func (c *controller) abandon(r *recorder, s *recorded, kept *capture) {
	applied, silent := c.applied, c.silent
	r.abandoning++
	c.settling[r.recording]++
	c.background(func(ctx context.Context) message {
		select {
		case <-applied:
		case <-silent:
		case <-ctx.Done():
		}
		return letGo{recorder: r, stream: s, kept: kept}
	})
}

// letGo says that the mix has let go of a stream.
type letGo struct {
	recorder *recorder
	stream   *recorded
	kept     *capture
}

func (m letGo) handle(c *controller) {
	r := m.recorder
	c.spoolUnsent(r, m.stream, m.kept, 0)
	r.abandoning--
	c.settling[r.recording]--
	c.countLost(r, m.stream, m.kept)
	if r.over {
		c.closeSegment(r)
	}
}

// spoolUnsent writes the frames of a stream that are older than an age. Without a spool they are lost.
func (c *controller) spoolUnsent(r *recorder, s *recorded, kept *capture, age time.Duration) {
	spools := c.spools(r.recording)
	kept.unsent(age, func(p *codecs.Packet, h held) {
		if kept.nobodys(h.at) {
			return
		}
		if !spools || !c.spoolFrame(r, s, kept, p, h) {
			kept.lost.Add(1)
			return
		}
		c.focus.assurance.add(r.account, r.server.Name, 0, 1, 0)
		c.focus.spooled.Add(1)
	})
}

// spoolFrame writes one frame.
func (c *controller) spoolFrame(r *recorder, s *recorded, kept *capture, p *codecs.Packet, h held) bool {
	g := c.openSegment(r)
	if g == nil {
		return false
	}
	declared := spoolStream{Key: s.key, ID: cmp.Or(s.apart, s.id), Age: s.session.SentAge()}
	if s.participant != "" {
		declared.Participant = c.identity(s.participant)
	}
	if side := c.side(s.sidebar); side != nil {
		declared.Session = side.session
	}
	index, ok := g.declare(declared)
	if !ok {
		return false
	}
	f := spoolFrame{
		stream: index, at: kept.epoch.Add(h.captured()), codec: h.codec, samples: p.Samples, csrc: p.CSRC, payload: p.Payload,
	}
	g.buffer = f.record(g.buffer[:0])
	return !c.refused(r, g.writer.Append(g.buffer))
}

// spoolAgain is after how long a copy tries another segment, when the disk has refused one.
const spoolAgain = time.Second

// refused looks at the outcome of a write, and gives up a segment that the disk takes no more of: the next one may find it well again.
func (c *controller) refused(r *recorder, err error) bool {
	if errors.Is(err, spool.ErrDisk) && r.segment != nil {
		_ = r.segment.writer.Close() // what it has can be read
		r.segment, r.noSegment = nil, time.Now().Add(spoolAgain)
	}
	return err != nil
}

// openSegment gives the segment of a copy, a new one if need be; nil when there is none to be had.
func (c *controller) openSegment(r *recorder) *segment {
	if r.segment != nil {
		return r.segment
	}
	now := time.Now()
	if now.Before(r.noSegment) {
		return nil
	}
	writer, err := c.focus.spool.Create(now, c.unspooled(r))
	if err != nil {
		c.log.Error("spool", slog.Any("error", err))
		r.noSegment = now.Add(spoolAgain)
		return nil
	}
	state := c.machine.State()
	header := spoolHeader{Conference: c.id, Name: state.Name, Recording: r.recording, Servers: []string{r.server.Name}, Began: now}
	if recording, ok := state.Recording(r.recording); ok {
		header.Servers = c.ownServers(r, serverNames(&recording))
	}
	record, err := jsonRecord(spooledHeader, header)
	if err == nil {
		err = writer.Append(record)
	}
	r.segment = &segment{writer: writer, index: map[siprec.ID]uint16{}}
	if err != nil {
		c.log.Error("spool", slog.Any("error", err))
		_ = writer.Close() // nothing is in it
		r.segment, r.noSegment = nil, now.Add(spoolAgain)
		return nil
	}
	c.log.Warn("what a recording server does not take goes to the spool", slog.String("recording", string(r.recording)), slog.String("server", r.server.Name))
	if h := c.focus.hooks.RecordingFailure; h != nil {
		h(r.server.Name, "spooling")
	}
	c.spoolRoster(r)
	return r.segment
}

// ownServers are those for what a copy could not be given: its own, and those that have no copy. One that has one has it all.
func (c *controller) ownServers(r *recorder, names []string) []string {
	own := []string{r.server.Name}
	for _, name := range names {
		taken := func(other *recorder) bool { return other.recording == r.recording && other.server.Name == name }
		if !slices.ContainsFunc(c.recorders, taken) && name != r.server.Name {
			own = append(own, name)
		}
	}
	return own
}

// spoolRoster writes the roster if it is another than before.
func (c *controller) spoolRoster(r *recorder) {
	g, state := r.segment, c.machine.State()
	roster := spoolRosters{Roster: c.roster(r, state)}
	firsts := c.firstStays(state)
	for i := range roster.Participants {
		if first, known := firsts[roster.Participants[i].ID]; known { // what is in the segment may be of before he came back
			roster.Participants[i].Joined = first
		}
	}
	roster.Others = c.sideRosters(r, state, &roster.Roster)
	r.group(&roster)
	for _, s := range r.streams {
		if s.side != everySide {
			if roster.Senders == nil {
				roster.Senders = map[siprec.ID][]siprec.ID{}
			}
			roster.Senders[s.id] = c.feeders(r, s.side)
		}
	}
	if reflect.DeepEqual(roster, g.roster) {
		return
	}
	record, err := jsonRecord(spooledRoster, roster.without())
	if err == nil {
		err = g.writer.Append(record)
	}
	if err != nil { // the next time
		c.log.Error("spool", slog.Any("error", err))
		return
	}
	g.roster = roster
}

// unspooled counts what a failed disk had been given of a copy. It may be called by any goroutine.
func (c *controller) unspooled(r *recorder) func(records int) {
	f, account, server := c.focus, r.account, r.server.Name
	return func(records int) {
		n := uint64(max(0, records))
		f.assurance.unspool(account, n)
		f.unrecorded.Add(n)
		if h := f.hooks.RecordingFailure; h != nil {
			h(server, "unrecorded")
		}
	}
}

// closeSegment ends the segment of a copy, if it has one and nothing more comes.
func (c *controller) closeSegment(r *recorder) {
	if r.segment == nil || r.abandoning > 0 {
		return
	}
	c.spoolRoster(r)
	if err := r.segment.writer.Close(); err != nil {
		c.log.Error("spool", slog.Any("error", err))
	}
	r.segment = nil
}

// reportSpool tells the conference whether the spool keeps a recording: as a server that records, so that whoever is recorded
// is told so, and no policy for failures applies.
func (c *controller) reportSpool(id conference.RecordingID) {
	recording, ok := c.machine.State().Recording(id)
	if !ok || !c.spools(id) {
		return
	}
	state, copies := conference.RecordingStandby, 0
	for _, r := range c.recorders {
		if r.recording != id {
			continue
		}
		copies++
		if r.state == siprec.StateFailed {
			state = conference.RecordingActive
		}
	}
	switch {
	case copies == 0:
		state = conference.RecordingStopped
	case state == conference.RecordingActive && recording.Paused:
		state = conference.RecordingPaused
	}
	_ = c.step(conference.Report{Recording: id, Server: conference.SpoolServer, State: state})
}

// weigh brings the counts of a copy up to date.
func (c *controller) weigh(r *recorder) {
	for _, s := range r.streams {
		c.weighStream(r, s)
	}
}

func (c *controller) weighStream(r *recorder, s *recorded) {
	stats := s.session.Stats()
	n := s.packets(&stats)
	c.focus.assurance.add(r.account, r.server.Name, n-s.counted, 0, 0)
	s.counted = n
	c.countLost(r, s, s.capture)
	c.countUnheld(r, s, time.Now())
}

// countLost counts the frames that neither a server nor the spool has taken, and says so.
func (c *controller) countLost(r *recorder, s *recorded, kept *capture) {
	n := kept.dropped() - kept.told
	if n == 0 {
		return
	}
	server := kept.loser(r.server.Name)
	if kept.told == 0 {
		log, what := c.log.Error, "captured audio is lost"
		if c.focus.assurance.elsewhere(c.accounts[r.recording], r.account) {
			log, what = c.log.Warn, "captured audio is lost in one copy, another copy has it"
		}
		log(what, slog.String("server", server), slog.String("recording", string(r.recording)),
			slog.String("stream", s.id.Text()), slog.Uint64("frames", n))
		if h := c.focus.hooks.RecordingFailure; h != nil {
			h(server, "unrecorded")
		}
	}
	kept.told += n
	c.lack(r, server, n)
}
