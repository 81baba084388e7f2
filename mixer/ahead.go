package mixer

import "github.com/parley-sip/parley/internal/prefetch"

// How many members before its turn memory is asked for: that of the mixer's own state, then that of what the state refers to, and so on.
const (
	askState = 3
	askFar   = 2
	askNear  = 1
)

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
func (in *input) ask() { prefetch.Between(&in.source, &in.lanes[mainLane]) }

// askEmit asks for the memory of the outputs whose turn comes soon after the nth.
func (p *plan) askEmit(outs []int32, n int) {
	if at := n + askFar; at < len(outs) {
		p.seats[outs[at]].out.ask()
	}
	if at := n + askNear; at < len(outs) {
		if far := p.seats[outs[at]].out.far; far != nil {
			far.PrefetchEmit()
		}
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
		prefetch.Slice(b.sum)
		prefetch.Value(b.set)
	}
	for _, g := range p.groups[:min(askMost, len(p.groups))] {
		prefetch.Value(g.stream)
	}
}

// askPackets asks for what is encoded, and for where it goes to.
func (p *plan) askPackets() {
	for _, g := range p.groups[:min(askMost, len(p.groups))] {
		prefetch.Slice(g.stream.pcm)
		prefetch.Slice(g.stream.packets[0].data[:min(packetHot, len(g.stream.packets[0].data))])
	}
}
