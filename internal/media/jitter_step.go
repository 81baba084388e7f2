package media

import "time"

// step hands out what comes next on the timeline. Of a stretch without a packet it is no more than room units.
func (b *jitterBuffer) step(now time.Duration, room int) step {
	if !b.started {
		return step{kind: stepWait}
	}
	for {
		p := b.first()
		switch {
		case p == nil:
			return b.waiting(now, room)
		case p.units == 0: // comfort noise takes no time
			b.next = max(b.next, p.timestamp)
			return b.hand(p)
		case b.lagOf(now, p.timestamp) > b.maxDelay+tick: // waited too long: somewhere time has stood still
			b.next = max(b.next, p.timestamp+int64(p.units))
			b.skipTo(p.seq)
			b.bursts.miss()
			b.nextSeq = p.seq + 1
			b.drop(p)
			b.lag = lagFilter{}
			continue
		case b.starved || !b.playing:
			switch lag := b.lagOf(now, p.timestamp); {
			case lag < b.required():
				return b.waiting(now, room)
			case lag > 0 && lag < growGuard: // the next may miss its tick, and it is silent now; 0: nobody knows when it came
				b.patience.grow(now)
				return b.waiting(now, room)
			}
			if p.timestamp > b.next {
				b.next = p.timestamp
				b.lag = lagFilter{}
			}
			return b.hand(p)
		case p.timestamp <= b.next:
			return b.hand(p)
		default:
			return b.missing(p, now, room)
		}
	}
}

// lagOf returns how long ago a packet at the position would have come at its fastest.
func (b *jitterBuffer) lagOf(now time.Duration, position int64) time.Duration {
	return now - b.window.base - b.duration(position)
}

// required is the lag that a packet needs to be there in time: the jitter, and, with packets whose ends do not fall together
// with those of ticks, the longest time from the beginning of a tick to that of the last packet it needs.
func (b *jitterBuffer) required() time.Duration {
	wait := b.window.jitter
	if b.grain > 0 {
		wait += tick - b.duration(int64(b.grain))
	}
	return min(max(wait, b.minDelay), b.maxDelay)
}

// pace notes the duration of a packet in units.
func (b *jitterBuffer) pace(units int) {
	if b.ptime == units {
		return
	}
	b.ptime = units
	a, r := int(b.units(tick)), units
	for r != 0 {
		a, r = r, a%r
	}
	b.grain = a
}

// hand gives a packet out.
func (b *jitterBuffer) hand(p *slot) step {
	s := step{kind: stepPacket, packet: *p, payload: b.store.payload(p), units: int(p.units)}
	if p.units > 0 {
		s.skip = int(max(b.next-p.timestamp, 0))
		b.next = max(b.next, p.timestamp+int64(p.units))
		b.playing, b.starved = true, false
	}
	b.skipTo(p.seq)
	b.bursts.played++
	b.nextSeq = p.seq + 1
	b.store.remove(p)
	return s
}

// skipTo counts what is missing before a sequence number that is about to be handed out.
func (b *jitterBuffer) skipTo(seq int64) {
	for n := b.nextSeq; n < seq; n++ {
		if b.lostBetween(n, n) {
			b.bursts.miss()
		}
	}
}

// waiting conceals without moving on, unless the delay would pass its maximum.
func (b *jitterBuffer) waiting(now time.Duration, room int) step {
	if !b.playing {
		return step{kind: stepWait}
	}
	if b.lagOf(now, b.next) >= b.maxDelay {
		b.next += int64(room)
	} else {
		b.lag.shift(b.duration(int64(room)))
		b.patience.grow(now)
	}
	b.starved = true
	return step{kind: stepEmpty, units: room}
}

// missing handles a timeline at which there is no packet although a later one is here.
func (b *jitterBuffer) missing(p *slot, now time.Duration, room int) step {
	if b.lagOf(now, b.next) > b.maxDelay+tick { // time has stood still somewhere: nobody waits for what is so old
		b.next = p.timestamp
		b.lag = lagFilter{}
		return b.hand(p)
	}
	units := int(min(p.timestamp-b.next, int64(room)))
	if !b.lostBefore(p.seq) { // silence by design: nothing to wait for, and a good moment to come nearer
		if b.lagOf(now, p.timestamp) >= b.required() {
			b.next = p.timestamp
			b.lag = lagFilter{}
			return b.hand(p)
		}
		b.next += int64(units)
		return step{kind: stepGap, units: units}
	}
	if b.lagOf(now, b.next) < b.required() && b.lagOf(now, b.next)+tick <= b.maxDelay {
		b.lag.shift(b.duration(int64(units))) // it may only be late: wait once
		b.patience.grow(now)
		return step{kind: stepLost, units: units}
	}
	b.next += int64(units)
	s := step{kind: stepLost, units: units}
	if b.next == p.timestamp && b.lostBetween(p.seq-1, p.seq-1) {
		s.packet, s.payload = *p, b.store.payload(p)
	}
	return s
}

// lostBefore reports whether any sequence number since the last one handed out is missing.
func (b *jitterBuffer) lostBefore(seq int64) bool { return b.lostBetween(b.nextSeq, seq-1) }

// lostBetween reports whether any of the sequence numbers, both included, was not received.
func (b *jitterBuffer) lostBetween(from, to int64) bool {
	for seq := from; seq <= to; seq++ {
		behind := b.highest - seq
		if behind >= historyLength || b.history&(1<<uint(behind)) == 0 {
			return true
		}
	}
	return false
}

// observe notes the lag of this tick; queued is what the player has decoded and not played.
func (b *jitterBuffer) observe(now time.Duration, queued int) {
	if b.playing && !b.starved {
		b.lag.add(b.lagOf(now, b.next-int64(queued)))
	}
}

// surplus returns by how much the delay is above what the jitter needs, negative if below, and 0 while it is not known.
func (b *jitterBuffer) surplus(now time.Duration) time.Duration {
	if !b.lag.primed || !b.playing || b.starved {
		return 0
	}
	lag := b.lag.least()
	over := lag - b.required()
	if over > 0 && b.patience.keeps(now, over, lag) {
		return 0
	}
	return over
}

// leftOut tells that the player has left out so many units, so that the lag is by so much less.
func (b *jitterBuffer) leftOut(units int, now time.Duration) {
	b.lag.shift(-b.duration(int64(units)))
	b.patience.shrink(now)
}

// inserted tells that it has made up so many.
func (b *jitterBuffer) inserted(units int) { b.lag.shift(b.duration(int64(units))) }

// depth returns how much audio is waiting, in units.
func (b *jitterBuffer) depth() int64 {
	if !b.started || !b.playing {
		return 0
	}
	return max(b.highTS+int64(b.ptime)-b.next, 0)
}
