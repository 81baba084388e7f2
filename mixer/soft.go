package mixer

// softStep is by how much the gain of a background moves in a tick: from 1 to nothing in a quarter of a second.
const softStep = 0.08

// soft is the part of a set that is in the background, and its gain. A nil one is that of a set without. It is owned by the media path
// once the plan is adopted.
type soft struct {
	mask     []uint64 // by seat
	from, to float32  // gain at the beginning and at the end of this tick
	target   float32
	before   *set // where its first listener comes from; may be nil
}

// has reports whether the seat is in the background.
func (s *soft) has(seat int32) bool { return s != nil && hasBit(s.mask, seat) }

// take begins where the listener was before.
func (s *soft) take() {
	if s == nil || s.before == nil {
		return
	}
	s.to = 1
	if old := s.before.soft; old != nil {
		s.to = old.to
	}
	s.before = nil
}

// move is one tick of the gain's way to its target.
func (s *soft) move() {
	if s == nil {
		return
	}
	s.from = s.to
	s.to += min(max(s.target-s.to, -softStep), softStep)
}

// add adds a contribution to a sum.
func (s *soft) add(dst, src []int32) {
	src = src[:len(dst)]
	gain, step := s.from, (s.to-s.from)/float32(len(dst))
	for i, x := range src {
		gain += step
		dst[i] += round32(float32(x) * gain)
	}
}

// scaled writes exactly what add adds, and returns it.
func (s *soft) scaled(dst, src []int32) []int32 {
	clear(dst)
	s.add(dst, src)

	return dst
}
