package mixer

import (
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/sole"
)

// The media path of one mix. All of it is done by the worker that owns the mix's cohort, or, in the phases that go over
// members or groups, by several workers in ranges that do not overlap. Nothing here locks or logs, and nothing
// allocates, but for a buffer that has to grow for the first time.

// mergeAfter is for how many ticks two encoders must have been fed the same before one can replace the other.
const mergeAfter = 5

// mergePatience is after how many ticks that is done even if their limiters still differ: 2 s.
const mergePatience = 100

// step does one whole tick on one worker.
func (m *Mix) step(w *scratch) {
	p := m.adopt()
	p.askSums()
	p.ingest(&m.cfg, 0, len(p.ins), w)
	p.askSamples()
	m.askNextSeats()
	m.mix(p, w)
	p.askPackets()
	p.encode(0, len(p.groups), w)
	m.askNextInputs()
	p.emit(m.skipped, m.due, 0, len(p.outs), w)
}

// adopt puts the layout in place that has been prepared since the last tick, if any, and returns the one in place.
func (m *Mix) adopt() *plan {
	if m.pending.Load() == nil {
		return m.live.Load()
	}
	p := m.pending.Swap(nil)
	if p == nil {
		return m.live.Load()
	}
	for i := range p.grafts {
		p.grafts[i].put()
	}
	old := m.live.Load()
	for _, s := range p.sets {
		s.soft.take()
	}
	for _, g := range p.groups {
		if g.from != nil {
			g.stream.copyFrom(g.from)
			g.from = nil
		}
	}
	for _, i := range p.outs {
		s := &p.seats[i]
		s.out.alike = 0
		if !s.out.apart {
			s.group.sharers++
			s.out.partial = s.group.stream.have > 0 && s.out.stream != s.group.stream
			s.out.stream = s.group.stream
		}
	}
	p.dropLanes(old)
	if len(old.seats) > 0 || len(p.seats) > 0 {
		m.speakersChanged.Store(true)
	}
	m.live.Store(p)
	m.adopted = p

	return p
}

// dropLanes lets the lanes rest that nobody hears any more: there is nobody for whom anything had to fade out, and the first who hears one
// again is to hear nothing of before.
func (p *plan) dropLanes(old *plan) {
	for lane := range laneCount {
		if lane == mainLane || !old.uses[lane] || p.uses[lane] {
			continue
		}
		for _, i := range p.ins {
			in := p.seats[i].in
			in.lanes[lane].on, in.lanes[lane].sounding = false, false
		}
	}
}

// batch is for how many members the system is asked at once.
const batch = 12

// ingest takes the frames of a range of inputs.
func (p *plan) ingest(cfg *MixConfig, from, to int, w *scratch) {
	for ; from < to; from += batch {
		ins := p.ins[from:min(from+batch, to)]
		for n, i := range ins {
			p.askReceive(ins, n)
			if r := p.seats[i].in.receiver; r != nil {
				r.Receive(w.room(n), w.calls)
			}
		}
		w.submit()
		for n, i := range ins {
			p.askIngest(ins, n)
			p.seats[i].ingest(cfg, w)
			if p.seats[i].in.strange() {
				p.strange.Store(true)
			}
		}
	}
}

// mix chooses the speakers, makes their contributions and sums them up, and decides who needs an encoding of its own.
func (m *Mix) mix(p *plan, w *scratch) {
	if p.strange.Swap(false) {
		m.identify(p)
	}
	for _, i := range p.gaps {
		p.seats[i].uphold(m.leader.held && m.leader.holder == p.seats[i].id)
	}
	p.choose(m.cfg.MaxSpeakers)
	p.talkers = p.talkers[:0]
	changed := false
	for _, i := range p.ins {
		s := &p.seats[i]
		in := s.in
		sounding := false
		for lane := range laneCount {
			if lane == mainLane || p.uses[lane] {
				sounding = in.lanes[lane].run(in.rate, &in.signals[signalOf[lane]], s.contribution(p, lane), w) || sounding
			}
		}
		if sounding {
			p.talkers = append(p.talkers, i)
		}
		if in.publish(in.lanes[mainLane].on, s.speaks) {
			changed = true
		}
	}
	if p.elect(&m.leader) || changed {
		m.dominant.Store(m.leader.word())
		m.speakersChanged.Store(true)
	}
	for _, s := range p.sets {
		s.soft.move()
	}
	for _, b := range p.buses {
		b.add(p)
	}
	for _, s := range p.sets {
		s.sources.collect(p, s)
	}
	p.part()
	p.join()
}

// add sums up the contributions of this tick.
func (b *bus) add(p *plan) {
	b.n = 0
	for _, i := range p.talkers {
		l := &p.seats[i].in.lanes[b.set.lane]
		if !l.sounding || !b.set.has(i) {
			continue
		}
		b.take(l.out[b.rate], b.set.soft, i)
	}
}

// take adds one contribution. As long as it is the only one, nothing is copied: that is so in most streams of one participant.
func (b *bus) take(one []int32, faint *soft, seat int32) {
	switch {
	case faint.has(seat):
		switch b.n {
		case 0:
			clear(b.room)
		case 1:
			copy(b.room, b.sum) // may be the room
		}
		b.sum = b.room
		faint.add(b.sum, one)
	case b.n == 0:
		b.sum = one
	case b.n == 1:
		addUp(b.room, b.sum, one)
		b.sum = b.room
	default:
		add(b.sum, one)
	}
	b.n++
}

// contribution is how the frame of this tick enters a lane.
func (s *seat) contribution(p *plan, lane int) contribution {
	c := contribution{want: s.audible(&s.in.signals[signalOf[lane]]), gain: s.gain, used: &p.rates}
	if signalOf[lane] != directSignal {
		c.want, c.fade = c.want && s.in.selected, s.speaks
	}
	if keyless(lane) && s.in.frame.Flags.Has(codecs.Keys) {
		c.want, c.fade = false, false
	}

	return c
}

// audible reports whether a signal of the member is to be heard.
func (s *seat) audible(in *signal) bool { return s.speaks && (s.in.active || in.upheld) && in.present }

// contributes reports whether the member is part of the bus that it hears.
func (s *seat) contributes() bool {
	return s.own && s.in.lanes[s.group.bus.set.lane].sounding
}

// part gives an encoding of its own to each member that has begun to contribute to what it hears.
func (p *plan) part() {
	for _, i := range p.talkers {
		s := &p.seats[i]
		if s.out == nil || s.out.private == nil && s.out.reserve == nil || !s.contributes() {
			continue
		}
		s.out.alike = 0
		if s.out.private == nil {
			s.out.private = s.out.reserve.take()
		}
		if s.out.without = s.out.private == nil; s.out.without {
			continue
		}
		if !s.out.apart {
			s.out.private.copyFrom(s.group.stream)
			s.out.apart = true
			s.group.sharers--
		}
	}
}

// join brings members back to the shared encoding whose own has become the same.
func (p *plan) join() {
	for _, i := range p.outs {
		s := &p.seats[i]
		if !s.out.apart || s.contributes() {
			continue
		}
		s.out.alike++
		shared, private := s.group.stream, s.out.private
		if s.group.sharers == 0 {
			// Nobody has used the shared one, so that it can go on where this member is.
			shared.copyFrom(private)
		} else if !private.mergeable(shared, s.out.alike) {
			continue
		}
		s.out.apart, s.out.stream = false, shared
		s.group.sharers++
		if s.out.reserve != nil {
			s.out.reserve.give(private)
			s.out.private = nil
		}
	}
}

// mergeable reports whether a listener of the stream can go over to another that has been fed the same for some ticks.
func (s *stream) mergeable(shared *stream, alike int) bool {
	alike = min(alike, shared.age+1)
	collecting := 0
	if s.size > s.frame {
		collecting = (s.size + s.frame - 1) / s.frame
	}
	if s.delay.kept != nil {
		collecting++ // what it kept in the tick before is of the others alone only then
	}
	if s.stateless {
		return alike > collecting
	}
	if alike <= max(mergeAfter, collecting) {
		return false
	}
	difference := s.limiter.gain - shared.limiter.gain
	if difference < 0 {
		difference = -difference
	}

	return difference < limiterSnap || alike > mergePatience
}

// encode makes the shared packets of a range of groups.
func (p *plan) encode(from, to int, w *scratch) {
	for n := from; n < to; n++ {
		p.askEncode(n)
		g := p.groups[n]
		if g.sharers == 0 {
			g.stream.rest()

			continue
		}
		if g.only >= 0 && p.forward(g, w) {
			continue
		}
		g.stream.resume()
		g.stream.render(g.bus, nil, g.gain, w)
		g.stream.encode(w)
	}
}

// emit hands a range of outputs their packets. Skipped is the number of ticks that have been missed, due when this one was.
func (p *plan) emit(skipped int, due time.Duration, from, to int, w *scratch) {
	w.due = due
	for ; from < to; from += batch {
		outs := p.outs[from:min(from+batch, to)]
		for n, i := range outs {
			p.askEmit(outs, n)
			p.seats[i].emit(i, skipped, w.room(n), w)
		}
		for _, i := range outs {
			if s := p.seats[i].out.sender; s != nil {
				s.Send(w.calls)
			}
		}
		w.submit()
	}
}

// emit hands one output its packets, and a room for each in turn.
func (s *seat) emit(i int32, skipped int, room []byte, w *scratch) {
	o := s.out
	if skipped > 0 {
		w.packet = codecs.Packet{Samples: skipped * o.units, Due: w.before(skipped)}
		o.emit(&w.packet, room)
	}
	if o.without {
		if s.contributes() {
			w.packet = codecs.Packet{Samples: o.units, Due: w.due}
			o.emit(&w.packet, room)

			return
		}
		o.without = false
	}
	st := s.group.stream
	if o.apart {
		st = o.private
		s.encodePrivate(i, st, w)
	}
	for n := range st.count {
		s.send(i, st, &st.packets[n], room, w)
	}
	if st.count > 0 {
		o.state.store(st.packets[st.count-1].level, o.apart, st.limiter.gain)
	}
}

// emit hands over one packet.
func (o *output) emit(p *codecs.Packet, room []byte) {
	if o.sender != nil {
		o.sender.Prepare(p, room)

		return
	}
	o.sink.Emit(p)
}

// encodePrivate makes the packets of a member that is or has just been heard: all but itself.
func (s *seat) encodePrivate(i int32, st *stream, w *scratch) {
	b := s.group.bus
	var own []int32
	if s.contributes() {
		own = s.in.lanes[b.set.lane].out[b.rate]
		if b.set.soft.has(i) {
			own = b.set.soft.scaled(w.own[:len(own)], own)
		}
	}
	st.render(b, own, s.group.gain, w)
	st.encode(w)
}

// send hands over one packet.
func (s *seat) send(i int32, st *stream, e *encoded, room []byte, w *scratch) {
	w.packet = codecs.Packet{Payload: e.payload, Samples: st.units, Level: e.level, Due: w.due}
	if s.out.partial {
		s.out.partial, w.packet.Payload = false, nil
	}
	// The marker begins what is sent, and again after what was not (RFC 3551, section 4.1).
	sent := len(w.packet.Payload) > 0
	w.packet.Marker = sent && !s.out.started
	s.out.started = sent
	if s.out.apart {
		s.group.bus.set.sources.without(&w.packet, i, w)
	} else {
		s.group.bus.set.sources.all(&w.packet)
	}
	s.out.emit(&w.packet, room)
	sole.Add(&w.sent[st.format.Codec], 1)
}
