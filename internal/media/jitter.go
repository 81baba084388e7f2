package media

import (
	"time"

	"github.com/parley-sip/parley/codecs"
)

// stepKind says what is to be done for the next stretch of audio.
type stepKind uint8

const (
	stepWait   stepKind = iota // nothing has come yet, or not long enough ago
	stepPacket                 // decode the packet; the timeline is behind it
	stepLost                   // a packet is missing and later ones are here: repair
	stepGap                    // the sender left this stretch out by design: silence
	stepEmpty                  // nothing is here: conceal; it may still come
)

// step is an answer of [jitterBuffer.step].
type step struct {
	kind    stepKind
	packet  slot   // of stepPacket; of stepLost if payload is not nil
	payload []byte // of stepPacket; of stepLost: the packet right behind the stretch, not consumed; valid until the next push
	units   int    // how long the stretch is; of stepPacket: the packet
	skip    int    // of stepPacket: units of its beginning whose time is over
}

// pushResult says what became of a packet.
type pushResult uint8

const (
	pushQueued    pushResult = iota
	pushDuplicate            // had come before
	pushLate                 // its time is over
	pushJump                 // far off in sequence or time; believed when the next one agrees
	pushRestart              // queued, after what was there was thrown away because the source jumped
)

const (
	maxDropout    = 3000                 // RFC 3550, appendix A.1
	maxMisorder   = 100                  // RFC 3550, appendix A.1
	maxTransit    = 2 * time.Second      // a change of transit beyond this is a jump of the timestamp, not jitter
	maxLateRun    = 4                    // so many late packets and nothing else: the timeline is wrong, not the packets
	shrinkGuard   = 2 * time.Millisecond // more than a tick too much by this: a tick is left out
	growGuard     = time.Millisecond     // less than this to spare: a tick is added in the next silence, before clocks drift apart
	tick          = 20 * time.Millisecond
	historyLength = 64
)

// jitterBuffer puts packets of one source in order and decides which is due. It is pure: sequence number, timestamp and time
// are arguments, and it has no clock.
//
// The timeline is in RTP units, extended to 64 bits. next is the position after all that was handed out. The lag of a
// position is how long ago a packet there would have arrived, had it travelled as fast as the fastest of late: a packet can
// be played when its lag is at least the jitter. The player asks once per tick; on a clean network whatever has arrived is
// handed out at once. When something due is missing, the player conceals and the timeline waits for it, which makes the lag
// grow by that tick; if the lag is enough for the measured jitter already, or at its maximum, the timeline goes on instead.
type jitterBuffer struct {
	store    store
	window   delayWindow
	drift    driftMeter
	lag      lagFilter
	minDelay time.Duration
	maxDelay time.Duration

	clock    int   // RTP units per second
	unit     int64 // nanoseconds of one, if they are a whole number: divisions take their time; 0: they are not
	next     int64 // timeline: the first unit not handed out
	nextSeq  int64 // sequence number after the last packet handed out
	highest  int64 // highest sequence number, extended
	highTS   int64 // its timestamp, extended
	history  uint64
	ptime    int // units of the last packet of audio
	grain    int // greatest common divisor of ptime and a tick
	lateRun  int
	bursts   burstMeter
	dropped  uint64 // packets thrown away to bound delay or for lack of room
	resyncs  uint64
	patience patience
	jumpSeq  uint16
	jumpTS   uint32
	started  bool // a packet was pushed
	playing  bool // a packet was handed out
	starved  bool // the last stretch was not from a packet, and the timeline may be moved
	jumpSeen bool
}

// arrivedPacket is what push needs to know.
type arrivedPacket struct {
	seq       uint16
	timestamp uint32
	units     int
	codec     codecs.Codec
	flags     slotFlags
	payload   []byte // copied
}

// reset prepares for a new source with the clock rate.
func (b *jitterBuffer) reset(clock int) {
	b.store.init()
	b.window.reset()
	b.drift = driftMeter{}
	b.lag = lagFilter{}
	b.patience = patience{}
	b.clock, b.unit = clock, 0
	if clock > 0 && int64(time.Second)%int64(clock) == 0 {
		b.unit = int64(time.Second) / int64(clock)
	}
	b.started, b.playing, b.starved, b.jumpSeen = false, false, false, false
	b.lateRun, b.history, b.ptime, b.grain = 0, 0, 0, 0
}

// duration converts units without overflow, however long the call.
func (b *jitterBuffer) duration(units int64) time.Duration {
	if b.unit != 0 {
		return time.Duration(units * b.unit)
	}
	clock := int64(b.clock)
	return time.Duration(units/clock)*time.Second + time.Duration(units%clock)*time.Second/time.Duration(clock)
}

// units converts a duration.
func (b *jitterBuffer) units(d time.Duration) int64 {
	return int64(d/time.Second)*int64(b.clock) + int64(d%time.Second)*int64(b.clock)/int64(time.Second)
}

// push takes a packet that arrived at the given time.
func (b *jitterBuffer) push(p arrivedPacket, arrival time.Duration) pushResult {
	if !b.started {
		b.begin(p)
	}
	delta := int64(int16(p.seq - uint16(b.highest)))
	ts := b.highTS + int64(int32(p.timestamp-uint32(b.highTS)))
	transit := arrival - b.duration(ts)
	if delta >= maxDropout || delta <= -maxMisorder || b.offTrack(transit) {
		return b.jump(p, arrival)
	}
	b.jumpSeen = false
	seq := b.highest + delta
	if !b.note(seq) {
		return pushDuplicate
	}
	if delta > 0 {
		b.highest, b.highTS = seq, ts
	}
	if p.units > 0 {
		b.window.add(transit, arrival)
		if b.window.filled == windowSlots { // before, the least of few tells little
			b.drift.observe(b.window.base, arrival)
		}
		b.pace(p.units)
	}
	if seq < b.nextSeq && b.playing || p.units > 0 && ts+int64(p.units) <= b.next {
		return b.late(p, arrival)
	}
	b.lateRun = 0
	b.insert(slot{
		seq: seq, timestamp: ts, units: int32(p.units), codec: p.codec, flags: p.flags,
	}, p.payload)
	return pushQueued
}

// begin anchors the timeline at the first packet of a source.
func (b *jitterBuffer) begin(p arrivedPacket) {
	b.started = true
	b.highest, b.highTS = int64(p.seq)+1<<16, int64(p.timestamp)+1<<32 // room below for what was overtaken
	b.next, b.nextSeq = b.highTS, b.highest
	b.history = 0
}

// offTrack reports a transit time that no network makes.
func (b *jitterBuffer) offTrack(transit time.Duration) bool {
	off := transit - b.window.base
	return b.window.filled > 0 && (off > maxTransit || off < -maxTransit)
}

// jump handles a packet that is far off: it is believed if the one after it agrees (RFC 3550, appendix A.1).
func (b *jitterBuffer) jump(p arrivedPacket, arrival time.Duration) pushResult {
	agrees := b.jumpSeen && p.seq == b.jumpSeq+1 && int32(p.timestamp-b.jumpTS) >= 0 &&
		b.duration(int64(p.timestamp-b.jumpTS)) < maxTransit
	if !agrees {
		b.jumpSeen, b.jumpSeq, b.jumpTS = true, p.seq, p.timestamp
		return pushJump
	}
	return b.restart(p, arrival)
}

// restart throws away what is here and begins again with the packet.
func (b *jitterBuffer) restart(p arrivedPacket, arrival time.Duration) pushResult {
	resyncs, clock := b.resyncs, b.clock
	b.dropAll()
	b.reset(clock)
	b.resyncs = resyncs + 1
	b.push(p, arrival)
	return pushRestart
}

// late handles a packet whose time is over. A run of nothing else means that the source moved its timestamps back.
func (b *jitterBuffer) late(p arrivedPacket, arrival time.Duration) pushResult {
	b.lateRun++
	if b.lateRun >= maxLateRun && b.starved {
		return b.restart(p, arrival)
	}
	return pushLate
}

// note marks the sequence number as received. It returns false if it was before.
func (b *jitterBuffer) note(seq int64) bool {
	switch ahead := seq - b.highest; {
	case ahead > 0:
		b.history = b.history<<min(uint(ahead), historyLength) | 1 // a shift by 64 leaves nothing
		return true
	case -ahead >= historyLength:
		return true // too old to know; it is late in any case
	default:
		bit := uint64(1) << uint(-ahead)
		seen := b.history&bit != 0
		b.history |= bit
		return !seen
	}
}

// noteEvent marks a sequence number that carried no audio (RFC 4733, section 2.5.1.2), so that it is not taken for a loss.
// It returns false for a duplicate.
func (b *jitterBuffer) noteEvent(number uint16) bool {
	if !b.started {
		return true
	}
	delta := int64(int16(number - uint16(b.highest)))
	if delta >= maxDropout || delta <= -maxMisorder {
		return true
	}
	seq := b.highest + delta
	fresh := b.note(seq)
	b.highest = max(b.highest, seq)
	return fresh
}

// insert stores a packet, at the cost of the oldest ones if there is no room.
func (b *jitterBuffer) insert(p slot, payload []byte) {
	if len(b.store.slots) < storeSlots && b.highest-min(b.nextSeq, p.seq) >= int64(len(b.store.slots)) {
		b.store.widen()
	}
	b.nextSeq = min(b.nextSeq, max(p.seq, b.highest-storeSlots+1)) // only before anything was handed out can it be below
	for floor := b.highest - storeSlots + 1; b.nextSeq < floor; b.nextSeq++ {
		b.drop(b.store.at(b.nextSeq))
		b.bursts.miss()
	}
	if old := b.store.place(p.seq); old.used() {
		b.drop(old)
	}
	for !b.store.put(p, payload) {
		oldest := b.first()
		if oldest == nil {
			b.dropped++
			return
		}
		b.drop(oldest)
	}
	if !b.playing {
		b.next = min(b.next, p.timestamp)
	}
}

// drop throws a packet away.
func (b *jitterBuffer) drop(p *slot) {
	if p != nil {
		b.store.remove(p)
		b.dropped++
	}
}

// dropAll empties the store.
func (b *jitterBuffer) dropAll() {
	for i := range b.store.slots {
		if p := &b.store.slots[i]; p.used() {
			b.drop(p)
		}
	}
}

// first returns the packet with the lowest sequence number, or nil.
func (b *jitterBuffer) first() *slot {
	for seq := b.nextSeq; seq <= b.highest; seq++ {
		if p := b.store.at(seq); p != nil {
			return p
		}
	}
	return nil
}
