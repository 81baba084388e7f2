package media

import (
	"time"

	"github.com/pion/rtcp"

	"github.com/parley-sip/parley/codecs"
)

// RoundTrip says who answers reference times of extended reports (RFC 3611, section 5.1).
type RoundTrip uint8

// Who does.
const (
	RoundTripNone    RoundTrip = iota // nobody: there are none
	RoundTripSenders                  // who sends media
	RoundTripAll                      // everybody
)

// Configuration of our receiver as blocks of metrics have it (RFC 3611, section 4.7.6): what is lost is made up with regard to pitch, the
// jitter buffer adapts, to more jitter within three slots of its window: 15 times two frames of 20 ms.
const (
	enhancedConcealment = 2
	adaptiveBuffer      = 3
	adaptiveRate        = 15
)

// references is what has come and gone of reference times. It belongs to the service goroutine.
type references struct {
	from uint32        // who has sent the last one; 0: there was none
	last uint32        // its middle 32 bits
	at   time.Duration // when it came
	late uint64        // packets late and discarded when the present source began
	gone uint64
	of   uint32 // that source
}

// extendedReport is what has been agreed on to be sent beside a report, nil if there is nothing.
func (s *Session) extendedReport(a *agreement, now time.Duration, wall time.Time) *extended {
	if a == nil || a.params.RoundTripTimes == RoundTripNone && !a.params.VoIPMetrics {
		return nil
	}
	e := &extended{ssrc: s.SSRC()}
	sends := a.params.Send && s.shared.packetsSent.load() > 0
	if mode := a.params.RoundTripTimes; mode != RoundTripNone {
		e.reference = ntp(wall)
		if r := &s.report.references; r.from != 0 && (mode == RoundTripAll || sends) {
			e.delays = []delayReport{{ssrc: r.from, last: r.last, delay: uint32((now - r.at) * 65536 / time.Second)}}
		}
	}
	if of := uint32(s.shared.remoteSSRC.get()); a.params.VoIPMetrics && of != 0 {
		e.voipOf, e.voip = of, s.metrics(of)
	}
	if e.reference == 0 && e.voip == nil {
		return nil
	}
	return e
}

// metrics are those of what has come of the present source (RFC 3611, section 4.7).
func (s *Session) metrics(of uint32) *VoIPMetrics {
	stats, r := s.Stats(), &s.report.references
	if r.of != of {
		r.of, r.late, r.gone = of, 0, 0
		if stats.SourceChanges > 0 {
			r.late, r.gone = stats.Late, stats.Discarded
		}
	}
	v := s.received(&stats, stats.Late-min(r.late, stats.Late)+stats.Discarded-min(r.gone, stats.Discarded))
	return &v // a value of its own
}

// received are the metrics of what has come, of which so many packets were of no use.
func (s *Session) received(stats *Stats, discarded uint64) VoIPMetrics {
	b, seen := s.shared.bursts.metrics(), s.reception()
	expected := float64(max(1, seen.expected))
	waits := stats.Delay + stats.RoundTrip/2
	factor := rating(waits, max(stats.Lost, 0)+int64(stats.Late), seen.expected)
	whole := int(min(max(factor, 0), 100) + 0.5)
	return VoIPMetrics{
		Loss: min(1, float64(max(stats.Lost, 0))/expected), Discard: min(1, float64(discarded)/expected),
		BurstDensity: b.burstDensity, GapDensity: b.gapDensity, BurstDuration: b.burstDuration, GapDuration: b.gapDuration,
		RoundTrip: stats.RoundTrip, EndDelay: stats.Delay + 2*codecs.FrameDuration, // what waits here, the tick, and the packet that is sent
		Gmin: gapPackets, R: &whole, ConversationalMOS: opinion(factor),
		ListeningMOS: opinion(rating(-codecs.FrameDuration, max(stats.Lost, 0)+int64(stats.Late), seen.expected)),
		Concealment:  enhancedConcealment, Adaptive: adaptiveBuffer, Rate: adaptiveRate,
		JitterNominal: stats.Delay, JitterMaximum: s.cfg.JitterMax, JitterLimit: s.cfg.JitterMax,
	}
}

// extendedArrived takes an extended report of the far end.
func (s *Session) extendedArrived(octets []byte, at time.Duration, wall time.Time) {
	e, ok := parseExtended(octets)
	if !ok {
		s.report.bad.add(1)
		return
	}
	r, ours := &s.report, s.SSRC()
	if e.reference != 0 {
		r.references.from, r.references.last, r.references.at = e.ssrc, uint32(e.reference>>16), at
	}
	for _, d := range e.delays {
		if d.ssrc == ours && d.last != 0 {
			r.tripped(wall, d.last, d.delay)
		}
	}
	if e.voip != nil && e.voipOf == ours {
		r.voip.Store(e.voip)
	}
}

// tripped notes the round trip of something that was sent at the NTP time last, and was answered after delay, both in parts of 65536 of a
// second, the former modulo 65536 s (RFC 3550, section 6.4.1; RFC 3611, section 4.5).
func (r *reporter) tripped(at time.Time, last, delay uint32) {
	trip := int32(uint32(ntp(at)>>16) - last - delay)
	r.roundTrip.setTime(time.Duration(max(trip, 0)) * time.Second / 65536)
}

// parseReports reads a compound packet. It must begin with a report, unless it is of reduced size (RFC 5506), and parse to its
// end. Extended reports are left as they are.
func parseReports(octets []byte) ([]rtcp.Packet, bool) {
	var packets []rtcp.Packet
	for len(octets) > 0 {
		var h rtcp.Header
		if h.Unmarshal(octets) != nil {
			return nil, false
		}
		size := 4 * (int(h.Length) + 1)
		if size > len(octets) {
			return nil, false
		}
		if h.Type == extendedType {
			raw := rtcp.RawPacket(octets[:size])
			packets = append(packets, &raw)
		} else {
			some, err := rtcp.Unmarshal(octets[:size])
			if err != nil {
				return nil, false
			}
			packets = append(packets, some...)
		}
		octets = octets[size:]
	}
	return packets, len(packets) > 0
}
