package siprec

import "slices"

// equal tells whether two wishes are the same. It is asked with every change of a conference, however large it is.
func (d *Desire) equal(o *Desire) bool {
	return d.Paused == o.Paused && d.Stopped == o.Stopped && slices.Equal(d.Late, o.Late) && d.Roster.equal(&o.Roster) &&
		sameBy(d.Streams, o.Streams, (*StreamWish).equal) && sameBy(d.Others, o.Others, (*Roster).equal)
}

func (w *StreamWish) equal(o *StreamWish) bool {
	return w.Key == o.Key && w.ID == o.ID && w.Session == o.Session && w.Participant == o.Participant && w.Port == o.Port && w.Paused == o.Paused &&
		w.Text == o.Text && w.Stereo == o.Stereo && w.Prefer == o.Prefer && w.Rest == o.Rest && sameList(w.Sessions, o.Sessions) && sameList(w.Members, o.Members) && sameList(w.Senders, o.Senders)
}

// equal does not look at the streams: the client knows better.
func (r *Roster) equal(o *Roster) bool {
	return r.Session == o.Session && r.Brief == o.Brief && r.Group == o.Group && r.GroupStarted.Equal(o.GroupStarted) && r.GroupEnded.Equal(o.GroupEnded) &&
		r.Started.Equal(o.Started) && r.Ended.Equal(o.Ended) && slices.Equal(r.Reasons, o.Reasons) && r.RecordedSince.Equal(o.RecordedSince) &&
		r.RecordedUntil.Equal(o.RecordedUntil) && slices.Equal(r.SessionElements, o.SessionElements) &&
		sameBy(r.Participants, o.Participants, (*RosterParticipant).equal)
}

func (p *RosterParticipant) equal(o *RosterParticipant) bool {
	return p.ID == o.ID && p.SIPSessionID == o.SIPSessionID && p.Joined.Equal(o.Joined) && p.Left.Equal(o.Left) && p.Focus == o.Focus &&
		p.Muted == o.Muted && p.Deafened == o.Deafened && p.Held == o.Held && p.Writes == o.Writes && p.Reads == o.Reads && p.Through == o.Through &&
		slices.Equal(p.Names, o.Names) && slices.Equal(p.Params, o.Params) && slices.Equal(p.Extensions, o.Extensions)
}

// sameList compares lists of which nil means everybody.
func sameList(a, b []ID) bool { return (a == nil) == (b == nil) && slices.Equal(a, b) }

// sameBy compares lists of what is too large to be copied.
func sameBy[T any](a, b []T, equal func(a, b *T) bool) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(&a[i], &b[i]) {
			return false
		}
	}
	return true
}
