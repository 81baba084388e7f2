package focus

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/prefetch"
	"github.com/parley-sip/parley/mixer"
)

// capture stands between the mix and the session of a recorded stream. While no recorder takes the stream it keeps the frames;
// then it hands them over in their order and with their own times, faster than they were made, until nothing is left. So
// nothing is missing of the beginning, however long a recorder takes to answer, nor of the time it takes another to take over.
//
//	mix ──▶ holding: backlog ──▶ spool, if it takes too long
//	        else: backlog, if any is left ──▶ session
//
// Emit belongs to the tick: it does not block, lock or allocate.
type capture struct {
	// what a tick uses; see PrefetchEmit
	session *media.Session
	feed    *feed // what flows goes into it, and the session is its clock alone; nil: to the session
	epoch   time.Time
	shift   time.Duration          // of the session's clock against ours
	kept    *backlog               // nil: nothing is ever kept
	codec   atomic.Uint32          // that the mix makes
	sends   atomic.Uint32          // that the session sends
	frames  atomic.Uint32          // in a packet; see pack
	filling atomic.Bool            // what is not sent yet is the beginning of the next packet
	opened  atomic.Int64           // when the first frame was captured of a packet that waits to become full; the last time there is: none does
	again   atomic.Pointer[recall] // what was sent and is to be sent again; nil: nothing
	holding atomic.Bool
	grown   atomic.Pointer[growth]    // another ring for what is kept; nil: there is none
	parked  atomic.Bool               // the tick has seen that it holds: others may read the backlog
	sums    atomic.Uint64             // how far it has come, as of the last tick; see progress
	waits   atomic.Int64              // when the first was captured of what was not sent then; 0: nothing waited
	rewound bool                      // the tick's: the next frame has been sent before
	ready   bool                      // the tick's: a frame waits for Send
	digest  atomic.Pointer[witnesses] // of what was sent, the tick's; nil: no seal is wanted
	due     time.Duration             // the tick's: when the next frame is captured, by the count of those before; 0: none has come
	within  int                       // the tick's: RTP units of the next frame's tick that were captured before it
	part    int                       // the tick's: the same, of what was sent
	begun   []byte                    // the tick's: of the backlog, where the packet that is being filled is
	outs    uint32                    // the tick's: frames that have been sent
	room    []byte                    // the tick's: of the backlog, where the next frame goes

	lost   atomic.Uint64
	gone   atomic.Uint64 // frames that were sent to who may not have been there, and are not kept any more
	told   uint64        // the controller's: lost frames that have been counted
	blamed uint64        // the controller's: of gone, as who lost it was asked last
	from   string        // the controller's: whom what is gone was sent to
	taken  mark          // the controller's: up to where others than a recorder have taken what was kept
	marks  marks         // the controller's
	extent extent        // the controller's

	pauses [keptPauses]pause // the last ones
	paused int               // the controller's: how many there have been
}

// captureHot is the part of a capture that a tick uses.
var captureHot prefetch.Span //nolint:gochecknoglobals // a constant, but for the compiler

func init() { //nolint:gochecknoinits // the offsets of fields, once
	c := &capture{}
	captureHot = prefetch.SpanOf(c, &c.session, &c.room)
}

// catchUp is how many frames of the backlog go out with each new one.
const catchUp = 4

// newCapture holds from the beginning, for a time at most.
func newCapture(session *media.Session, d time.Duration, codec codecs.Codec) *capture {
	c := &capture{session: session, epoch: time.Now()}
	c.opened.Store(math.MaxInt64)
	c.codec.Store(uint32(codec))
	if session != nil {
		c.shift = session.At(c.epoch)
	}
	if d > 0 {
		c.kept = newBacklog(d, frameSize(codec))
		c.extent = extent{usual: len(c.kept.octets), now: len(c.kept.octets)}
		c.holding.Store(true)
	}
	return c
}

// PrefetchEmit implements [mixer.OutputPrefetcher].
func (c *capture) PrefetchEmit(near bool) {
	if !near {
		prefetch.Part(c, captureHot)
		return
	}
	if c.completes() {
		c.session.PrefetchEmit(false)
		prefetch.Slice(c.begun)
	}
	if b := c.kept; b != nil {
		prefetch.Between(&b.octets, &b.dropped)
		prefetch.Slice(c.room)
	}
}

// Emit takes a frame from the mix.
func (c *capture) Emit(p *codecs.Packet) {
	c.Prepare(p, nil)
	c.Send(nil)
}

// Prepare and Send implement [mixer.Sender].
func (c *capture) Prepare(p *codecs.Packet, room []byte) {
	b := c.kept
	now := time.Since(c.epoch)
	if b == nil {
		c.pass(p, room, now)
		c.publish()
		return
	}
	if c.completes() && c.session != nil {
		c.session.PrefetchEmit(true) // what the session refers to: it is there only now, and what is kept comes first
	}
	if c.again.Load() != nil && !c.parked.Load() {
		c.takeBack()
	}
	behind := !b.empty()
	if !behind || c.rewound || c.parked.Load() {
		c.filling.Store(false)
	}
	codec := codecs.Codec(c.codec.Load()) //nolint:gosec // as stored
	b.push(p, held{at: now, late: c.late(now, p, codec), codec: codec, inner: c.within != 0})
	c.within = (c.within + p.Samples) % tickUnits(codec)
	c.room = b.room()
	switch {
	case c.holding.Load():
		if c.feed != nil {
			c.feed.cut()
		}
		if c.again.Load() == nil && !c.parked.Load() { // else this tick has come in between
			c.publish()
			c.parked.Store(true)
		}
	case behind && !c.filling.Load():
		c.parked.Store(false)
		c.flush(catchUp)
		c.publish()
	case behind || c.frames.Load() > 1:
		c.parked.Store(false)
		c.fill(room, now)
		c.publish()
	default:
		c.parked.Store(false)
		c.passed()
		c.pass(p, room, now)
		c.publish()
	}
}

// passed notes that all that is kept is sent, and takes another ring for it if there is one.
func (c *capture) passed() {
	c.kept.pass()
	if c.grown.Load() != nil {
		c.kept.resize(c.grown.Swap(nil).octets)
	}
}

// late is by how much a frame is handed over later than it was captured. A tick may come late, and the next one early: what was captured runs as
// its samples do, and follows the clock where these are more apart than that, as the timestamps of the session do.
func (c *capture) late(now time.Duration, p *codecs.Packet, codec codecs.Codec) time.Duration {
	tick := now
	if c.session != nil {
		tick = c.session.TickAt(now+c.shift, p.Due) - c.shift
	}
	switch behind := tick - c.due; {
	case c.due == 0:
		c.due = tick
	case behind.Abs() > media.ClockSlack:
		c.due += behind.Round(codecs.FrameDuration)
	}
	late := now - c.due
	c.due += time.Duration(p.Samples) * time.Second / time.Duration(max(1, codec.ClockRate()))
	return late
}

// pass leaves a frame that is in time for Send, but for one that is sealed: whether it has left is to be known at once.
func (c *capture) pass(p *codecs.Packet, room []byte, now time.Duration) {
	if c.digest.Load() != nil || c.feed != nil {
		c.send(p, 0)
		return
	}
	c.advance(p)
	c.session.PrepareAt(p, room, now+c.shift, 0)
	c.ready = true
}

// Send hands over what Prepare has left.
func (c *capture) Send(calls mixer.Calls) {
	if c.ready {
		c.ready = false
		c.session.Send(calls)
	}
}

// flush sends frames of the backlog.
func (c *capture) flush(most int) {
	c.opened.Store(math.MaxInt64) // what has begun a packet goes out as it is
	for range most {
		p, h, ok := c.kept.pop()
		if !ok {
			return
		}
		if c.nobodys(h.at) {
			continue
		}
		if uint32(h.codec) != c.sends.Load() {
			c.lost.Add(1) // the recorder has chosen another codec than the frame is in
			continue
		}
		age := max(0, time.Since(c.epoch)-h.captured())
		if c.rewound && c.feed == nil {
			c.rewound = false
			c.session.Rewind(age, time.Duration(c.part)*codecs.FrameDuration/time.Duration(tickUnits(h.codec)))
			c.part = 0
		}
		c.send(p, age)
	}
}

// live tells whether what is captured now is sent now: nothing of before waits.
func (c *capture) live() bool {
	return c.kept == nil || !c.holding.Load() && c.kept.empty() && c.again.Load() == nil
}

func (c *capture) send(p *codecs.Packet, age time.Duration) {
	c.advance(p)
	if c.feed != nil {
		c.feed.Emit(p)
		return
	}
	if w := c.digest.Load(); w != nil {
		c.session.EmitWitnessed(p, age, w)
		return
	}
	c.session.EmitLate(p, age)
}

// advance counts what is sent, and notes how much of a tick has been, when packets are no whole ones.
func (c *capture) advance(p *codecs.Packet) {
	c.outs++
	c.part = (c.part + p.Samples) % tickUnits(codecs.Codec(c.sends.Load())) //nolint:gosec // as stored
}

// tickUnits is how many RTP units a tick has, at least one.
func tickUnits(c codecs.Codec) int { return max(1, c.TimestampUnits(codecs.FrameDuration)) }

// hold keeps what comes from now on. For the controller, as all that follows.
func (c *capture) hold() {
	c.resume()
	c.keep()
}

func (c *capture) keep() {
	if c.kept != nil && !c.holding.Load() {
		c.parked.Store(false)
		c.holding.Store(true)
	}
}

// release lets the stream flow, what was kept first.
func (c *capture) release(codec codecs.Codec) {
	c.resume()
	c.sends.Store(uint32(codec))
	c.begin(time.Now())
	c.holding.Store(false)
}

// lastBurst is about how many frames are sent at once when a stream ends. More may be more than there is room for where they are received, and nobody
// would know.
const lastBurst = 50

// lags tells whether more waits than is sent at once, when it does not hold. For the controller; the mix may send some of it yet.
func (c *capture) lags() bool {
	if c.kept == nil || c.holding.Load() {
		return false
	}
	codec := codecs.Codec(c.codec.Load()) //nolint:gosec // as stored
	return c.again.Load() != nil || c.kept.waiting() > lastBurst*(heldHeader+frameSize(codec))
}

// rest sends what is left when the mix has let go of the stream.
func (c *capture) rest() {
	if c.kept != nil && !c.holding.Load() {
		c.takeBack()
		for !c.kept.empty() {
			c.flush(catchUp)
		}
		c.publish()
	}
}

// drain does what the tick has done before, for a stream that the mix has let go of. It reports whether nothing is left to send.
func (c *capture) drain() bool {
	if c.kept == nil {
		return true
	}
	c.takeBack()
	if c.holding.Load() {
		c.parked.Store(true)
		return !c.owed()
	}
	c.parked.Store(false)
	c.flush(catchUp)
	c.publish()
	return c.kept.empty()
}

// takeBack makes what is to be sent again unsent, if there is anything. For who reads the backlog.
func (c *capture) takeBack() {
	if r := c.again.Swap(nil); r != nil {
		c.recall(r)
	}
}

// unsent takes the frames that no recorder has taken, oldest first, as far as they are older than the age. The mix has let go
// of the stream, or is known to hold.
func (c *capture) unsent(age time.Duration, take func(*codecs.Packet, held)) {
	if c.kept == nil {
		return
	}
	c.takeBack()
	c.forgo()
	defer c.publish()
	limit := time.Since(c.epoch) - age
	for {
		if at, ok := c.kept.next(); !ok || at > limit {
			return
		}
		p, h, _ := c.kept.pop()
		c.taken = mark{next: c.kept.sent.Load(), outs: c.outs}
		take(p, h)
	}
}

// dropped counts the frames that are lost for good.
func (c *capture) dropped() uint64 {
	if c.kept == nil {
		return c.lost.Load() + c.gone.Load()
	}
	return c.lost.Load() + c.gone.Load() + c.kept.dropped.Load()
}

// frameSize is about how many octets a frame of 20 ms has.
func frameSize(c codecs.Codec) int {
	switch {
	case c == codecs.Opus:
		return 240
	case c.Linear():
		return 2 * c.FrameSamples(codecs.FrameDuration)
	default:
		return 160
	}
}

var (
	_ mixer.Sender           = (*capture)(nil)
	_ mixer.OutputPrefetcher = (*capture)(nil)
)
