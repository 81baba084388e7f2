package mixer

import "slices"

// hearingMatrix computes who hears whom, as sets of seats.
type hearingMatrix struct {
	members []Member
	index   map[MemberID]int32
	words   int
	open    []uint64 // inputs that all may hear
	limited []int32  // inputs with an audience
}

func newHearingMatrix(members []Member, index map[MemberID]int32) *hearingMatrix {
	h := &hearingMatrix{members: members, index: index, words: (len(members) + 63) / 64}
	h.open = make([]uint64, h.words)
	for i := range members {
		switch m := &members[i]; {
		case m.In == nil:
		case m.Audience == nil:
			setBit(h.open, int32(i))
		default:
			h.limited = append(h.limited, int32(i))
		}
	}

	return h
}

// heard writes into mask whom the member at a seat hears. Its own input is in it if any other with the same wish would hear
// it: it is subtracted, and the set shared.
func (h *hearingMatrix) heard(mask []uint64, seat int32) {
	m := &h.members[seat]
	clear(mask)
	switch m.Hears.Mode {
	case Everyone:
		copy(mask, h.open)
		for _, in := range h.limited {
			if h.admits(in, m.ID) {
				setBit(mask, in)
			}
		}
	case Only:
		for _, id := range m.Hears.Only {
			if in, ok := h.index[id]; ok && h.members[in].In != nil && h.admits(in, m.ID) {
				setBit(mask, in)
			}
		}
	case Nobody:
	}
	for _, id := range m.Hears.Except {
		if in, ok := h.index[id]; ok && in != seat {
			mask[in>>6] &^= 1 << (in & 63)
		}
	}
}

// admits reports whether a member is in the audience of the input at a seat.
func (h *hearingMatrix) admits(in int32, listener MemberID) bool {
	audience := h.members[in].Audience

	return audience == nil || slices.Contains(audience, listener)
}

func setBit(mask []uint64, i int32) { mask[i>>6] |= 1 << (i & 63) }

func hasBit(mask []uint64, i int32) bool { return mask[i>>6]>>(i&63)&1 != 0 }
