package focus

import (
	"encoding/binary"
	"iter"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// backlog keeps encoded frames in the order of capture: a ring of octets with one writer and one reader at a time. Neither
// allocates, locks or waits. What has been read stays until its room is needed, and can be read again; what has not been read
// never gives way: new frames are dropped and counted then.
//
//	head ── read already ── sent ── not yet ── tail
type backlog struct {
	octets  []byte // size is a power of two
	head    atomic.Uint64
	sent    atomic.Uint64
	tail    atomic.Uint64
	dropped atomic.Uint64 // frames that did not fit

	// The reader's.
	packet  codecs.Packet
	payload [maxHeld]byte
	csrc    [codecs.MaxCSRC]uint32
	level   [codecs.MaxCSRC]uint8
}

const (
	heldHeader = 21   // length 2, time 8, samples 2, codec, flags, level, contributors, levels of contributors, lateness 4
	maxHeld    = 1500 // octets of payload: what fits into a datagram
)

// held is what a frame says beside its packet.
type held struct {
	at    time.Duration // when the mix handed it over
	late  time.Duration // by how much that was later than it was captured, by the count of what came before; negative: earlier
	codec codecs.Codec
	inner bool // not the first of its tick: what is sent again does not begin with it
}

// captured is when it was captured: ticks that are late are made up for, so this runs as the samples do.
func (h *held) captured() time.Duration { return h.at - h.late }

// newBacklog makes room for a time of frames of up to so many octets, in one packet or two.
func newBacklog(d time.Duration, frameSize int) *backlog {
	return &backlog{octets: make([]byte, backlogSize(d, frameSize))}
}

// backlogSize is how many octets that takes.
func backlogSize(d time.Duration, frameSize int) int { return powerOfTwo(backlogNeeds(d, frameSize)) }

// backlogNeeds is how many of them are used.
func backlogNeeds(d time.Duration, frameSize int) int {
	return max(1, int(d/codecs.FrameDuration)) * (heldHeader*(1+frameSize/codecs.MaxPayload) + frameSize)
}

// powerOfTwo is the next one that is not less, nor too small for a few frames.
func powerOfTwo(n int) int {
	size := 1 << 12
	for size < n {
		size <<= 1
	}
	return size
}

const (
	heldMarker = 1 << iota
	heldVoice
	heldInner
)

// push adds a frame. It reports whether there was room.
func (b *backlog) push(p *codecs.Packet, h held) bool {
	contributors := min(len(p.CSRC), codecs.MaxCSRC)
	levels := 0
	if len(p.CSRCLevel) >= contributors {
		levels = contributors
	}
	size := heldHeader + 4*contributors + levels + len(p.Payload)
	tail := b.tail.Load()
	if len(p.Payload) > maxHeld || !b.makeRoom(tail, size) {
		b.dropped.Add(1)
		return false
	}
	var head [heldHeader]byte
	binary.BigEndian.PutUint16(head[0:], uint16(size))       //nolint:gosec // bounded above
	binary.BigEndian.PutUint64(head[2:], uint64(h.at))       //nolint:gosec // not negative
	binary.BigEndian.PutUint16(head[10:], uint16(p.Samples)) //nolint:gosec // of one packet
	head[12], head[14] = byte(h.codec), p.Level
	if p.Marker {
		head[13] |= heldMarker
	}
	if p.Voice {
		head[13] |= heldVoice
	}
	if h.inner {
		head[13] |= heldInner
	}
	head[15], head[16] = byte(contributors), byte(levels)
	binary.BigEndian.PutUint32(head[17:], uint32(h.late)) //nolint:gosec // some ticks, with its sign
	at := b.write(tail, head[:])
	for _, c := range p.CSRC[:contributors] {
		var word [4]byte
		binary.BigEndian.PutUint32(word[:], c)
		at = b.write(at, word[:])
	}
	at = b.write(at, p.CSRCLevel[:levels])
	at = b.write(at, p.Payload)
	b.tail.Store(at)
	return true
}

// makeRoom gives up what has been read, as far as need be.
func (b *backlog) makeRoom(tail uint64, size int) bool {
	for head := b.head.Load(); len(b.octets)-int(tail-head) < size; b.head.Store(head) { //nolint:gosec // sizes are small
		if head == b.sent.Load() {
			return false
		}
		head += uint64(b.length(head))
	}
	return true
}

// length is that of the frame at a place.
func (b *backlog) length(at uint64) uint16 {
	var word [2]byte
	b.read(at, word[:])
	return binary.BigEndian.Uint16(word[:])
}

// time is when the frame at a place was captured.
func (b *backlog) time(at uint64) time.Duration {
	var word [8]byte
	b.read(at+2, word[:])
	return time.Duration(binary.BigEndian.Uint64(word[:])) //nolint:gosec // as written
}

// times are those of the frames that are still to be sent, oldest first.
func (b *backlog) times() iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for at, tail := b.sent.Load(), b.tail.Load(); at != tail; at += uint64(b.length(at)) {
			if !yield(b.time(at)) {
				return
			}
		}
	}
}

// pass marks everything as read: the writer has sent it itself.
func (b *backlog) pass() { b.sent.Store(b.tail.Load()) }

// inner tells whether the frame at a place is not the first of its tick.
func (b *backlog) inner(at uint64) bool {
	var flags [1]byte
	b.read(at+13, flags[:])
	return flags[0]&heldInner != 0
}

// whole is the first frame from a place on that begins a tick, as far as what has been read.
func (b *backlog) whole(at uint64) uint64 {
	for at != b.sent.Load() && b.inner(at) {
		at += uint64(b.length(at))
	}
	return at
}

// rewind makes frames readable again from a place on, which is that of one that has been read, and is still there. Nobody reads meanwhile.
func (b *backlog) rewind(to uint64) { b.sent.Store(to) }

// count tells how many frames from a place to another one, both of what has been read, are of some kind.
func (b *backlog) count(at, to uint64, counts func(codec codecs.Codec, at time.Duration) bool) (frames uint32) {
	for ; at != to; at += uint64(b.length(at)) {
		if counts(b.codec(at), b.time(at)) {
			frames++
		}
	}
	return frames
}

// codec is that of the frame at a place.
func (b *backlog) codec(at uint64) codecs.Codec {
	var octet [1]byte
	b.read(at+12, octet[:])
	return codecs.Codec(octet[0])
}

// room is where the next frame goes, as far as most need it.
func (b *backlog) room() []byte { return b.from(b.tail.Load()) }

// unread is where the next frame to be read is, as far as most have it.
func (b *backlog) unread() []byte { return b.from(b.sent.Load()) }

func (b *backlog) from(at uint64) []byte {
	i := int(at & uint64(len(b.octets)-1)) //nolint:gosec // a length
	return b.octets[i:min(i+192, len(b.octets))]
}

func (b *backlog) write(at uint64, data []byte) uint64 {
	i := at & uint64(len(b.octets)-1) //nolint:gosec // a length
	n := copy(b.octets[i:], data)
	copy(b.octets, data[n:])
	return at + uint64(len(data))
}

func (b *backlog) read(at uint64, data []byte) uint64 {
	i := at & uint64(len(b.octets)-1) //nolint:gosec // a length
	n := copy(data, b.octets[i:])
	copy(data[n:], b.octets)
	return at + uint64(len(data))
}

// empty tells whether everything has been read.
func (b *backlog) empty() bool { return b.sent.Load() == b.tail.Load() }

// waiting is how many octets have not been read. May be asked by anybody.
func (b *backlog) waiting() int {
	sent := b.sent.Load()            // first: the tail is not before it then
	return int(b.tail.Load() - sent) //nolint:gosec // of a ring
}

// pop reads the next frame. The packet is valid until the next pop.
func (b *backlog) pop() (*codecs.Packet, held, bool) {
	head := b.sent.Load()
	if head == b.tail.Load() {
		return nil, held{}, false
	}
	r := b.record(head)
	p := b.describe(&r)
	p.Payload = b.payload[:r.end-r.payload]
	b.read(r.payload, p.Payload)
	b.sent.Store(r.end)
	return p, r.held, true
}

// record is a frame of the ring, but for what has no fixed size.
type record struct {
	held
	samples, contributors, levels int
	flags, level                  uint8
	lists, payload, end           uint64 // where these are
}

func (b *backlog) record(at uint64) record {
	var h [heldHeader]byte
	r := record{lists: b.read(at, h[:]), end: at + uint64(binary.BigEndian.Uint16(h[0:]))}
	r.at, r.late = time.Duration(binary.BigEndian.Uint64(h[2:])), time.Duration(int32(binary.BigEndian.Uint32(h[17:]))) //nolint:gosec // as written
	r.samples, r.codec, r.flags, r.level = int(binary.BigEndian.Uint16(h[10:])), codecs.Codec(h[12]), h[13], h[14]
	r.inner, r.contributors, r.levels = r.flags&heldInner != 0, int(h[15]), int(h[16])
	r.payload = r.lists + uint64(4*r.contributors+r.levels) //nolint:gosec // as written
	return r
}

// describe is the packet of a frame, without its payload.
func (b *backlog) describe(r *record) *codecs.Packet {
	at := r.lists
	for i := range r.contributors {
		var word [4]byte
		at = b.read(at, word[:])
		b.csrc[i] = binary.BigEndian.Uint32(word[:])
	}
	b.read(at, b.level[:r.levels])
	p := &b.packet
	p.CSRC, p.CSRCLevel = b.csrc[:r.contributors], b.level[:r.levels]
	p.Samples, p.Level = r.samples, r.level
	p.Marker, p.Voice = r.flags&heldMarker != 0, r.flags&heldVoice != 0
	return p
}

// next tells when the next frame was captured; false when there is none. For the reader.
func (b *backlog) next() (time.Duration, bool) {
	at := b.sent.Load()
	if at == b.tail.Load() {
		return 0, false
	}
	return b.time(at), true
}
