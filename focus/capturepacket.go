package focus

import (
	"math"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// A recorder may ask for longer packets than a tick makes (a=ptime; RFC 8866, section 6.4): half as many cost both sides less. The mix goes on
// making frames of a tick, so that payloads are passed on as they came, and nothing is left in the mix when it lets go of a stream. Frames of codecs that
// code each sample by itself are put together where they are sent (RFC 3551, section 4.2). They wait for each other in the backlog, where it is known
// that they are not sent.

// packable tells whether packets of a format are some frames of a tick one after the other.
func packable(f codecs.Format) bool {
	return f.Codec.Sampled() && f.PacketTime > codecs.FrameDuration && f.PacketTime%codecs.FrameDuration == 0
}

// pack has packets hold as much as a format says, and gives the format that the mix is to make. For the controller.
func (c *capture) pack(f codecs.Format) codecs.Format {
	frames := uint32(1)
	if c.kept != nil && packable(f) {
		frames = uint32(f.PacketTime / codecs.FrameDuration) //nolint:gosec // three at most
		f.PacketTime = codecs.FrameDuration
	}
	c.frames.Store(frames)
	return f
}

// packs tells whether frames wait for each other.
func (c *capture) packs() bool { return c.frames.Load() > 1 }

// waited is for how long a frame waits for the last of its packet.
func (c *capture) waited() time.Duration {
	return time.Duration(max(1, c.frames.Load())-1) * codecs.FrameDuration
}

// flows tells whether what is captured now is sent now, or as soon as its packet is full.
func (c *capture) flows() bool {
	return c.live() || c.filling.Load() && !c.holding.Load() && c.again.Load() == nil
}

// completes tells whether the next frame is likely to be sent at once, by a session.
func (c *capture) completes() bool { return c.feed == nil && (!c.packs() || c.filling.Load()) }

// fill leaves a packet for Send if the newest frame has made it full. It belongs to the tick.
func (c *capture) fill(room []byte, now time.Duration) {
	n := int(c.frames.Load())
	p, h, found := c.kept.join(n, room)
	c.filling.Store(found == joinShort)
	if found == joinShort {
		c.begun = c.kept.unread()
		first, _ := c.kept.next()
		c.opened.Store(int64(first))
		return
	}
	c.begun = nil
	c.opened.Store(math.MaxInt64)
	switch {
	case found == joinApart || uint32(h.codec) != c.sends.Load():
		c.flush(n)
	case c.digest.Load() != nil: // see pass
		c.passed()
		c.outs += uint32(n - 1) //nolint:gosec // three at most; see advance
		c.send(p, max(0, now-h.captured()))
	default:
		c.passed()
		c.outs += uint32(n - 1) //nolint:gosec // as above
		c.advance(p)
		c.session.PrepareAt(p, room, now+c.shift, max(0, now-h.captured()))
		c.ready = true
	}
}

// forgo gives up the beginning of a packet that a pause has kept from becoming full: a pause begins between two packets. For the controller.
func (c *capture) forgo() {
	if !c.packs() {
		return
	}
	last := &c.pauses[c.paused%keptPauses]
	from, opened := last.from.Load(), c.opened.Load()
	if last.goesOn() && opened < from && from-opened <= int64(c.waited()+codecs.FrameDuration) {
		last.from.Store(max(1, opened))
	}
}

// joint is what join finds.
type joint uint8

const (
	joinWhole joint = iota // all of a packet, and nothing else
	joinShort              // the beginning of a packet
	joinApart              // what does not belong in one packet
)

// join reads what has not been read yet as one packet of so many frames. It stays unread. The payload is at the end of the room, or without one in that
// of the backlog; the packet is valid until the next pop.
func (b *backlog) join(frames int, room []byte) (*codecs.Packet, held, joint) {
	first := b.record(b.sent.Load())
	octets, level, voice := uint64(0), first.level, false
	at, tail := b.sent.Load(), b.tail.Load()
	for i := range frames {
		if at == tail {
			return nil, held{}, joinShort
		}
		r := b.record(at)
		if i > 0 && !b.goesOn(&first, &r, i) || r.inner || r.samples != tickUnits(r.codec) || r.payload == r.end {
			return nil, held{}, joinApart
		}
		octets += r.end - r.payload
		level, voice = min(level, r.level), voice || r.flags&heldVoice != 0
		at = r.end
	}
	if room == nil {
		room = b.payload[:]
	}
	if at != tail || octets > maxHeld {
		return nil, held{}, joinApart
	}
	p := b.describe(&first)
	p.Samples, p.Level, p.Voice = frames*first.samples, level, voice
	p.Payload = room[uint64(len(room))-octets:]
	to := p.Payload
	for at = b.sent.Load(); at != tail; {
		r := b.record(at)
		n := r.end - r.payload
		b.read(r.payload, to[:n])
		to, at = to[n:], r.end
	}
	return p, first.held, joinWhole
}

// goesOn tells whether the nth frame after the first of a packet belongs to it: it follows without a gap, and is of the same sources.
func (b *backlog) goesOn(first, r *record, n int) bool {
	gap := r.captured() - first.captured() - time.Duration(n)*codecs.FrameDuration
	if gap != 0 || r.codec != first.codec || r.flags&heldMarker != 0 || r.contributors != first.contributors {
		return false
	}
	for i := range uint64(r.contributors) { //nolint:gosec // a few
		var one, other [4]byte
		b.read(first.lists+4*i, one[:])
		b.read(r.lists+4*i, other[:])
		if one != other {
			return false
		}
	}
	return true
}
