package focus

import (
	"slices"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/siprec"
)

// sideSession is a sidebar as recorders see it: a communication session of its own in the group of the conference (RFC 6341, section 4, use
// case 9). Those that are over are kept as long as something records, because metadata tell when they ended, and the last ones also afterwards.
type sideSession struct {
	id           conference.SidebarID
	session      siprec.ID
	began, ended time.Time // ended is zero while it lasts
	members      []stay    // in order of arrival; who comes again has a new one in the place of the old one
}

// stay is the time that somebody is in a sidebar.
type stay struct {
	id   conference.ParticipantID
	from time.Time
	left siprec.RosterParticipant // as he was when he left; Left is zero: he is still there
}

// absence is when somebody in a sidebar stopped to be in the conference, and when he was in it again; zero: not yet.
type absence struct{ from, back time.Time }

// inMain tells whether a participant is in the communication session of the conference: who is aside and hears nothing of it is not.
func inMain(s *conference.State, p *conference.Participant) bool {
	b, aside := s.Sidebar(p.Sidebar)
	return !aside || b.HearMain
}

// followSidebars keeps for recorders who is where since when. It is called with every version, before those who have left are remembered.
func (c *controller) followSidebars(s *conference.State, now time.Time) {
	if len(s.Sidebars) == 0 && len(c.sides) == 0 && len(c.absences) == 0 {
		return
	}
	c.followAbsences(s, now)
	for _, b := range s.Sidebars {
		side := c.side(b.ID)
		if side == nil {
			side = &sideSession{id: b.ID, session: newIdentity(), began: b.OpenedAt}
			c.sides = append(c.sides, side)
		}
		for _, id := range s.SidebarMembers(b.ID) {
			side.enter(id, now)
		}
	}
	for _, side := range c.sides {
		if side.ended.IsZero() {
			c.leaveSide(side, s, now)
		}
	}
	if over := len(c.sides) - keptGone; over > 0 && len(c.recorders) == 0 && !records(s) {
		c.sides = slices.DeleteFunc(c.sides, func(side *sideSession) bool {
			over--
			return over >= 0 && !side.ended.IsZero()
		})
	}
}

// followAbsences keeps since when who is aside is not in the conference, and since when who was is.
func (c *controller) followAbsences(s *conference.State, now time.Time) {
	for i := range s.Participants {
		p := s.Participants[i]
		if !cameIn(p) {
			continue // nor has he who is on his way back from another conference: until he is here, he is who has left
		}
		switch was, known := c.absences[p.ID]; {
		case !inMain(s, p) && (!known || !was.back.IsZero()):
			c.absences[p.ID] = absence{from: now}
		case inMain(s, p) && known && was.back.IsZero():
			c.absences[p.ID] = absence{from: was.from, back: now}
		}
	}
}

// side gives the session of a sidebar, nil if it has none yet.
func (c *controller) side(id conference.SidebarID) *sideSession {
	i := slices.IndexFunc(c.sides, func(side *sideSession) bool { return side.id == id })
	if i < 0 {
		return nil
	}
	return c.sides[i]
}

func (d *sideSession) enter(id conference.ParticipantID, now time.Time) {
	i := slices.IndexFunc(d.members, func(m stay) bool { return m.id == id })
	switch {
	case i < 0:
		d.members = append(d.members, stay{id: id, from: now})
	case !d.members[i].left.Left.IsZero():
		d.members[i] = stay{id: id, from: now}
	}
}

// leaveSide notes who has left a sidebar, and whether it is over.
func (c *controller) leaveSide(side *sideSession, s *conference.State, now time.Time) {
	for i := range side.members {
		m := &side.members[i]
		if !m.left.Left.IsZero() {
			continue
		}
		p, there := s.Participant(m.id)
		at := now
		if !there {
			k := slices.IndexFunc(s.Departed, func(d *conference.Participant) bool { return d.ID == m.id })
			if k < 0 {
				continue
			}
			p, at = *s.Departed[k], latest(m.from, s.Departed[k].Disconnection.At)
		} else if p.Sidebar == side.id {
			continue
		}
		m.left = c.rosterParticipant(&p)
		m.left.Joined, m.left.Left = m.from, at
	}
	if _, lives := s.Sidebar(side.id); !lives {
		side.ended = now
		for i := range side.members {
			if left := side.members[i].left.Left; left.After(side.ended) {
				side.ended = left
			}
		}
	}
}

// away makes the times of a participant in the roster of the conference what they are while it knows of sidebars as sessions of their own.
func (c *controller) away(p *siprec.RosterParticipant, id conference.ParticipantID) {
	gap, known := c.absences[id]
	switch {
	case !known:
	case gap.back.IsZero():
		p.Left = gap.from
	default:
		p.Joined = gap.back
	}
}

// sideRosters are the sidebars that a recording session knows of, those that are over among them.
func (c *controller) sideRosters(r *recorder, s *conference.State, main *siprec.Roster) []siprec.Roster {
	var list []siprec.Roster
	for _, side := range c.sides {
		if !r.sidebars || !side.ended.IsZero() && side.ended.Before(r.since) {
			continue
		}
		roster := siprec.Roster{
			Session: side.session, Group: main.Group, GroupStarted: main.GroupStarted, GroupEnded: main.GroupEnded,
			Started: side.began, Ended: side.ended, RecordedSince: latest(side.began, r.since), SessionElements: c.sealElements(r),
		}
		for _, m := range side.members {
			if m.left.Left.IsZero() {
				if p, ok := s.Participant(m.id); ok {
					q := c.rosterParticipant(&p)
					q.Joined, q.Muted = m.from, c.feedsNothing(&p)
					q.Writes, _ = c.textDirections(&p)
					roster.Participants = append(roster.Participants, q)
				}
			} else if !m.left.Left.Before(r.since) {
				roster.Participants = append(roster.Participants, m.left)
			}
		}
		roster.Participants = append(roster.Participants, siprec.RosterParticipant{
			ID: c.identity(""), Names: []siprec.NameID{{AOR: s.URI}}, Joined: side.began, Focus: true,
		})
		c.describe(&roster, &r.server.Data)
		list = append(list, roster)
	}
	return list
}

// sideKey is the key of a stream of a sidebar, by what its key in the conference would be.
func sideKey(b conference.SidebarID, key string) string { return "sidebar/" + string(b) + "/" + key }

// sideStreams are the streams of sidebars that shall be recorded, by key: each sidebar has its own, so that what is said there is in no stream of
// the conference, and nothing of the conference in theirs.
func (c *controller) sideStreams(r *recorder, s *conference.State, add func(key string, at conference.SidebarID, of side, id conference.ParticipantID)) {
	if !r.sidebars {
		return
	}
	for _, b := range s.Sidebars {
		if c.side(b.ID) == nil {
			continue
		}
		if r.modes&conference.Mixed != 0 {
			add(sideKey(b.ID, mixedKey), b.ID, everySide, "")
		}
		if r.modes&conference.Pair != 0 {
			add(sideKey(b.ID, pairKey(chosenSide)), b.ID, chosenSide, "")
			add(sideKey(b.ID, pairKey(otherSide)), b.ID, otherSide, "")
		}
		if r.modes&conference.Separate == 0 {
			continue
		}
		for _, id := range s.SidebarMembers(b.ID) {
			p, _ := s.Participant(id)
			if key := sideKey(b.ID, string(id)); c.maySpeak(&p) && (!p.Unrecorded || r.streams[key] != nil) {
				add(key, b.ID, everySide, id)
			}
		}
	}
}

// earliest is the earlier of two times of which either may be unknown.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
