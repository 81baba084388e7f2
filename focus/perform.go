package focus

import (
	"log/slog"
	"slices"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/mixer"
)

// step feeds the machine and does what it says. The error is that of a refusal.
func (c *controller) step(e conference.Event) error {
	old := c.machine.State()
	actions := c.machine.Step(c.ruled(e), time.Now())
	next := c.machine.State()
	if next != old {
		c.countSpeech(next.Departed) // as long as they are in the mix
		c.withdraw(old, next)
		c.updateText() // before anything else: nobody may read on
	}
	ejected := map[conference.ParticipantID]string{}
	starts := slices.ContainsFunc(actions, func(a conference.Action) bool {
		_, ok := a.(conference.StartRecording)
		return ok
	})
	for _, a := range actions {
		switch a := a.(type) {
		case conference.UpdateMix:
			if !starts { // else the recorded streams come into the mix with the first participant, so that nothing of him is missing
				c.updateMix()
			}
		case conference.StartRecording:
			c.startRecorders(a.ID)
			c.updateMix()
		case conference.Reject:
			return a.Err
		case conference.Publish:
			c.publish(e, old, next)
		case conference.Eject:
			ejected[a.ID] = a.Reason
		default:
			c.perform(a)
		}
	}
	if next == old {
		return nil
	}
	orphaned := false
	for i := range next.Departed {
		reason, eject := ejected[next.Departed[i].ID]
		c.release(next.Departed[i], eject, reason)
		orphaned = orphaned || next.Departed[i].ID == c.creator
	}
	if orphaned && !next.Ended && len(next.Participants) > 0 { // RFC 4579, section 5.12
		return c.step(conference.End{Reason: reasonHeader(200, "The conference's creator has left"), Delete: true})
	}
	if len(next.Departed) > 0 {
		c.endUnheard()
	}
	c.changeText(old, next)
	c.settleMusic()
	c.notify(e, old, next)
	return nil
}

// perform does one action; those that step does itself are not among them.
func (c *controller) perform(a conference.Action) {
	switch a := a.(type) {
	case conference.Dial:
		c.dial(a.ID, a.Target)
	case conference.Indicate:
		s := c.machine.State()
		if p, ok := s.Participant(a.ID); ok && a.Indication == s.IndicationFor(&p) { // else a step within this one has said something newer
			c.indicate(a.ID, a.Indication, a.Via)
		}
	case conference.AutoRecord:
		record := conference.Record{ID: conference.RecordingID(shortName("r")), Automatic: !a.Demanded, Config: a.Config}
		if err := c.step(record); err != nil {
			c.log.Warn("cannot record", slog.Bool("policy", record.Automatic), slog.Any("error", err))
		}
	case conference.AutoDial:
		c.autoDial(a.Callee)
	case conference.Chime:
		c.chime(a.Entered)
	case conference.Remind:
		c.remind(a.Left)
	case conference.Farewell:
		c.farewell()
	case conference.Say:
		c.sayPrompts(a)
	case conference.Listen:
		c.listen(a)
	case conference.KeepName:
		c.keepName(a.ID)
	case conference.Announce:
		c.announceName(a)
	case conference.Choose:
		c.choose(a.ID, a.Choice)
	case conference.Route:
		c.route(a.ID, a.Number)
	case conference.Guessed:
		c.guessed(a.ID)
	case conference.Warn:
		c.warn()
	case conference.WakeAt:
		c.wake = c.machine.Wake() // a.At, unless a step within this one has asked for another time since
	case conference.Close:
		c.focus.forget(c.entry)
	case conference.ChangeRecording, conference.Idle, conference.Admit, conference.UpdateMix, conference.StartRecording:
		// Recorders follow every State; the mix and new recordings are step's; an idle controller ends by itself; who joins looks at the outcome of the step.
	}
}

// publish makes a version known to all observers, none of which can hold us up.
func (c *controller) publish(e conference.Event, old, next *conference.State) {
	c.entry.docs.leave(next, c.entry.observerCount() > 0)
	c.entry.state.Store(next)
	if c.entry.cfg.Roster.Cascades != CascadesNone {
		c.entry.afar.follow(c.focus, c.entry, next)
	}
	if _, only := e.(conference.Speaking); !only { // who speaks is not for conference events
		c.entry.notify()
	}
	if c.entry.access != nil {
		return // nobody may look at it
	}
	for _, ch := range changes(old, next) {
		c.focus.events.add(c.id, time.Now(), ch.kind, ch.object, next.Ended)
	}
	if !next.StartedAt.IsZero() {
		c.started = next.StartedAt
	}
	c.followSidebars(next, time.Now())
	c.remember(next)
	if c.entry.cfg.Roster.Cascades != CascadesNone {
		c.followBeyond(next, time.Now())
	}
	if _, only := e.(conference.Speaking); !only {
		c.followFeeders(next, time.Now())
		for _, r := range append([]*recorder(nil), c.recorders...) {
			c.desire(r)
		}
	}
}

// newMember gives an identifier that the mix has never had.
func (c *controller) newMember() mixer.MemberID {
	c.lastMember++
	return c.lastMember
}

// heard takes who speaks from the engine.
func (c *controller) heard(active []mixer.MemberID) {
	c.active.Store(&active)
	select {
	case c.spoke <- struct{}{}:
	default:
	}
}

// speaking tells the machine who speaks, and of the sources they have begun to speak with.
func (c *controller) speaking() {
	active := c.active.Load()
	if active == nil {
		return
	}
	ids := make([]conference.ParticipantID, 0, len(*active))
	for _, m := range *active {
		id, ok := c.members[m]
		if !ok {
			continue
		}
		ids = append(ids, id)
		c.learnSource(c.participants[id])
	}
	var dominant conference.ParticipantID
	if member, held := c.mix.Dominant(); held {
		dominant = c.members[member] // empty for one that has gone
	}
	_ = c.step(conference.Speaking{Active: ids, Dominant: dominant})
}

// learnSource reports a new SSRC of a participant: it names his voice in CSRC lists and conference documents.
func (c *controller) learnSource(p *participant) {
	if p == nil || p.session == nil {
		return
	}
	ssrc := p.session.Stats().RemoteSSRC
	if s, err := c.mix.MemberStats(p.member); err == nil && s.Source != 0 {
		ssrc = s.Source // what he is called in CSRC lists, in which no two are called the same
	}
	if ssrc != 0 && ssrc != p.peer.SSRC {
		p.peer.SSRC = ssrc
		_ = c.step(conference.SessionChanged{ID: p.id, Session: p.peer})
		c.nameContributors()
	}
}

// nameContributors tells the far ends of recordings under which names the sources in their CSRC lists go: those of
// the metadata, so that a packet can be traced to a participant (RFC 7866, section 8.1.6).
func (c *controller) nameContributors() {
	names := make(map[uint32]string, len(c.participants))
	for id, p := range c.participants {
		if p.peer.SSRC != 0 {
			names[p.peer.SSRC] = c.identity(id).Text()
		}
	}
	for _, r := range c.recorders {
		for _, s := range r.streams {
			switch {
			case s.feed != nil: // others name theirs in it
			case s.participant == "":
				s.session.SetContributors(names)
			default:
				c.nameContributor(s)
			}
		}
	}
}

// nameContributor does so for a stream of one participant: a source has the same name in all streams.
func (c *controller) nameContributor(s *recorded) {
	if p := c.participants[s.participant]; p != nil && p.peer.SSRC != 0 {
		id := c.identity(p.id)
		if s.line != nil {
			id = s.line.known(id)
		}
		s.session.SetContributors(map[uint32]string{p.peer.SSRC: id.Text()})
	}
}
