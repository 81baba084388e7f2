package media

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/pion/rtcp"

	"github.com/parley-sip/parley/internal/ice"
)

// reportsPerVisit bounds the work for one session, so that a flood of reports costs the others nothing.
const reportsPerVisit = 16

// readReports reads the RTCP socket of a session.
func (v *service) readReports(s *Session) {
	var r received
	for range reportsPerVisit {
		if s.rtcp.receive(v.buffer[:], &r) != 0 {
			return
		}
		wall := time.Now()
		if r.size > 0 && !isMedia(v.buffer[:r.size]) {
			if isHandshake(v.buffer[:r.size]) || ice.IsMessage(v.buffer[:r.size]) {
				s.asideArrived(ice.RTCP, v.buffer[:r.size], r.from.addrPort(), v.now())
			}
			continue
		}
		at := arrivalTime(r.stamp, wall.UnixNano(), wall.Sub(v.transport.epoch))
		v.reportArrived(s, v.buffer[:r.size], r.from.addrPort(), at)
	}
}

// readMuxed reads the reports that came among the media.
func (v *service) readMuxed(s *Session) {
	if ring := s.reports.Load(); ring != nil {
		ring.each(func(m *muxedReport) { v.reportArrived(s, m.octets[:m.size], m.from.addrPort(), m.arrival) })
	}
}

// reportArrived takes a compound packet. Unknown types are ignored (RFC 3550, section 6.1), and so is all that does not come
// from the far end's host.
func (v *service) reportArrived(s *Session, octets []byte, from netip.AddrPort, at time.Duration) {
	a := s.offered.Load()
	if a == nil || !s.mayReport(a, from) {
		s.shared.foreignReports.v.Add(1)
		return
	}
	octets, ok := s.unprotectReport(a, octets)
	if !ok {
		return
	}
	packets, ok := parseReports(octets)
	if !ok {
		s.report.bad.add(1)
		return
	}
	r := &s.report
	r.learned = from
	r.heard.setTime(at)
	r.got.add(1)
	r.gone.set(0) // who reports again is back, unless this says that it leaves
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			r.peer, r.lastSR, r.lastAt = p.SSRC, uint32(p.NTPTime>>16), at
			s.blocks(p.Reports, v.transport.epoch.Add(at))
		case *rtcp.ReceiverReport:
			s.blocks(p.Reports, v.transport.epoch.Add(at))
		case *rtcp.Goodbye:
			s.goodbye(p)
		case *rtcp.RawPacket:
			if p.Header().Type == extendedType {
				s.extendedArrived(*p, at, v.transport.epoch.Add(at))
			}
		default:
		}
	}
}

// mayReport reports whether a report may come from the address: the host that media go to or the described one.
func (s *Session) mayReport(a *agreement, from netip.AddrPort) bool {
	host := from.Addr()
	return host == s.shared.destination.get().Addr() || host == a.params.Remote.Addr() || host == a.params.RemoteRTCP.Addr()
}

// maxRoundTrip bounds what is believed of one: some give times that are none of ours.
const maxRoundTrip = 2 * time.Second

// blocks reads what the far end says about what we send.
func (s *Session) blocks(reports []rtcp.ReceptionReport, at time.Time) {
	ours := s.SSRC()
	for i := range reports {
		b := &reports[i]
		if b.SSRC != ours {
			continue
		}
		r := &s.report
		lost := int64(b.TotalLost)
		if lost > maxLostCount { // 24 bits with a sign
			lost -= 1 << 24
		}
		r.reported.set(1)
		r.remoteLost.set(lost)
		r.remoteFraction.set(int64(b.FractionLost))
		r.remoteJitter.set(int64(b.Jitter))
		if b.LastSenderReport != 0 {
			r.tripped(at.Add(-time.Duration(r.captured.Load())), b.LastSenderReport, b.Delay)
		}
		r.reportedUntil.setTime(at.Add(-min(r.roundTrip.time(), maxRoundTrip)).Sub(s.transport.epoch))
	}
}

// goodbye notes that the far end has left.
func (s *Session) goodbye(p *rtcp.Goodbye) {
	ssrc := uint32(s.shared.remoteSSRC.get())
	for _, source := range p.Sources {
		if source == ssrc && ssrc != 0 {
			s.report.gone.set(1)
		}
	}
}

// errorAttr is how errors are logged.
func errorAttr(err error) slog.Attr { return slog.String("error", err.Error()) }
