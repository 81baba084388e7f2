package media

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/parley-sip/parley/codecs"
)

// someMetrics have a value of its own in each field that the wire keeps as it is.
func someMetrics() *VoIPMetrics {
	const ms = time.Millisecond
	return &VoIPMetrics{
		Loss: 0.25, Discard: 0.125, BurstDensity: 0.5, GapDensity: 0.0625, BurstDuration: 120 * ms, GapDuration: 4321 * ms,
		RoundTrip: 57 * ms, EndDelay: 61 * ms, Signal: new(-18), Noise: new(-62), EchoReturn: new(55), Gmin: 16, R: new(80), ExternalR: new(92),
		ListeningMOS: 4.1, ConversationalMOS: 3.9, Concealment: 2, Adaptive: 3, Rate: 15,
		JitterNominal: 40 * ms, JitterMaximum: 200 * ms, JitterLimit: 500 * ms,
	}
}

// What is written is read alike, by this package and by pion/rtcp (RFC 3611, section 4).
func TestExtendedReportOnTheWire(t *testing.T) {
	bare := &VoIPMetrics{Gmin: 16}
	for _, e := range []extended{
		{ssrc: 9, reference: 0x0102030405060708, delays: []delayReport{{1, 2, 3}}, voip: someMetrics(), voipOf: 7},
		{ssrc: 9, reference: 1},
		{ssrc: 9, voip: bare, voipOf: 7},
	} {
		octets := e.appendTo([]byte{1, 2, 3, 4})[4:]
		got, ok := parseExtended(octets)
		if !ok || !reflect.DeepEqual(got, e) {
			t.Errorf("read %+v %+v, want %+v %+v", got, got.voip, e, e.voip)
		}
		if len(octets) > extendedMaximum {
			t.Errorf("%d octets", len(octets))
		}
		packets, err := rtcp.Unmarshal(octets)
		if err != nil || len(packets) != 1 {
			t.Fatalf("pion: %v %v", packets, err)
		}
		x, _ := packets[0].(*rtcp.ExtendedReport)
		for _, b := range x.Reports {
			if v, ok := b.(*rtcp.VoIPMetricsReportBlock); ok && e.voip != bare && (v.SSRC != 7 || v.BurstDensity != 128 || v.GapDuration != 4321 ||
				v.JBAbsMax != 500 || v.RXConfig != 0b10111111 || v.MOSCQ != 39) {
				t.Errorf("pion reads %+v", v)
			}
		}
	}
}

// What is malformed, of an unknown type or of a length that its type cannot have is left out, and hurts nothing else.
func TestExtendedReportOfOthers(t *testing.T) {
	good := (&extended{ssrc: 9, voip: someMetrics(), voipOf: 7}).appendTo(nil)
	reference := (&extended{ssrc: 9, reference: 5}).appendTo(nil)[8:]
	with := func(blocks ...[]byte) []byte {
		b := append([]byte{0x80, 207, 0, 0, 0, 0, 0, 9}, slices.Concat(blocks...)...)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)/4-1))
		return b
	}
	if e, ok := parseExtended(with([]byte{200, 0, 0, 1, 1, 2, 3, 4}, []byte{7, 0, 0, 1, 0, 0, 0, 7}, []byte{5, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1}, reference)); !ok ||
		e.reference != 5 || e.voip != nil || e.delays != nil {
		t.Errorf("%+v %v", e, ok)
	}
	for what, b := range map[string][]byte{
		"cut":             good[:len(good)-4],
		"block too long":  with([]byte{7, 0, 0, 9, 0, 0, 0, 7}),
		"without source":  {0x80, 207, 0, 0},
		"padding of all":  append([]byte{0xA0, 207, 0, 2, 0, 0, 0, 9}, 0, 0, 0, 200),
		"another packet":  {0x80, 201, 0, 1, 0, 0, 0, 9},
		"length of other": append(slices.Clone(good), 0, 0, 0, 0),
	} {
		if _, ok := parseExtended(b); ok {
			t.Errorf("%s: % x is read", what, b)
		}
	}
	outside := *someMetrics()
	outside.R = new(120)
	octets := (&extended{voip: &outside}).appendTo(nil)
	octets[8+4+4+18] = 60 // a mean opinion score of 6
	if e, ok := parseExtended(octets); !ok || e.voip.R != nil || e.voip.ListeningMOS != 0 || e.voip.ConversationalMOS != 3.9 {
		t.Errorf("out of range: %+v", e.voip)
	}
}

// A burst ends when 16 packets in a row are played; one that is missing alone is of the gap (RFC 3611, section 4.7.2).
func TestBursts(t *testing.T) {
	run := func(pattern string) bursts {
		var m burstMeter
		for _, c := range pattern {
			if c == '.' {
				m.played++
			} else {
				m.miss()
			}
		}
		var c burstCounters
		c.publish(&m, 20*time.Millisecond)
		return c.metrics()
	}
	played := func(n int) string { return strings.Repeat(".", n) }
	const ms = time.Millisecond
	for _, tt := range []struct {
		name, pattern string
		want          bursts
	}{
		{"nothing", "", bursts{}},
		{"no loss", played(50), bursts{gapDuration: 1000 * ms}},
		{"one alone", played(50) + "x" + played(49), bursts{gapDensity: 0.01, gapDuration: 2000 * ms}},
		{"at once", "x" + played(99), bursts{gapDensity: 0.01, gapDuration: 2000 * ms}},
		{"two bursts", played(20) + "x..x" + played(16) + "xxxxxx" + played(34), bursts{
			burstDensity: 0.8, burstDuration: 100 * ms, gapDuration: 1400 * ms / 3,
		}},
		{"not over", played(20) + "xx" + played(15), bursts{burstDensity: 1, burstDuration: 40 * ms, gapDuration: 350 * ms}},
		{"fifteen do not end one", played(30) + "x" + played(15) + "x" + played(30), bursts{
			burstDensity: 2. / 17, burstDuration: 340 * ms, gapDuration: 600 * ms,
		}},
	} {
		if got := run(tt.pattern); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// extendedOf finds the extended report of a compound packet.
func extendedOf(packets []rtcp.Packet) (found extended, ok bool) {
	for _, p := range packets {
		if x, is := p.(*rtcp.ExtendedReport); is {
			octets, err := x.Marshal()
			if err != nil {
				return extended{}, false
			}
			return parseExtended(octets)
		}
	}
	return extended{}, false
}

// Metrics of what has come and reference times are sent where they were agreed on, and answered.
//
// Shows RFC 3611, sections 4.4, 4.5 and 4.7.
func TestExtendedReportsOfASession(t *testing.T) {
	s, p := call(t, newTestTransport(t, quickReports), func(p *Params) { p.VoIPMetrics, p.RoundTripTimes = true, RoundTripAll })
	ticks(t, 60, func(i int) {
		if i == 30 || i == 31 { // two are lost
			p.header.SequenceNumber++
			p.header.Timestamp += 160
		} else {
			p.say(0, loud(), 160)
		}
		ingest(s)
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
	})
	p.extended(s, &extended{ssrc: p.header.SSRC, reference: 0xAAAA_1234_5678_AAAA})
	p.reportsUntil("metrics, a reference time and an answer to that of the far end", func(packets []rtcp.Packet) bool {
		e, ok := extendedOf(packets)
		if !ok || e.voip == nil || e.voip.Loss == 0 || len(e.delays) == 0 {
			return false
		}
		v := e.voip
		if e.ssrc != s.SSRC() || e.voipOf != p.header.SSRC || e.reference == 0 || e.delays[0].ssrc != p.header.SSRC || e.delays[0].last != 0x12345678 {
			t.Errorf("%+v", e)
		}
		if v.BurstDensity != 255./256 || v.BurstDuration != 40*time.Millisecond || v.GapDensity != 0 || v.GapDuration < 400*time.Millisecond ||
			v.Loss < 0.02 || v.Loss > 0.04 || v.R == nil || *v.R > 92 || v.ListeningMOS < v.ConversationalMOS || v.JitterLimit != DefaultJitterMax {
			t.Errorf("%+v", v)
		}
		return true
	})
	if m := s.Stats().Metrics; m.BurstDensity != 1 || m.BurstDuration != 40*time.Millisecond {
		t.Errorf("shown: %+v", m)
	}
}

// extended sends an extended report behind an empty one.
func (p *phone) extended(s *Session, e *extended) {
	p.t.Helper()
	octets, err := (&rtcp.ReceiverReport{SSRC: p.header.SSRC}).Marshal()
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.rtcp.WriteToUDPAddrPort(e.appendTo(octets), s.LocalRTCP()); err != nil {
		p.t.Fatal(err)
	}
}

// Without an agreement there are none. Those of the far end are read in any case: metrics, and round trips of who only listens.
func TestExtendedReportsOfTheFarEnd(t *testing.T) {
	s, p := call(t, newTestTransport(t, quickReports), nil)
	await := func(what string, ok func(Stats) bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); !ok(s.Stats()); <-time.After(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("waiting in vain for %s: %+v", what, s.Stats())
			}
		}
	}
	packets := p.report(p.rtcp, 10*time.Second)
	if e, ok := extendedOf(packets); ok || packets == nil {
		t.Errorf("not agreed on: %+v, %v", e, packets)
	}
	tripped := ntp(time.Now().Add(-300 * time.Millisecond))
	p.extended(s, &extended{
		ssrc: 5, voip: someMetrics(), voipOf: s.SSRC(), delays: []delayReport{{ssrc: 1, last: 1, delay: 1}, {s.SSRC(), uint32(tripped >> 16), 65536 / 10}},
	})
	await("metrics", func(stats Stats) bool { return stats.RemoteMetrics != nil })
	stats := s.Stats()
	if !reflect.DeepEqual(stats.RemoteMetrics, someMetrics()) || stats.RemoteMOS != 4.1 {
		t.Errorf("metrics %+v, score %v", stats.RemoteMetrics, stats.RemoteMOS)
	}
	if stats.RoundTrip < 200*time.Millisecond || stats.RoundTrip > 5*time.Second {
		t.Errorf("round trip %v", stats.RoundTrip)
	}
	p.extended(s, &extended{ssrc: 5, voip: &VoIPMetrics{Loss: 0.5}, voipOf: s.SSRC() + 1}) // of somebody else's media
	broken := (&extended{ssrc: 5, voip: someMetrics(), voipOf: s.SSRC()}).appendTo(nil)
	broken[8+3] = 200
	report, err := (&rtcp.ReceiverReport{SSRC: 5, Reports: []rtcp.ReceptionReport{{SSRC: s.SSRC(), FractionLost: 128}}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.rtcp.WriteToUDPAddrPort(append(report, broken...), s.LocalRTCP()); err != nil {
		t.Fatal(err)
	}
	await("the report before the broken one", func(stats Stats) bool { return stats.RemoteFraction == 0.5 && stats.Invalid == 1 })
	if v := s.Stats().RemoteMetrics; v.Loss != 0.25 {
		t.Errorf("metrics of others: %+v", v)
	}
}

// Shows ME-RCP-21. Who has left is said at once, in a packet that does not begin with a report, where that was agreed on, and only after there has been
// a report.
func TestReducedSize(t *testing.T) {
	for _, reduced := range []bool{true, false} {
		transport := newTestTransport(t, func(c *Config) { c.RTCPInterval = 2 * time.Second })
		s, p := call(t, transport, func(p *Params) { p.ReducedSize = reduced })
		s.SetContributors(map[uint32]string{77: "somebody", 78: "another"})
		s.SetContributors(map[uint32]string{77: "somebody"}) // too early
		first := p.report(p.rtcp, 10*time.Second)
		if _, ok := first[0].(*rtcp.Goodbye); ok || len(first) < 2 {
			t.Fatalf("first is %v", first)
		}
		s.SetContributors(map[uint32]string{})
		packets := p.report(p.rtcp, 10*time.Second)
		if _, ok := packets[0].(*rtcp.Goodbye); ok != reduced || !slices.Contains(goodbyes(packets), 77) {
			t.Errorf("reduced size %v: %v", reduced, packets)
		}
	}
}

// Shows that Wireshark reads extended reports as they were meant.
func TestTsharkReadsExtendedReports(t *testing.T) {
	t.Parallel()
	e := extended{ssrc: 9, reference: 0x0102030405060708, delays: []delayReport{{1, 2, 3}}, voip: someMetrics(), voipOf: 7}
	report, err := (&rtcp.ReceiverReport{SSRC: 9}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got := tshark(t, [][]byte{e.appendTo(report)}, "rtcp",
		"rtcp.pt", "rtcp.xr.bt", "rtcp.xr.dlrr", "rtcp.xr.lrr", "rtcp.xr.voipmetrics.burstdensity", "rtcp.xr.voipmetrics.gapduration",
		"rtcp.xr.voipmetrics.rtdelay", "rtcp.xr.voipmetrics.esdelay", "rtcp.xr.voipmetrics.signallevel", "rtcp.xr.voipmetrics.gmin",
		"rtcp.xr.voipmetrics.rfactor", "rtcp.xr.voipmetrics.moslq", "rtcp.xr.voipmetrics.moscq", "rtcp.xr.voipmetrics.jbabsmax", "_ws.malformed")
	if want := "201,207\t4,5,7\t3\t2\t128\t4321\t57\t61\t-18\t16\t80\t4.1\t3.9\t500\t"; got != want {
		t.Errorf("read %q, want %q", got, want)
	}
}

// tshark gives fields of packets as Wireshark reads them.
func tshark(t *testing.T, packets [][]byte, protocol string, fields ...string) string {
	t.Helper()
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 101, 0, 0, 0) // bare IP
	for i, p := range packets {
		for _, v := range []int{i, 0, 28 + len(p), 28 + len(p)} {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
		b = binary.BigEndian.AppendUint16(append(b, 0x45, 0), uint16(28+len(p)))
		b = append(b, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1)
		for _, v := range []int{5001, 4001, 8 + len(p), 0} {
			b = binary.BigEndian.AppendUint16(b, uint16(v))
		}
		b = append(b, p...)
	}
	name := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-n", "-r", name, "-d", "udp.port==4001," + protocol, "-T", "fields", "-e", strings.Join(fields, " -e ")}
	out, err := exec.CommandContext(t.Context(), "tshark", strings.Fields(strings.Join(args, " "))...).Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	return strings.TrimRight(string(out), "\n")
}

func FuzzExtendedReport(f *testing.F) {
	f.Add((&extended{ssrc: 9, reference: 5, delays: []delayReport{{1, 2, 3}}, voip: someMetrics(), voipOf: 7}).appendTo(nil))
	f.Add([]byte{0xA0, 207, 0, 2, 0, 0, 0, 9, 0, 0, 0, 4})
	f.Fuzz(func(t *testing.T, octets []byte) {
		e, ok := parseExtended(octets)
		if !ok {
			return
		}
		if v := e.voip; v != nil && (v.Loss > 1 || v.ListeningMOS > 5 || v.ConversationalMOS > 5 || v.R != nil && *v.R > 100) {
			t.Errorf("%+v", v)
		}
		if len(e.delays) < 1<<8/3 { // as many as fit into one block of ours
			if again, ok := parseExtended(e.appendTo(nil)); !ok || !reflect.DeepEqual(again.delays, e.delays) || again.reference != e.reference {
				t.Errorf("%+v becomes %+v", e, again)
			}
		}
	})
}
