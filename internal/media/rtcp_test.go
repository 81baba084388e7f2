package media

import (
	"bytes"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/parley-sip/parley/codecs"
)

// quickReports shortens the interval of reports for tests.
func quickReports(c *Config) { c.RTCPInterval = 100 * time.Millisecond }

// ME-RCP-01, ME-RCP-05, ME-RCP-06, ME-RCP-15 (RFC 3550, sections 6.1 and 6.4.1): what is reported agrees with what was sent.
// Shows SR-RTP-21.
func TestReports(t *testing.T) {
	s, p := call(t, newTestTransport(t, quickReports), nil)
	s.SetContributors(map[uint32]string{77: "somebody"})
	type point struct {
		ntp float64
		rtp uint32
	}
	var points []point
	var last *rtcp.SenderReport
	ticks(t, 100, func(i int) {
		if i%10 != 5 { // one in ten is lost
			p.say(0, loud(), 160)
		} else {
			p.header.SequenceNumber++
			p.header.Timestamp += 160
		}
		ingest(s)
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
	})
	for last == nil || last.PacketCount < 80 { // the service may be behind the ticks
		packets := p.report(p.rtcp, 5*time.Second)
		if packets == nil {
			break
		}
		description, ok := packets[1].(*rtcp.SourceDescription)
		if !ok || len(description.Chunks) != 2 || description.Chunks[0].Source != s.SSRC() || description.Chunks[0].Items[0].Text != s.CNAME() {
			t.Errorf("description %v", packets[1])
		}
		if report, ok := packets[0].(*rtcp.SenderReport); ok {
			points = append(points, point{float64(report.NTPTime) / (1 << 32), report.RTPTime})
			last = report
		}
	}
	if last == nil || len(points) < 5 || len(last.Reports) != 1 {
		t.Fatalf("%d reports, last %v", len(points), last)
	}
	first := points[0]
	for _, pt := range points[1:] {
		if off := float64(int32(pt.rtp-first.rtp)) - (pt.ntp-first.ntp)*8000; math.Abs(off) > 2 {
			t.Errorf("RTP time is %v units off NTP time", off)
		}
	}
	block := last.Reports[0]
	stats := s.Stats()
	if block.SSRC != p.header.SSRC || block.TotalLost < 7 || block.TotalLost > 10 || stats.Lost < 9 || stats.Lost > 10 {
		t.Errorf("block %+v, lost %d", block, stats.Lost)
	}
	if last.PacketCount < 80 || last.OctetCount != 160*last.PacketCount || uint64(last.PacketCount) > stats.PacketsSent {
		t.Errorf("report %+v, sent %d", last, stats.PacketsSent)
	}
	// The timestamp of the report is that of the audio sent at the same instant.
	heard := p.hear(50 * time.Millisecond)
	if len(heard) == 0 {
		t.Fatal("there is no audio")
	}
	end := heard[len(heard)-1]
	if ahead := int32(end.Timestamp - last.RTPTime); ahead < -8000/2 || ahead > 8000/2 {
		t.Errorf("report is %d units behind the audio", ahead)
	}
}

// ME-RCP-02, ME-RCP-08: nothing sent or received is an empty RR, and no BYE unless something was sent.
func TestEmptyReportAndGoodbye(t *testing.T) {
	s, p := call(t, newTestTransport(t, quickReports), nil)
	packets := p.report(p.rtcp, 20*time.Second)
	if len(packets) != 2 {
		t.Fatalf("%v", packets)
	}
	if report, ok := packets[0].(*rtcp.ReceiverReport); ok && (report.SSRC != s.SSRC() || len(report.Reports) != 0) {
		t.Errorf("%v", report)
	} else if !ok {
		t.Errorf("first is %T", packets[0])
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	var last []rtcp.Packet
	over := false
	for packets := p.report(p.rtcp, 20*time.Second); packets != nil && !over; packets = p.report(p.rtcp, 100*time.Millisecond) {
		last = packets
		bye, ok := last[len(last)-1].(*rtcp.Goodbye)
		over = ok && bye.Sources[0] == s.SSRC()
	}
	if !over {
		t.Errorf("last words %v", last)
	}
	silent, q := call(t, newTestTransport(t, nil), nil)
	if err := silent.Close(); err != nil {
		t.Error(err)
	}
	if packets := q.report(q.rtcp, 50*time.Millisecond); packets != nil {
		t.Errorf("a session that never sent says %v", packets)
	}
}

// ME-MUX-04 (RFC 5761, section 4): reports among the media; RTT, remote loss and BYE are understood.
func TestRemoteReports(t *testing.T) {
	for _, mux := range []bool{false, true} {
		s, p := call(t, newTestTransport(t, quickReports), func(params *Params) {
			params.Mux = mux
			if mux {
				params.RemoteRTCP = netip.AddrPort{}
			}
		})
		conn, to := p.rtcp, s.LocalRTCP()
		if mux {
			conn, to = p.rtp, s.LocalAddr()
		}
		write := func(packets ...rtcp.Packet) {
			octets, err := rtcp.Marshal(append(packets, &rtcp.RawPacket{0x80, 210, 0, 1, 0, 0, 0, 0})) // ME-RCP-10: an unknown type
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.WriteToUDPAddrPort(octets, to); err != nil {
				t.Fatal(err)
			}
		}
		if mos := s.Stats().RemoteMOS; mos != 0 {
			t.Errorf("mux %v: rated %.2f before any report", mux, mos)
		}
		ticks(t, 20, func(i int) {
			p.say(0, loud(), 160)
			if i == 8 {
				now := time.Now().Add(-50 * time.Millisecond)
				write(&rtcp.SenderReport{SSRC: p.header.SSRC, NTPTime: ntp(now), Reports: []rtcp.ReceptionReport{
					{SSRC: 1, TotalLost: 9999},
					{
						SSRC: s.SSRC(), FractionLost: 64, TotalLost: 1<<24 - 2, Jitter: 80,
						LastSenderReport: uint32(ntp(now) >> 16), Delay: 65536 / 50,
					},
				}})
			}
			ingest(s)
		})
		<-time.After(250 * time.Millisecond)
		stats := s.Stats()
		if stats.ReportsReceived != 1 || stats.RemoteFraction != 0.25 || stats.RemoteLost != -2 || stats.RemoteJitter != 10*time.Millisecond {
			t.Errorf("mux %v: %+v", mux, stats)
		}
		if stats.RemoteMOS < 4 || stats.RemoteMOS > 4.5 { // nothing is lost, and the delay is short
			t.Errorf("mux %v: what it hears is rated %.2f", mux, stats.RemoteMOS)
		}
		if off := stats.RoundTrip - 30*time.Millisecond; off < -5*time.Millisecond || off > 15*time.Millisecond {
			t.Errorf("mux %v: round trip %v", mux, stats.RoundTrip)
		}
		// It has had no report of ours lately, and says nothing of the way (RFC 3550, section 6.4.1).
		silent := &rtcp.ReceiverReport{SSRC: p.header.SSRC, Reports: []rtcp.ReceptionReport{{SSRC: s.SSRC(), TotalLost: 1<<24 - 2}}}
		write(silent, &rtcp.Goodbye{Sources: []uint32{p.header.SSRC}})
		ingest(s)
		<-time.After(250 * time.Millisecond)
		if !s.Stats().RemoteGone || s.Stats().Invalid != 0 {
			t.Errorf("mux %v: after BYE: %+v", mux, s.Stats())
		}
		if trip := s.Stats().RoundTrip; trip != stats.RoundTrip {
			t.Errorf("mux %v: round trip %v, after a report that does not say %v", mux, stats.RoundTrip, trip)
		}
	}
}

// What the far end has lost weighs as what we have lost.
func TestQuality(t *testing.T) {
	for _, x := range []struct {
		waits             time.Duration
		missing, expected int64
		from, to          float64
	}{
		{0, 0, 1000, 4.3, 4.5},
		{60 * time.Millisecond, 0, 0, 4.3, 4.5},
		{60 * time.Millisecond, 20, 1000, 4, 4.3}, // 2 %
		{60 * time.Millisecond, 100, 1000, 2.8, 3.6},
		{400 * time.Millisecond, 0, 1000, 2.6, 3.2},
		{0, 1000, 1000, 1, 1.5},
	} {
		if got := quality(x.waits, x.missing, x.expected); got < x.from || got > x.to {
			t.Errorf("%+v: %.2f", x, got)
		}
	}
}

// ME-RCP-03 (RFC 3550, section 6.2): intervals are spread from half to one and a half.
func TestReportIntervals(t *testing.T) {
	var sum time.Duration
	for range 1000 {
		d := reportInterval(5 * time.Second)
		if d < 2500*time.Millisecond || d > 7500*time.Millisecond {
			t.Fatalf("interval %v", d)
		}
		sum += d
		if first := firstReport(5 * time.Second); first > time.Second { // ME-RCP-04
			t.Fatalf("first report after %v", first)
		}
	}
	if mean := sum / 1000; mean < 4800*time.Millisecond || mean > 5200*time.Millisecond {
		t.Errorf("mean interval %v", mean)
	}
}

// RFC 3550, section 4: 1 January 1970 is 2208988800 in NTP time.
func TestNTP(t *testing.T) {
	if got := ntp(time.Unix(1, 500_000_000)); got != 2208988801<<32|1<<31 {
		t.Errorf("%x", got)
	}
}

func FuzzReports(f *testing.F) {
	for _, p := range [][]rtcp.Packet{
		{&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 2}}}, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{chunk(1, "x")}}},
		{&rtcp.SenderReport{SSRC: 1, NTPTime: 5}, &rtcp.Goodbye{Sources: []uint32{1, 2}, Reason: "gone"}},
		{&rtcp.RawPacket{0x80, 210, 0, 0}},
	} {
		octets, err := rtcp.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(octets)
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		before := bytes.Clone(octets)
		packets, ok := parseReports(octets)
		if ok && len(packets) == 0 {
			t.Error("parsed to nothing")
		}
		if !bytes.Equal(before, octets) {
			t.Error("the packet was changed")
		}
	})
}

// A source of which nothing has come for five intervals, neither media nor reports, is gone; one that is heard again, or reports again, is back.
//
// Shows ME-RCP-09.
func TestSilentSourceIsGone(t *testing.T) {
	transport := newTestTransport(t, nil)
	begun := transport.service.now()
	s, p := call(t, transport, nil)
	heard := func(packets uint64) {
		t.Helper()
		tickUntil(t, "a packet", func() {
			p.say(0, loud(), 160)
			ingest(s)
		}, func() bool { return s.Stats().PacketsReceived >= packets })
	}
	gone := func(now time.Duration) (gone bool) {
		done := make(chan struct{})
		transport.service.request(func() {
			transport.service.lookAfter(s, now)
			gone = s.Stats().RemoteGone
			close(done)
		})
		<-done
		return gone
	}
	after := func(silence time.Duration) bool { return gone(s.shared.lastReceived.time() + silence) }
	limit := 5 * transport.cfg.RTCPInterval
	if s.Stats().PacketsReceived != 0 || gone(begun+limit) {
		t.Error("gone before it was there for five intervals") // however long there have been others
	}
	heard(2)
	if after(limit) {
		t.Error("gone within five intervals")
	}
	if !after(limit + time.Millisecond) {
		t.Error("not gone after five intervals")
	}
	heard(s.Stats().PacketsReceived + 1)
	if after(limit / 2) {
		t.Error("who is heard again is still gone")
	}
	if !after(limit + time.Millisecond) {
		t.Error("not gone after five intervals more")
	}
	octets, err := (&rtcp.ReceiverReport{SSRC: p.header.SSRC}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.rtcp.WriteToUDPAddrPort(octets, s.LocalRTCP()); err != nil {
		t.Fatal(err)
	}
	// A recorder sends no media: that it reports again is all there is of it.
	for end := time.Now().Add(10 * time.Second); s.Stats().RemoteGone; <-time.After(tick) {
		if time.Now().After(end) {
			t.Fatal("who reports again is still gone")
		}
	}
	if !gone(max(s.report.heard.time(), s.shared.lastReceived.time()) + limit + time.Millisecond) {
		t.Error("not gone after five intervals without a report")
	}
	began := transport.service.now()
	if err := s.Configure(pcmuParams(netip.MustParseAddrPort("127.0.0.1:9"))); err != nil {
		t.Fatal(err)
	}
	if gone(began + limit) {
		t.Error("another far end is gone since the one before was")
	}
	if !gone(transport.service.now() + 2*limit) {
		t.Error("another far end is not missed")
	}
}
