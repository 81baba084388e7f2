package media

import (
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/srtp"
)

const (
	scratchSize   = 2048 // octets of a packet at most: an Ethernet frame, or 200 ms of G.711 in fragments; see [Session.Receive]
	drainLimit    = 64   // packets read per tick at most: a second of audio, and the end of a flood's cost
	collisionRest = 10 * time.Second
	idleEmitLimit = 25 // Emits without Ingest after which Emit reads the socket: the session only sends
)

// receiver is the receiving half of a session. It belongs to the tick.
type receiver struct {
	// seldom used, so that the system need not have it at hand
	red      redundancy
	events   codecs.EventDetector
	collided time.Duration             // when our SSRC last was seen from the far end
	echo     bool                      // a collision was answered already
	csrc     [codecs.MaxCSRC]uint32    // so many as csrcCount says
	adopted  atomic.Pointer[agreement] // what agreed is, for Configure

	// used in each tick; see [Session.PrefetchIngest]
	agreed    *agreement
	old       *srtp.Receiver // of the keys before, until oldUntil
	oldUntil  time.Duration
	pace      time.Duration // audio between the last two packets, 0: not known; see awaits
	paced     uint32        // timestamp of the last packet
	csrcCount uint8
	connected bool
	sifts     bool          // what came before the socket was connected, from anybody, may still be in it
	copied    bool          // there may be something in red
	idleEmits int           // since the last Ingest
	got       received      // by Receive
	gotError  syscall.Errno // the same
	hasGot    bool          // nobody has looked at it yet
	room      []byte        // for a packet being read or sent: lent, or own; nil: see borrow
	own       []byte        // made when first none is lent
	packet    packet
	latch     latch
	source    source
	player    player
	aging     aging
}

// adopt takes over what Configure has prepared.
func (s *Session) adopt(now time.Duration) {
	a := s.offered.Load()
	in := &s.in
	if a == in.agreed {
		return
	}
	previous := in.agreed
	in.agreed = a
	in.adopted.Store(a)
	if previous != nil && a.guard != nil && !a.guard.waits() && !previous.guard.waits() && previous.guard != nil && previous.guard.receive != a.guard.receive {
		in.old, in.oldUntil = previous.guard.receive, now+oldKeysFor
	}
	for codec, decoder := range a.decoders {
		if in.player.decoders[codec] == nil {
			in.player.decoders[codec] = decoder
		}
	}
	if in.player.codec == codecs.None {
		in.player.rate = a.rate
	}
	in.player.fec = a.params.FEC
	if was, symmetric := in.latch.described, s.cfg.Symmetric && a.params.ICE == nil; was != a.params.Remote || in.latch.symmetric != symmetric {
		in.latch.describe(a.params.Remote, symmetric)
		s.disconnect()
	}
	s.direct()
	if previous == nil || previous.clock != a.clock {
		s.out.changeClock(a.clock, now)
	}
	if a.deaf() {
		s.settle(now)
	}
}

// deaf tells that nothing is expected but reports: a recorded stream. Its socket can be connected at once, so that the system
// tells when nobody listens any more.
func (a *agreement) deaf() bool {
	return a.params.Send && !a.params.Receiving && len(a.params.Receive) == 0
}

// disconnect lets everybody send to the socket again.
func (s *Session) disconnect() {
	if s.in.connected {
		s.rtp.disconnect()
		s.in.connected = false
		s.out.connected = false
	}
}

// drain reads the socket until it is empty.
func (s *Session) drain(now time.Duration) {
	r := &s.in.got
	for range drainLimit {
		s.Receive(nil, nil)
		s.in.hasGot = false
		errno := s.in.gotError
		if errno == 0 {
			arrival := arrivalTime(r.stamp, s.transport.wall.at(now), now)
			s.arrived(r, arrival)
			if s.in.awaits(now - arrival) {
				s.settle(now)
				return
			}
			continue
		}
		if errno == syscall.ECONNREFUSED { // the answer to something sent, not a packet
			s.shared.refused.add(1)
			continue
		}
		s.in.sifts = false // EAGAIN: nothing left
		s.settle(now)
		return
	}
	s.shared.flooded.add(1)
	s.settle(now)
}

// paceMargin is how much earlier than its time a packet may come and still be looked for in the same tick.
const paceMargin = 2 * time.Millisecond

// awaits tells that the packet after the last one, of the given age, is not due yet, so that it need not be looked for: the system call
// that finds nothing is a good part of what a participant costs. A packet that comes early all the same is read with the next tick,
// which is when its turn is.
func (in *receiver) awaits(age time.Duration) bool {
	return in.pace >= codecs.FrameDuration && age < in.pace-paceMargin
}

// settle connects the socket once the far end's address is certain, and opens it when the far end has gone silent.
func (s *Session) settle(now time.Duration) {
	settled, at := s.in.latch.settled(now), s.in.latch.addr
	if a := s.in.agreed; a != nil && a.deaf() {
		at = s.in.latch.destination()
		settled = at.IsValid()
	}
	if a := s.in.agreed; a != nil && a.params.ICE != nil {
		settled = false // checks may come from elsewhere at any time
	}
	if settled == s.in.connected {
		return
	}
	if !settled {
		s.disconnect()
		return
	}
	to := s.rtp.address(at)
	s.in.connected = to.size > 0 && s.rtp.connect(&to)
	s.in.sifts = true
	s.direct()
}

// arrived handles one datagram. Its protection comes off before anything in it is believed; that of reports among the media does
// where they are read (RFC 5761, section 7).
func (s *Session) arrived(r *received, arrival time.Duration) {
	in := &s.in
	in.pace = 0 // only a packet that is accepted sets it: what does not belong here must not hide what does
	octets := in.room[:r.size]
	if r.size == 0 {
		return // keeps the way open for the far end, as ours does (RFC 6263, section 4.1)
	}
	if r.cut || r.size < 2 || in.agreed == nil {
		s.shared.invalid.add(1)
		return
	}
	if !isMedia(octets) {
		s.aside(octets, &r.from)
		return
	}
	if in.agreed.reports != nil && isRTCP(octets) {
		s.reportFound(octets, &r.from, arrival)
		return
	}
	size, ok := s.unprotect(octets, arrival)
	if !ok {
		return
	}
	p := &in.packet
	if !p.parse(octets[:size], in.agreed.params.LevelExtension) {
		s.shared.invalid.add(1)
		return
	}
	f := in.player.memo.of(&in.agreed.formats, p.payloadType)
	if f.kind == formatUnknown {
		s.shared.unknownType.add(1)
		return
	}
	if in.copied {
		in.red.count, in.copied = 0, false
	}
	if f.kind == formatRed {
		in.copied = true
		if f = s.primary(); f == nil {
			s.shared.invalid.add(1)
			return
		}
	}
	from := in.latch.addr
	if !in.connected || in.sifts {
		from = r.from.addrPort()
	}
	if p.ssrc == s.out.ssrc {
		s.collide(from, arrival)
		return
	}
	s.admit(f, from, arrival)
}

// reportFound keeps a report for the service goroutine, which looks when it reports itself, or when there are many.
func (s *Session) reportFound(octets []byte, from *sockaddr, arrival time.Duration) {
	ring := s.in.agreed.reports
	if !ring.put(octets, from, arrival) {
		s.shared.reportsDropped.add(1)
		return
	}
	if ring.waiting() == reportRingSize/2 {
		s.transport.service.knock()
	}
}

// admit counts a packet of a valid source and hands it on.
func (s *Session) admit(f *format, from netip.AddrPort, arrival time.Duration) {
	in, p := &s.in, &s.in.packet
	switch in.latch.judge(from, p.ssrc, p.seq, arrival) {
	case verdictForeign:
		s.shared.foreign.add(1)
		return
	case verdictUnknown:
		return
	case verdictNewSource:
		s.changeSource(f)
	case verdictAccept:
	}
	in.source.update(p.seq)
	s.shared.packetsReceived.add(1)
	s.shared.octetsReceived.add(uint64(len(p.payload)))
	s.shared.lastReceived.setTime(arrival)
	if f.kind != formatEvent {
		if step := p.timestamp - in.paced; step < uint32(f.clock) { // a second at most; anything else is a jump
			in.pace = time.Duration(step) * time.Second / time.Duration(f.clock)
		}
		in.paced = p.timestamp
		in.source.arrive(p.timestamp, int(f.clock), arrival)
	}
	if !in.agreed.params.Receiving {
		return
	}
	if in.csrcCount = p.csrcCount; p.csrcCount > 0 {
		in.csrc = p.csrc
	}
	if f.kind == formatEvent {
		s.event(f, arrival)
		return
	}
	if in.copied {
		s.repair(f, arrival)
	}
	s.push(f, arrival)
}

// changeSource follows the far end to another SSRC or address.
func (s *Session) changeSource(f *format) {
	in, p := &s.in, &s.in.packet
	if in.source.started && in.source.ssrc != p.ssrc {
		s.shared.sourceChanges.add(1)
	}
	if !in.source.started || in.source.ssrc != p.ssrc {
		in.source.begin(p.ssrc, p.seq)
		in.player.restart(int(f.clock))
		in.events.Reset()
	}
	s.direct()
}

// push gives a packet to the jitter buffer.
func (s *Session) push(f *format, arrival time.Duration) {
	p, player := &s.in.packet, &s.in.player
	units := 0
	if f.kind == formatCN && int(f.clock) != player.jitter.clock {
		return // its timestamps say nothing about the audio's
	}
	if f.kind == formatAudio {
		samples, err := f.codec.PacketSamples(p.payload)
		if err != nil || samples == 0 || len(p.payload) > maxPayload {
			s.shared.invalid.add(1)
			return
		}
		units = f.codec.SamplesToUnits(samples)
		if int(f.clock) != player.jitter.clock {
			player.jitter.dropAll()
			player.jitter.reset(int(f.clock))
		}
	}
	a := arrivedPacket{seq: p.seq, timestamp: p.timestamp, units: units, codec: f.codec, payload: p.payload}
	if p.voice {
		a.flags |= slotVoice
	}
	switch player.jitter.push(a, arrival) {
	case pushDuplicate:
		s.shared.duplicate.add(1)
	case pushLate:
		s.shared.late.add(1)
	case pushJump:
		s.shared.discarded.add(1)
	case pushQueued, pushRestart:
	}
}

// event takes a packet of a telephone event (RFC 4733).
func (s *Session) event(f *format, arrival time.Duration) {
	p, player := &s.in.packet, &s.in.player
	if !player.jitter.noteEvent(p.seq) {
		s.shared.duplicate.add(1)
		return
	}
	player.muted = arrival + eventTail
	code, pressed := s.in.events.Digit(p.timestamp, p.payload)
	if !pressed {
		return
	}
	key, ok := codecs.EventDigit(code)
	if !ok {
		return
	}
	e, _ := codecs.ParseEvent(p.payload) // the detector has read it
	if !s.digits.put(Digit{Key: key, Duration: time.Duration(e.Duration) * time.Second / time.Duration(f.clock)}) {
		s.shared.digitsDropped.add(1)
	}
	s.transport.service.knock()
}

// collide handles our own SSRC in what comes (RFC 3550, section 8.2): if the far end has the same, we take another; if it
// comes again, our packets are sent back to us, and another would not help.
func (s *Session) collide(from netip.AddrPort, arrival time.Duration) {
	s.shared.looped.add(1)
	known := from == s.in.latch.addr || from == s.in.latch.described
	if !known || s.fixedSSRC || s.in.echo && arrival-s.in.collided < collisionRest {
		return
	}
	s.in.echo, s.in.collided = true, arrival
	s.shared.oldSSRC.set(int64(s.out.ssrc))
	s.out.renumber(rand.Uint32()) //nolint:gosec // unpredictable enough, no secret
	s.shared.ssrc.set(int64(s.out.ssrc))
	s.shared.sentPackets.set(0)
	s.shared.sentOctets.set(0)
}

// publish writes what others may read of this tick.
func (s *Session) publish(now time.Duration) {
	in, c := &s.in, &s.shared
	j := &in.player.jitter
	if j.dropped > 0 {
		c.discarded.add(j.dropped)
		j.dropped = 0
	}
	if j.resyncs > 0 {
		c.resyncs.add(j.resyncs)
		j.resyncs = 0
	}
	if !in.source.started {
		return
	}
	c.remoteSSRC.set(int64(in.source.ssrc))
	c.highestSeq.set(int64(in.source.max))
	c.baseSeq.set(int64(in.source.base))
	c.sourceCount.set(int64(in.source.received))
	c.jitter.set(int64(in.source.jitter))
	c.rxClock.set(int64(in.source.clock))
	if j.started {
		c.bursts.publish(&j.bursts, j.duration(int64(j.ptime)))
		queued := in.player.queued()
		in.aging.take(j, queued)
		c.depth.setTime(j.duration(j.depth() + int64(queued)))
		c.target.setTime(j.required())
		c.drift.set(int64(j.drift.value * 1e9))
		if j.playing && !j.starved {
			c.delay.setTime(j.lagOf(now, j.next-int64(queued)) + tick) // of the frame just taken
		}
	}
}
