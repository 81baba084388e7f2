package focus

import (
	"maps"
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/siprec"
)

// A recorder learns who feeds a stream from a document, and gets the stream faster or slower than that: somebody who is muted, masked, aside or gone by the
// time that a document goes out is in the stream, without any document that has said so. He is named once as who feeds it, when he does not any more.

// feeding is where a participant feeds recorded streams, or has.
type feeding struct {
	at    conference.SidebarID // empty: in the conference
	until time.Time            // zero: he does now
}

// followFeeders keeps for recorders who has fed streams, and until when. It is called with every version.
func (c *controller) followFeeders(s *conference.State, now time.Time) {
	if len(c.recorders) == 0 && !records(s) {
		clear(c.fed)
		return
	}
	for _, p := range s.Participants {
		feeds := p.Speaks() && p.Coaching == "" && p.Recordable()
		if feeds || len(c.fed[p.ID]) > 0 {
			c.feeds(p.ID, p.Sidebar, feeds, now)
		}
	}
	for _, p := range s.Departed {
		c.feeds(p.ID, "", false, now)
	}
}

// feeds notes that somebody feeds the streams of the conference or of a sidebar, and no others, or none.
func (c *controller) feeds(id conference.ParticipantID, at conference.SidebarID, feeds bool, now time.Time) {
	list, found := c.fed[id], false
	for i := range list {
		switch here := feeds && list[i].at == at; {
		case here:
			list[i].until, found = time.Time{}, true
		case list[i].until.IsZero():
			list[i].until = now
		}
	}
	if feeds && !found {
		c.fed[id] = append(list, feeding{at: at})
	}
}

// unnamed are those who are in what a recorder gets of a stream, feed it no more, and are named as its senders in no document that the recorder has
// acknowledged.
func (c *controller) unnamed(r *recorder, s *recorded) []siprec.ID {
	list := c.formerFeeders(r, s)
	if len(list) == 0 {
		return nil
	}
	known, synced := r.client.Acknowledged()
	synced = synced && (r.state == siprec.StateRecording || r.state == siprec.StatePaused) // else it is of the session before
	var late []siprec.ID
	for _, id := range list {
		who, as := c.identity(id), c.identity(id)
		if s.line != nil {
			as = s.line.known(who)
		}
		if synced && slices.ContainsFunc(known.ParticipantStreams, func(a siprec.ParticipantStream) bool { return a.Participant == as && slices.Contains(a.Send, s.id) }) {
			s.name(id)
			continue
		}
		late = append(late, who)
	}
	return late
}

// formerFeeders are those who have fed a stream since a recorder gets it and do not any more, without those of whom it is known that they have been named.
func (c *controller) formerFeeders(r *recorder, s *recorded) (list []conference.ParticipantID) {
	if s.feed != nil { // it is of several conferences
		return nil
	}
	consider := func(id conference.ParticipantID) {
		if s.named[id] || s.side != everySide && r.sides[id] != s.side {
			return
		}
		for _, f := range c.fed[id] {
			if f.at == s.sidebar && f.until.Sub(r.since) > codecs.FrameDuration { // else the last tick that he was in was before the first that is sent
				list = append(list, id)
			}
		}
	}
	if s.participant != "" {
		consider(s.participant)
		return list
	}
	for _, id := range slices.Sorted(maps.Keys(c.fed)) {
		consider(id)
	}
	return list
}

// name notes that the recorder knows that somebody is in a stream.
func (s *recorded) name(id conference.ParticipantID) {
	if s.named == nil {
		s.named = map[conference.ParticipantID]bool{}
	}
	s.named[id] = true
}

// late tells whether somebody is named as who feeds a stream that he does not feed any more.
func (r *recorder) late() bool {
	return slices.ContainsFunc(r.wanted.Streams, func(w siprec.StreamWish) bool { return len(w.Late) > 0 })
}

// news tells whether something is to be told to a recorder beside what the State says: of streams that have ended, and who was in them.
func (c *controller) news(r *recorder) bool { return len(r.streams) > r.fed || len(c.fed) > 0 }

// firstStays are when those came first who have been away meanwhile, in a sidebar or in another conference, by their identifiers for recorders.
func (c *controller) firstStays(s *conference.State) map[siprec.ID]time.Time {
	firsts := maps.Clone(c.firsts)
	note := func(id conference.ParticipantID, joined time.Time) {
		if _, away := c.absences[id]; away {
			who := c.identity(id)
			firsts[who] = earliest(firsts[who], joined)
		}
	}
	for _, p := range s.Participants {
		note(p.ID, p.JoinedAt)
	}
	for i := range c.departed {
		note(c.departed[i].id, c.departed[i].roster.Joined)
	}
	return firsts
}
