package media

import (
	"bytes"
	"errors"
	"fmt"

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
}

// newGuard makes contexts, or takes over those of previous (nil: none) whose key is the same.
func newGuard(p *Protection, previous *guard) (*guard, error) {
	if p == nil {
		return nil, nil //nolint:nilnil // no protection was agreed
	}
	if bytes.Equal(p.Local.Secret, p.Remote.Secret) {
		return nil, fmt.Errorf("%w: both directions have the same key", ErrParams)
	}
	g := &guard{local: cloned(p.Local), remote: cloned(p.Remote)}
	if previous != nil && previous.local.Equal(p.Local) {
		g.local, g.send, g.reportSend = previous.local, previous.send, previous.reportSend
	}
	if previous != nil && previous.remote.Equal(p.Remote) {
		g.remote, g.receive, g.reportReceive = previous.remote, previous.receive, previous.reportReceive
	}
	if err := errors.Join(g.complete()...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrParams, err)
	}
	return g, nil
}

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
func (s *Session) unprotect(octets []byte) (int, bool) {
	g := s.in.agreed.guard
	if g == nil {
		return len(octets), true
	}
	if g.receive == nil { // no keys yet
		s.shared.forged.add(1)
		return 0, false
	}
	size, err := g.receive.Unprotect(octets)
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
