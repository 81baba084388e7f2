package media

import (
	"encoding/binary"
	"math"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/internal/sole"
)

// count is a number that one goroutine adds to and everybody may read. Having one writer it needs no locked instruction to
// add, nor a fence.
type count struct{ v atomic.Uint64 }

func (c *count) add(n uint64) { sole.Add(&c.v, n) }
func (c *count) load() uint64 { return c.v.Load() }

// level is a value that one goroutine sets and everybody may read.
type level struct{ v atomic.Int64 }

func (l *level) set(v int64)             { sole.Set(&l.v, v) }
func (l *level) get() int64              { return l.v.Load() }
func (l *level) setTime(d time.Duration) { sole.Set(&l.v, int64(d)) }
func (l *level) time() time.Duration     { return time.Duration(l.v.Load()) }

// counters are what the tick writes.
type counters struct {
	// written in each tick; see [Session.PrefetchIngest]
	packetsReceived, octetsReceived                       count
	packetsSent, octetsSent                               count
	sentPackets, sentOctets                               level         // under the present SSRC (RFC 3550, section 6.4.1)
	jitter, depth, delay, target, lastReceived, drift     level         // jitter in RTP units of clock, drift in parts of 1e9
	remoteSSRC, highestSeq, baseSeq, sourceCount, rxClock level         // the reception statistics of the present source
	forgets                                               atomic.Uint32 // how often a source was forgotten of spoken; see [Session.noteSpoken]
	bursts                                                burstCounters

	// seldom written
	late, duplicate, discarded, concealed, concealedFEC  count
	invalid, unknownType, foreign, looped                count
	sendErrors, refused, flooded, sourceChanges, resyncs count
	reportsDropped, digitsDropped, foreignReports        count
	forged, replayed, repaired                           count
	ssrc, oldSSRC                                        level // ours; the one given up after a collision, -1: none
	foreignAsides                                        atomic.Uint64
	anchor                                               clockAnchor
	spoken                                               spoken
	destination                                          sharedAddr // where media go; invalid: nowhere
}

// clockAnchor ties RTP timestamps to time: a sequence lock, because four values belong together. The tick writes.
type clockAnchor struct {
	version   atomic.Uint32
	at        atomic.Int64 // time since the epoch of the transport
	timestamp atomic.Uint32
	clock     atomic.Int32
}

// set moves the anchor.
func (c *clockAnchor) set(at time.Duration, timestamp uint32, clock int) {
	c.version.Add(1)
	c.at.Store(int64(at))
	c.timestamp.Store(timestamp)
	c.clock.Store(int32(clock))
	c.version.Add(1)
}

// get returns the timestamp at now and whether anything was ever sent.
func (c *clockAnchor) get(now time.Duration) (uint32, bool) {
	for {
		before := c.version.Load()
		at, timestamp, clock := c.at.Load(), c.timestamp.Load(), c.clock.Load()
		if before&1 == 0 && before == c.version.Load() {
			return timestamp + unitsBetween(time.Duration(at), now, int(clock)), before != 0
		}
	}
}

// unitsBetween returns the RTP units from one time to another, to the nearest; it wraps as timestamps do.
func unitsBetween(from, to time.Duration, clock int) uint32 {
	d := to - from
	whole := int64(d/time.Second) * int64(clock)
	part := math.Round((d % time.Second).Seconds() * float64(clock))
	return uint32(whole + int64(part))
}

// sharedAddr is an address that the tick writes and everybody may read: a sequence lock, because it does not fit in a word.
type sharedAddr struct {
	version   atomic.Uint32
	high, low atomic.Uint64
	port      atomic.Uint32 // 0: none
}

// set replaces the address.
func (a *sharedAddr) set(to netip.AddrPort) {
	ip := to.Addr()
	var octets [16]byte
	port := uint32(0)
	if to.IsValid() {
		octets, port = ip.As16(), uint32(to.Port())
	}
	a.version.Add(1)
	a.high.Store(binary.BigEndian.Uint64(octets[:8]))
	a.low.Store(binary.BigEndian.Uint64(octets[8:]))
	a.port.Store(port)
	a.version.Add(1)
}

// get returns the address, invalid for none.
func (a *sharedAddr) get() netip.AddrPort {
	for {
		before := a.version.Load()
		var octets [16]byte
		binary.BigEndian.PutUint64(octets[:8], a.high.Load())
		binary.BigEndian.PutUint64(octets[8:], a.low.Load())
		port := a.port.Load()
		if before&1 != 0 || before != a.version.Load() {
			continue
		}
		if port == 0 {
			return netip.AddrPort{}
		}
		return netip.AddrPortFrom(netip.AddrFrom16(octets).Unmap(), uint16(port))
	}
}
