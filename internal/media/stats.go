package media

import (
	"net/netip"
	"time"
)

// Digit is one key press of the far end (RFC 4733, section 3.2), reported once.
type Digit struct {
	// Key is '0' to '9', '*', '#' or 'A' to 'D'.
	Key byte
	// Duration of the press as far as it was known when it was reported.
	Duration time.Duration
}

// Stats are counted since the session was opened, unless said otherwise.
type Stats struct {
	// Received and sent RTP packets, and the octets of their payloads.
	PacketsReceived, OctetsReceived, PacketsSent, OctetsSent uint64
	// Lost is what the sequence numbers of the present source say is missing; duplicates make it less (RFC 3550, A.3).
	Lost int64
	// Late packets came after their time was concealed; Duplicate ones had come before; Discarded ones were dropped to bring
	// the delay down or because the buffer was full.
	Late, Duplicate, Discarded uint64
	// Concealed is the number of stretches, of a tick at most, whose audio was made up; ConcealedFEC those of them that were
	// repaired from the next packet.
	Concealed, ConcealedFEC uint64
	// Repaired is the number of lost packets whose audio came as a copy in another one in time (RFC 2198).
	Repaired uint64
	// Invalid packets were no RTP or RTCP; UnknownPayloadType, ForeignSource (address not the far end's) and Looped (our
	// own SSRC) ones were valid but not wanted.
	Invalid, UnknownPayloadType, ForeignSource, Looped uint64
	// Forged packets failed authentication on a protected session, plain ones among them; Replayed ones had been here before.
	Forged, Replayed uint64
	// Protected tells that the session is: SRTP and SRTCP both ways.
	Protected bool
	// SendErrors is the number of packets that the system did not take; Refused those of them of which the far end's host
	// said that nobody listens.
	SendErrors, Refused uint64
	// Flooded is the number of ticks that left packets in the socket because there were too many.
	Flooded uint64
	// SourceChanges is how often the far end's SSRC changed, Resyncs how often its timestamps or sequence numbers jumped.
	SourceChanges, Resyncs uint64
	// Jitter of arrival (RFC 3550, section 6.4.1).
	Jitter time.Duration
	// Depth is the audio now buffered; Delay is how long the last frame played has waited since the earliest moment at which
	// it could have come; Target is what the measured jitter asks for.
	Depth, Delay, Target time.Duration
	// Drift is by how many parts of one million the far end's clock is faster than ours, 0: not known.
	Drift float64
	// RoundTrip is the last round-trip time from the far end's report, 0: not known (RFC 3550, section 6.4.1).
	RoundTrip time.Duration
	// RemoteLost, RemoteFraction (0 to 1) and RemoteJitter are what the far end last reported about what we send.
	RemoteLost     int64
	RemoteFraction float64
	RemoteJitter   time.Duration
	// ReportsReceived and ReportsSent count compound RTCP packets.
	ReportsReceived, ReportsSent uint64
	// LastReceived is when the last valid packet came, zero: never.
	LastReceived time.Time
	// RemoteSSRC of the present source, 0: none.
	RemoteSSRC uint32
	// RemoteAddr is where media go now; Latched says that it was learned from the far end's packets.
	RemoteAddr netip.AddrPort
	Latched    bool
	// RemoteGone: the far end has said BYE, or was silent for five report intervals (RFC 3550, section 6.3.5).
	RemoteGone bool
	// Metrics are those of what has come from the present source (RFC 3611, section 4.7), zero: nothing has.
	Metrics VoIPMetrics
	// RemoteMetrics are what the far end tells of what we send; nil: nothing (RFC 3611, section 4.7).
	RemoteMetrics *VoIPMetrics
	// MOS is an estimate of the listening quality of what is received, 1 to 4.5 (ITU-T G.107), 0: nothing received.
	MOS float64
	// RemoteMOS is the same of what the far end receives: what it says itself, or an estimate by its reports, without the delay of its own jitter buffer, which they do not tell but
	// for the jitter that it has to bear; 0: it has reported nothing.
	RemoteMOS float64
}

// TransportStats are those of a [Transport].
type TransportStats struct {
	// Sessions open now; PortsFree is the number of pairs of Ports that could be opened now, as far as is known.
	Sessions, Ports, PortsFree int
	// Opened and Closed sessions; NoPorts is how often there was none.
	Opened, Closed, NoPorts uint64
	// PacketsReceived and PacketsSent are the RTP packets of all sessions, open and closed.
	PacketsReceived, PacketsSent uint64
}

// Reported is until when what was sent had come to the far end when it made its last report about it, by our clock and its round trip (RFC 3550, section
// 6.4.1); zero: it has reported nothing. Any goroutine may call it.
func (s *Session) Reported() time.Time {
	if at := s.report.reportedUntil.time(); at > 0 {
		return s.transport.epoch.Add(at)
	}
	return time.Time{}
}

// Stats returns what was counted so far; it does not disturb the tick.
func (s *Session) Stats() Stats {
	c, r := &s.shared, &s.report
	out := Stats{
		PacketsReceived: c.packetsReceived.load(), OctetsReceived: c.octetsReceived.load(),
		PacketsSent: c.packetsSent.load(), OctetsSent: c.octetsSent.load(),
		Late: c.late.load(), Duplicate: c.duplicate.load(), Discarded: c.discarded.load(),
		Concealed: c.concealed.load(), ConcealedFEC: c.concealedFEC.load(), Repaired: c.repaired.load(),
		Invalid: c.invalid.load() + r.bad.load(), UnknownPayloadType: c.unknownType.load(), ForeignSource: c.foreign.load() + c.foreignReports.load() + c.foreignAsides.Load(),
		Forged: c.forged.load() + r.forged.load(), Replayed: c.replayed.load(),
		Looped: c.looped.load(), SendErrors: c.sendErrors.load(), Refused: c.refused.load(), Flooded: c.flooded.load(),
		SourceChanges: c.sourceChanges.load(), Resyncs: c.resyncs.load(),
		Depth: c.depth.time(), Delay: c.delay.time(), Target: c.target.time(),
		Drift: float64(c.drift.get()) / 1000, RoundTrip: r.roundTrip.time(), RemoteLost: r.remoteLost.get(), RemoteFraction: float64(r.remoteFraction.get()) / 256,
		ReportsReceived: r.got.load(), ReportsSent: r.sent.load(),
		RemoteSSRC: uint32(c.remoteSSRC.get()), RemoteAddr: c.destination.get(), RemoteGone: r.gone.get() != 0,
	}
	if clock := c.rxClock.get(); clock > 0 {
		out.Jitter = time.Duration(c.jitter.get()) * time.Second / time.Duration(clock)
	}
	if a := s.offered.Load(); a != nil {
		out.Protected = a.guard != nil && !a.guard.waits()
		out.RemoteJitter = time.Duration(r.remoteJitter.get()) * time.Second / time.Duration(a.clock)
		out.Latched = out.RemoteAddr.IsValid() && out.RemoteAddr != a.params.Remote
	}
	if at := c.lastReceived.time(); at > 0 {
		out.LastReceived = s.transport.epoch.Add(at)
	}
	if out.RemoteSSRC != 0 {
		seen := s.reception()
		out.Lost = seen.expected - seen.received
		out.MOS = quality(out.Delay+out.RoundTrip/2, max(out.Lost, 0)+int64(out.Late), seen.expected)
		out.Metrics = s.received(&out, out.Late+out.Discarded)
	}
	if out.RemoteMetrics = r.voip.Load(); out.RemoteMetrics != nil && out.RemoteMetrics.ListeningMOS > 0 {
		out.RemoteMOS = out.RemoteMetrics.ListeningMOS
	} else if r.reported.get() != 0 {
		out.RemoteMOS = quality(2*out.RemoteJitter+out.RoundTrip/2, max(out.RemoteLost, 0), int64(out.PacketsSent))
	}
	return out
}

// LastHeard returns when the far end last gave a sign of life, media or report, zero: never.
func (s *Session) LastHeard() time.Time {
	at := max(s.shared.lastReceived.time(), s.report.heard.time(), s.consented.time())
	if at == 0 {
		return time.Time{}
	}
	return s.transport.epoch.Add(at)
}

// quality estimates the mean opinion score by the E-model with its default values, G.711 with concealment, the delay of the
// jitter buffer and half the round trip, and what is missing of what was sent (ITU-T G.107, G.113 appendix I).
func quality(waits time.Duration, missing, expected int64) float64 {
	return opinion(rating(waits, missing, expected))
}

// rating is the transmission rating factor of that.
func rating(waits time.Duration, missing, expected int64) float64 {
	delay := (waits + 20*time.Millisecond).Seconds() * 1000
	factor := 93.2 - 0.024*delay
	if delay > 177.3 {
		factor -= 0.11 * (delay - 177.3)
	}
	if expected > 0 && missing > 0 {
		percent := 100 * float64(missing) / float64(expected)
		factor -= 95 * percent / (percent + 25.1)
	}
	return factor
}

// opinion is the mean opinion score of a rating factor (ITU-T G.107, annex B).
func opinion(factor float64) float64 {
	switch {
	case factor <= 0:
		return 1
	case factor >= 100:
		return 4.5
	default:
		return 1 + 0.035*factor + factor*(factor-60)*(100-factor)*7e-6
	}
}
