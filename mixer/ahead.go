package mixer

import "github.com/parley-sip/parley/internal/prefetch"

// How many members before its turn memory is asked for: that of the mixer's own state, then that of what the state refers to, and so on.
const (
	askState = 3
	askFar   = 2
	askNear  = 1
)

// The parts of an input and of a mix that a tick uses.
//
//nolint:gochecknoglobals // constants, but for the compiler
var (
	inputHot = prefetch.SpanOf(&sample.in, &sample.in.source, &sample.in.lanes[mainLane])
	setHot   = prefetch.SpanOf(&sample.set, &sample.set.mask, &sample.set.sources.list[1])
	mixHot   = prefetch.SpanOf(&sample.mix, &sample.mix.pending, &sample.mix.next)

	sample struct {
		in  input
		mix Mix
		set set
	}
)

// askNext asks for the layout of the mix whose turn is next, and for the mix after that.
func (m *Mix) askNext() {
	if next := m.next; next != nil {
		prefetch.Value(next.live.Load())
		if next.next != nil {
			prefetch.Part(next.next, mixHot)
		}
	}
}

// askNextSeats asks for where the members of the mix are whose turn is next.
func (m *Mix) askNextSeats() {
	if m.next == nil {
		return
	}
	p := m.next.live.Load()
	prefetch.Slice(p.ins[:min(batch, len(p.ins))])
	prefetch.Slice(p.outs[:min(batch, len(p.outs))])
	prefetch.Slice(p.seats[:min(batch, len(p.seats))])
}

// askNextInputs asks for the first members of the mix whose turn is next.
func (m *Mix) askNextInputs() {
	if m.next == nil {
		return
	}
	p := m.next.live.Load()
	for _, i := range p.ins[:min(askState, len(p.ins))] {
		p.seats[i].in.ask()
	}
}

// packetHot is how much of the room for a packet most of them use.
const packetHot = 256

// askReceive asks for the memory of the inputs whose turn to receive comes soon after the nth, and which are going to be ingested then.
func (p *plan) askReceive(ins []int32, n int) {
	if n == 0 { // the first ones have nobody before them
		for _, i := range ins[:min(askState, len(ins))] {
			p.seats[i].in.ask()
		}
		for _, i := range ins[:min(askFar, len(ins))] {
			p.seats[i].in.askFar(false)
		}
	}
	if at := n + askState; at < len(ins) {
		p.seats[ins[at]].in.ask()
	}
	if at := n + askFar; at < len(ins) {
		p.seats[ins[at]].in.askFar(false)
	}
}

// askIngest asks for what the inputs refer to whose turn comes soon after the nth.
func (p *plan) askIngest(ins []int32, n int) {
	if n == 0 {
		p.seats[ins[0]].in.askFar(true)
	}
	if at := n + askNear; at < len(ins) {
		p.seats[ins[at]].in.askFar(true)
	}
}

func (in *input) askFar(near bool) {
	if in.far != nil {
		in.far.PrefetchIngest(near)
	}
}

// ask asks for what a tick uses of a member who is heard in the main conference only.
func (in *input) ask() { prefetch.Part(in, inputHot) }

// How many members before its turn to emit memory is asked for: its seat, its own state, and then the steps of [OutputPrefetcher].
const (
	askSeat    = 6
	askOutput  = 4
	askRefers  = 2
	askFurther = 1
)

// askEmit asks for the memory of the outputs whose turn comes soon after the one at a place, also of those of the next batch.
func (p *plan) askEmit(at int) {
	outs := p.outs[at:]
	if len(outs) > askSeat {
		prefetch.Value(&p.seats[outs[askSeat]])
	}
	if len(outs) > askOutput {
		s := &p.seats[outs[askOutput]]
		prefetch.Value(s.out)
		if s.outFar != nil {
			s.outFar.PrefetchEmit(0)
		}
	}
	if len(outs) > askRefers {
		if far := p.seats[outs[askRefers]].outFar; far != nil {
			far.PrefetchEmit(1)
		}
	}
	if len(outs) > askFurther {
		if far := p.seats[outs[askFurther]].outFar; far != nil {
			far.PrefetchEmit(2)
		}
	}
}

// askMost is for how many buses and encodings memory is asked: more would drive each other out.
const askMost = 8

// askSums asks for what a tick uses after the inputs: first for where it is.
func (p *plan) askSums() {
	for _, b := range p.buses[:min(askMost, len(p.buses))] {
		prefetch.Value(b)
	}
	for _, g := range p.groups[:min(askMost, len(p.groups))] {
		prefetch.Value(g)
	}
}

// askSamples asks for the sums, and for what encodes them.
func (p *plan) askSamples() {
	for _, b := range p.buses[:min(askMost, len(p.buses))] {
		if b.n > 1 { // as in the tick before
			prefetch.Slice(b.room)
		}
		b.set.ask()
	}
	for _, g := range p.groups[:min(askMost, len(p.groups))] {
		prefetch.Value(g.stream)
	}
}

// askPackets asks for what is encoded, and for where it goes to.
func (p *plan) askPackets() {
	for _, g := range p.groups[:min(askMost, len(p.groups))] {
		g.stream.ask()
	}
}

// askEncode asks for the memory of the encodings whose turn comes soon after the nth, as far as [plan.askSums] and the others have not.
func (p *plan) askEncode(n int) {
	if at := n + askState; at >= askMost && at < len(p.groups) {
		prefetch.Value(p.groups[at])
	}
	if at := n + askFar; at >= askMost && at < len(p.groups) {
		g := p.groups[at]
		prefetch.Value(g.stream)
		prefetch.Value(g.bus)
	}
	if at := n + askNear; at >= askMost && at < len(p.groups) {
		p.groups[at].stream.ask()
	}
}

// ask asks for what says who is heard; the list of sources is short, mostly.
func (s *set) ask() { prefetch.Part(s, setHot) }

func (s *stream) ask() {
	if s.forwarded || s.silence > silenceSettled && s.hush != nil { // and goes on so, mostly
		return
	}
	prefetch.Slice(s.pcm)
	prefetch.Slice(s.packets[0].data[:min(packetHot, len(s.packets[0].data))])
}
