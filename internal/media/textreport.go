package media

import (
	"net/netip"

	"github.com/pion/rtcp"
)

// contributor is what is told of who has written (RFC 9071, section 3.15).
type contributor struct{ cname, name string }

const maxChunks = 15 // sources that a report names

// reported takes a compound packet of the far end: what it says it has lost slows us down (RFC 4103, section 9).
func (s *TextSession) reported(octets []byte, from netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	host := from.Addr()
	if !s.configured || host != s.latch.destination().Addr() && host != s.params.Remote.Addr() && host != s.params.RemoteRTCP.Addr() {
		return
	}
	if s.guard != nil && s.guard.reportReceive == nil { // no keys yet
		s.stats.Forged++
		return
	}
	if s.guard != nil {
		size, err := s.guard.reportReceive.Unprotect(octets)
		if err != nil {
			s.stats.Forged++
			return
		}
		octets = octets[:size]
	}
	packets, ok := parseReports(octets)
	if !ok {
		return
	}
	s.stats.Reports++
	if host == s.latch.addr.Addr() {
		s.latch.heard = s.transport.now()
	}
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			s.blocks(p.Reports)
		case *rtcp.ReceiverReport:
			s.blocks(p.Reports)
		default:
		}
	}
}

// blocks reads what the far end says about what we send.
func (s *TextSession) blocks(reports []rtcp.ReceptionReport) {
	for i := range reports {
		if reports[i].SSRC == s.ssrc && s.out != nil {
			s.out.Congestion(float64(reports[i].FractionLost) / 256)
		}
	}
}

// report sends a report, and BYE at the end (RFC 3550, section 6.1). mu is held.
func (s *TextSession) report(last bool) {
	if !s.configured || last && s.out == nil {
		return
	}
	now := s.transport.now()
	blocks := s.receptionReport()
	var first rtcp.Packet = &rtcp.ReceiverReport{SSRC: s.ssrc, Reports: blocks}
	if s.out != nil {
		if packets, octets, timestamp := s.out.Sent(now); packets > 0 {
			first = &rtcp.SenderReport{
				SSRC: s.ssrc, NTPTime: ntp(s.transport.epoch.Add(now)), RTPTime: timestamp, PacketCount: packets, OctetCount: octets, Reports: blocks,
			}
		}
	}
	description := &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{chunk(s.ssrc, s.cname)}}
	for id, c := range s.contributors {
		if len(description.Chunks) <= maxChunks {
			description.Chunks = append(description.Chunks, named(id, c))
		}
	}
	list := []rtcp.Packet{first, description}
	if last {
		list = append(list, &rtcp.Goodbye{Sources: []uint32{s.ssrc}})
	}
	s.sendReports(list)
}

// named is what a report tells of a source.
func named(id uint32, c contributor) rtcp.SourceDescriptionChunk {
	d := chunk(id, c.cname)
	if c.name != "" {
		name := c.name[:min(len(c.name), maxSDESText)]
		d.Items = append(d.Items, rtcp.SourceDescriptionItem{Type: rtcp.SDESName, Text: name})
	}
	return d
}

// receptionReport says what has come since the last report (RFC 3550, section 6.4.1).
func (s *TextSession) receptionReport() []rtcp.ReceptionReport {
	if s.in == nil {
		return nil
	}
	stats := s.in.Stats()
	before := s.prior
	s.prior = stats
	if stats.Source == 0 || stats.Received == before.Received {
		return nil
	}
	b := rtcp.ReceptionReport{
		SSRC: stats.Source, TotalLost: uint32(min(stats.Lost, maxLostCount)), LastSequenceNumber: stats.Highest,
	}
	if lost := stats.Lost - before.Lost; lost > 0 {
		b.FractionLost = uint8(min(lost*256/(lost+stats.Received-before.Received), 255))
	}
	return []rtcp.ReceptionReport{b}
}

func (s *TextSession) sendReports(list []rtcp.Packet) {
	octets, err := rtcp.Marshal(list)
	if err != nil {
		s.transport.cfg.Logger.Warn("cannot write a report", errorAttr(err))
		return
	}
	octets, ok := (&agreement{guard: s.guard}).protectReport(octets)
	to, socket := s.reportTarget()
	if ok && to.IsValid() {
		_, _ = socket.WriteToUDPAddrPort(octets, to) // what is lost comes again
	}
}

// reportTarget is where reports go, and from which socket.
func (s *TextSession) reportTarget() (netip.AddrPort, udpWriter) {
	media := s.latch.destination()
	switch {
	case !sendable(media):
		return netip.AddrPort{}, s.rtcp
	case s.params.Mux:
		return media, s.rtp
	case media == s.params.Remote && sendable(s.params.RemoteRTCP):
		return s.params.RemoteRTCP, s.rtcp
	case media.Port() == 1<<16-1:
		return netip.AddrPort{}, s.rtcp
	default:
		return netip.AddrPortFrom(media.Addr(), media.Port()+1), s.rtcp
	}
}

type udpWriter interface {
	WriteToUDPAddrPort(octets []byte, to netip.AddrPort) (int, error)
}
