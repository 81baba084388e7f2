package media

import (
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
)

const (
	ntpOffset    = 2208988800 // seconds from 1900 to 1970 (RFC 3550, section 4)
	goneAfter    = 5          // intervals of silence after which a source is taken for gone (RFC 3550, section 6.3.5)
	maxSDESText  = 255
	maxBYEs      = 31
	maxLostCount = 1<<23 - 1
	minLostCount = -(1 << 23)
)

// reporter is the RTCP half of a session. It belongs to the service goroutine, but for what is atomic.
type reporter struct {
	next      time.Duration // when the next report is due
	index     int           // in the timer heap
	scheduled bool

	learned netip.AddrPort // where the far end's reports come from
	peer    uint32         // the source of the last sender report
	lastSR  uint32         // middle 32 bits of its NTP time
	lastAt  time.Duration  // when it came
	prior   reception      // as of the last report (RFC 3550, appendix A.3)
	toward  netip.AddrPort // the far end, as described
	since   time.Duration  // from when on it is expected to be there: nothing can have come before
	heard   level          // when a report last came

	roundTrip, remoteLost, remoteFraction, remoteJitter level
	reported                                            level // 1: the far end has said what came of ours
	reportedUntil                                       level // see Session.Reported
	sent, got, bad, forged                              count
	voip                                                atomic.Pointer[VoIPMetrics] // of what we send; nil: none have come
	references                                          references
	gone                                                level  // 1: by BYE or silence
	goneSeen                                            uint64 // of the departures of others

	aged   time.Duration // what was told last of the age of what is sent
	unaged time.Duration // when the first report would have been sent, had it not waited for an age

	captured   atomic.Int64  // how much earlier than it is sent audio was captured, in nanoseconds; see [Session.Captured]
	sentBefore uint64        // RTP packets
	busy       time.Duration // when they last were seen to be more
}

// Captured says that what is sent at one time was captured at another, and all else as much earlier: sender reports tell when it was captured, not
// when it is sent (RFC 3550, section 6.4.1, lets a sender choose its clock). Any goroutine may call it, before the first packet is sent.
func (s *Session) Captured(at, sent time.Time) {
	epoch := s.transport.epoch // whose wall clock the reports have
	s.report.captured.Store(int64(epoch.Add(sent.Sub(epoch)).Sub(at)))
}

// reception is what has come of a source.
type reception struct {
	ssrc               uint32
	expected, received int64
}

// reportInterval returns the time to the next report: the mean, 0.5 to 1.5 times (RFC 3550, section 6.2). With two members
// and audio the share of the bandwidth would allow more: the minimum interval is what counts.
func reportInterval(mean time.Duration) time.Duration {
	return time.Duration((0.5 + rand.Float64()) * float64(mean)) //nolint:gosec // spread, no secret
}

// firstReport returns the time to the first report, which may come early on unicast (RFC 3550, section 6.2).
func firstReport(mean time.Duration) time.Duration { return reportInterval(mean) / 10 }

// ntp returns the NTP time (RFC 3550, section 4).
func ntp(t time.Time) uint64 {
	return uint64(t.Unix()+ntpOffset)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// reportOctets is about what a report is long with its headers.
const reportOctets = 128

// reportMean returns the mean interval of reports, at least the one given, and whether there may be any (RFC 3550, section 6.2; RFC 3556).
func (s *Session) reportMean(least time.Duration) (mean time.Duration, may bool) {
	a := s.offered.Load()
	if a == nil {
		return least, true
	}
	share := a.params.ReceiverReports
	if a.params.Send && s.shared.packetsSent.load() > 0 {
		share = a.params.SenderReports
	}
	if share <= 0 {
		return least, share == 0
	}
	octets := reportOctets
	if a.params.VoIPMetrics || a.params.RoundTripTimes != RoundTripNone {
		octets += extendedMaximum
	}
	return max(least, 2*8*time.Duration(octets)*time.Second/time.Duration(share)), true // there are two of us
}

// reportOn sends the report of a session (RFC 3550, section 6.4).
func (v *service) reportOn(s *Session, now time.Duration) {
	v.lookAfter(s, now)
	v.report(s, now)
}

// lookAfter reads what the far end has reported and sees whether it is still there.
func (v *service) lookAfter(s *Session, now time.Duration) {
	v.readMuxed(s)
	silent := now - max(s.report.since, s.report.heard.time(), s.shared.lastReceived.time())
	if silent > goneAfter*v.transport.cfg.RTCPInterval {
		s.report.gone.set(1)
	} else if s.shared.lastReceived.time() > s.report.heard.time() {
		s.report.gone.set(0) // a source that has said BYE and sends again is back
	}
}

// expect has the far end of a session expected from now on, if it is another than before: a recorder that takes over is not silent since the
// other one was.
func (s *Session) expect(far netip.AddrPort, now time.Duration) {
	if r := &s.report; far != r.toward {
		r.toward, r.since = far, now
		r.gone.set(0)
	}
}

func (v *service) report(s *Session, now time.Duration) {
	v.compound(s, now)
	if old := s.shared.oldSSRC.get(); old >= 0 && s.shared.oldSSRC.v.CompareAndSwap(old, -1) {
		v.writer.goodbye([]uint32{uint32(old)}, "SSRC collision")
	}
	v.goodbyes(s)
	v.sendReport(s)
	v.keepOpen(s, now)
}

// goodbyes says goodbye to those who have left since the last report, and reports whether there are any.
func (v *service) goodbyes(s *Session) bool {
	s.mu.Lock()
	departed := s.departed
	s.departed = nil
	s.mu.Unlock()
	departed = append(departed, v.leavers(s)...)
	if len(departed) > 0 {
		v.writer.goodbye(departed, "")
	}
	return len(departed) > 0
}

// hasten tells a far end that takes packets of reduced size at once who has left, and does not wait for the next report; there has to have
// been one before (RFC 5506, section 4).
func (v *service) hasten(s *Session) {
	if _, may := s.reportMean(0); !may || s.report.sent.load() == 0 {
		return
	}
	v.writer.reset()
	if v.goodbyes(s) {
		v.sendReport(s)
	}
}

// keepOpen keeps the way of the media open when nothing has been sent for long.
func (v *service) keepOpen(s *Session, now time.Duration) {
	r, a := &s.report, s.offered.Load()
	if sent := s.shared.packetsSent.load(); sent != r.sentBefore || r.busy == 0 {
		r.sentBefore, r.busy = sent, now
	}
	if a == nil || a.params.Mux || a.params.ICE != nil || a.guard.waits() || now-r.busy < v.transport.cfg.KeepAlive {
		return
	}
	if to := s.rtp.address(s.shared.destination.get()); to.size != 0 {
		r.busy = now
		_ = s.rtp.send(nil, &to) // the next one is as good
	}
}

// compound writes sender or receiver report and description (RFC 3550, section 6.1).
func (v *service) compound(s *Session, now time.Duration) {
	w, ssrc := &v.writer, s.SSRC()
	w.reset()
	if sent := s.shared.sentPackets.get(); sent > 0 {
		s.report.aged = s.SentAge()
		timestamp, _ := s.shared.anchor.get(now + s.report.aged)
		w.begin(rtcp.TypeSenderReport)
		w.word(ssrc)
		w.sender(ntp(v.transport.epoch.Add(now-time.Duration(s.report.captured.Load()))), timestamp, uint32(sent), uint32(s.shared.sentOctets.get()))
	} else {
		w.begin(rtcp.TypeReceiverReport)
		w.word(ssrc)
	}
	if block, ok := s.reportBlock(now); ok {
		w.block(&block)
	}
	w.end()
	w.begin(rtcp.TypeSourceDescription)
	w.chunk(ssrc, s.cname)
	s.mu.Lock()
	for source, name := range s.contributors {
		if w.count <= 15 {
			w.chunk(source, name)
		}
	}
	for _, source := range s.others() { // fewer than a description has room for
		w.chunk(source, v.pseudonym(source))
	}
	s.mu.Unlock()
	w.end()
	if e := s.extendedReport(s.offered.Load(), now, v.transport.epoch.Add(now)); e != nil {
		w.octets = e.appendTo(w.octets)
	}
}

// chunk names a source.
func chunk(ssrc uint32, cname string) rtcp.SourceDescriptionChunk {
	text := cname[:min(len(cname), maxSDESText)]
	return rtcp.SourceDescriptionChunk{Source: ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: text}}}
}

// reportBlock says what came of the far end since the last report (RFC 3550, section 6.4.1 and appendix A.3).
func (s *Session) reportBlock(now time.Duration) (_ rtcp.ReceptionReport, ok bool) {
	ssrc := uint32(s.shared.remoteSSRC.get())
	if ssrc == 0 {
		return rtcp.ReceptionReport{}, false
	}
	r := &s.report
	current := s.reception()
	if current.ssrc != r.prior.ssrc || current.expected < r.prior.expected {
		r.prior = reception{ssrc: current.ssrc}
	}
	expected, received := current.expected-r.prior.expected, current.received-r.prior.received
	r.prior = current
	if received == 0 && expected == 0 {
		return rtcp.ReceptionReport{}, false // not heard since the last report: it is no sender now (RFC 3550, section 6.4)
	}
	block := rtcp.ReceptionReport{
		SSRC: ssrc, TotalLost: uint32(min(max(current.expected-current.received, minLostCount), maxLostCount)) & 0xFFFFFF,
		LastSequenceNumber: uint32(s.shared.highestSeq.get()), Jitter: uint32(s.shared.jitter.get()),
	}
	if lost := expected - received; lost > 0 && expected > 0 {
		block.FractionLost = uint8(min(lost*256/expected, 255))
	}
	if r.lastAt > 0 && r.peer == ssrc {
		block.LastSenderReport = r.lastSR
		block.Delay = uint32((now - r.lastAt) * 65536 / time.Second)
	}
	return block, true
}

// reception returns what has come of the present source.
func (s *Session) reception() reception {
	c := &s.shared
	return reception{
		ssrc:     uint32(c.remoteSSRC.get()),
		expected: c.highestSeq.get() - c.baseSeq.get() + 1,
		received: c.sourceCount.get(),
	}
}

// sendReport sends the compound packet that was written to where the far end wants it.
func (v *service) sendReport(s *Session) {
	a := s.offered.Load()
	if a == nil {
		return
	}
	target := s.reportTarget(a)
	via := s.rtcp
	if a.params.Mux {
		via = s.rtp
	}
	to := via.address(target)
	if to.size == 0 {
		return
	}
	octets, ok := a.protectReport(v.writer.octets)
	if !ok {
		return // the key is used up
	}
	if errno := via.send(octets, &to); errno == 0 {
		s.report.sent.add(1)
	}
}

// reportTarget returns where reports go: where the far end's come from once media were latched, else as described
// (RFC 3550, section 11; RFC 3605; RFC 5761).
func (s *Session) reportTarget(a *agreement) netip.AddrPort {
	media := s.shared.destination.get()
	if s.in.adopted.Load() != a { // no tick has come yet, and it knows no better
		media = a.params.Remote
	}
	switch {
	case !sendable(media):
		return netip.AddrPort{}
	case a.params.Mux:
		return media
	case media != a.params.Remote && s.report.learned.Addr() == media.Addr():
		return s.report.learned
	case media == a.params.Remote && a.params.RemoteRTCP.IsValid():
		return a.params.RemoteRTCP
	case media.Port() == 1<<16-1:
		return netip.AddrPort{}
	default:
		return netip.AddrPortFrom(media.Addr(), media.Port()+1)
	}
}

// farewell says BYE if anything was ever sent (RFC 3550, section 6.6).
func (v *service) farewell(s *Session) {
	if s.shared.packetsSent.load() == 0 && s.report.sent.load() == 0 {
		return
	}
	if _, may := s.reportMean(0); !may {
		return
	}
	sources := []uint32{s.SSRC()}
	s.mu.Lock()
	for ssrc := range s.contributors { // a mixer speaks for them (RFC 3550, section 7.3)
		if len(sources) < maxBYEs {
			sources = append(sources, ssrc)
		}
	}
	sources = append(sources, s.others()...)
	s.mu.Unlock()
	v.compound(s, v.now())
	v.writer.goodbye(sources, "")
	v.sendReport(s)
}
