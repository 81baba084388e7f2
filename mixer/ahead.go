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
	inputHot, mixHot, setHot, streamHot prefetch.Span
)

func init() { //nolint:gochecknoinits // the offsets of fields, once
	in, m, heard, s := &input{}, &Mix{}, &set{}, &stream{}
	inputHot = prefetch.SpanOf(in, &in.source, &in.lanes[mainLane])
	setHot = prefetch.SpanOf(heard, &heard.mask, &heard.sources.list[1])
	streamHot = prefetch.SpanOf(s, &s.stateless, &s.limiter.calm)
	mixHot = prefetch.SpanOf(m, &m.pending, &m.next)
}

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

// askEmit asks for the memory of the outputs whose turn comes soon after the nth.
func (p *plan) askEmit(outs []int32, n int) {
	if at := n + askState; at < len(outs) {
		p.seats[outs[at]].out.ask()
	}
	if at := n + askFar; at < len(outs) {
		p.seats[outs[at]].out.askFar(false)
	}
	if at := n + askNear; at < len(outs) {
		p.seats[outs[at]].out.askFar(true)
	}
}

func (o *output) askFar(near bool) {
	if o.far != nil {
		o.far.PrefetchEmit(near)
	}
}

func (o *output) ask() { prefetch.Value(o) }

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
		if b.n > 1 { // as it is again, mostly
			prefetch.Slice(b.room)
		}
		prefetch.Part(b.set, setHot)
	}
	for _, g := range p.groups[:min(askMost, len(p.groups))] {
		prefetch.Part(g.stream, streamHot)
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
		prefetch.Part(g.stream, streamHot)
		prefetch.Value(g.bus)
	}
	if at := n + askNear; at >= askMost && at < len(p.groups) {
		p.groups[at].stream.ask()
	}
}

func (s *stream) ask() {
	if s.forwarded || s.blank { // and goes on so, mostly
		return
	}
	prefetch.Slice(s.pcm)
	prefetch.Slice(s.packets[0].data[:min(packetHot, len(s.packets[0].data))])
}
