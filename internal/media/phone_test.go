package media

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/parley-sip/parley/codecs"
)

// phone is a far end made of plain sockets and another implementation of RTP.
type phone struct {
	t         testing.TB
	rtp, rtcp *net.UDPConn
	to        netip.AddrPort
	header    rtp.Header
}

// digitsOf collects the key presses of a session.
func digitsOf(s *Session) <-chan Digit {
	digits := make(chan Digit, digitRingSize)
	s.OnDigit(func(d Digit) { digits <- d })
	return digits
}

// newPhone opens sockets on an address of the loopback.
func newPhone(tb testing.TB, host string, to *Session) *phone {
	tb.Helper()
	p := &phone{t: tb, to: to.LocalAddr(), header: rtp.Header{Version: 2, SSRC: 0xABCD0001, SequenceNumber: 65530, Timestamp: 1<<32 - 500}}
	for _, c := range []**net.UDPConn{&p.rtp, &p.rtcp} {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), 0)))
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = conn.Close() })
		*c = conn
	}
	return p
}

func (p *phone) addr() netip.AddrPort {
	return netip.MustParseAddrPort(p.rtp.LocalAddr().String())
}

// say sends one packet and moves on.
func (p *phone) say(payloadType uint8, payload []byte, units uint32) {
	p.t.Helper()
	p.header.PayloadType = payloadType
	p.put(&rtp.Packet{Header: p.header, Payload: payload})
	p.header.SequenceNumber++
	p.header.Timestamp += units
}

func (p *phone) put(packet *rtp.Packet) {
	p.t.Helper()
	octets, err := packet.Marshal()
	if err != nil {
		p.t.Fatal(err)
	}
	p.raw(octets)
}

func (p *phone) raw(octets []byte) {
	p.t.Helper()
	if _, err := p.rtp.WriteToUDPAddrPort(octets, p.to); err != nil {
		p.t.Fatal(err)
	}
}

// hear reads what has come, until nothing comes for a while.
func (p *phone) hear(wait time.Duration) []rtp.Packet {
	p.t.Helper()
	var out []rtp.Packet
	for {
		octets := p.read(p.rtp, wait)
		if octets == nil {
			return out
		}
		var packet rtp.Packet
		if err := packet.Unmarshal(octets); err != nil {
			p.t.Fatal(err)
		}
		out = append(out, packet)
	}
}

func (p *phone) read(conn *net.UDPConn, wait time.Duration) []byte {
	p.t.Helper()
	buf := make([]byte, 2048)
	for range 2 { // on a machine that is busy the deadline may be over before there was a look at the socket
		if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
			p.t.Fatal(err)
		}
		if n, err := conn.Read(buf); err == nil {
			return buf[:n]
		}
		wait = 20 * time.Millisecond
	}
	return nil
}

// report reads the next compound packet.
func (p *phone) report(conn *net.UDPConn, wait time.Duration) []rtcp.Packet {
	p.t.Helper()
	octets := p.read(conn, wait)
	if octets == nil {
		return nil
	}
	packets, err := rtcp.Unmarshal(octets)
	if err != nil {
		p.t.Fatalf("report % x: %v", octets, err)
	}
	return packets
}

// loud is 20 ms of PCMU that cannot be taken for silence.
func loud() []byte {
	out := make([]byte, 160)
	for i := range out {
		out[i] = 0x00
		if i%16 < 8 {
			out[i] = 0x80
		}
	}
	return out
}

// call opens a session and a phone that is described in it.
func call(tb testing.TB, transport *Transport, change func(*Params)) (*Session, *phone) {
	tb.Helper()
	s := openSession(tb, transport)
	p := newPhone(tb, "127.0.0.1", s)
	params := pcmuParams(p.addr())
	params.RemoteRTCP = netip.MustParseAddrPort(p.rtcp.LocalAddr().String())
	if change != nil {
		change(&params)
	}
	if err := s.Configure(params); err != nil {
		tb.Fatal(err)
	}
	return s, p
}

// ingest runs one tick's Ingest.
func ingest(s *Session) codecs.Frame {
	var dst [codecs.MaxFrameSamples]int16
	return s.Ingest(dst[:])
}
