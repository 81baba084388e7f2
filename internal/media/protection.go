package media

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parley-sip/parley/internal/srtp"
)

// Protection are the keys of a protected session (RFC 3711), one per direction.
type Protection struct {
	// Local is what we send with, Remote what the far end does. They must not be the same (RFC 4568, section 7.1.2).
	Local, Remote srtp.Key
}

// guard are the contexts of a protected session. The tick has send and receive, the service goroutine the others. A context
// goes on from one agreement to the next as long as its key does, counters, windows and all: nothing is ever sent twice under
// one index (RFC 3711, section 9.1).
type guard struct {
	local, remote srtp.Key
	send          *srtp.Sender
	receive       *srtp.Receiver
	reportSend    *srtp.ReportSender
	reportReceive *srtp.ReportReceiver
	past          []*guard // with other keys, the last one last: their counters, in case a key comes back
	spare         []byte   // room for a packet that may have to be opened twice; nil: there are no old keys
}

const (
	// oldKeysFor is how long the far end's old keys hold beside new ones (RFC 5764, section 5.2: the longest that a datagram may be on its way).
	oldKeysFor = 2 * time.Minute
	// pastGuards is how many sets of keys are remembered. Who changes them more often than that does not come back to the first ones.
	pastGuards = 8
)

// newGuard makes contexts, or takes over those of previous (nil: none) whose key is the same.
func newGuard(p *Protection, previous *guard) (*guard, error) {
	if p == nil {
		return nil, nil //nolint:nilnil // no protection was agreed
	}
	if bytes.Equal(p.Local.Secret, p.Remote.Secret) {
		return nil, fmt.Errorf("%w: both directions have the same key", ErrParams)
	}
	g := &guard{local: cloned(p.Local), remote: cloned(p.Remote)}
	for _, old := range previous.all() {
		if g.send == nil && old.send != nil && old.local.Equal(p.Local) {
			g.local, g.send, g.reportSend = old.local, old.send, old.reportSend
		}
		if g.receive == nil && old.receive != nil && old.remote.Equal(p.Remote) {
			g.remote, g.receive, g.reportReceive = old.remote, old.receive, old.reportReceive
		}
	}
	g.remember(previous)
	follows := g.receive == nil && previous != nil
	if err := errors.Join(g.complete()...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrParams, err)
	}
	if follows {
		g.receive.Follow(previous.receive)
	}
	return g, nil
}

// all are the contexts of now and of before, the newest first.
func (g *guard) all() []*guard {
	if g == nil {
		return nil
	}
	all := append(slices.Clone(g.past), g)
	slices.Reverse(all)
	return all
}

// remember keeps the contexts before, if they were others (RFC 7714, section 13.1).
func (g *guard) remember(previous *guard) {
	if previous.waits() || previous == nil {
		return
	}
	g.past = slices.Clone(previous.past)
	if g.send != previous.send || g.receive != previous.receive {
		g.past = append(g.past, previous)
	}
	if len(g.past) > pastGuards {
		first := g.past[0]
		g.past = g.past[1:]
		first.past = nil
		if !slices.ContainsFunc(g.all(), first.shares) {
			first.wipe()
		}
	}
	if len(g.past) > 0 {
		g.spare = make([]byte, scratchSize)
	}
}

// shares tells whether a context of g is one of another guard.
func (g *guard) shares(other *guard) bool { return g.send == other.send || g.receive == other.receive }

// complete makes the contexts that are missing.
func (g *guard) complete() []error {
	var errs [4]error
	if g.send == nil {
		g.send, errs[0] = srtp.NewSender(g.local)
		g.reportSend, errs[1] = srtp.NewReportSender(g.local)
	}
	if g.receive == nil {
		g.receive, errs[2] = srtp.NewReceiver(g.remote)
		g.reportReceive, errs[3] = srtp.NewReportReceiver(g.remote)
	}
	return errs[:]
}

// cloned is a copy that can be wiped without asking anybody.
func cloned(k srtp.Key) srtp.Key {
	k.Secret, k.MKI = bytes.Clone(k.Secret), bytes.Clone(k.MKI)
	return k
}

// wipe forgets all keys. Nobody may use the contexts any more.
func (g *guard) wipe() {
	if g == nil {
		return
	}
	for _, old := range g.past {
		old.past = nil
		old.wipe()
	}
	g.local.Wipe()
	g.remote.Wipe()
	if g.send != nil {
		g.send.Wipe()
		g.receive.Wipe()
	}
	if g.reportSend != nil {
		g.reportSend.Wipe()
		g.reportReceive.Wipe()
	}
}

// waits tells that keys were agreed on and are not there yet.
func (g *guard) waits() bool { return g != nil && g.send == nil }

// unprotect takes the protection off a packet of the far end and tells its size then. Whatever is not proved to be the far
// end's stops here, plain packets too (RFC 3711, section 3.2.3), before its address or source is looked at.
func (s *Session) unprotect(octets []byte, arrival time.Duration) (int, bool) {
	g := s.in.agreed.guard
	if g == nil {
		return len(octets), true
	}
	if g.receive == nil { // no keys yet
		s.shared.forged.add(1)
		return 0, false
	}
	size, err := s.in.open(g, octets, arrival)
	switch {
	case err == nil:
		return size, true
	case errors.Is(err, srtp.ErrReplay):
		s.shared.replayed.add(1)
	default:
		s.shared.forged.add(1)
	}
	return 0, false
}

// open takes the protection off with the keys of now, or else, for a while, with those before: what was under way when the far end
// changed them is still heard (RFC 5764, section 5.2). It belongs to the tick.
func (in *receiver) open(g *guard, octets []byte, arrival time.Duration) (int, error) {
	if in.old == nil || len(octets) > len(g.spare) {
		return g.receive.Unprotect(octets)
	}
	if arrival > in.oldUntil {
		in.old = nil
		return g.receive.Unprotect(octets)
	}
	again := g.spare[:copy(g.spare, octets)] // a failure spoils the packet
	size, err := g.receive.Unprotect(octets)
	if err == nil || errors.Is(err, srtp.ErrReplay) {
		return size, err
	}
	if size, err = in.old.Unprotect(again); err == nil {
		copy(octets, again[:size])
	}
	return size, err
}

// protect protects a packet of ours in place and tells its size then.
func (a *agreement) protect(buf []byte, size int) (int, bool) {
	if a.guard == nil {
		return size, true
	}
	size, err := a.guard.send.Protect(buf, size)
	return size, err == nil
}

// unprotectReport takes the protection off a report of the far end.
func (s *Session) unprotectReport(a *agreement, octets []byte) ([]byte, bool) {
	if a.guard == nil {
		return octets, true
	}
	if a.guard.reportReceive == nil { // no keys yet
		s.report.forged.add(1)
		return nil, false
	}
	size, err := a.guard.reportReceive.Unprotect(octets)
	if err != nil {
		s.report.forged.add(1)
		return nil, false
	}
	return octets[:size], true
}

// protectReport protects a report of ours.
func (a *agreement) protectReport(octets []byte) ([]byte, bool) {
	if a.guard == nil {
		return octets, true
	}
	if a.guard.reportSend == nil { // no keys yet
		return nil, false
	}
	buf := make([]byte, len(octets)+srtp.MaxOverhead+len(a.guard.local.MKI))
	copy(buf, octets)
	size, err := a.guard.reportSend.Protect(buf, len(octets))
	if err != nil {
		return nil, false
	}
	return buf[:size], true
}
