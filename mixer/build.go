package mixer

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/parley-sip/parley/codecs"
)

// builder makes a plan out of a layout, off the media path.
type builder struct {
	cfg     MixConfig
	plan    *plan
	base    *plan // in use, or adopted before the new one
	pending *plan // taken back: it was never adopted; may be nil
	*sketch
	key         []byte
	conditioned bool // somebody's sound is changed
	sets        map[string]*set
	buses       map[busKey]*bus
	groups      map[groupKey]*group
	stock       *stock
	wanted      map[*group][]vote // from which streams the members of a group come
}

// sketch is what a builder needs of each member and the plan does not.
type sketch struct {
	formats []codecs.Format // of those who have an output
	gains   []float32       // of outputs
}

// keepSketch is from how many members on the room of a sketch is kept for the next: those of a large mix come by the dozen in a second.
const keepSketch = 50

// sketched gives back room that is small, or much larger than what it was needed for.
func (s *sketch) sketched(members int) {
	if members < keepSketch || cap(s.formats) > 4*members {
		*s = sketch{}
	}
}

// vote counts the members of a group that come from one stream.
type vote struct {
	stream  *stream
	members int
}

type busKey struct {
	set  *set
	rate int
}

type groupKey struct {
	set    *set
	format codecs.Format
	gain   float32
	only   int32 // whose payloads may be passed on, -1: nobody's
	stereo bool  // also those of two channels
}

// build prepares a layout. It keeps the state of members that are in base or pending with the same input, output and
// format. The caller calls commit if it is going to use the plan.
func build(cfg MixConfig, layout Layout, base, pending *plan, stock *stock, room *sketch) (*plan, error) {
	b := &builder{
		cfg: cfg, base: base, pending: pending, stock: stock, sketch: room,
		plan: &plan{index: make(map[MemberID]int32, len(layout.Members))},
		sets: map[string]*set{}, buses: map[busKey]*bus{}, groups: map[groupKey]*group{},
		wanted: map[*group][]vote{},
	}
	if err := b.validate(layout.Members); err != nil {
		return nil, err
	}
	if pending != nil {
		// It was never adopted, so that what it would have put in place is still needed.
		b.plan.grafts = slices.Clone(pending.grafts)
	}
	b.seat(layout.Members)
	if err := b.group(layout.Members); err != nil {
		return nil, err
	}
	if err := b.streams(); err != nil {
		return nil, err
	}
	if err := b.privates(); err != nil {
		return nil, err
	}
	if err := b.lanes(); err != nil {
		return nil, err
	}
	b.plan.talkers = make([]int32, 0, len(b.plan.ins))
	if cfg.MaxSpeakers > 0 {
		b.plan.top = make([]int32, 0, min(cfg.MaxSpeakers, len(b.plan.ins)))
	}

	return b.plan, nil
}

// validate checks every member and normalises the formats.
func (b *builder) validate(members []Member) error {
	b.formats = slices.Grow(b.formats[:0], len(members))[:len(members)]
	b.gains = slices.Grow(b.gains[:0], len(members))[:len(members)]
	for i := range members {
		m := &members[i]
		if err := b.validateMember(i, m); err != nil {
			return &LayoutError{Member: m.ID, Err: err}
		}
		b.plan.index[m.ID] = int32(i)
	}

	return nil
}

func (b *builder) validateMember(i int, m *Member) error {
	if _, twice := b.plan.index[m.ID]; twice {
		return ErrDuplicateMember
	}
	if m.In == nil && m.Out == nil {
		return ErrNoDirection
	}
	if m.Hears.Mode > Only {
		return ErrHearing
	}
	if err := m.Sound.Validate(); err != nil {
		return err
	}
	if m.Hears.BackgroundDB > 0 {
		return fmt.Errorf("%w: background of %g dB", ErrGain, m.Hears.BackgroundDB)
	}
	for _, gain := range []float64{m.GainDB, m.OutGainDB, m.Hears.BackgroundDB} {
		if !(gain <= MaxGainDB && gain >= -3*MaxGainDB) {
			return fmt.Errorf("%w: %g dB", ErrGain, gain)
		}
	}
	b.gains[i] = factor(m.OutGainDB)
	if m.Out == nil {
		return nil
	}
	format, err := m.Format.Normalize()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	b.formats[i] = format

	return nil
}

// factor converts dB.
func factor(db float64) float32 {
	if db == 0 {
		return 1
	}

	return float32(math.Pow(10, db/20))
}

// seat makes the seats, with the state of those who were there before.
func (b *builder) seat(members []Member) {
	b.plan.seats = make([]seat, len(members))
	for i := range members {
		m := &members[i]
		s := &b.plan.seats[i]
		*s = seat{id: m.ID, speaks: m.Speaks, first: m.Priority, counted: m.Out != nil, gain: factor(m.GainDB)}
		s.gainDB = int(math.Round(m.GainDB))
		if m.In != nil {
			b.plan.ins = append(b.plan.ins, int32(i))
			if s.in = b.formerInput(m); s.in == nil {
				s.in = newInput(m.In)
			}
			b.condition(s, m.Sound)
			if s.gap != nil {
				b.plan.gaps = append(b.plan.gaps, int32(i))
			}
		}
		if m.Out != nil {
			b.plan.outs = append(b.plan.outs, int32(i))
			if s.out = b.formerOutput(m, b.formats[i]); s.out == nil {
				s.out = &output{sink: m.Out, format: b.formats[i]}
				s.out.far, _ = m.Out.(OutputPrefetcher)
				s.out.sender, _ = m.Out.(Sender)
				s.out.sourced, _ = m.Out.(Sourced)
				s.out.units = b.formats[i].Codec.TimestampUnits(codecs.FrameDuration)
				s.out.state.store(codecs.SilenceLevel, false, 1)
			}
		}
	}
}

// condition gives a member that has a sound what it had before, or something new.
func (b *builder) condition(s *seat, sound Sound) {
	if !sound.Enabled() {
		return
	}
	b.conditioned = true
	s.sound = sound.withDefaults()
	for _, p := range []*plan{b.pending, b.base} { // those that are in use come last
		if old := p.seat(s.id); old != nil && old.in == s.in {
			s.cond, s.gap = cmp.Or(old.cond, s.cond), cmp.Or(old.gap, s.gap)
		}
	}
	switch {
	case !sound.changes():
		s.cond = nil
	case s.cond == nil:
		s.cond = newConditioner()
	}
	switch {
	case !sound.Gaps:
		s.gap = nil
	case s.gap == nil:
		s.gap = newBackground(uint32(s.id))
	}
}

// formerInput returns the state of the same input of the same member.
func (b *builder) formerInput(m *Member) *input {
	for _, p := range []*plan{b.base, b.pending} {
		if s := p.seat(m.ID); s != nil && s.in != nil && same(s.in.source, m.In) {
			return s.in
		}
	}

	return nil
}

// formerOutput returns the state of the same output of the same member.
func (b *builder) formerOutput(m *Member, format codecs.Format) *output {
	for _, p := range []*plan{b.base, b.pending} {
		s := p.seat(m.ID)
		if s != nil && s.out != nil && s.out.format == format && same(s.out.sink, m.Out) {
			return s.out
		}
	}

	return nil
}

// seat returns the seat of a member, or nil. The plan may be nil.
func (p *plan) seat(id MemberID) *seat {
	if p == nil {
		return nil
	}
	i, ok := p.index[id]
	if !ok {
		return nil
	}

	return &p.seats[i]
}

// same compares two interface values, of which a caller may have made any type.
func same(a, b any) bool {
	t := reflect.TypeOf(a)

	return t == reflect.TypeOf(b) && t.Comparable() && a == b
}

// group gives every output its set, bus and group.
func (b *builder) group(members []Member) error {
	matrix := newHearingMatrix(members, b.plan.index)
	mask := make([]uint64, matrix.words)
	for _, i := range b.plan.outs {
		matrix.heard(mask, i)
		lane := mainLane
		if members[i].Hears.Mode == Only && (b.cfg.MaxSpeakers > 0 || b.conditioned) {
			lane = directLane
		}
		switch {
		case members[i].Keyless:
			lane += keylessMainLane
		case lane == mainLane && members[i].AsSent && len(b.plan.gaps) > 0:
			lane = cameMainLane
		}
		b.plan.uses[lane] = true
		rate := rateIndexOf(b.formats[i].Codec.SampleRate())
		if rate < 0 {
			return &LayoutError{Member: members[i].ID, Err: ErrFormat}
		}
		b.plan.rates[rate] = true
		heard := b.set(mask, lane, b.soften(mask, i, &members[i].Hears))
		s := &b.plan.seats[i]
		s.own = hasBit(heard.mask, i)
		only := int32(-1)
		if members[i].Verbatim {
			only = heard.single()
		}
		s.group = b.groupFor(groupKey{set: heard, format: b.formats[i], gain: b.gains[i], only: only, stereo: only >= 0 && members[i].Stereo}, rate)
		if old := b.base.seat(s.id); old != nil && old.out == s.out {
			b.vote(s.group, old.group.stream)
		}
	}

	return nil
}

// vote notes that a member of a group comes from a stream.
func (b *builder) vote(g *group, from *stream) {
	votes := b.wanted[g]
	for i := range votes {
		if votes[i].stream == from {
			votes[i].members++

			return
		}
	}
	b.wanted[g] = append(votes, vote{stream: from, members: 1})
}

// soften returns the background of what the member at a seat hears, nil for none. When what was in the background before comes
// forward, it is one that rises to unity.
func (b *builder) soften(mask []uint64, seat int32, h *Hearing) *soft {
	var before *set
	if old := b.base.seat(b.plan.seats[seat].id); old != nil && old.out != nil {
		before = old.group.bus.set
	}
	rising := before != nil && before.soft != nil && before.soft.target < 1
	if h.BackgroundDB == 0 && !rising {
		return nil
	}
	faint := &soft{mask: make([]uint64, len(mask)), target: factor(h.BackgroundDB), before: before}
	faint.from, faint.to = faint.target, faint.target
	found := false
	put := func(id MemberID) {
		if i, ok := b.plan.index[id]; ok && hasBit(mask, i) {
			setBit(faint.mask, i)
			found = true
		}
	}
	if h.BackgroundDB < 0 {
		for _, id := range h.Background {
			put(id)
		}
	} else {
		for i := range b.base.seats {
			if hasBit(before.soft.mask, int32(i)) {
				put(b.base.seats[i].id)
			}
		}
	}
	if !found {
		return nil
	}

	return faint
}

// set returns the set with the given mask and background.
func (b *builder) set(mask []uint64, lane int, faint *soft) *set {
	b.key = append(b.key[:0], byte(lane))
	for _, word := range mask {
		b.key = binary.LittleEndian.AppendUint64(b.key, word)
	}
	if faint != nil {
		b.key = binary.LittleEndian.AppendUint32(b.key, math.Float32bits(faint.target))
		for _, word := range faint.mask {
			b.key = binary.LittleEndian.AppendUint64(b.key, word)
		}
	}
	if s, ok := b.sets[string(b.key)]; ok {
		return s
	}
	s := &set{mask: slices.Clone(mask), lane: lane, soft: faint}
	b.sets[string(b.key)] = s
	b.plan.sets = append(b.plan.sets, s)

	return s
}

// groupFor returns the group with the given key, and makes its bus if it is the first.
func (b *builder) groupFor(key groupKey, rate int) *group {
	if g, ok := b.groups[key]; ok {
		return g
	}
	at := busKey{set: key.set, rate: rate}
	sum, ok := b.buses[at]
	if !ok {
		sum = &bus{set: key.set, rate: rate, room: make([]int32, frameSamples(rate))}
		b.buses[at] = sum
		b.plan.buses = append(b.plan.buses, sum)
	}
	g := &group{bus: sum, gain: key.gain, only: key.only, stereo: key.stereo}
	b.groups[key] = g
	b.plan.groups = append(b.plan.groups, g)

	return g
}
