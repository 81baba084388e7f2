package mixer

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/parley-sip/parley/codecs"
)

// streams gives every group a stream: the one that most of its members have had, if no other group goes on with it, else a
// new one that begins as a copy of it.
func (b *builder) streams() error {
	type claim struct {
		group  *group
		stream *stream
		votes  int
	}
	claims := make([]claim, 0, len(b.plan.groups))
	for _, g := range b.plan.groups {
		c := claim{group: g}
		for _, v := range b.wanted[g] { // of equals the first, so that the same layouts always yield the same
			if v.members > c.votes {
				c.stream, c.votes = v.stream, v.members
			}
		}
		claims = append(claims, c)
	}
	slices.SortStableFunc(claims, func(x, y claim) int { return cmp.Compare(y.votes, x.votes) })
	taken := map[*stream]bool{}
	keys := make(map[*group]groupKey, len(b.groups))
	for key, g := range b.groups {
		keys[g] = key
	}
	for _, c := range claims {
		if c.stream != nil && !taken[c.stream] {
			taken[c.stream] = true
			c.group.stream = c.stream

			continue
		}
		s, err := newStream(keys[c.group].format, b.cfg.LookAhead)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
		c.group.stream, c.group.from = s, c.stream
	}

	return nil
}

// privates makes encoders for those who speak and would hear themselves, or sees to it that there will be one when they do. Encoders are
// large, so that listeners have none.
func (b *builder) privates() error {
	b.plan.speakers = map[*reserve]int{}
	for _, i := range b.plan.outs {
		s := &b.plan.seats[i]
		if !s.own || !b.sounds(s) && !s.out.prepared {
			continue
		}
		if pooled(s.out.format) {
			from := b.stock.get(s.out.format, b.cfg.LookAhead)
			b.plan.speakers[from]++
			if !s.out.prepared {
				b.plan.grafts = append(b.plan.grafts, graft{out: s.out, reserve: from})
			}

			continue
		}
		if s.out.prepared {
			continue
		}
		private, err := newStream(s.out.format, b.cfg.LookAhead)
		if err != nil {
			return &LayoutError{Member: s.id, Err: fmt.Errorf("%w: %w", ErrFormat, err)}
		}
		b.plan.grafts = append(b.plan.grafts, graft{out: s.out, private: private})
	}

	return nil
}

// sounds reports whether a member speaks, or has just been muted and is still fading out.
func (b *builder) sounds(s *seat) bool {
	before := b.base.seat(s.id)

	return s.speaks || before != nil && before.speaks
}

// lanes makes the resamplers, and orders the buffers, that those who speak need for the rates in use.
func (b *builder) lanes() error {
	for _, i := range b.plan.ins {
		s := &b.plan.seats[i]
		if !b.sounds(s) {
			continue
		}
		for lane := range laneCount {
			if lane != mainLane && !b.plan.uses[lane] {
				continue
			}
			for rate, used := range b.plan.rates {
				if !used {
					continue
				}
				if err := b.graftLane(s.in, lane, rate); err != nil {
					return err
				}
			}
		}
	}

	return nil
}

// graftLane makes what one lane needs for one rate and has not yet.
func (b *builder) graftLane(in *input, lane, rate int) error {
	g := graft{in: in, lane: lane, rate: rate}
	have := &in.prepared[lane][rate]
	if !have[rate] {
		g.buffer = true
	}
	for from, may := range ratesOf(in.source) {
		if from == rate || !may || have[from] {
			continue
		}
		r, err := codecs.NewResampler(rates[from], rates[rate])
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
		g.change[from] = r
	}
	if !g.empty() {
		b.plan.grafts = append(b.plan.grafts, g)
	}

	return nil
}

// ratesOf returns which rates an input may have. Who does not say has none of 44.1 kHz, for which the filters are large.
func ratesOf(in Input) (may [rateCount]bool) {
	rated, ok := in.(Rated)
	if !ok {
		return [rateCount]bool{true, true, true, false}
	}
	for _, hz := range rated.Rates() {
		if i := rateIndexOf(hz); i >= 0 {
			may[i] = true
		}
	}

	return may
}

// commit notes what the plan will have put in place, now that nothing can fail any more.
func (p *plan) commit() {
	for _, g := range p.grafts {
		if g.out != nil {
			g.out.prepared = true
		} else {
			g.in.prepare(&g)
		}
	}
}
