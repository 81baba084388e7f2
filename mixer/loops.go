package mixer

import "slices"

const (
	// echoTicks is in how many ticks in a row an input has to bring what has come from us before it is taken for a loop: one alone may be the
	// end of what was said before.
	echoTicks = 3
	// echoRest is how many ticks after the last of them it is believed to be none any more: half a second, so that words do not break it.
	echoRest = 25
)

// identity is what is known of the source of an input. It is owned by the media path.
type identity struct {
	known uint32 // SSRC of the frames; 0: none yet
	alias uint32 // what it is called in CSRC lists: another value if somebody else has the same
	seen  int    // ticks in a row with sources that have come from us
	rest  int    // ticks for which it is still taken for a loop; 0: it is none
}

// strange reports whether there is something to look into: another source, or a far end that is itself a mixer.
func (in *input) strange() bool {
	return in.frame.SSRC != in.identity.known || in.frame.CSRCCount > 0 || in.identity.seen > 0 || in.identity.rest > 0
}

// identify has it reported, too, if somebody who speaks has another source.
func (m *Mix) identify(p *plan) {
	if p.identify() {
		m.speakersChanged.Store(true)
	}
}

// identify gives new sources names of their own, and finds loops. It tells whether somebody has another name than before.
func (p *plan) identify() (renamed bool) {
	for _, i := range p.ins {
		in := p.seats[i].in
		if !in.strange() {
			continue
		}
		if in.frame.SSRC != in.identity.known {
			in.identity.known = in.frame.SSRC
			in.identity.alias = p.distinct(i)
			in.called.Store(in.identity.alias)
			renamed = true
		}
		in.followEcho(p.returns(i))
	}
	return renamed
}

// distinct is what a source is called that has just come: its SSRC, unless somebody else is called so (RFC 7866, section 8.3.2).
func (p *plan) distinct(seat int32) uint32 {
	name := p.seats[seat].in.identity.known
	for step := uint32(1); name != 0 && p.taken(seat, name); step++ {
		name = (p.seats[seat].in.identity.known + uint32(p.seats[seat].id)) * (2*step + 1) //nolint:mnd // any other number will do
	}

	return name
}

// taken reports whether another member is called so.
func (p *plan) taken(seat int32, name uint32) bool {
	return slices.ContainsFunc(p.ins, func(j int32) bool { return j != seat && p.seats[j].in.identity.alias == name })
}

// returns reports whether what an input brings has come from us, or comes from another input as well (RFC 3550, sections 7.1 and 8.2): one of
// its sources is what we ourselves send as to a mixer, or a member that is talking here, or is among those of a mixer that comes first.
func (p *plan) returns(seat int32) bool {
	f := &p.seats[seat].in.frame
	for _, source := range f.CSRC[:f.CSRCCount] {
		for _, j := range p.ins {
			if source != 0 && p.seats[j].brings(source, j < seat) {
				return true
			}
		}
	}

	return false
}

// brings reports whether a source that has come by some input is this member's: as the talker it is itself, as ours toward it if it is a
// mixer, or as one of its own sources, if it is a mixer and comes first.
func (s *seat) brings(source uint32, first bool) bool {
	in := s.in
	if in.frame.CSRCCount == 0 {
		return in.talking && // and not the input itself, which has sources
			in.identity.alias == source
	}
	if s.out != nil && s.out.sourced != nil && s.out.sourced.SSRC() == source {
		return true
	}

	return first && in.talking && in.identity.rest == 0 && slices.Contains(in.frame.CSRC[:in.frame.CSRCCount], source)
}

// followEcho takes what this tick says about a loop, and silences it where it would be mixed.
func (in *input) followEcho(returns bool) {
	switch id := &in.identity; {
	case returns:
		if id.seen++; id.seen >= echoTicks || id.rest > 0 {
			id.rest = echoRest
		}
	default:
		id.seen = 0
		id.rest = max(id.rest-1, 0)
	}
	if in.identity.rest > 0 {
		in.looped.Add(1)
		in.signals[mainLane].present, in.talking = false, false
	}
}
