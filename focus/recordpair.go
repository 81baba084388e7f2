package focus

import (
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/siprec"
)

// side is one of the two streams of a recording in the mode pair: everybody who may be recorded is on exactly one of them, at any moment.
type side uint8

// The sides: of all participants, the chosen ones (conference.PairPolicy), the others.
const (
	everySide side = iota
	chosenSide
	otherSide
)

// String is the name in the API, empty for what is no side.
func (s side) String() string {
	switch s {
	case chosenSide:
		return "chosen"
	case otherSide:
		return "others"
	case everySide:
		return ""
	default:
		return ""
	}
}

// pairKey is the key of one of the two streams, without that of its sidebar.
func pairKey(s side) string { return "pair/" + s.String() }

// sideOf tells on which side a participant is. first is who counts as the one who came first.
func sideOf(p *conference.Participant, policy conference.PairPolicy, first conference.ParticipantID) side {
	if chosen := p.ID == first; policy == conference.PairFirst && chosen || policy == conference.PairModerators && p.Role == conference.Moderator {
		return chosenSide
	}
	return otherSide
}

// settlePair brings up to date who is on which side of a recording session. Who came first is so for good: his side is silent when he has left,
// because nobody's voice changes its place.
func (r *recorder) settlePair(s *conference.State) {
	if r.modes&conference.Pair == 0 {
		return
	}
	for i := range s.Participants {
		p := s.Participants[i]
		if !cameIn(p) {
			continue
		}
		if r.first == "" {
			r.first = p.ID
		}
		r.sides[p.ID] = sideOf(p, r.pair, r.first)
	}
}

// feeders are all who feed a side, and who fed it when they left; nil: everybody.
func (c *controller) feeders(r *recorder, of side) []siprec.ID {
	if of == everySide {
		return nil
	}
	list := []siprec.ID{}
	for _, id := range r.order(c) {
		if r.sides[id] == of {
			list = append(list, c.identity(id))
		}
	}
	return list
}

// order are those who have been on a side, in order of arrival, those who have left first.
func (r *recorder) order(c *controller) []conference.ParticipantID {
	var list []conference.ParticipantID
	for i := range c.departed {
		if r.sides[c.departed[i].id] != everySide {
			list = append(list, c.departed[i].id)
		}
	}
	for _, p := range c.machine.State().Participants {
		if r.sides[p.ID] != everySide {
			list = append(list, p.ID)
		}
	}
	return list
}

// profileModes is what is recorded for a server that expects certain streams.
func profileModes(l siprec.StreamLayout, wished conference.Mode) conference.Mode {
	switch l {
	case siprec.LayoutMixed:
		return conference.Mixed
	case siprec.LayoutSeparate:
		return conference.Separate
	case siprec.LayoutPair:
		return conference.Pair
	case siprec.LayoutAny:
		return wished
	default:
		return wished
	}
}
