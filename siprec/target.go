package siprec

import (
	"slices"
	"time"
)

// leave notes that all sessions leave the recording session at a time, but for those that have left before.
func (d *Desire) leave(at time.Time) {
	if d.Roster.RecordedUntil.IsZero() {
		d.Roster.RecordedUntil = at
	}
	d.Others = slices.Clone(d.Others)
	for i := range d.Others {
		if r := &d.Others[i]; r.RecordedUntil.IsZero() {
			r.RecordedUntil = at
		}
	}
}

// session is the communication session of a stream.
func (d *Desire) session(w *StreamWish) ID {
	if w.Session == "" {
		return d.Roster.Session
	}
	return w.Session
}

// target returns the document that tells the truth now.
func (c *Client) target() Recording {
	d := Document(c.complete(c.desire.Roster))
	for _, other := range c.desire.Others {
		d = joined(d, Document(c.complete(other)))
	}
	// A removed stream is described as long as its m-line carries its label, so that
	// labels and streams match (RFC 7866, section 7.1.1); nobody feeds or hears it, but who is named late.
	for _, s := range c.slots {
		if !s.wanted && s.key != "" {
			d.Streams = append(d.Streams, Stream{ID: s.wish.ID, Session: c.outlived(&d, c.desire.session(&s.wish)), Label: s.label})
		}
	}
	d.nameSenders(c.desire.Late)
	if c.profile.DropEmptyStreams {
		d.ParticipantStreams = slices.DeleteFunc(d.ParticipantStreams, func(a ParticipantStream) bool {
			return len(a.Send)+len(a.Recv)+len(a.Extensions) == 0
		})
	}
	d.Extensions = c.profile.ExtensionElements
	return d
}

// complete gives a roster its streams, and what the profile wants otherwise.
func (c *Client) complete(roster Roster) Roster {
	roster.Streams, roster.Brief = nil, c.profile.BriefRecv
	if roster.RecordedSince.IsZero() {
		roster.RecordedSince = c.since
	}
	if c.profile.OmitFocus {
		roster.Participants = slices.DeleteFunc(slices.Clone(roster.Participants), func(p RosterParticipant) bool { return p.Focus })
	}
	for _, s := range c.slots {
		if s.wanted && (c.desire.session(&s.wish) == roster.Session || slices.Contains(s.wish.Sessions, roster.Session)) {
			roster.Streams = append(roster.Streams, RosterStream{
				ID: s.wish.ID, Label: s.label, Participant: s.wish.Participant, Members: s.wish.Members, Senders: s.wish.Senders, Text: s.wish.Text, Rest: s.wish.Rest,
				Shared: s.wish.Sessions != nil,
			})
		}
	}
	return roster
}

// outlived gives the session of a stream that is over. The session itself may be over as well, and not in the roster any more: the recorder
// knows it, and it stands in the document because the stream refers to it. Of one that the recorder does not know there is nothing to tell.
func (c *Client) outlived(d *Recording, id ID) ID {
	if slices.ContainsFunc(d.Sessions, func(s Session) bool { return s.ID == id }) {
		return id
	}
	i := slices.IndexFunc(c.known.Sessions, func(s Session) bool { return s.ID == id })
	if i < 0 {
		return ""
	}
	was := c.known.Sessions[i]
	d.Sessions = append(d.Sessions, was)
	for _, a := range c.known.SessionRecordings {
		if a.Session == id {
			d.SessionRecordings = append(d.SessionRecordings, a)
		}
	}
	for _, g := range c.known.Groups {
		if g.ID == was.Group && !keys(d.Groups)[g.key()] {
			d.Groups = append(d.Groups, g)
		}
	}
	return id
}

// joined puts the documents of two communication sessions together. Who is in both stands there once, with the streams of both.
func joined(a, b Recording) Recording {
	a.Groups = united(a.Groups, b.Groups)
	a.Sessions = united(a.Sessions, b.Sessions)
	a.Participants = united(a.Participants, b.Participants)
	a.Streams = united(a.Streams, b.Streams)
	a.SessionRecordings = united(a.SessionRecordings, b.SessionRecordings)
	a.ParticipantSessions = united(a.ParticipantSessions, b.ParticipantSessions)
	for _, more := range b.ParticipantStreams {
		i := slices.IndexFunc(a.ParticipantStreams, func(have ParticipantStream) bool { return have.key() == more.key() })
		if i < 0 {
			a.ParticipantStreams = append(a.ParticipantStreams, more)
			continue
		}
		a.ParticipantStreams[i] = a.ParticipantStreams[i].with(more)
	}
	return a
}

// united adds the elements of a list that are not in another.
func united[T element[T]](list, more []T) []T {
	have := keys(list)
	for _, e := range more {
		if !have[e.key()] {
			list = append(list, e)
		}
	}
	return list
}

// with puts together what somebody feeds and hears in two sessions. Who has left one of them is where he is; who has left both left with the
// later. What is still on its way of who has left is in each.
func (a ParticipantStream) with(b ParticipantStream) ParticipantStream {
	switch {
	case a.Disassociate.IsZero() && b.Disassociate.IsZero():
		a.Send, a.Recv, a.Extensions = both(a.Send, b.Send), both(a.Recv, b.Recv), both(a.Extensions, b.Extensions)
		a.Associate = earliest(a.Associate, b.Associate)
		return a
	case a.Disassociate.IsZero(), !b.Disassociate.IsZero() && b.Disassociate.Before(a.Disassociate):
		a.Send = both(a.Send, b.Send)
		return a
	default:
		b.Send = both(a.Send, b.Send)
		return b
	}
}

// both are the streams of two lists: one that has several sessions in it is in each.
func both[T comparable](a, b []T) []T {
	list := slices.Clone(a)
	for _, id := range b {
		if !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list
}

// withHistory adds to a target what the recorder keeps although it is over: sessions that have ended or left the recording session, streams
// whose m-line has been given away, and participants who left and whom the roster does
// not list any more. A partial document need not repeat them, and cannot delete them.
func withHistory(target, known Recording) Recording {
	target.Sessions = slices.Clip(target.Sessions)
	var over []Session
	left := make(map[ID]bool)
	for _, a := range known.SessionRecordings {
		left[a.Session] = !a.Disassociate.IsZero()
	}
	for _, s := range known.Sessions {
		if !s.Stop.IsZero() || left[s.ID] {
			over = append(over, s)
		}
	}
	target.Sessions = united(target.Sessions, over)
	sessions, groups := keys(target.Sessions), map[ID]bool{}
	for _, s := range target.Sessions {
		groups[s.Group] = true
	}
	target.Groups = united(target.Groups, slices.DeleteFunc(slices.Clone(known.Groups), func(g Group) bool { return !groups[g.ID] }))
	target.SessionRecordings = united(target.SessionRecordings, slices.DeleteFunc(slices.Clone(known.SessionRecordings), func(a SessionRecording) bool {
		return !sessions[pairKey{first: a.Session}]
	}))
	target.Streams = united(target.Streams, known.Streams)
	present := keys(target.Participants)
	there := keys(target.ParticipantSessions)
	gone := make(map[ID]bool)
	for _, a := range known.ParticipantSessions {
		if !there[a.key()] && (!a.Disassociate.IsZero() || left[a.Session]) {
			gone[a.Participant] = !present[pairKey{first: a.Participant}]
			target.ParticipantSessions = append(target.ParticipantSessions, a)
		}
	}
	for _, p := range known.Participants {
		if gone[p.ID] {
			target.Participants = append(target.Participants, p)
		}
	}
	for _, a := range known.ParticipantStreams {
		if gone[a.Participant] {
			target.ParticipantStreams = append(target.ParticipantStreams, a)
		}
	}
	return target
}

// size is how many things a document describes.
func size(d Recording) int { return len(d.Sessions) + len(d.Participants) + len(d.Streams) }
