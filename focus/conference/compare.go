package conference

import (
	"iter"
	"slices"
)

// Changed gives who is in either of two versions of the roster, the older one first, and not the same in both: as he was and as he is, in order of arrival. Who
// has come was nil, who has gone is nil. Those who have not changed cost a comparison of addresses each.
func Changed(old, next *State) iter.Seq2[*Participant, *Participant] {
	return func(yield func(was, is *Participant) bool) {
		rest := next.Participants // who stays keeps his place among the others, and who comes is behind them
		for _, p := range old.Participants {
			switch {
			case len(rest) > 0 && rest[0] == p:
				rest = rest[1:]
			case len(rest) > 0 && rest[0].ID == p.ID:
				if !yield(p, rest[0]) {
					return
				}
				rest = rest[1:]
			default:
				if !yield(p, nil) {
					return
				}
			}
		}
		for _, p := range rest {
			if !yield(nil, p) {
				return
			}
		}
	}
}

// mixDiffers tells whether anything the mixer knows of is different.
func mixDiffers(a, b *State) bool {
	if len(a.Participants) != len(b.Participants) || !slices.Equal(a.Sidebars, b.Sidebars) || capturing(a) != capturing(b) || len(a.Recordings) != len(b.Recordings) {
		return true
	}
	for p, q := range Changed(a, b) {
		if p == nil || q == nil || p.Status.Present() != q.Status.Present() || p.Present() != q.Present() || p.Barred() != q.Barred() || p.Speaks() != q.Speaks() || p.Hears() != q.Hears() ||
			p.GainDB != q.GainDB || p.ListenGainDB != q.ListenGainDB || (p.Role == Moderator) != (q.Role == Moderator) || p.Coaching != q.Coaching || p.Sidebar != q.Sidebar || p.Recording != q.Recording || p.Unrecorded != q.Unrecorded || p.Masked != q.Masked || p.Session != q.Session {
			return true
		}
	}
	return false
}

// capturing counts the recordings that are wished to run.
func capturing(s *State) int {
	n := 0
	for i := range s.Recordings {
		if s.Recordings[i].Captures() {
			n++
		}
	}
	return n
}
