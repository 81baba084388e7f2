package media

import (
	"net/netip"
	"time"
)

const (
	latchGrace   = 3 * time.Second // in which the described address takes back what another had
	latchSilence = 5 * time.Second // after which the source may come from elsewhere
	// latchRebound is the silence after which the source may come from elsewhere if its numbers go on: longer than the packets of any codec, so that
	// nobody who speaks is taken for silent.
	latchRebound = 300 * time.Millisecond
	latchDropout = 3000             // numbers that may be missing then (MAX_DROPOUT of RFC 3550, appendix A.1)
	latchForget  = 30 * time.Second // after which anybody may
)

// sighting is the last packet of a source that is not accepted yet.
type sighting struct {
	addr  netip.AddrPort
	ssrc  uint32
	seq   uint16
	valid bool
}

// follows notes a packet and reports whether it is the second in sequence of its source (RFC 3550, appendix A.1).
func (g *sighting) follows(addr netip.AddrPort, ssrc uint32, seq uint16) bool {
	ok := g.valid && g.addr == addr && g.ssrc == ssrc && seq == g.seq+1
	*g = sighting{addr: addr, ssrc: ssrc, seq: seq, valid: true}
	return ok
}

// latch decides whose packets are the far end's, by address and SSRC; the rules are in the package comment. It is pure.
//
// Strangers are watched apart from the described and the accepted address, so that they cannot keep the far end out by
// sending in between.
type latch struct {
	described netip.AddrPort // by the description; invalid: not known yet
	symmetric bool
	addr      netip.AddrPort // accepted; invalid: nobody yet
	ssrc      uint32
	seq       uint16        // of its last packet
	since     time.Duration // when the address was accepted
	heard     time.Duration // when it was last heard
	near, far sighting
}

// verdict of a latch about a packet.
type verdict uint8

const (
	verdictForeign verdict = iota // not the far end's
	verdictUnknown                // the far end's address, but not yet a valid source
	verdictAccept
	verdictNewSource // accepted; address or SSRC are not those of before
)

// describe begins anew with another description. The same one changes nothing.
func (l *latch) describe(addr netip.AddrPort, symmetric bool) {
	if l.described == addr && l.symmetric == symmetric {
		return
	}
	keep := l.addr == addr && addr.IsValid() // an early packet came from where the description now says
	old := *l
	*l = latch{described: addr, symmetric: symmetric}
	if keep {
		l.addr, l.ssrc, l.seq, l.since, l.heard = old.addr, old.ssrc, old.seq, old.since, old.heard
	}
}

// judge looks at a valid RTP packet that arrived at now.
func (l *latch) judge(from netip.AddrPort, ssrc uint32, seq uint16, now time.Duration) verdict {
	if from == l.addr {
		if ssrc == l.ssrc {
			l.heard, l.seq = now, seq
			if l.near.addr == from { // two sources in turns are no change of source
				l.near.valid = false
			}
			return verdictAccept
		}
		if !l.near.follows(from, ssrc, seq) {
			return verdictUnknown
		}
		l.ssrc, l.seq, l.heard = ssrc, seq, now
		return verdictNewSource
	}
	if from == l.described && !l.addr.IsValid() {
		l.accept(from, ssrc, seq, now) // its first words are not to be lost
		return verdictNewSource
	}
	watch := &l.far
	if from == l.described {
		watch = &l.near
	}
	if !watch.follows(from, ssrc, seq) || !l.allowed(from, ssrc, seq, now) {
		if from == l.described {
			return verdictUnknown
		}
		return verdictForeign
	}
	l.accept(from, ssrc, seq, now)
	return verdictNewSource
}

// accept follows a source from now on.
func (l *latch) accept(from netip.AddrPort, ssrc uint32, seq uint16, now time.Duration) {
	l.addr, l.ssrc, l.seq, l.since, l.heard = from, ssrc, seq, now, now
	l.near.valid, l.far.valid = false, false
}

// allowed reports whether an address other than the accepted one may become it.
func (l *latch) allowed(from netip.AddrPort, ssrc uint32, seq uint16, now time.Duration) bool {
	if from != l.described && l.described.IsValid() && !l.symmetric && from.Addr() != l.described.Addr() {
		return false // the port may differ, the host may not
	}
	if !l.addr.IsValid() {
		return true
	}
	silent := now - l.heard
	if from == l.described {
		return now-l.since < latchGrace || silent >= latchSilence
	}
	switch {
	case silent >= latchForget:
		return true
	case ssrc != l.ssrc:
		return false
	default:
		return silent >= latchSilence || silent >= latchRebound && seq-l.seq-1 < latchDropout
	}
}

// settled reports whether the accepted address is final as long as it is alive. Who is silent for a moment may be so since a NAT has given him
// another port: the socket must hear of it.
func (l *latch) settled(now time.Duration) bool {
	return l.addr.IsValid() && now-l.heard < latchRebound && (l.addr == l.described || now-l.since >= latchGrace)
}

// destination returns where media go; invalid: nowhere.
func (l *latch) destination() netip.AddrPort {
	if !sendable(l.described) {
		return netip.AddrPort{}
	}
	if l.symmetric && l.addr.IsValid() {
		return l.addr
	}
	return l.described
}

// sendable reports whether a described address is one: 0.0.0.0 and port 0 mean that nothing is to be sent (RFC 3264, sections
// 5.1 and 8.4).
func sendable(a netip.AddrPort) bool {
	return a.IsValid() && a.Port() != 0 && !a.Addr().IsUnspecified()
}
