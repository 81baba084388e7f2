package media

import "time"

// gapPackets is how many packets in a row have to be played between two that are missing for them to be in different bursts: Gmin of
// RFC 3611, section 4.7.2, with the value it recommends.
const gapPackets = 16

// burstMeter tells bursts of missing packets, lost or too late, from gaps, in which one may be missing now and then (RFC 3611, section 4.7.2). A
// burst begins and ends with a packet that is missing, and in it there are never gapPackets played in a row; two packets make one. It belongs
// to the tick.
type burstMeter struct {
	played int64 // since the last that was missing
	cluster
	sums    burstSums
	changed bool // since it was last looked at, in more than played
}

// cluster are packets that are missing so close together that they are a burst if there are several.
type cluster struct{ missing, span int64 }

// burstSums are what bursts and gaps that are over have had.
type burstSums struct {
	bursts, burstSpan, burstMissing int64 // number, packets, those of them that were missing
	gapSpan, gapMissing             int64
}

// miss takes a packet that was not played.
func (m *burstMeter) miss() {
	if m.missing > 0 && m.played < gapPackets {
		m.missing++
		m.span += m.played + 1
	} else {
		m.sums.add(m.cluster)
		m.sums.gapSpan += m.played
		m.cluster = cluster{missing: 1, span: 1}
	}
	m.played = 0
	m.changed = true
}

// add takes a cluster that is over: a packet alone is of the gap around it.
func (s *burstSums) add(c cluster) {
	if c.missing > 1 {
		s.bursts++
		s.burstSpan += c.span
		s.burstMissing += c.missing
		return
	}
	s.gapSpan += c.span
	s.gapMissing += c.missing
}

// bursts are the metrics of RFC 3611, section 4.7.2.
type bursts struct {
	burstDensity, gapDensity   float64 // part of the packets that is missing, 0 to 1
	burstDuration, gapDuration time.Duration
}

// metrics are those of the sums, of packets of a length, when so many have been played since the last cluster.
func (s burstSums) metrics(last cluster, played int64, packet time.Duration) bursts {
	s.add(last)
	s.gapSpan += played
	var m bursts
	if s.bursts > 0 {
		m.burstDensity = min(1, float64(s.burstMissing)/float64(s.burstSpan))
		m.burstDuration = packet * time.Duration(s.burstSpan) / time.Duration(s.bursts)
	}
	if s.gapSpan > 0 {
		m.gapDensity = min(1, float64(s.gapMissing)/float64(s.gapSpan))
		m.gapDuration = packet * time.Duration(s.gapSpan) / time.Duration(s.bursts+1) // before, between and behind the bursts
	}
	return m
}

// burstCounters are what the tick publishes of a burstMeter.
type burstCounters struct {
	played, packet                                                      level // in each tick; packet is the duration of the last one
	missing, span, bursts, burstSpan, burstMissing, gapSpan, gapMissing level
}

// publish brings the counters up to date.
func (c *burstCounters) publish(m *burstMeter, packet time.Duration) {
	c.played.set(m.played)
	c.packet.setTime(packet)
	if !m.changed {
		return
	}
	m.changed = false
	c.missing.set(m.missing)
	c.span.set(m.span)
	c.bursts.set(m.sums.bursts)
	c.burstSpan.set(m.sums.burstSpan)
	c.burstMissing.set(m.sums.burstMissing)
	c.gapSpan.set(m.sums.gapSpan)
	c.gapMissing.set(m.sums.gapMissing)
}

// metrics are those of now.
func (c *burstCounters) metrics() bursts {
	s := burstSums{
		bursts: c.bursts.get(), burstSpan: c.burstSpan.get(), burstMissing: c.burstMissing.get(), gapSpan: c.gapSpan.get(), gapMissing: c.gapMissing.get(),
	}
	return s.metrics(cluster{missing: c.missing.get(), span: c.span.get()}, c.played.get(), c.packet.time())
}
