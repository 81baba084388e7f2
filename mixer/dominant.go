package mixer

import "github.com/parley-sip/parley/codecs"

const (
	// weightRise and weightFall are the parts of the way that the weight of a member goes in a tick: in half a second while it speaks, else in one.
	weightRise = 0.04
	weightFall = 0.02
	// dominantMargin is by how many dB of weight a challenger has to be ahead of who dominates and is speaking.
	dominantMargin = 6
	// dominantTicks is for how long: 400 ms, so that a cough or a "yes" changes nothing.
	dominantTicks = 20
)

// dominance is who is dominant in a mix. It is owned by the media path.
type dominance struct {
	holder     MemberID
	held       bool
	challenger MemberID
	ticks      int // for which the challenger has been ahead
}

// heldBit is set in the word while anybody dominates.
const heldBit = 1 << 32

// word puts the holder into one word, for others to read.
func (f *dominance) word() uint64 {
	if !f.held {
		return 0
	}

	return heldBit | uint64(f.holder)
}

// elect follows who dominates, and reports whether that has changed.
func (p *plan) elect(f *dominance) bool {
	var best, holder *seat
	for _, i := range p.ins {
		s := &p.seats[i]
		if !s.counted || !s.speaks {
			s.in.weight = 0

			continue
		}
		s.in.weigh()
		if f.held && s.id == f.holder {
			holder = s
		}
		if s.in.speaking && (best == nil || s.in.weight > best.in.weight) {
			best = s
		}
	}
	switch {
	case holder == nil: // has gone, or may not be heard any more
		before := f.held
		if f.held = best != nil; f.held {
			f.holder = best.id
		}
		f.ticks = 0

		return before || f.held
	case best == nil || best == holder, holder.in.speaking && best.in.weight < holder.in.weight+dominantMargin:
		f.ticks = 0

		return false
	}
	if best.id != f.challenger {
		f.challenger, f.ticks = best.id, 0
	}
	if f.ticks++; f.ticks < dominantTicks {
		return false
	}
	f.holder, f.ticks = best.id, 0

	return true
}

// weigh follows how much a member speaks.
func (in *input) weigh() {
	loud, part := float32(0), float32(weightFall)
	if in.speaking {
		loud, part = float32(codecs.SilenceLevel)-float32(in.frame.Level), weightRise
	}
	in.weight += (max(loud, 0) - in.weight) * part
}
