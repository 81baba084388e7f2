package focus

import (
	"slices"
	"strings"

	"github.com/parley-sip/parley/siprec"
)

// unite gives who is in several conferences of a group one identifier in the metadata: a participant with an association to each session (RFC 7865,
// section 6.5; RFC 8068, section 3.5). It is by the address that somebody is known to be the same: who has none to show is somebody of his own, as is
// a second endpoint of the same address in one conference. An identifier is never changed once it was told. The mutex of the session is held.
func (l *lease) unite() {
	if l.session.merged == nil {
		return
	}
	known := l.others()
	if l.people == nil {
		l.people = map[siprec.ID]siprec.ID{}
	}
	for i := range l.rosters {
		r := &l.rosters[i]
		r.Participants = slices.Clone(r.Participants)
		for j := range r.Participants {
			p := &r.Participants[j]
			if _, told := l.people[p.ID]; !told {
				l.people[p.ID] = l.identifier(p, known)
			}
		}
		for j := range r.Participants {
			p := &r.Participants[j]
			p.ID = l.person(p.ID)
			p.Through = l.person(p.Through)
		}
	}
}

// others are who is known of the other conferences, by address.
func (l *lease) others() map[string]siprec.ID {
	known := map[string]siprec.ID{}
	for _, other := range l.session.leases {
		if other == l {
			continue
		}
		for i := range other.rosters {
			for j := range other.rosters[i].Participants {
				if address := addressOf(&other.rosters[i].Participants[j]); address != "" {
					known[address] = other.rosters[i].Participants[j].ID
				}
			}
		}
	}
	return known
}

// identifier is that of somebody who is new in this conference.
func (l *lease) identifier(p *siprec.RosterParticipant, known map[string]siprec.ID) siprec.ID {
	elsewhere := known[addressOf(p)]
	if elsewhere == "" {
		return p.ID
	}
	for _, taken := range l.people {
		if taken == elsewhere {
			return p.ID
		}
	}
	return elsewhere
}

// addressOf is by what somebody is known to be the same; empty: by nothing.
func addressOf(p *siprec.RosterParticipant) string {
	if p.Focus || len(p.Names) == 0 || strings.HasSuffix(p.Names[0].AOR, "@"+anonymousHost) {
		return ""
	}
	return p.Names[0].AOR
}

// person is a participant as the group knows him.
func (l *lease) person(id siprec.ID) siprec.ID {
	if as, ok := l.people[id]; ok {
		return as
	}
	return id
}

// rename makes a wish that of the group's participants.
func (l *lease) rename(w *siprec.StreamWish) {
	persons := func(list []siprec.ID) []siprec.ID {
		list = slices.Clone(list)
		for i := range list {
			list[i] = l.person(list[i])
		}
		return list
	}
	w.Participant, w.Members, w.Senders = l.person(w.Participant), persons(w.Members), persons(w.Senders)
}

// nameLate takes over who is to be named as in streams that he does not feed any more.
func (l *lease) nameLate(late []siprec.Sender) {
	l.late = slices.Clone(late)
	for i := range l.late {
		l.late[i].Participant = l.person(l.late[i].Participant)
	}
}

// unsay has those whom the last document of a recording names be in no stream any more: the line may be of another conference next. It reports false if nobody is
// named. The mutex of the session is held, as in what follows.
func (l *lease) unsay() bool {
	if len(l.late) == 0 {
		return false
	}
	l.named, l.late = l.late, nil
	return true
}

// says tells whether the server is yet to be told that.
func (h *persistent) says(l *lease) bool {
	known, synced := h.client.Acknowledged()
	return synced && slices.ContainsFunc(l.named, known.Sends)
}

// tellsOf tells whether the server is yet to be told who has been in a line: until then it is nobody else's, so that he is not taken for one of theirs.
func (h *persistent) tellsOf(one *line) bool {
	return slices.ContainsFunc(h.leases, func(l *lease) bool {
		return !l.told && slices.ContainsFunc(l.late, func(s siprec.Sender) bool { return s.Stream == one.id })
	})
}

// person is how the recorder knows a participant: that of a persistent session, as the group of its conferences does.
func (r *recorder) person(id siprec.ID) siprec.ID {
	l, lent := r.client.(*lease)
	if !lent {
		return id
	}
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	return l.person(id)
}

// known is how the group of a persistent session knows somebody whose stream a line is.
func (o *line) known(id siprec.ID) siprec.ID {
	o.owner.mu.Lock()
	defer o.owner.mu.Unlock()
	if o.lease == nil {
		return id
	}
	return o.lease.person(id)
}
