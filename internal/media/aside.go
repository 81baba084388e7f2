package media

import (
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/parley-sip/parley/internal/ice"
)

const (
	asideRingSize = 16   // datagrams between two visits of the service goroutine: a flight of a handshake, and checks
	asideMax      = 1500 // octets of the longest one kept
)

// asideDatagram is what the tick found among the media that is neither RTP nor RTCP.
type asideDatagram struct {
	size   int
	from   sockaddr
	octets [asideMax]byte
}

// asideRing hands such datagrams from the tick to the service goroutine: one writer, one reader, no lock.
type asideRing struct {
	write, read atomic.Uint32
	slots       [asideRingSize]asideDatagram
}

// put copies a datagram in. It returns false if there is no room, or it is too long.
func (r *asideRing) put(octets []byte, from *sockaddr) bool {
	at := r.write.Load()
	if at-r.read.Load() == asideRingSize || len(octets) > asideMax {
		return false
	}
	slot := &r.slots[at%asideRingSize]
	slot.size, slot.from = copy(slot.octets[:], octets), *from
	r.write.Store(at + 1)
	return true
}

// each hands the datagrams to use, oldest first.
func (r *asideRing) each(use func(*asideDatagram)) {
	for at := r.read.Load(); at != r.write.Load(); at++ {
		use(&r.slots[at%asideRingSize])
		r.read.Store(at + 1)
	}
}

// isMedia tells RTP and RTCP from what else comes to a port by the first octet: their version (RFC 7983, section 7).
func isMedia(octets []byte) bool { return octets[0]&0xC0 == rtpVersion }

// aside keeps what is no media for the service goroutine: handshakes and checks, where these were agreed.
func (s *Session) aside(octets []byte, from *sockaddr) {
	ring := s.in.agreed.aside
	if ring == nil || !isHandshake(octets) && !ice.IsMessage(octets) {
		s.shared.invalid.add(1)
		return
	}
	if ring.put(octets, from) {
		s.transport.service.knock()
	}
}

// isHandshake tells DTLS by the first octet (RFC 7983, section 7).
func isHandshake(octets []byte) bool { return octets[0] >= 20 && octets[0] <= 63 }

// readAside reads what the tick has put aside.
func (v *service) readAside(s *Session) {
	ring := s.asides.Load()
	if ring == nil {
		return
	}
	ring.each(func(d *asideDatagram) { s.asideArrived(ice.RTP, d.octets[:d.size], d.from.addrPort(), v.now()) })
}

// asideArrived takes a datagram of a handshake, or a check. It does not wait.
func (s *Session) asideArrived(c ice.Component, octets []byte, from netip.AddrPort, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(octets) == 0 {
		return
	}
	if isHandshake(octets) {
		s.keying.deliver(s, c, octets, from)
		return
	}
	s.keying.check(s, c, octets, from, now)
}

// sendAside sends a datagram beside the media.
func (s *Session) sendAside(c ice.Component, datagram []byte, target netip.AddrPort) {
	via := s.rtp
	if c == ice.RTCP {
		via = s.rtcp
	}
	if to := via.address(unmapped(target)); to.size > 0 && sendable(target) && len(datagram) > 0 {
		_ = via.send(datagram, &to) // what is lost is sent again
	}
}

// watchShaking has the service look at the RTP socket of a session that only sends, while its keys are made by a handshake: the tick reads it
// seldom, and not at all while nothing is sent. It hears of each event once: that somebody was refused stays until the tick sees it, and the
// service would look at nothing else.
func (v *service) watchShaking(s *Session) {
	fd := int32(s.rtp.fd)
	a := s.offered.Load()
	wanted := a != nil && a.alone
	if _, watched := v.shaking[fd]; watched == wanted {
		return
	}
	operation, event := unix.EPOLL_CTL_DEL, unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: fd}
	delete(v.shaking, fd)
	if wanted {
		operation = unix.EPOLL_CTL_ADD
		v.shaking[fd] = s
	}
	if err := unix.EpollCtl(v.poll, operation, s.rtp.fd, &event); err != nil {
		v.transport.cfg.Logger.Warn("cannot watch an RTP socket", errorAttr(err))
	}
}

// readShaking reads what has come for such a session. Media are nobody's there.
func (v *service) readShaking(s *Session) {
	var r received
	for range drainLimit {
		if s.rtp.receive(v.buffer[:], &r) != 0 {
			return
		}
		if r.size > 0 && !r.cut && !isMedia(v.buffer[:]) && (isHandshake(v.buffer[:]) || ice.IsMessage(v.buffer[:r.size])) {
			s.asideArrived(ice.RTP, v.buffer[:r.size], r.from.addrPort(), v.now())
		}
	}
}
