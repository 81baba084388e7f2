package sipua

import (
	"errors"
	"hash/maphash"
	"net"
	"net/netip"
	"strconv"
	"testing"
)

// requestsFrom is a socket at which a good request comes from one source after the other, again and again.
type requestsFrom struct {
	net.PacketConn

	sources []net.Addr
	read    int
}

func (r *requestsFrom) ReadFrom(p []byte) (int, net.Addr, error) {
	source := r.sources[r.read%len(r.sources)]
	r.read++
	return copy(p, "OPTIONS sip:a@b SIP/2.0\r\n"+
		"Via: SIP/2.0/UDP c;branch=z9hG4bK1\r\nFrom: <sip:c@c>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"), source, nil
}

// TestSourcesThatAreKnown: the read loop of a UDP listener goes on however often two sources take turns, and begins anew when there have been too
// many different ones, because the stack keeps each.
func TestSourcesThatAreKnown(t *testing.T) {
	known := []net.Addr{udpAddr("192.0.2.1:5060"), udpAddr("192.0.2.2:5060")}
	socket := &requestsFrom{sources: known}
	listener := &udpListener{PacketConn: socket, closed: make(chan struct{}), sources: sourceSet{seed: maphash.MakeSeed()}}
	listener.limits = Limits{MaxMessageSize: 65535, MaxHeaders: 256, MaxParams: 1024}
	buffer := make([]byte, 2048)
	read := func() error {
		_, _, err := listener.ReadFrom(buffer)
		return err
	}
	for range 10_000 {
		if err := read(); err != nil {
			t.Fatal(err)
		}
	}
	if listener.sources.count > 2 {
		t.Errorf("%d sources, want 2", listener.sources.count)
	}
	for i := 0; listener.sources.count < rotateAfter-1; i++ {
		listener.sources.add(strconv.Itoa(i))
	}
	for range 2 {
		if err := read(); err != nil {
			t.Errorf("one source less than too many: %v", err)
		}
	}
	for i := 0; listener.sources.count < rotateAfter; i++ {
		listener.sources.add("more" + strconv.Itoa(i))
	}
	if err := read(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v, want %v", err, net.ErrClosed)
	}
	if err := read(); err != nil || listener.sources.count > 1 {
		t.Errorf("error %v with %d sources, want none with 1 at most", err, listener.sources.count)
	}
}

// TestSourceSet: the number of sources is about right, whatever comes how often.
func TestSourceSet(t *testing.T) {
	set := sourceSet{seed: maphash.MakeSeed()}
	const sources = 10_000
	for range 3 {
		for i := range sources {
			set.add("192.0.2.1:" + strconv.Itoa(i))
		}
	}
	if set.count > sources || set.count < sources*95/100 {
		t.Errorf("%d sources, want about %d", set.count, sources)
	}
	set.clear()
	if set.add("192.0.2.1:1"); set.count != 1 {
		t.Errorf("%d sources, want 1", set.count)
	}
}

func udpAddr(s string) net.Addr { return net.UDPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
