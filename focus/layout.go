package focus

import (
	"maps"
	"slices"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/mixer"
)

// port is where a participant is connected to the mixer.
type port struct {
	Member mixer.MemberID
	In     mixer.Input
	Out    mixer.Output
	Format codecs.Format
	Sound  mixer.Sound
}

// tap is a recorded stream that its recorder takes.
type tap struct {
	Member      mixer.MemberID
	Out         mixer.Output
	Format      codecs.Format
	Recording   conference.RecordingID
	Participant conference.ParticipantID // empty: mixed
	Sidebar     conference.SidebarID     // empty: of the conference itself
	Side        side                     // in the mode pair; then these say who is on it:
	Pair        conference.PairPolicy
	First       conference.ParticipantID
	Silence     bool // keep the stream running without content
	Verbatim    bool // payloads of the participant may go into it as they came
	Stereo      bool // also those of two channels
}

// source is something to be heard that is no participant.
type source struct {
	In       mixer.Input
	Audience []conference.ParticipantID // empty: everybody
	Replace  bool                       // who hears it does not hear the conference
	Music    bool                       // gives way to what is said to who hears it
	Steady   bool                       // goes on all the time, as a recording tone does: no reason to give way
	Duck     bool                       // who hears it hears the conference turned down
	Recorded conference.ParticipantID   // it stands for what he says in recorded streams, and is nowhere else; empty: no
	Key      bool                       // for a key that he has pressed, where the policy is Keys; otherwise for all that he says while masked
	Keys     conference.KeyPolicy
	Not      []mixer.MemberID // taps in which it is not, although it would be
}

// heardBy tells whether a source is for a participant.
func (s source) heardBy(id conference.ParticipantID) bool {
	return s.Recorded == "" && (len(s.Audience) == 0 || slices.Contains(s.Audience, id))
}

// layout says who hears whom: it is a function of the State and of what is connected. Nobody is captured by a tap who has
// not been told (RFC 7866, section 6.1.2), is masked or is left out of recordings, and what is for some participants only reaches nobody else: a tone, a prompt, or what a coach says
// is heard by no tap; what is said in a sidebar is heard by its own taps and no others. The list of members is made in room, if that is large enough.
func layout(room []mixer.Member, s *conference.State, ports map[conference.ParticipantID]port, taps []tap, sources map[mixer.MemberID]source,
) mixer.Layout {
	l := mixer.Layout{Members: slices.Grow(room[:0], len(ports)+len(taps)+len(sources))}
	hear := newEars(s, ports, sources)
	for _, t := range taps {
		hear.record(t)
	}
	for i := range s.Participants {
		p := s.Participants[i]
		at, ok := ports[p.ID]
		if !ok {
			continue
		}
		if m, ok := place(p, at, hear); ok {
			l.Members = append(l.Members, m)
		}
	}
	recorded := map[mixer.MemberID][]mixer.MemberID{} // taps by what stands in them for somebody
	for _, t := range taps {
		instead := standIns(s, t, sources)
		if m, ok := tapMember(s, ports, t, instead); ok {
			l.Members = append(l.Members, m)
			for _, id := range instead {
				recorded[id] = append(recorded[id], m.ID)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(sources)) {
		m := mixer.Member{ID: id, In: sources[id].In, Speaks: true}
		switch from := sources[id]; {
		case from.Recorded != "":
			m.Audience = append([]mixer.MemberID{}, recorded[id]...)
		case len(from.Audience) > 0:
			m.Audience = audience(ports, from.Audience...)
		}
		if m.Audience == nil || len(m.Audience) > 0 {
			l.Members = append(l.Members, m)
		}
	}
	return l
}

// place is a participant as a member of the mix; false while it is not connected.
func place(p *conference.Participant, at port, hear *ears) (mixer.Member, bool) {
	m := mixer.Member{ID: at.Member, In: at.In, Out: at.Out, Format: at.Format, Sound: at.Sound, Priority: p.Role == conference.Moderator}
	if p.Barred() {
		m.Hears = mixer.Hearing{Mode: mixer.Only, Only: hear.named[p.ID]} // what is for him by name, and nothing else
		return m, true
	}
	if !p.Status.Present() {
		return m, false
	}
	m.Speaks, m.GainDB, m.OutGainDB = p.Speaks(), p.GainDB, p.ListenGainDB
	m.Hears, m.Audience = hear.hearing(p), hear.audience(p)
	if instead := replacing(p, hear); len(instead) > 0 {
		m.Hears = mixer.Hearing{Mode: mixer.Only, Only: instead}
	}
	return m, true
}

// audience are the members of participants, as far as they are connected; never nil.
func audience(ports map[conference.ParticipantID]port, ids ...conference.ParticipantID) []mixer.MemberID {
	list := make([]mixer.MemberID, 0, len(ids))
	for _, id := range ids {
		if at, ok := ports[id]; ok {
			list = append(list, at.Member)
		}
	}
	return list
}

// replacing is what a participant hears instead of the conference: if anything replaces it, all sources that are for him. Who is
// held or deafened hears only what is for him by name.
func replacing(p *conference.Participant, hear *ears) []mixer.MemberID {
	if len(hear.sources) == 0 || !p.Session.Receives {
		return nil
	}
	var all, rest []mixer.MemberID // with music and without
	replaced, said := false, false
	take := func(id mixer.MemberID) {
		from := hear.sources[id]
		if !from.Replace && !p.Hears() {
			return
		}
		all = append(all, id)
		replaced = replaced || from.Replace
		if !from.Music {
			rest = append(rest, id)
			said = said || !from.Steady
		}
	}
	for _, id := range hear.named[p.ID] {
		take(id)
	}
	if p.Hears() {
		for _, id := range hear.open {
			take(id)
		}
	}
	switch {
	case !replaced:
		return nil
	case said:
		return rest
	default:
		return all
	}
}

// tapMember is the listener behind a recorded stream; none while it may not capture anything. The stream of who is masked goes on, with
// what stands for him if there is something.
func tapMember(s *conference.State, ports map[conference.ParticipantID]port, t tap, instead []mixer.MemberID) (mixer.Member, bool) {
	m := mixer.Member{ID: t.Member, Out: t.Out, Format: t.Format, Verbatim: t.Verbatim, Stereo: t.Stereo, AsSent: true}
	if t.Silence {
		return m, true
	}
	r, ok := s.Recording(t.Recording)
	if !ok || !r.Captures() || s.Unheld(&r) {
		return m, false
	}
	m.Keyless = r.Config != nil && r.Config.Keys != conference.KeepKeys
	m.Hears = mixer.Hearing{Mode: mixer.Everyone}
	if t.Participant != "" || t.Sidebar != "" || t.Side != everySide {
		m.Hears = mixer.Hearing{Mode: mixer.Only, Only: instead}
	}
	told := 0
	for i := range s.Participants {
		p := s.Participants[i]
		at, connected := ports[p.ID]
		if !connected || !p.Status.Present() {
			continue
		}
		if !p.Recordable() {
			m.Hears.Except = append(m.Hears.Except, at.Member)
		}
		if !t.around(p) || !goesOn(p) {
			continue
		}
		told++
		if m.Hears.Mode == mixer.Only && !p.Masked && t.of(p) {
			m.Hears.Only = append(slices.Clone(m.Hears.Only), at.Member)
		}
	}
	return m, told > 0
}

// around tells whether a stream runs because of a participant: his own, or a mixed one; that of a sidebar while he is in it. One side of a pair
// runs, with silence, while there is somebody on the other.
func (t *tap) around(p *conference.Participant) bool {
	return (t.Participant == "" || t.Participant == p.ID) && (t.Sidebar == "" || t.Sidebar == p.Sidebar)
}

// of tells whether a stream is meant to hold what a participant says.
func (t *tap) of(p *conference.Participant) bool {
	return t.around(p) && (t.Side == everySide || t.Side == sideOf(p, t.Pair, t.First))
}

// goesOn tells whether somebody keeps a stream going: who may be recorded, and who is masked for a while.
func goesOn(p *conference.Participant) bool {
	return p.Recordable() || p.Masked && !p.Unrecorded && p.Present()
}

// standIns are the sources that stand for somebody in a recorded stream: the mark of who is masked, the tones of a key.
func standIns(s *conference.State, t tap, sources map[mixer.MemberID]source) []mixer.MemberID {
	r, ok := s.Recording(t.Recording)
	if t.Silence || !ok || r.Config == nil {
		return nil
	}
	var list []mixer.MemberID
	for id := range sources {
		from := sources[id]
		if from.Recorded == "" || slices.Contains(from.Not, t.Member) {
			continue
		}
		p, ok := s.Participant(from.Recorded)
		if !t.of(&p) || p.Sidebar != t.Sidebar {
			continue // it stands for what is said elsewhere
		}
		wanted := p.Masked && r.Config.MaskTone
		if from.Key {
			wanted = p.Recordable() && r.Config.Keys == from.Keys
		}
		if ok && wanted {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list
}
