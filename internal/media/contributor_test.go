package media

import (
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/parley-sip/parley/codecs"
)

// reportsUntil reads reports until one has what is looked for.
func (p *phone) reportsUntil(what string, found func([]rtcp.Packet) bool) {
	p.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if packets := p.report(p.rtcp, time.Second); packets != nil && found(packets) {
			return
		}
	}
	p.t.Fatalf("no report with %s", what)
}

// goodbyes are the sources of the BYEs of a compound packet.
func goodbyes(packets []rtcp.Packet) (gone []uint32) {
	for _, p := range packets {
		if bye, ok := p.(*rtcp.Goodbye); ok {
			gone = append(gone, bye.Sources...)
		}
	}
	return gone
}

// ME-RCP-14, ME-RCP-16, ME-RCP-17 (RFC 3550, section 7.3): who contributes is named with the mixer, and BYE is said for him when he goes, and for
// all at the end.
func TestContributors(t *testing.T) {
	s, p := call(t, newTestTransport(t, quickReports), nil)
	s.SetContributors(map[uint32]string{77: "somebody", 78: "somebody else"})
	ticks(t, 3, func(int) {
		ingest(s)
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160, CSRC: []uint32{77, 78}})
	})
	names := map[uint32]string{}
	p.reportsUntil("both names", func(packets []rtcp.Packet) bool {
		for _, packet := range packets {
			if description, ok := packet.(*rtcp.SourceDescription); ok {
				for _, c := range description.Chunks {
					names[c.Source] = c.Items[0].Text
				}
			}
		}
		return len(names) == 3
	})
	if names[77] != "somebody" || names[78] != "somebody else" || names[s.SSRC()] != s.CNAME() {
		t.Errorf("names %v", names)
	}
	s.SetContributors(map[uint32]string{78: "somebody else"})
	p.reportsUntil("the goodbye of one", func(packets []rtcp.Packet) bool { return slices.Equal(goodbyes(packets), []uint32{77}) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p.reportsUntil("the goodbye of all", func(packets []rtcp.Packet) bool {
		gone := goodbyes(packets)
		return len(gone) == 2 && slices.Contains(gone, 78) && slices.Contains(gone, s.SSRC())
	})
}

// ME-MIX-01, ME-RCP-11, ME-RCP-12, ME-RCP-13, ME-NAT-01 (RFC 3550, section 7.3; RFC 7866, section 8.1.8): each far end hears of the one session that it is
// in, from the ports that it sends to: nothing of what another one sends or reports.
func TestReportsStayApart(t *testing.T) {
	transport := newTestTransport(t, quickReports)
	s, p := call(t, transport, nil)
	q, other := call(t, transport, nil)
	other.header.SSRC = 0xABCD0002
	ticks(t, 20, func(i int) {
		p.say(0, loud(), 160)
		other.say(0, loud(), 160)
		if i == 5 {
			octets, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{
				SSRC: other.header.SSRC, NTPTime: ntp(time.Now()), PacketCount: 4711, Reports: []rtcp.ReceptionReport{{SSRC: q.SSRC(), TotalLost: 7}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := other.rtcp.WriteToUDPAddrPort(octets, q.LocalRTCP()); err != nil {
				t.Fatal(err)
			}
		}
		for _, session := range []*Session{s, q} {
			ingest(session)
			session.Emit(&codecs.Packet{Payload: loud(), Samples: 160, CSRC: []uint32{other.header.SSRC}})
		}
	})
	blocks := 0
	p.reportsUntil("three blocks", func(packets []rtcp.Packet) bool {
		report, ok := packets[0].(*rtcp.SenderReport)
		if !ok {
			return false
		}
		if report.SSRC != s.SSRC() || report.PacketCount > 20 {
			t.Errorf("reported to p: %+v", report)
		}
		for _, b := range report.Reports {
			if blocks++; b.SSRC != p.header.SSRC {
				t.Errorf("p is told of %x", b.SSRC)
			}
		}
		return blocks > 0
	})
	for conn, want := range map[*net.UDPConn]netip.AddrPort{p.rtp: s.LocalAddr(), p.rtcp: s.LocalRTCP()} {
		if conn == p.rtcp {
			if err := s.Close(); err != nil { // the last report
				t.Fatal(err)
			}
		}
		buf := make([]byte, 2048)
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil || netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) != want {
			t.Errorf("from %v, want %v: %v", from, want, err)
		}
		var packet rtp.Packet
		if conn == p.rtp && (packet.Unmarshal(buf[:n]) != nil || packet.SSRC != s.SSRC() || packet.SSRC == other.header.SSRC) {
			t.Errorf("packet of %x", packet.SSRC)
		}
	}
}

// ME-LVL-10 (RFC 6465, section 4): no more than fifteen contributors are named, with a level each.
func TestFifteenLevels(t *testing.T) {
	for _, id := range []uint8{3, 200} { // in one octet, and in two
		s, p := call(t, newTestTransport(t, nil), func(p *Params) { p.MixerLevelExtension = id })
		sources, levels := make([]uint32, 20), make([]uint8, 20)
		for i := range sources {
			sources[i], levels[i] = uint32(100+i), uint8(i)
		}
		ticks(t, 2, func(int) {
			ingest(s)
			s.Emit(&codecs.Packet{Payload: loud(), Samples: 160, CSRC: sources, CSRCLevel: levels})
		})
		for _, packet := range p.hear(100 * time.Millisecond) {
			if got := packet.GetExtension(id); len(packet.CSRC) != 15 || !slices.Equal(got, levels[:15]) || len(packet.Payload) != 160 {
				t.Errorf("%d: sources %v, levels %v, %d octets", id, packet.CSRC, got, len(packet.Payload))
			}
		}
	}
}

// ME-RTP-17 (RFC 7587, section 4.1): what comes twice is decoded once.
func TestEachPacketOnce(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), nil)
	heard := 0
	ticks(t, 30, func(int) {
		p.say(0, loud(), 160)
		p.header.SequenceNumber--
		p.header.Timestamp -= 160
		p.say(0, loud(), 160)
		if f := ingest(s); f.Flags == 0 {
			heard++
		}
	})
	if stats := s.Stats(); heard < 20 || heard > 30 || stats.Duplicate < 25 || stats.Concealed > 3 {
		t.Errorf("%d frames; %+v", heard, stats)
	}
}

// ME-RCP-20 (RFC 3556): who may not report does not, not even at the end, and looks after the far end all the same; a small share makes reports rare.
func TestReportShares(t *testing.T) {
	s, p := call(t, newTestTransport(t, quickReports), func(p *Params) { p.SenderReports, p.ReceiverReports = -1, -1 })
	ticks(t, 30, func(int) {
		p.say(0, loud(), 160)
		ingest(s)
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
	})
	octets, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: p.header.SSRC}, &rtcp.Goodbye{Sources: []uint32{p.header.SSRC}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.rtcp.WriteToUDPAddrPort(octets, s.LocalRTCP()); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); !s.Stats().RemoteGone && time.Now().Before(end); <-time.After(tick) {
		ingest(s)
	}
	if !s.Stats().RemoteGone {
		t.Error("a goodbye was not understood")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if packets := p.report(p.rtcp, 100*time.Millisecond); packets != nil {
		t.Errorf("reported %v", packets)
	}
	for _, x := range []struct {
		senders, receivers int
		sent               bool
		mean               time.Duration
		may                bool
	}{
		{0, 0, true, 5 * time.Second, true},
		{600, -1, true, 5 * time.Second, true},
		{100, -1, true, 20480 * time.Millisecond, true},
		{100, -1, false, 5 * time.Second, false},
		{-1, 100, false, 20480 * time.Millisecond, true},
	} {
		s := &Session{}
		s.offered.Store(&agreement{params: Params{Send: true, SenderReports: x.senders, ReceiverReports: x.receivers}})
		if x.sent {
			s.shared.packetsSent.add(1)
		}
		if mean, may := s.reportMean(5 * time.Second); mean != x.mean || may != x.may {
			t.Errorf("%+v: %v, %v", x, mean, may)
		}
	}
}

// ME-RCP-14, ME-RCP-16, ME-RCP-17 (RFC 3550, section 7.3): whoever a far end has seen among the contributors is named, by a name that tells nothing
// and is the same for all, and said goodbye to when he leaves; of others it hears nothing.
func TestContributorsOfCalls(t *testing.T) {
	transport := newTestTransport(t, quickReports)
	s, p := call(t, transport, nil)
	q, other := call(t, transport, nil)
	r, third := call(t, transport, nil)
	other.header.SSRC, third.header.SSRC = 0xABCD0002, 0xABCD0003
	ticks(t, 10, func(int) {
		other.say(0, loud(), 160)
		third.say(0, loud(), 160)
		ingest(q)
		ingest(r)
		ingest(s)
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160, CSRC: []uint32{0xABCD0002, 0}})
		r.Emit(&codecs.Packet{Payload: loud(), Samples: 160, CSRC: []uint32{0xABCD0002}})
	})
	name := map[*phone]string{}
	for to, session := range map[*phone]*Session{p: s, third: r} {
		to.reportsUntil("the name of the contributor", func(packets []rtcp.Packet) bool {
			description, ok := packets[1].(*rtcp.SourceDescription)
			if !ok || len(description.Chunks) != 2 || description.Chunks[0].Source != session.SSRC() || description.Chunks[1].Source != 0xABCD0002 {
				return false
			}
			name[to] = description.Chunks[1].Items[0].Text
			return true
		})
	}
	if name[p] == "" || name[p] != name[third] || name[p] == q.CNAME() || name[p] == s.CNAME() {
		t.Errorf("named %q and %q", name[p], name[third])
	}
	for _, session := range []*Session{q, r} { // r has contributed to nobody
		if err := session.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var gone []uint32
	p.reportsUntil("the goodbye", func(packets []rtcp.Packet) bool {
		gone = append(gone, goodbyes(packets)...)
		return len(gone) > 0
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p.reportsUntil("the end", func(packets []rtcp.Packet) bool {
		gone = append(gone, goodbyes(packets)...)
		return slices.Contains(gone, s.SSRC())
	})
	if !slices.Equal(gone, []uint32{0xABCD0002, s.SSRC()}) {
		t.Errorf("goodbyes %x", gone)
	}
}

// Who leaves is remembered for a while only.
func TestDepartures(t *testing.T) {
	var d departures
	d.add(0)
	for ssrc := range uint32(goneRoom + 5) {
		d.add(ssrc + 1)
	}
	first, n := uint32(0), 0
	if seen := d.since(2, func(ssrc uint32) {
		if n++; n == 1 {
			first = ssrc
		}
	}); seen != goneRoom+5 || n != goneRoom || first != 6 {
		t.Errorf("%d of %d, from %d", n, seen, first)
	}
	var s spoken
	for ssrc := range uint32(40) {
		s.note(ssrc + 1)
		s.note(ssrc + 1)
	}
	if all := s.sources(); len(all) != spokenRoom || slices.Contains(all, 1) || !slices.Contains(all, 40) || !s.forget(40) || s.forget(40) {
		t.Errorf("sources %v", all)
	}
}

// A source that was forgotten is remembered when it comes again, though it was among the last that packets named (RFC 3550, section 7.3).
func TestSpokenAgain(t *testing.T) {
	s := &Session{}
	for ssrc := uint32(1); ssrc <= 6; ssrc++ {
		s.noteSpoken(ssrc)
	}
	s.noteSpoken(6)
	if all := s.shared.spoken.sources(); len(all) != 6 {
		t.Errorf("remembered %v of six", all)
	}
	if !s.forgetSpoken(6) || s.forgetSpoken(6) || slices.Contains(s.shared.spoken.sources(), 6) {
		t.Errorf("not forgotten once: %v", s.shared.spoken.sources())
	}
	s.noteSpoken(6)
	if !slices.Contains(s.shared.spoken.sources(), 6) {
		t.Error("not remembered when it came again")
	}
}

// The same payload type may mean something else by the next description.
func TestFormatMemo(t *testing.T) {
	var before, after formatTable
	before.set(96, format{kind: formatAudio, codec: codecs.Opus, clock: 48000})
	before.set(101, format{kind: formatEvent, clock: 8000})
	after.set(96, format{kind: formatEvent, clock: 48000})
	var m formatMemo
	for i, c := range []struct {
		table  *formatTable
		number uint8
		want   formatKind
	}{{&before, 0, formatUnknown}, {&before, 96, formatAudio}, {&before, 96, formatAudio}, {&before, 101, formatEvent}, {&before, 96, formatAudio}, {&after, 96, formatEvent}, {&after, 0, formatUnknown}} {
		if got := m.of(c.table, c.number).kind; got != c.want {
			t.Errorf("%d: %v, want %v", i, got, c.want)
		}
	}
}
