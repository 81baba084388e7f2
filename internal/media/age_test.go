package media

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"golang.org/x/sys/unix"

	"github.com/parley-sip/parley/codecs"
)

const ms = time.Millisecond

// A stand is where a recorded stream goes: it keeps all that comes.
type stand struct {
	rtp, rtcp socket
	packets   []packet
	payloads  [][]byte
	reports   []rtcp.SenderReport
	before    []int // how many packets there were when a report came
}

// newStand opens one, to which a session sends from now on.
func newStand(t *testing.T, s *Session) *stand {
	t.Helper()
	d, p := &stand{}, pcmuParams(netip.AddrPort{})
	for socket, remote := range map[*socket]*netip.AddrPort{&d.rtp: &p.Remote, &d.rtcp: &p.RemoteRTCP} {
		opened, err := openSocket(netip.MustParseAddrPort("127.0.0.1:0"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(opened.close)
		name, err := unix.Getsockname(opened.fd)
		if err != nil {
			t.Fatal(err)
		}
		*socket = opened
		*remote = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(name.(*unix.SockaddrInet4).Port)) //nolint:forcetypeassert // of IPv4
	}
	p.Receiving, p.Receive = false, nil
	if err := s.Configure(p); err != nil {
		t.Fatal(err)
	}
	return d
}

// read takes what has come.
func (d *stand) read(t *testing.T) {
	t.Helper()
	var buffer [scratchSize]byte
	var r received
	for d.rtcp.receive(buffer[:], &r) == 0 {
		all, err := rtcp.Unmarshal(buffer[:r.size])
		if err != nil {
			t.Fatal(err)
		}
		if report, ok := all[0].(*rtcp.SenderReport); ok {
			d.reports, d.before = append(d.reports, *report), append(d.before, len(d.packets))
		}
	}
	for d.rtp.receive(buffer[:], &r) == 0 {
		var p packet
		if !p.parse(buffer[:r.size], 0) {
			t.Fatalf("no packet: % x", buffer[:r.size])
		}
		d.payloads, d.packets = append(d.payloads, slices.Clone(p.payload)), append(d.packets, p)
	}
}

// captured is when the first sample of a packet was captured by the report that had come last when it came, or else by the first one; in NTP time.
func (d *stand) captured(i int) time.Duration {
	r := d.reports[0]
	for n, before := range d.before {
		if before <= i {
			r = d.reports[n]
		}
	}
	ntp := time.Duration(r.NTPTime>>32)*time.Second + time.Duration(r.NTPTime&0xffffffff*uint64(time.Second)>>32)
	return ntp + time.Duration(int32(d.packets[i].timestamp-r.RTPTime))*time.Second/8000
}

// A caller in a room that is recorded in separate streams.
type recordedCaller struct {
	name             string
	source, recorded *Session
	stand            *stand
	flights          []flight
	phase            time.Duration // when his first packet left
	drift            float64
	most             time.Duration   // that he may be off,
	off              int             // but for so many claps
	told             []time.Duration // ages, one after the other
}

func newRecordedCaller(t *testing.T, transport *Transport) *recordedCaller {
	t.Helper()
	c := &recordedCaller{source: openSession(t, transport), recorded: openSession(t, transport)}
	p := pcmuParams(netip.MustParseAddrPort("127.0.0.1:9"))
	p.Send = false
	if err := c.source.Configure(p); err != nil {
		t.Fatal(err)
	}
	c.source.in.source.started = true
	c.recorded.Recount(c.source)
	c.stand = newStand(t, c.recorded)
	return c
}

// tick hears what has come, and sends it on.
func (c *recordedCaller) tick(t *testing.T, begin, due time.Duration) {
	t.Helper()
	for len(c.flights) > 0 && c.flights[0].arrival <= due {
		p := c.flights[0].packet
		p.codec = codecs.PCMU
		c.source.in.player.jitter.push(p, begin+c.flights[0].arrival)
		c.flights = c.flights[1:]
	}
	var pcm [codecs.MaxFrameSamples]int16
	var payload [160]byte
	f := c.source.Ingest(pcm[:])
	encoder, err := codecs.NewEncoder(codecs.Format{Codec: codecs.PCMU})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := encoder.Encode(payload[:], pcm[:f.Samples]); err != nil {
		t.Fatal(err)
	}
	p := codecs.Packet{Payload: payload[:], Samples: 160, Due: time.Hour + due}
	c.source.Emit(&p)
	c.recorded.Emit(&p)
	if age := c.source.age.time(); age != 0 && (len(c.told) == 0 || age != c.told[len(c.told)-1]) {
		c.told = append(c.told, age)
	}
	c.stand.read(t)
}

// clapPackets is how many packets there are from one clap to the next.
const clapPackets = 50

// claps is a payload of silence, but for one of each second, which is loud and known again.
func claps(i int) []byte {
	if i%clapPackets == clapPackets/2 {
		return slices.Repeat([]byte{byte(0x80 + i/clapPackets%16)}, 160)
	}
	return slices.Repeat([]byte{0xFF}, 160)
}

// check looks where claps are by the reports.
func (c *recordedCaller) check(t *testing.T, begin time.Duration) {
	t.Helper()
	d, epoch := c.stand, c.recorded.transport.epoch
	zero := time.Duration(epoch.Unix()+ntpOffset)*time.Second + time.Duration(epoch.Nanosecond()) + begin
	if len(d.reports) == 0 {
		t.Fatalf("%s: no report", c.name)
	}
	found, off := 0, 0
	for i := range d.packets {
		if i > 0 && d.packets[i].timestamp-d.packets[i-1].timestamp != 160 {
			t.Errorf("%s: packet %d is %d units after the one before", c.name, i, d.packets[i].timestamp-d.packets[i-1].timestamp)
		}
		at := d.captured(i) - zero - c.phase
		second := int(at / time.Second)
		n := second*clapPackets + clapPackets/2
		if at < 0 || !slices.Equal(claps(n), d.payloads[i]) || i > 0 && slices.Equal(d.payloads[i-1], d.payloads[i]) {
			continue
		}
		found++
		if by := at - time.Duration(float64(n)*float64(tick)/(1+c.drift)); by.Abs() > c.most {
			t.Logf("%s: the clap of second %d is %v off; told %v", c.name, second, by, c.told)
			off++
		}
	}
	if off > c.off {
		t.Errorf("%s: %d claps are off", c.name, off)
	}
	if want := len(d.packets) / clapPackets; found < want-1 {
		t.Errorf("%s: %d claps of %d are there", c.name, found, want)
	}
}

// Shows RQ-023. Callers whose packets leave at times of their own, with jitter; of one what comes first is late, in a burst, another has a packet so late that his
// buffer becomes a frame deeper, and later less deep again, and the clocks of two are wrong, so that in the course of the call a frame is left out, or made up. In their
// streams everything is when they said it, to 1 ms, or 4 ms where clocks are 100 ppm off. Timestamps are those of the ticks all the while.
func TestSeparateStreamsAgree(t *testing.T) { synctest.Test(t, testSeparateStreamsAgree) }

func testSeparateStreamsAgree(t *testing.T) {
	const length, lateOne, burst = 150 * time.Second, 155, 300 * time.Millisecond
	transport := newTestTransport(t, nil)
	callers := make([]*recordedCaller, 0, 7)
	for i, call := range []struct {
		name  string
		phase time.Duration
		drift float64
		most  time.Duration // that he may be off,
		off   int           // but for so many claps: the first, while too little had come; one just before which a frame was made up, for a clock that is slow
	}{
		{"in step", 0, 0, ms, 0},
		{"with a phase", 6 * ms, 0, ms, 0},
		{"whose buffer changes", 11 * ms, 0, ms, 0},
		{"late at first", 17 * ms, 0, ms, 0},
		{"silent in pauses", 4 * ms, 0, ms, 1},
		{"with a fast clock", 8 * ms, 100e-6, 4 * ms, 0},
		{"with a slow clock", 7 * ms, -100e-6, 4 * ms, 1},
	} {
		n := newNetwork(uint64(i))
		n.delay, n.jitter, n.drift = 0, 2*ms, call.drift
		flights, _ := n.fly(length, func(k, _ int) []byte { return claps(k) })
		for k := range flights {
			flights[k].arrival += call.phase
			if call.name == "late at first" {
				flights[k].arrival = max(flights[k].arrival, burst)
			}
		}
		if call.name == "silent in pauses" { // but for what is next to the clap
			first := flights[0].packet.timestamp
			flights = slices.DeleteFunc(flights, func(f flight) bool {
				k := int(f.packet.timestamp-first) / 160 % clapPackets
				return k < clapPackets/2-5 || k > clapPackets/2+5
			})
		}
		if call.name == "whose buffer changes" {
			flights[lateOne].arrival += 14 * ms
		}
		c := newRecordedCaller(t, transport)
		c.name, c.flights, c.phase, c.drift, c.most, c.off = call.name, flights, call.phase, call.drift, call.most, call.off
		callers = append(callers, c)
	}
	begin := time.Since(transport.epoch)
	for due := time.Duration(0); due < length; due += tick {
		<-time.After(begin + due - time.Since(transport.epoch))
		for _, c := range callers {
			c.tick(t, begin, due)
		}
	}
	for _, c := range callers {
		c.check(t, begin)
	}
	for name, changes := range map[string]int{"in step": 1, "silent in pauses": 1, "with a phase": 1, "whose buffer changes": 3} {
		for _, c := range callers {
			if c.name == name && len(c.told) != changes {
				t.Errorf("%s: told %v", name, c.told)
			}
		}
	}
}
