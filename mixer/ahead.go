package mixer

import (
	"unsafe"

	"github.com/parley-sip/parley/internal/prefetch"
)

// How many members before its turn memory is asked for: that of the mixer's own state, then that of what the state refers to, and so on.
const (
	askState = 3
	askFar   = 2
	askNear  = 1
)

// inputHot is how much of an input a tick uses of a member who is heard in the main conference only.
const inputHot = unsafe.Offsetof(input{}.lanes) + unsafe.Sizeof(lane{})

// askIngest asks for the memory of the inputs whose turn comes soon after the nth.
func (p *plan) askIngest(ins []int32, n int) {
	if n == 0 { // the first ones have nobody before them
		for _, i := range ins[:min(askState, len(ins))] {
			p.seats[i].in.ask()
		}
		if far := p.seats[ins[0]].in.far; far != nil {
			far.PrefetchIngest(false)
		}
		if len(ins) > askNear {
			if far := p.seats[ins[askNear]].in.far; far != nil {
				far.PrefetchIngest(false)
			}
		}
	}
	if at := n + askState; at < len(ins) {
		p.seats[ins[at]].in.ask()
	}
	if at := n + askFar; at < len(ins) {
		if far := p.seats[ins[at]].in.far; far != nil {
			far.PrefetchIngest(false)
		}
	}
	if at := n + askNear; at < len(ins) {
		if far := p.seats[ins[at]].in.far; far != nil {
			far.PrefetchIngest(true)
		}
	}
}

func (in *input) ask() { prefetch.Lines(unsafe.Pointer(in), inputHot) } //nolint:gosec // an address, not used as anything else

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

func (o *output) ask() { prefetch.Lines(unsafe.Pointer(o), unsafe.Sizeof(*o)) } //nolint:gosec // an address, not used as anything else
