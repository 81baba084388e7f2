package focus

import (
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/rtt"
	"github.com/parley-sip/parley/mixer"
)

// textRoom passes real-time text from each participant to those who may read it. It is safe for concurrent use: text comes from the goroutines
// of its sessions, who may read it from the controller.
type textRoom struct {
	mu      sync.Mutex
	members map[conference.ParticipantID]*textMember
}

// textMember is a participant with text.
type textMember struct {
	session     *media.TextSession
	name, cname string
	readers     []conference.ParticipantID
	recorders   []textReader
	sources     map[uint32]uint32 // those that its text came from, by what the others get them as
}

// receive passes on what a session has received. Who is no member, or may not be read, has written to nobody.
func (r *textRoom) receive(id conference.ParticipantID, session func() *media.TextSession, list []rtt.Text) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := r.members[id]
	if from == nil || from.session != session() {
		return
	}
	for _, x := range list {
		source := rtt.Source{ID: r.source(from, x.Source), Name: from.name}
		for _, reader := range from.readers {
			if to := r.members[reader]; to != nil {
				to.session.Say(source, from.cname, x.Text)
			}
		}
		for _, to := range from.recorders {
			to.capture.take(rtt.Source{ID: source.ID, Name: to.name}, to.cname, x.Text)
		}
	}
}

// maxTextSources is how many sources one participant may have: more than one has only a mixer.
const maxTextSources = 64

// source is how the others get a source of a participant: as it is, unless somebody else has the same (RFC 3550, section 8.2).
func (r *textRoom) source(from *textMember, id uint32) uint32 {
	if known := from.sources[id]; known != 0 {
		return known
	}
	if len(from.sources) >= maxTextSources {
		clear(from.sources)
	}
	as := id
	for as == 0 || r.taken(as) {
		var random [4]byte
		_, _ = rand.Read(random[:]) // never fails
		as = binary.BigEndian.Uint32(random[:])
	}
	from.sources[id] = as
	return as
}

func (r *textRoom) taken(as uint32) bool {
	for _, m := range r.members {
		if m.session.SSRC() == as {
			return true
		}
		for _, other := range m.sources {
			if other == as {
				return true
			}
		}
	}
	return false
}

// update says who is there, and who may read whom. What was not sent yet to who may not read it any more never will be.
func (r *textRoom) update(next map[conference.ParticipantID]*textMember) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, old := range r.members {
		now := next[id]
		if now != nil && now.session == old.session {
			now.sources = old.sources
		}
		for _, reader := range old.readers {
			to := r.members[reader]
			if to == nil || now != nil && now.session == old.session && slices.Contains(now.readers, reader) {
				continue
			}
			for _, as := range old.sources {
				to.session.Drop(as)
			}
		}
	}
	r.members = next
}

// mayRead tells whether a member of a layout hears another.
func mayRead(reader, writer *mixer.Member) bool {
	if !writer.Speaks || writer.ID == reader.ID || writer.Audience != nil && !slices.Contains(writer.Audience, reader.ID) ||
		slices.Contains(reader.Hears.Except, writer.ID) {
		return false
	}
	switch reader.Hears.Mode {
	case mixer.Everyone:
		return true
	case mixer.Only:
		return slices.Contains(reader.Hears.Only, writer.ID)
	case mixer.Nobody:
		return false
	default:
		return false
	}
}

// audienceOf are the readers of somebody: participants, and recorded streams by their members in the layout.
type audienceOf struct {
	participants []conference.ParticipantID
	taps         []mixer.MemberID
}

// readers tells for each participant with text who reads it: those who would hear it, if what is agreed about text were agreed about audio. So
// whoever is muted, deaf, held, at the door, in a sidebar, masked or left out of recordings is that in text, too.
func readers(s *conference.State, ports map[conference.ParticipantID]port, taps []tap) map[conference.ParticipantID]audienceOf {
	as := *s
	as.Participants = make([]*conference.Participant, 0, len(s.Participants))
	ids := map[mixer.MemberID]conference.ParticipantID{}
	for _, is := range s.Participants {
		p := *is
		p.Session.Sends, p.Session.Receives, p.Session.OnHold = p.Session.Text.Sends, p.Session.Text.Receives, false
		as.Participants = append(as.Participants, &p)
		if at, ok := ports[p.ID]; ok {
			ids[at.Member] = p.ID
		}
	}
	members := layout(nil, &as, ports, taps, nil).Members
	list := make(map[conference.ParticipantID]audienceOf, len(members))
	for i := range members {
		from, ok := ids[members[i].ID]
		if !ok { // a recorded stream
			continue
		}
		var to audienceOf
		for j := range members {
			if !mayRead(&members[j], &members[i]) {
				continue
			}
			if id, participant := ids[members[j].ID]; participant {
				to.participants = append(to.participants, id)
			} else {
				to.taps = append(to.taps, members[j].ID)
			}
		}
		list[from] = to
	}
	return list
}
