package siprec

import (
	"slices"
	"time"
)

// Document maps a roster to its complete document. Times are cut to milliseconds, the
// resolution of [Marshal]. A roster without session gives an empty document, the form
// of a persistent recording session at rest (RFC 7866, section 10).
func Document(r Roster) Recording {
	if r.Session == "" {
		streams := make([]Stream, 0, len(r.Streams))
		for _, s := range r.Streams {
			streams = append(streams, Stream{ID: s.ID, Label: s.Label})
		}
		return Recording{Streams: streams}
	}
	if r.RecordedSince.IsZero() {
		r.RecordedSince = r.Started
	}
	if r.RecordedUntil.IsZero() {
		r.RecordedUntil = r.Ended
	} else if !r.Ended.IsZero() { // nobody records what is over
		r.RecordedUntil = latest(earliest(r.Ended, r.RecordedUntil), r.RecordedSince)
	}
	var d Recording
	if r.Group != "" {
		d.Groups = []Group{{ID: r.Group, Associate: instant(r.GroupStarted), Disassociate: instant(r.GroupEnded)}}
	}
	session := Session{
		ID: r.Session, Group: r.Group, Start: instant(r.Started), Stop: instant(r.Ended),
		Reasons: r.Reasons, Extensions: r.SessionElements,
	}
	for _, p := range r.Participants {
		if p.SIPSessionID != "" && p.Left.IsZero() {
			session.SIPSessionIDs = append(session.SIPSessionIDs, p.SIPSessionID)
		}
		d.Participants = append(d.Participants, Participant{ID: p.ID, Names: p.Names, Extensions: p.Extensions})
		d.ParticipantSessions = append(d.ParticipantSessions, r.participantSession(p))
		if a, ok := r.participantStream(p); ok {
			d.ParticipantStreams = append(d.ParticipantStreams, a)
		}
	}
	d.Sessions = []Session{session}
	for _, s := range r.Streams {
		d.Streams = append(d.Streams, Stream{ID: s.ID, Session: r.Session, Label: s.Label})
	}
	d.SessionRecordings = []SessionRecording{{
		Session: r.Session, Associate: instant(r.RecordedSince), Disassociate: instant(r.RecordedUntil),
	}}
	return d
}

// instant is a time as it stands in a document.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Millisecond)
}

// earliest returns the earlier of two times of which either may be unknown.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
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

func (r *Roster) participantSession(p RosterParticipant) ParticipantSession {
	params := p.Params
	if p.Focus && !slices.ContainsFunc(params, func(p Param) bool { return p.Name == "isfocus" }) {
		params = append(slices.Clone(params), Param{Name: "isfocus", Value: "true"})
	}
	return ParticipantSession{
		Participant: p.ID, Session: r.Session, Params: params,
		Associate: instant(p.Joined), Disassociate: instant(earliest(p.Left, r.Ended)),
	}
}

// mixes tells whether somebody can be in a mixed stream.
func (s *RosterStream) mixes(p *RosterParticipant) bool {
	return s.Participant == "" && (s.Senders == nil || slices.ContainsFunc(s.Senders, p.in))
}

// in tells whether what an endpoint sends is of a participant: his own, or that of the focus behind which he is.
func (p *RosterParticipant) in(endpoint ID) bool {
	return endpoint != "" && (endpoint == p.ID || endpoint == p.Through)
}

// participantStream tells what a participant feeds and hears. Someone who has left
// feeds and hears nothing, but is named with those of his that are still on their way; someone who left before recording began never did, and the
// focus has no media of its own.
func (r *Roster) participantStream(p RosterParticipant) (ParticipantStream, bool) {
	if p.Focus || (!p.Left.IsZero() && instant(p.Left).Before(instant(r.RecordedSince))) {
		return ParticipantStream{}, false
	}
	a := ParticipantStream{
		Participant:  p.ID,
		Associate:    instant(latest(p.Joined, r.RecordedSince)),
		Disassociate: instant(earliest(p.Left, r.RecordedUntil)),
	}
	if !a.Disassociate.IsZero() {
		a.Send = r.resting(p.ID)
		return a, true
	}
	brief := false
	if r.Brief {
		var all hearing
		if all, brief = r.hears(&p); brief {
			a.Extensions = append(a.Extensions, all.extension())
		}
	}
	for i := range r.Streams {
		s := &r.Streams[i]
		if s.open(&p) && s.fedBy(&p) {
			a.Send = append(a.Send, s.ID)
		}
		if (!brief || s.Shared) && s.open(&p) && s.heardBy(&p) {
			a.Recv = append(a.Recv, s.ID)
		}
	}
	return a, true
}

// open tells whether somebody can feed or hear a stream now.
func (s *RosterStream) open(p *RosterParticipant) bool {
	return !s.Rest && !p.Held && (s.Members == nil || slices.Contains(s.Members, p.ID))
}

// own tells whether a stream is somebody's alone.
func (s *RosterStream) own(p *RosterParticipant) bool {
	return p.in(s.Participant) || len(s.Senders) == 1 && p.in(s.Senders[0])
}

func (s *RosterStream) fedBy(p *RosterParticipant) bool {
	feeds := !p.Muted
	if s.Text {
		feeds = p.Writes
	}
	return feeds && (s.own(p) || s.mixes(p))
}

func (s *RosterStream) heardBy(p *RosterParticipant) bool {
	hears := !p.Deafened
	if s.Text {
		hears = p.Reads
	}
	return hears && !s.own(p)
}

// resting are the streams of somebody of which what was captured is still on its way.
func (r *Roster) resting(id ID) []ID {
	var list []ID
	for _, s := range r.Streams {
		if s.Rest && s.Participant == id {
			list = append(list, s.ID)
		}
	}
	return list
}
