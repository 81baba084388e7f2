package media

import (
	"encoding/binary"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// ClockSlack is how far the timestamps may be behind the clock before they jump to it: ticks that were late are caught up, up to a
// tenth of a second, what never was is a gap.
const ClockSlack = 6 * tick

// sender is the sending half of a session. It belongs to the tick.
type sender struct {
	to        sockaddr
	ssrc      uint32
	seq       uint16
	timestamp uint32        // of the next packet
	due       time.Duration // when its first sample is, by the clock
	clock     int
	running   bool // due is valid
	spurt     bool // the next packet begins a talk spurt
	connected bool // to is where the socket is connected
	quiet     int  // RTP units of digital silence in a row
	refresh   int  // RTP units until comfort noise is sent again
	ready     int  // octets of the packet in the room that is to be sent, 0: none
	payload   int  // octets of its payload
	lately    lately
	sent      bool // something has left since prepare

	witness Witness // is told of what leaves; nil: nobody
	plain   []byte  // payload of the packet that is ready, before it was protected

	key pressing // seldom used
}

// Witness is told of each packet that has left: its number and its payload as it was before protection. It belongs to the tick, or to the lock of a session of text.
type Witness interface {
	Add(ssrc uint32, sequence uint16, payload []byte)
}

// renumber chooses a random start for a source (RFC 3550, section 5.1). Sequence numbers begin in the lower half, so that a far
// end that misses the first packets still knows that they did not wrap (RFC 4568, section 6.4).
func (o *sender) renumber(ssrc uint32) {
	o.ssrc, o.seq, o.timestamp = ssrc, uint16(rand.Uint32())>>1, rand.Uint32() //nolint:gosec // unpredictable enough, no secret
	o.running = false
	o.spurt = true
}

// direct points the sender to where media go now.
func (s *Session) direct() {
	to := s.in.latch.destination()
	s.out.to = s.rtp.address(to)
	s.out.connected = s.in.connected && (to == s.in.latch.addr || s.in.agreed != nil && s.in.agreed.deaf())
	s.out.quiet, s.out.refresh = 0, 0 // whoever is there may not have heard the silence begin
	s.shared.destination.set(to)
}

// changeClock continues the timestamps at another rate.
func (o *sender) changeClock(clock int, now time.Duration) {
	if o.running && o.clock > 0 && now > o.due {
		o.timestamp += unitsBetween(o.due, now, o.clock)
	}
	o.clock = clock
	o.running = false
}

// advance brings the timestamp to the clock if packets were left out. It reports whether timestamps and clock have a new
// relation.
func (o *sender) advance(now time.Duration) (anew bool) {
	behind := now - o.due
	switch {
	case !o.running:
		o.running, o.due = true, now
		return true
	case behind > ClockSlack:
		missed := behind.Round(tick) // whole ticks: the samples keep their grid
		o.timestamp += uint32(int(missed/tick) * o.clock / 50)
		o.due += missed
		o.spurt = true
		return false
	case behind < -ClockSlack: // more was sent than time went by: two ticks in one, again and again
		o.due += behind.Round(tick) // whole ticks, as above: what was captured and not sent yet runs on the same grid
		return true
	default:
		return false
	}
}

// Rewind brings the timestamps back to audio of a certain age, which is going to be sent again and begins a tick. Part is how much of a
// tick has been sent, where packets are no whole ones. Sequence numbers go on. It belongs to the tick, as Emit does.
func (s *Session) Rewind(age, part time.Duration) {
	o := &s.out
	at := time.Since(s.transport.epoch) - age
	if ahead := (o.due - part - at).Round(tick) + part; o.running && ahead > 0 {
		o.timestamp -= unitsBetween(0, ahead, o.clock)
		o.due -= ahead
		o.spurt = true
		o.quiet, o.refresh = 0, 0
	}
}

// Emit sends one payload. The timestamp runs by the clock, whether or not Emit was called in every tick, by the packet's
// Samples otherwise. It does not block, lock or allocate.
func (s *Session) Emit(p *codecs.Packet) { s.EmitLate(p, 0) }

// EmitLate is Emit for audio of a certain age: its timestamp says when it was. What is sent again needs a Rewind before. It
// reports whether a packet has left.
func (s *Session) EmitLate(p *codecs.Packet, age time.Duration) (sent bool) {
	s.prepare(p, age, s.now())
	s.flush()
	s.in.room, s.out.plain = nil, nil // the latter is the caller's
	return s.out.sent
}

// EmitWitnessed is EmitLate, and tells a witness of the packets that have left: those of a key press may be several, in place of the audio.
func (s *Session) EmitWitnessed(p *codecs.Packet, age time.Duration, w Witness) {
	s.flush()
	s.out.witness = w
	s.EmitLate(p, age)
	s.out.witness = nil
}

// Prepare is Emit, but for the system call, which Send makes. It belongs to the tick, as does Send. The room is where the packet is made, and the
// session's until Send; see [Session.Receive].
func (s *Session) Prepare(p *codecs.Packet, room []byte) { s.PrepareAt(p, room, s.now(), 0) }

// PrepareAt is Prepare for who has looked at the clock already, and knows by [Session.At] what the session's says, and for audio of a certain age, as
// EmitLate. The payload may be in the room, but for its beginning.
func (s *Session) PrepareAt(p *codecs.Packet, room []byte, now, age time.Duration) {
	s.flush()
	s.in.borrow(room)
	s.prepare(p, age, now)
}

// At is a time by the clock of the session, which runs with Go's monotonic one.
func (s *Session) At(t time.Time) time.Duration { return t.Sub(s.transport.epoch) }

func (s *Session) now() time.Duration { return time.Since(s.transport.epoch) }

// Send hands over what Prepare has left, or leaves it for a [Batch] to do when it is submitted. From Prepare until then there is no other call of the
// tick but Prepare.
func (s *Session) Send(calls interface{ Submit() }) {
	if b, ok := calls.(*Batch); ok && s.out.ready > 0 && b.send(s) {
		return
	}
	s.flush()
	s.in.room = nil // goes back
}

// prepare makes the packet of one payload.
func (s *Session) prepare(p *codecs.Packet, age, now time.Duration) {
	s.flush()
	s.out.sent = false
	s.adopt(now)
	if s.in.idleEmits++; s.in.idleEmits > idleEmitLimit { // nobody calls Ingest: reports on the same port must still be read
		s.in.idleEmits = 0
		s.drain(now)
	}
	a, o := s.in.agreed, &s.out
	if a == nil {
		return
	}
	tickAt := s.TickAt(now, p.Due)
	s.in.aging.due = tickAt
	if o.advance(tickAt - age) {
		s.shared.anchor.set(o.due, o.timestamp, o.clock)
	}
	if len(p.Payload) == 0 || !a.params.Send || o.to.size == 0 || a.guard.waits() {
		o.spurt = true
	} else if special := a.presses != nil || a.params.Quiet; !special || !s.instead(a, p) {
		s.speak(a, p)
	}
	o.timestamp += uint32(p.Samples)
	o.due += time.Duration(p.Samples) * time.Second / time.Duration(o.clock)
}

// Sequence is the sequence number of the packet that has left last. It belongs to the tick, as Emit does.
func (s *Session) Sequence() uint16 { return s.out.seq - 1 }

// transmit writes the packet and protects it; flush sends it.
func (s *Session) transmit(a *agreement, p *codecs.Packet, payloadType uint8, timestamp uint32) {
	s.flush()
	o := &s.out
	buf := s.in.borrow(nil)
	for _, ssrc := range p.CSRC[:min(len(p.CSRC), codecs.MaxCSRC)] {
		if ssrc != 0 {
			s.noteSpoken(ssrc)
		}
	}
	size := o.header(buf, a, p, payloadType, timestamp)
	if size+len(p.Payload) > len(buf) {
		s.shared.sendErrors.add(1)
		return
	}
	size += copy(buf[size:], p.Payload)
	o.spurt = false
	o.seq++
	size, ok := a.protect(buf, size)
	if !ok {
		s.shared.sendErrors.add(1)
		return
	}
	o.ready, o.payload, o.plain = size, len(p.Payload), p.Payload
}

// flush sends the packet that is ready, if there is one.
func (s *Session) flush() {
	o := &s.out
	if o.ready == 0 {
		return
	}
	s.flushed(s.rtp.send(s.in.room[:o.ready], o.address()))
}

// address is what the system is to be told of where packets go.
func (o *sender) address() *sockaddr {
	if o.connected {
		return nil
	}
	return &o.to
}

// flushed is told what the system says of the packet that was ready.
func (s *Session) flushed(errno syscall.Errno) {
	o := &s.out
	packet := s.in.room[:o.ready]
	o.ready = 0
	if errno == syscall.ECONNREFUSED { // what was refused is an earlier packet; this one has not left yet
		s.shared.refused.add(1)
		errno = s.rtp.send(packet, o.address())
	}
	if errno != 0 {
		s.shared.sendErrors.add(1)
		return
	}
	o.sent = true
	if o.witness != nil {
		o.witness.Add(o.ssrc, o.seq-1, o.plain)
	}
	c := &s.shared
	c.packetsSent.add(1)
	c.octetsSent.add(uint64(o.payload))
	c.sentPackets.set(c.sentPackets.get() + 1)
	c.sentOctets.set(c.sentOctets.get() + int64(o.payload))
}

// header writes the RTP header and returns its length.
func (o *sender) header(buf []byte, a *agreement, p *codecs.Packet, payloadType uint8, timestamp uint32) int {
	csrc := p.CSRC[:min(len(p.CSRC), codecs.MaxCSRC)]
	buf[0] = rtpVersion | byte(len(csrc))
	buf[1] = payloadType
	if p.Marker || o.spurt && (payloadType == a.params.SendPayloadType || a.copies != nil && payloadType == a.params.RedundancyPayloadType) {
		buf[1] |= 0x80
	}
	binary.BigEndian.PutUint16(buf[2:], o.seq)
	binary.BigEndian.PutUint32(buf[4:], timestamp)
	binary.BigEndian.PutUint32(buf[8:], o.ssrc)
	at := headerSize
	for _, ssrc := range csrc {
		if ssrc == 0 { // the mixer's own contribution: a prompt or a tone (RFC 3550, section 7.1)
			ssrc = o.ssrc
		}
		binary.BigEndian.PutUint32(buf[at:], ssrc)
		at += 4
	}
	if end := putLevels(buf, at, a, p, len(csrc)); end > at {
		buf[0] |= 0x10
		at = end
	}
	return at
}

// putLevels writes the header extension with the levels that were agreed (RFC 6464, section 3; RFC 6465, section 3) and
// returns its end, or at if there is none. The one-octet form is used unless an identifier needs the other
// (RFC 8285, section 4).
func putLevels(buf []byte, at int, a *agreement, p *codecs.Packet, contributors int) int {
	own, mixed := a.params.LevelExtension, a.params.MixerLevelExtension
	if !a.params.SendLevel {
		own = 0
	}
	if contributors == 0 || len(p.CSRCLevel) < contributors {
		mixed = 0
	}
	if own == 0 && mixed == 0 {
		return at
	}
	two := own > 14 || mixed > 14
	profile := uint16(profileOneByte)
	if two {
		profile = profileTwoByte
	}
	binary.BigEndian.PutUint16(buf[at:], profile)
	i := at + 4
	if own != 0 {
		i = putElement(buf, i, own, 1, two)
		buf[i] = p.Level & 0x7F
		if p.Voice {
			buf[i] |= 0x80
		}
		i++
	}
	if mixed != 0 {
		i = putElement(buf, i, mixed, contributors, two)
		for _, level := range p.CSRCLevel[:contributors] {
			buf[i] = level & 0x7F
			i++
		}
	}
	for (i-at)%4 != 0 {
		buf[i] = 0
		i++
	}
	binary.BigEndian.PutUint16(buf[at+2:], uint16((i-at-4)/4))
	return i
}

// putElement writes identifier and length of an element.
func putElement(buf []byte, at int, id uint8, size int, two bool) int {
	if two {
		buf[at], buf[at+1] = id, uint8(size)
		return at + 2
	}
	buf[at] = id<<4 | uint8(size-1)
	return at + 1
}
