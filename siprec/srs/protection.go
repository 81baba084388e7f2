package srs

import (
	"bytes"
	"crypto/rand"
	"errors"
	"time"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/srtp"
)

// Security says whether streams are SRTP, with keys in the descriptions or by a handshake (RFC 7866, section 12.2; RFC 4568, RFC 5763).
type Security = sdp.Security

// The kinds of security.
const (
	// SecurityNone refuses streams of SRTP.
	SecurityNone = sdp.SecurityNone
	// SecurityOptional takes SRTP where it is offered.
	SecurityOptional = sdp.SecurityOptional
	// SecurityRequired takes nothing else.
	SecurityRequired = sdp.SecurityRequired
)

var errNoKeys = errors.New("no keys")

// A guard has the keys of a stream that is protected (RFC 3711). It belongs to the goroutine of its recording. Contexts that are nil wait for
// the handshake that makes their keys; agreed is that of the reports then.
type guard struct {
	agreed   sdp.Protection
	rtp      *srtp.Receiver
	previous *srtp.Receiver // of the key before this one, for packets that are under way
	until    time.Duration  // when they have come
	rtcp     *srtp.ReportReceiver
	reports  *srtp.ReportSender
}

// newGuard makes the contexts of what was agreed, or takes over those of the guard before (nil: none) whose key is the same: what was
// received once is never taken again, and nothing is sent twice under one index (RFC 3711, sections 3.3.2 and 9.1).
func newGuard(p *sdp.Protection, before *guard, at time.Duration) (*guard, error) {
	if p == nil {
		return nil, nil //nolint:nilnil // no protection was agreed
	}
	g := &guard{agreed: sdp.Protection{Local: cloned(p.Local), Remote: cloned(p.Remote)}}
	if before != nil && before.agreed.Local.Equal(p.Local) {
		g.reports = before.reports
	}
	if before != nil && before.agreed.Remote.Equal(p.Remote) {
		g.rtp, g.rtcp, g.previous, g.until = before.rtp, before.rtcp, before.previous, before.until
	} else if before != nil {
		g.previous, g.until = before.rtp, at+quiet
	}
	var errs [3]error
	if g.reports == nil {
		g.reports, errs[0] = srtp.NewReportSender(g.agreed.Local)
	}
	if g.rtp == nil {
		g.rtp, errs[1] = srtp.NewReceiver(g.agreed.Remote)
		g.rtcp, errs[2] = srtp.NewReportReceiver(g.agreed.Remote)
	}

	return g, errors.Join(errs[:]...)
}

func cloned(k srtp.Key) srtp.Key {
	k.Secret, k.MKI = bytes.Clone(k.Secret), bytes.Clone(k.MKI)

	return k
}

// open takes the protection off a packet; false for what is not the client's, which is thrown away before anything else is made of it.
func (g *guard) open(p *packet, at time.Duration) bool {
	if g == nil {
		return true
	}
	if p.rtcp {
		if g.rtcp == nil {
			return false
		}
		size, err := g.rtcp.Unprotect(p.data)
		p.data = p.data[:max(0, size)]

		return err == nil
	}
	late := []byte(nil)
	if g.previous != nil && at <= g.until {
		late = bytes.Clone(p.data)
	}
	size, err := 0, errNoKeys
	if g.rtp != nil {
		size, err = g.rtp.Unprotect(p.data)
	}
	if err != nil && late != nil {
		p.data = late
		size, err = g.previous.Unprotect(p.data)
	}
	p.data = p.data[:max(0, size)]

	return err == nil
}

// seal protects a report of ours; nil if there is no key yet, or it has been used for as long as it may.
func (g *guard) seal(report []byte) []byte {
	if g == nil {
		return report
	}
	if g.reports == nil {
		return nil
	}
	buf := make([]byte, len(report)+srtp.MaxOverhead+len(g.agreed.Local.MKI))
	copy(buf, report)
	size, err := g.reports.Protect(buf, len(report))
	if err != nil {
		return nil
	}

	return buf[:size]
}

// keysOf are our keys of the stream that has a port: new ones for every stream of every recording session.
func (r *recording) keysOf(port uint16) []srtp.Key {
	if r.security == SecurityNone || port == 0 || !r.private {
		return nil
	}
	if keys, ok := r.keys[port]; ok {
		return keys
	}
	var keys []srtp.Key
	for suite := srtp.AEADAES256GCM; suite <= srtp.AESCM128HMACSHA132; suite++ {
		secret := make([]byte, suite.KeySize())
		_, _ = rand.Read(secret) // never fails
		keys = append(keys, srtp.Key{Suite: suite, Secret: secret})
	}
	r.keys[port] = keys

	return keys
}

// secure completes our side of the streams by what may protect them. A stream that is protected stays so. offer is what is answered, nil for an
// offer of ours.
func (r *recording) secure(local *sdp.Local, offer *sdp.Description) {
	certified := r.certified(offer)
	for i := range local.Streams {
		s := &local.Streams[i]
		s.Security, s.Keys = r.security, r.keysOf(s.Port)
		if certified {
			s.DTLS.Fingerprint = sdp.Fingerprint(r.certificate.Fingerprint())
		}
		if old := r.slot(i); old != nil && old.guard != nil && old.pair.port() == s.Port {
			s.Security = SecurityRequired
			if old.keying != nil {
				s.DTLS.Setup = old.keying.agreed.Setup
			}
		}
	}
}
