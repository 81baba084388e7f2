package focus

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/siprec"
)

// A recorder learns who feeds a stream from a document, and gets the stream faster or slower than that: somebody who is muted, masked, aside or gone by the
// time that a document goes out is in the stream, without any document that has said so. He is named once as who feeds it, when he does not any more: also in a
// stream that has ended by then, and in the last document of the session.

// feeding is where a participant feeds recorded streams, or has.
type feeding struct {
	at    conference.SidebarID // empty: in the conference
	until time.Time            // zero: he does now
}

// feeders are those who have fed recorded streams, and where: of audio, or of text.
type feeders map[conference.ParticipantID][]feeding

// followFeeders keeps for recorders who has fed streams, and until when. It is called with every version.
func (c *controller) followFeeders(s *conference.State, now time.Time) {
	if len(c.recorders) == 0 && !records(s) {
		clear(c.fed)
		c.wrote = nil
		return
	}
	for _, p := range s.Participants {
		records := p.Coaching == "" && p.Recordable()
		c.fed.follow(p, records && p.Speaks(), now)
		if !s.Rules.Text && c.wrote == nil {
			continue
		}
		if c.wrote == nil {
			c.wrote = feeders{}
		}
		writes, _ := c.textDirections(p)
		c.wrote.follow(p, records && writes && p.Present(), now)
	}
	for _, p := range s.Departed {
		c.fed.leave(p.ID, now)
		c.wrote.leave(p.ID, now)
	}
}

// follow notes whether somebody feeds streams where he is.
func (f feeders) follow(p *conference.Participant, feeds bool, now time.Time) {
	if feeds || len(f[p.ID]) > 0 {
		f.feeds(p.ID, p.Sidebar, feeds, now)
	}
}

// leave notes that somebody feeds no streams any more.
func (f feeders) leave(id conference.ParticipantID, now time.Time) {
	if len(f[id]) > 0 {
		f.feeds(id, "", false, now)
	}
}

// feeds notes that somebody feeds the streams of the conference or of a sidebar, and no others, or none.
func (f feeders) feeds(id conference.ParticipantID, at conference.SidebarID, feeds bool, now time.Time) {
	list, found := f[id], false
	for i := range list {
		switch here := feeds && list[i].at == at; {
		case here:
			list[i].until, found = time.Time{}, true
		case list[i].until.IsZero():
			list[i].until = now
		}
	}
	if feeds && !found {
		f[id] = append(list, feeding{at: at})
	}
}

// fedStream is a recorded stream as far as it matters who has fed it.
type fedStream struct {
	id          siprec.ID
	participant conference.ParticipantID // empty: mixed
	sidebar     conference.SidebarID     // empty: of the conference itself
	side        side                     // in the mode pair
	by          feeders
	known       namedSenders
}

// namedSenders are those whom the recorder knows to be in a stream, as far as that has been asked.
type namedSenders map[conference.ParticipantID]bool

// streamsFed are the streams of a session that somebody has fed.
func (c *controller) streamsFed(r *recorder) iter.Seq[fedStream] {
	return func(yield func(fedStream) bool) {
		for _, s := range r.streams {
			if !yield(c.fedStream(s)) {
				return
			}
		}
		for _, t := range r.texts {
			if !yield(c.fedText(t)) {
				return
			}
		}
	}
}

func (c *controller) fedStream(s *recorded) fedStream {
	if s.named == nil {
		s.named = namedSenders{}
	}
	return fedStream{s.id, s.participant, s.sidebar, s.side, c.fed, s.named}
}

func (c *controller) fedText(t *recordedText) fedStream {
	if t.named == nil {
		t.named = namedSenders{}
	}
	return fedStream{t.id, t.participant, t.sidebar, everySide, c.wrote, t.named}
}

// unnamed are those who are in what a recorder gets of a stream, feed it no more, and are named as its senders in no document that the recorder has
// acknowledged. When the session ends they are also those who have fed it until then.
func (c *controller) unnamed(r *recorder, ends bool) []siprec.Sender {
	tells := r.tells()
	r.left = slices.DeleteFunc(r.left, tells)
	late := slices.Clone(r.left)
	for s := range c.streamsFed(r) {
		late = append(late, c.unnamedIn(r, &s, ends, tells)...)
	}
	slices.SortFunc(late, func(a, b siprec.Sender) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Participant, b.Participant))
	})
	return late
}

// tells gives what tells whether the recorder of a session knows that somebody is in a stream.
func (r *recorder) tells() func(siprec.Sender) bool {
	known, synced := r.client.Acknowledged()
	synced = synced && (r.state == siprec.StateRecording || r.state == siprec.StatePaused) // else it is of the session before
	return func(s siprec.Sender) bool { return synced && known.Sends(s) }
}

// unnamedIn are those of one stream.
func (c *controller) unnamedIn(r *recorder, s *fedStream, ends bool, tells func(siprec.Sender) bool) (late []siprec.Sender) {
	consider := func(id conference.ParticipantID) {
		if s.known[id] || s.side != everySide && r.sides[id] != s.side {
			return
		}
		for _, f := range s.by[id] {
			if f.at != s.sidebar || f.until.IsZero() && !ends || !f.until.IsZero() && f.until.Sub(r.since) <= codecs.FrameDuration {
				continue // the last tick that he was in was before the first that is sent
			}
			if one := (siprec.Sender{Participant: r.person(c.identity(id)), Stream: s.id}); tells(one) {
				s.known[id] = true
			} else {
				late = append(late, one)
			}
		}
	}
	if s.participant != "" {
		consider(s.participant)
		return late
	}
	for id := range s.by {
		consider(id)
	}
	return late
}

// endFed keeps who is yet to be named of a stream that is taken out of the session.
func (c *controller) endFed(r *recorder, s fedStream) {
	r.left = append(r.left, c.unnamedIn(r, &s, true, r.tells())...)
}

// late tells whether somebody is named as who feeds a stream that he does not feed any more, or is to be.
func (r *recorder) late() bool { return len(r.wanted.Late) > 0 || len(r.left) > 0 }

// news tells whether something is to be told to a recorder beside what the State says: of streams that have ended, and who was in them.
func (c *controller) news(r *recorder) bool {
	return len(r.streams) > r.fed || len(c.fed)+len(c.wrote) > 0
}

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
