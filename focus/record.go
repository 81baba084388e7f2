package focus

import (
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/siprec"
)

// desire tells a recording session what the State wants recorded. Sessions follow every version; what comes close together
// is put into one request by the protocol.
func (c *controller) desire(r *recorder) {
	if r.moved || r.over || r.ending != nil {
		return
	}
	state := c.machine.State()
	recording, ok := state.Recording(r.recording)
	d := siprec.Desire{
		Stopped: !ok || recording.Stopping || recording.Over(), Paused: recording.Paused, Roster: c.roster(r, state),
		Streams: c.wishes(r, state),
	}
	d.Others = c.sideRosters(r, state, &d.Roster)
	c.countPortless(r, &d)
	d.Late = c.unnamed(r, d.Stopped)
	if d.Stopped && c.endLater(r, d) {
		return
	}
	c.lingering(r, &d)
	r.wanted = d
	c.recorderStep(r, d)
	r.pauseAwaited(d.Paused)
	c.sweep(r, &d)
	if len(r.texts) > 0 {
		c.updateText()
	}
	if r.state == siprec.StateFailed {
		c.reportSpool(r.recording)
	}
}

// pauseAwaited has what streams keep that their server has not taken, or has not agreed yet to take again, end with a pause, and begin when that is over: a
// server that needs a second to agree gets all that is said from then on.
func (r *recorder) pauseAwaited(paused bool) {
	for key, s := range r.streams {
		if s.started || s.linger != nil || !s.ownKept() {
			continue
		}
		if paused {
			s.capture.pause()
		} else if r.client.Awaited(key) {
			s.capture.hold()
		}
	}
}

// fallBack records the mixed stream in the place of separate ones for a server that has refused some of them, where that is wanted (RFC 7866,
// section 8.3.1): else there would be nothing of whom it refused.
func (c *controller) fallBack(r *recorder) {
	if r.server.Profile.FallbackMixed && r.modes == conference.Separate {
		r.modes = conference.Mixed
		c.desire(r)
	}
}

// mixedKey is the key of the mixed stream; those of the others are the identifiers of participants.
const mixedKey = "mixed"

// wishes are the streams that shall be recorded: the mixed one first, then the pair, the participants in order of arrival, then those of sidebars. Who is left out
// gets no stream; one that he has stays, without packets, so that its label is still his if he comes back into the recording.
func (c *controller) wishes(r *recorder, state *conference.State) []siprec.StreamWish {
	var list []siprec.StreamWish
	r.settlePair(state)
	r.round, r.fed = r.round+1, 0
	add := func(key string, at conference.SidebarID, of side, id conference.ParticipantID) {
		s := c.stream(r, key, at, id)
		if s == nil {
			return
		}
		s.side, s.round = of, r.round
		c.recount(r, s, id)
		r.fed++
		c.unlinger(s)
		w := siprec.StreamWish{Key: key, ID: s.id, Port: s.session.LocalAddr().Port(), Prefer: c.prefers(s), Senders: c.feeders(r, of)}
		if id != "" {
			w.Participant, w.Stereo = c.identity(id), w.Prefer == codecs.Opus && c.participants[id].stream.Opus.SpropStereo
		}
		if at != "" {
			w.Session = c.side(at).session
		}
		s.wish, s.offered = w, siprec.Preferring(r.client.Codecs(), w.Prefer)
		list = append(list, w)
	}
	if r.modes&conference.Mixed != 0 {
		add(mixedKey, "", everySide, "")
	}
	if r.modes&conference.Pair != 0 {
		add(pairKey(chosenSide), "", chosenSide, "")
		add(pairKey(otherSide), "", otherSide, "")
	}
	if r.modes&conference.Separate != 0 {
		for i := range state.Participants {
			if p := state.Participants[i]; cameIn(p) && c.maySpeak(p) && (!p.Unrecorded || r.streams[string(p.ID)] != nil) {
				add(string(p.ID), "", everySide, p.ID)
			}
		}
	}
	c.sideStreams(r, state, add)
	return append(list, c.textWishes(r, state)...)
}

// cameIn tells whether a participant is of the communication session: who waits to be let in is not, who was sent back to the door is
// on hold.
func cameIn(p *conference.Participant) bool { return p.Status.Present() && !p.JoinedAt.IsZero() }

// maySpeak tells whether a participant has something to record, or had: who only listens gets no stream of its own, until it
// agrees to send.
func (c *controller) maySpeak(p *conference.Participant) bool {
	own := c.participants[p.ID]
	return p.Session.Sends || own != nil && own.spoke
}

// prefers is the codec in which a stream is offered first: that of what is kept of it from another server, which else could not be sent, or that of
// its participant.
func (c *controller) prefers(s *recorded) codecs.Codec {
	if s.keeps != codecs.None {
		return s.keeps
	}
	return c.ownCodec(s.participant)
}

// ownCodec is what a participant speaks, in which his stream is recorded best: his payloads can be passed on then. None for nobody.
func (c *controller) ownCodec(id conference.ParticipantID) codecs.Codec {
	if p := c.participants[id]; p != nil && !c.focus.cfg.Encode {
		return p.stream.Codec
	}
	return codecs.None
}

// stream gives the media of a stream, opened if need be; nil when there is no port for it.
func (c *controller) stream(r *recorder, key string, at conference.SidebarID, id conference.ParticipantID) *recorded {
	if s := r.streams[key]; s != nil {
		return s
	}
	if l, lent := r.client.(*lease); lent {
		return c.lentStream(r, l, key, at, id)
	}
	session, err := c.focus.media.Open(media.Options{})
	if err != nil {
		c.lacksPort(r, key, err)
		return nil
	}
	format := c.focus.pool.presume(r.server.Name, siprec.Preferring(r.client.Codecs(), c.ownCodec(id)))
	s := &recorded{
		key: key, sidebar: at, participant: id, id: newIdentity(), outlet: outlet{session: session, codec: format.Codec}, member: c.newMember(),
		capture: newCapture(session, c.focus.cfg.Hold, format.Codec),
	}
	s.format = s.capture.pack(format)
	r.streams[key] = s
	c.focus.tapped.add(session)
	return s
}

// recount has the stream of one participant tell when what he says came, for a recorder of separate streams alone. A mix is of frames of the same tick, whatever
// their age: what is recorded beside it stays in line with it. A line of a persistent session is of one after the other.
func (c *controller) recount(r *recorder, s *recorded, id conference.ParticipantID) {
	var of *media.Session
	if p := c.participants[id]; p != nil && r.modes == conference.Separate && s.line == nil {
		of = p.session
	}
	s.session.Recount(of)
}

// roster is the State as recording metadata sees it: who is there, who was there, the focus last (RFC 7865, section 6).
func (c *controller) roster(r *recorder, state *conference.State) siprec.Roster {
	roster := siprec.Roster{
		Session: c.session, Started: state.StartedAt, RecordedSince: r.since, Group: c.group,
		Participants: make([]siprec.RosterParticipant, 0, len(c.departed)+len(state.Participants)+1),
	}
	if roster.Started.IsZero() { // nobody is there any more
		roster.Started = earliest(c.started, r.since)
	}
	roster.RecordedSince = latest(roster.RecordedSince, roster.Started) // what is sent again is of a session that may have been there before
	roster.GroupStarted = roster.Started
	roster.SessionElements = c.sealElements(r)
	if len(state.Participants) == 0 {
		roster.Ended = time.Now()
		if n := len(c.departed); n > 0 {
			roster.Ended = c.departed[n-1].roster.Left
		}
	}
	for i := range c.departed {
		p := c.departed[i].roster
		if r.sidebars {
			c.away(&p, c.departed[i].id)
		}
		if !p.Left.Before(r.since) {
			roster.Participants = append(roster.Participants, p)
		}
	}
	for i := range state.Participants {
		if p := state.Participants[i]; cameIn(p) {
			q := c.rosterParticipant(p)
			if r.sidebars {
				c.away(&q, p.ID)
			}
			roster.Participants = append(roster.Participants, q)
		}
	}
	roster.Participants = append(roster.Participants, c.beyondRoster()...)
	roster.Participants = append(roster.Participants, siprec.RosterParticipant{
		ID: c.identity(""), Names: []siprec.NameID{{AOR: state.URI}}, Joined: roster.Started, Focus: true,
	})
	roster.GroupEnded = roster.Ended
	c.describe(&roster, &r.server.Data)
	return roster
}

// rosterParticipant is one participant in metadata.
func (c *controller) rosterParticipant(p *conference.Participant) siprec.RosterParticipant {
	name := siprec.NameID{AOR: p.Entity}
	if p.DisplayName != "" {
		name.Name = p.DisplayName
	}
	id := c.identity(p.ID)
	if known, ok := c.particulars[id]; ok && known.role != p.Role {
		known.role = p.Role
		c.particulars[id] = known
	}
	writes, reads := c.textDirections(p)
	return siprec.RosterParticipant{
		ID: id, Writes: writes && p.Sidebar == "", Reads: reads, Names: []siprec.NameID{name}, Joined: p.JoinedAt, SIPSessionID: p.Session.SessionID,
		Muted:    p.Sidebar != "" || c.feedsNothing(p), // of the conference
		Deafened: p.Deafened || !p.Session.Receives, Held: p.Held || p.Waiting(),
	}
}

// sealElements announce the seal of a recording session in its metadata, if there will be one.
func (c *controller) sealElements(r *recorder) []siprec.Extension {
	if c.focus.sealer == nil || r.server.Profile.OmitSeal {
		return nil
	}
	return []siprec.Extension{sealSpan(c.focus.sealer.KeyID())}
}

// feedsNothing tells whether a participant feeds no recorded stream, wherever he is.
func (c *controller) feedsNothing(p *conference.Participant) bool {
	return p.Silenced() || p.Session.OnHold || p.Coaching != "" || !p.Session.Sends || p.Unrecorded || p.Masked
}

// gone is somebody who has left.
type gone struct {
	id     conference.ParticipantID
	roster siprec.RosterParticipant
}

// keptGone is how many of those who have left are remembered while nobody records.
const keptGone = 64

// keptTold is how many of those who have left are in metadata although every recorder knows that they have.
const keptTold = 1000

// remember keeps who has left, for as long as something is recorded: metadata tell when (RFC 7865, section 6.6). Who has never come in is in no
// metadata. A conference that never ends does not grow by all who have ever called.
func (c *controller) remember(state *conference.State) {
	for i := range state.Departed {
		p := state.Departed[i]
		if p.JoinedAt.IsZero() {
			c.forget(p.ID)
			continue
		}
		left := gone{p.ID, c.rosterParticipant(p)}
		left.roster.Left = p.Disconnection.At
		c.departed = append(c.departed, left)
	}
	over := len(c.departed) - keptGone
	if len(c.recorders) > 0 || records(state) {
		over = c.overtold()
	}
	if over > 0 {
		for i := range c.departed[:over] {
			c.forget(c.departed[i].id)
		}
		c.departed = slices.Delete(c.departed, 0, over)
	}
}

// returned takes somebody who comes back by a move, as who he was, from those who have left: in metadata he is one participant, whose stay begins anew.
func (c *controller) returned(id conference.ParticipantID) {
	for i := range c.departed {
		if p := &c.departed[i]; p.id == id {
			c.firsts[p.roster.ID] = earliest(c.firsts[p.roster.ID], p.roster.Joined)
		}
	}
	c.departed = slices.DeleteFunc(c.departed, func(g gone) bool { return g.id == id })
	delete(c.absences, id)
}

// overtold is how many of those who left first need not be in metadata any more: every recorder has acknowledged that they have left. The last
// keptTold stay, for recorders that ask for a snapshot; it is looked at in batches, as it takes as long as a document.
func (c *controller) overtold() int {
	over := len(c.departed) - keptTold
	if over < keptTold/4 || len(c.recorders) == 0 {
		return 0
	}
	for _, r := range c.recorders {
		known, synced := r.client.Acknowledged()
		if !synced {
			return 0
		}
		told := make(map[siprec.ID]bool, len(known.ParticipantSessions))
		for i := range known.ParticipantSessions {
			told[known.ParticipantSessions[i].Participant] = !known.ParticipantSessions[i].Disassociate.IsZero()
		}
		for i := range c.departed[:over] {
			if p := &c.departed[i].roster; !told[p.ID] && !p.Left.Before(r.since) {
				over = i
				break
			}
		}
	}
	return over
}

// records tells whether there is a recording that is not over.
func records(state *conference.State) bool {
	for i := range state.Recordings {
		if !state.Recordings[i].Over() {
			return true
		}
	}
	return false
}

// forget drops what recorders would have been told of somebody who has left.
func (c *controller) forget(id conference.ParticipantID) {
	delete(c.particulars, c.identities[id])
	delete(c.firsts, c.identities[id])
	delete(c.identities, id)
	delete(c.absences, id)
	delete(c.fed, id)
	delete(c.wrote, id)
}

// recordingInfo is a recording with its streams as they are now.
func (c *controller) recordingInfo(recording *conference.Recording) RecordingInfo {
	info := DescribeRecording(c.id, recording)
	for _, r := range c.recorders {
		if r.recording != recording.ID {
			continue
		}
		for _, s := range r.streams {
			stats := s.session.Stats()
			stream := StreamInfo{
				Server: r.server.Name, Label: r.client.Label(s.key), Participant: s.participant, Sidebar: s.sidebar, Side: s.side.String(),
				Packets: s.packets(&stats) - s.before, Reports: stats.ReportsReceived, LossPercent: 100 * stats.RemoteFraction,
				JitterMS: milliseconds(stats.RemoteJitter), RoundTripMS: milliseconds(stats.RoundTrip),
			}
			if s.format.Codec.Valid() {
				stream.Codec = codecName(s.format.Codec)
			}
			info.Streams = append(info.Streams, stream)
		}
	}
	for _, r := range c.recorders {
		if r.recording == recording.ID {
			for _, t := range r.texts {
				info.Streams = append(info.Streams, r.textInfo(t))
			}
		}
	}
	sortStreams(info.Streams)
	return info
}
