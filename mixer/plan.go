package mixer

import (
	"sync/atomic"

	"github.com/parley-sip/parley/codecs"
)

// plan is a layout made ready for the media path. Its shape never changes; the sums and counts in it belong to the tick.
type plan struct {
	seats  []seat
	ins    []int32 // seats with an input
	outs   []int32 // seats with an output
	sets   []*set
	buses  []*bus
	groups []*group
	rates  [rateCount]bool // in use by outputs
	uses   [laneCount]bool // through which lanes some set is heard

	strange atomic.Bool // some input has another source, or is a mixer's

	gaps    []int32 // seats whose gaps are filled
	talkers []int32 // seats that contribute in this tick
	top     []int32 // room for the choice of the loudest

	grafts   []graft
	speakers map[*reserve]int // outputs that may need a stream of a reserve
	index    map[MemberID]int32
	waiters  []chan struct{}
}

// seat is one member of a plan.
type seat struct {
	id      MemberID
	in      *input
	out     *output
	speaks  bool
	first   bool // is always mixed
	counted bool // among those of whom only MaxSpeakers are mixed
	own     bool // the set it hears has its own input, which is subtracted
	gain    float32
	gainDB  int
	sound   Sound
	cond    *conditioner // nil: the sound stays as it came
	gap     *background  // nil: nothing is made up for gaps
	group   *group
}

// set is a set of inputs that somebody hears, with nobody left out for being the listener: that is subtracted.
type set struct {
	mask    []uint64 // by seat
	lane    int
	soft    *soft // nil: all are heard as they are
	sources sourceList
}

// has reports whether the set has the seat's input.
func (s *set) has(seat int32) bool { return s.mask[seat>>6]>>(seat&63)&1 != 0 }

// bus is the sum of the contributions of a set at one rate.
type bus struct {
	set  *set
	rate int
	room []int32 // for the sum of several contributions, or of faint ones
	sum  []int32 // of this tick, if there is a contribution: in the room, or the only one itself
	n    int     // contributions in this tick
}

// group is all who hear the same set in the same format with the same gain.
type group struct {
	bus     *bus
	gain    float32
	stream  *stream
	from    *stream // whose state stream takes over when the plan is adopted; may be nil
	sharers int     // members that have no private encoding in this tick
	only    int32   // seat whose payloads may be passed on, -1: none
	stereo  bool    // also those of two channels
}

// output is the state of one member's Output. It is owned by the media path, but for what is atomic.
type output struct {
	sink    Output
	sourced Sourced          // the same; nil: nobody knows what it sends as
	sender  Sender           // the same; nil: Emit does it all
	far     OutputPrefetcher // the same; nil: there is nothing to ask for
	format  codecs.Format
	private *stream  // nil: it will not be needed, because the member does not speak; or it comes from the reserve
	reserve *reserve // where private comes from when the member speaks, and goes afterwards; nil: it is its own
	stream  *stream  // the shared one that was used last
	apart   bool     // the private stream is in use
	without bool     // it ought to be, but there is none: the member hears nothing in this tick
	alike   int      // ticks for which it was fed the same as the shared one
	started bool
	partial bool // the next packet has audio of before it belonged to this output, and is left out
	units   int  // RTP units of one tick
	state   outputState

	prepared bool // private or reserve is there, or will be: owned by Apply
}

// graft is something prepared for a member that is already in the mix; the media path puts it in place.
type graft struct {
	in      *input
	lane    int
	rate    int
	buffer  bool                         // the room for what is contributed at the rate
	change  [rateCount]*codecs.Resampler // by the rate of the input
	out     *output
	private *stream
	reserve *reserve
}

// put puts the graft in place.
func (g *graft) put() {
	if g.out != nil {
		g.out.private, g.out.reserve = g.private, g.reserve

		return
	}
	l := &g.in.lanes[g.lane]
	if g.buffer && !l.needs[g.rate] {
		l.needs[g.rate], l.lacking = true, true
	}
	for from, r := range g.change {
		if r != nil {
			l.change[from][g.rate] = r
		}
	}
}

// empty reports whether the graft of a lane has nothing in it.
func (g *graft) empty() bool {
	return g.out == nil && !g.buffer && g.change == [rateCount]*codecs.Resampler{}
}
