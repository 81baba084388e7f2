package media

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// What comes is kept with its time until somebody looks, and an empty socket does not wait.
func TestQuietSocket(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		q, err := OpenQuietSocket(netip.AddrPortFrom(netip.MustParseAddr(host), 0))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(q.Close)
		buf := make([]byte, 8)
		if _, _, _, ok := q.Receive(buf); ok {
			t.Error("a packet out of nothing")
		}
		peer, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(q.LocalAddr()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = peer.Close() })
		before := time.Now()
		for _, text := range []string{"one", "too long for it", "two"} {
			if _, err := peer.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		after := time.Now()
		for _, want := range []string{"one", "two"} {
			n, from, at, ok := q.Receive(buf)
			if !ok || string(buf[:n]) != want || net.UDPAddrFromAddrPort(from).String() != peer.LocalAddr().String() {
				t.Errorf("%q from %v, %v", buf[:n], from, ok)
			}
			const slack = 5 * time.Millisecond // the system's clock and ours are read one after the other
			if at.Before(before.Add(-slack)) || at.After(after.Add(slack)) {
				t.Errorf("it came at %v, not from %v to %v", at, before, after)
			}
		}
		if !q.Send([]byte("back"), netip.MustParseAddrPort(peer.LocalAddr().String())) {
			t.Error("nothing was sent")
		}
		if n, err := peer.Read(buf); err != nil || string(buf[:n]) != "back" {
			t.Errorf("%q, %v", buf[:n], err)
		}
		if q.Send([]byte("nowhere"), netip.AddrPort{}) || q.Send(nil, q.LocalAddr()) {
			t.Error("sent nothing, or to nowhere")
		}
	}
}
