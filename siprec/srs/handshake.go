package srs

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/parley-sip/parley/internal/dtls"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
)

// flow is one of the two ports of a stream. Each has a handshake and keys of its own (RFC 5764, section 3).
type flow int

const (
	flowRTP flow = iota
	flowRTCP
	flows
)

// String is for the log.
func (f flow) String() string { return [flows]string{"RTP", "RTCP"}[f] }

// maxEarly bounds what is kept of a stream until its keys are there: the client has them a moment before us, and may send what it has kept five
// packets at a time.
const maxEarly = 1000

// A keying makes the keys of a stream by handshakes (RFC 5763). It belongs to the goroutine of its recording, but for where the
// datagrams go.
type keying struct {
	agreed       sdp.DTLS
	described    [flows]netip.AddrPort
	to           [flows]atomic.Pointer[netip.AddrPort]
	heard        [flows]bool // from where it was described
	keyed        [flows]bool
	associations [flows]*dtls.Association
	early        []packet // what came before its keys, oldest first
}

// isHandshake tells DTLS from RTP and RTCP by the first octet (RFC 7983, section 7).
func isHandshake(data []byte) bool { return len(data) > 0 && data[0] >= 20 && data[0] <= 63 }

// flowOf is the flow that a packet is of.
func flowOf(p *packet) flow {
	if p.rtcp {
		return flowRTCP
	}

	return flowRTP
}

// certified tells whether a description may need our certificate, and makes it when it first does: of this recording session alone (RFC 5763,
// section 6.1). offer is what is answered, nil for an offer of ours.
func (r *recording) certified(offer *sdp.Description) bool {
	if r.security == SecurityNone || r.cfg.NoDTLS {
		return false
	}
	needed := r.certificate != nil
	if offer != nil {
		for i := range offer.Media {
			needed = needed || len(offer.Fingerprints(i)) > 0
		}
	}
	if !needed || r.certificate != nil {
		return needed
	}
	made, err := dtls.NewCertificate()
	if err != nil {
		r.logger.Error("no certificate for a recording", slog.Any("error", err))

		return false
	}
	r.certificate = made

	return true
}

// handshake begins the handshakes that were agreed on for a stream, or lets those go on that are the same; agreed without any ends them.
func (r *recording) handshake(s *stream, agreed *sdp.Stream) {
	if s.keying.same(agreed) {
		return
	}
	s.unkey()
	if agreed.DTLS == nil {
		return
	}
	k := &keying{agreed: *agreed.DTLS, described: [flows]netip.AddrPort{agreed.Remote, agreed.RemoteRTCP}}
	s.keying = k
	for c, socket := range []*media.QuietSocket{s.pair.rtp, s.pair.rtcp} {
		at := flow(c)
		if !k.described[at].IsValid() {
			continue
		}
		k.to[at].Store(&k.described[at])
		config := dtls.Config{
			Certificate: r.certificate, Client: k.agreed.Setup == sdp.SetupActive,
			Send: func(datagram []byte) { socket.Send(datagram, *k.to[at].Load()) },
			Done: func(keys dtls.Keys, err error) { // must not wait: the recording may be about to close the association
				r.helpers.Go(func() { r.post(func() { r.shook(s, k, at, keys, err) }) })
			},
		}
		for _, f := range k.agreed.Peer {
			config.Peer = append(config.Peer, dtls.Fingerprint(f))
		}
		k.associations[at] = dtls.Start(config)
	}
}

// same tells whether the handshakes go on: with the same certificate, the same parts and, unless it is on hold, at the same address.
func (k *keying) same(agreed *sdp.Stream) bool {
	return k != nil && agreed.DTLS != nil && k.agreed.Setup == agreed.DTLS.Setup && slices.Equal(k.agreed.Peer, agreed.DTLS.Peer) &&
		(!agreed.Remote.IsValid() || k.described == [flows]netip.AddrPort{agreed.Remote, agreed.RemoteRTCP})
}

// takes a packet that is of a handshake, or that has come before its keys; false for all others. What is neither is nothing: checks, for example,
// by which a client opens its way (RFC 5763, section 6.7.2).
func (k *keying) takes(p *packet) bool {
	c := flowOf(p)
	switch {
	case k == nil || k.associations[c] == nil:
		return false
	case isHandshake(p.data):
		k.heard[c] = k.heard[c] || p.from == k.described[c]
		if !k.keyed[c] && (p.from == k.described[c] || !k.heard[c]) { // the client may be behind a NAT
			k.to[c].Store(&p.from)
		}
		k.associations[c].Deliver(p.data)

		return true
	case len(p.data) == 0 || p.data[0]>>6 != rtpVersion:
		return true
	case k.keyed[c] || len(k.early) >= maxEarly:
		return false
	}
	k.early = append(k.early, *p)

	return true
}

// shook takes the outcome of a handshake, and what came before it.
func (r *recording) shook(s *stream, k *keying, c flow, keys dtls.Keys, err error) {
	if s.keying != k || s.closed {
		return
	}
	if err == nil {
		s.guard, err = s.guard.keyed(c, sdp.Protection{Local: keys.Local, Remote: keys.Remote})
	}
	early := k.early
	k.early = nil
	k.keyed[c] = true // or never will be: what comes is thrown away
	for i := range early {
		if !k.takes(&early[i]) {
			r.take(early[i])
		}
	}
	if err != nil {
		r.unkeyed(s, c, err)
	}
}

// unkeyed says that nothing of a stream can be read: there are no keys, or the client is not who its description says.
func (r *recording) unkeyed(s *stream, c flow, err error) {
	r.logger.Warn("handshake of a recorded stream has failed",
		slog.String("label", s.report.Label), slog.String("flow", c.String()), slog.Any("error", err))
	if !s.until.IsZero() || c == flowRTCP && !errors.Is(err, dtls.ErrFingerprint) {
		return // it ends anyway, or the client sends no reports
	}
	r.server.keeper.alarm(Alarm{Name: AlarmHandshake, Active: true, Detail: fmt.Sprintf("%s, stream %s, %v: %v", r.dir, s.report.Label, c, err)})
}

// unkey ends the handshakes of a stream. Nothing is sent after it.
func (s *stream) unkey() {
	if s.keying == nil {
		return
	}
	for _, a := range s.keying.associations {
		if a != nil {
			a.Close()
		}
	}
	s.report.Discarded += uint64(len(s.keying.early))
	s.keying = nil
}

// awaiting is the guard of a stream whose keys a handshake makes: nothing passes until they are there. What is under way with keys before is
// still taken for a while.
func awaiting(before *guard, at time.Duration) *guard {
	g := &guard{}
	if before != nil {
		g.previous, g.until = before.rtp, at+quiet
	}

	return g
}

// keyed is a guard with the keys of one flow more.
func (g *guard) keyed(c flow, keys sdp.Protection) (*guard, error) {
	made, err := newGuard(&keys, nil, 0)
	if err != nil {
		return g, err
	}
	if c == flowRTP {
		made.previous, made.until = g.previous, g.until
		made.rtcp, made.reports, made.agreed = g.rtcp, g.reports, g.agreed
	} else {
		made.rtp, made.previous, made.until = g.rtp, g.previous, g.until
	}

	return made, nil
}
