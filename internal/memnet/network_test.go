package memnet_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-sip/parley/internal/memnet"
)

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Datagrams arrive whole and in order with the address that they come from; those to nobody vanish; a socket has its address for itself.
func TestDatagrams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		a := must[net.PacketConn](t)(n.ListenPacket(t.Context(), "udp4", "127.0.0.1:0"))
		b := must[net.PacketConn](t)(n.ListenPacket(t.Context(), "udp4", "192.0.2.1:5060"))
		if _, err := n.ListenPacket(t.Context(), "udp4", b.LocalAddr().String()); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("an address twice: %v", err)
		}
		began := time.Now()
		time.AfterFunc(time.Hour, func() {
			for _, text := range []string{"one", "two"} {
				_, _ = a.WriteTo([]byte(text), b.LocalAddr())
				_, _ = a.WriteTo([]byte(text), &net.UDPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 5060})
			}
		})
		buffer := make([]byte, 100)
		for _, want := range []string{"one", "two"} {
			k, from, err := b.ReadFrom(buffer)
			if err != nil || string(buffer[:k]) != want || from.String() != a.LocalAddr().String() {
				t.Errorf("%q from %v: %v, want %q", buffer[:k], from, err, want)
			}
		}
		if took := time.Since(began); took != time.Hour {
			t.Errorf("read after %v", took)
		}
		mend := n.Cut(netip.MustParseAddrPort(a.LocalAddr().String()))
		_, _ = a.WriteTo([]byte("three"), b.LocalAddr())
		_, _ = b.WriteTo([]byte("four"), a.LocalAddr())
		mend()
		_, _ = b.WriteTo([]byte("five"), a.LocalAddr())
		if k, _, err := a.ReadFrom(buffer); err != nil || string(buffer[:k]) != "five" {
			t.Errorf("%q, %v has come through what was cut", buffer[:k], err)
		}
		time.AfterFunc(time.Second, func() { _ = b.Close() })
		if _, _, err := b.ReadFrom(buffer); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read from what is closed: %v", err)
		}
		must[net.PacketConn](t)(n.ListenPacket(t.Context(), "udp4", "192.0.2.1:5060"))
	})
}

// A connection carries what is written in both directions; where nobody listens there is none.
func TestConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n memnet.Network
		l := must[net.Listener](t)(n.Listen(t.Context(), "tcp4", "127.0.0.1:0"))
		near := must[net.Conn](t)(n.DialContext(t.Context(), "tcp", l.Addr().String()))
		far := must[net.Conn](t)(l.Accept())
		if near.RemoteAddr().String() != l.Addr().String() || far.RemoteAddr().String() != near.LocalAddr().String() {
			t.Errorf("%v to %v, there %v to %v", near.LocalAddr(), near.RemoteAddr(), far.LocalAddr(), far.RemoteAddr())
		}
		go func() {
			_, _ = near.Write([]byte("hello"))
			_ = near.Close()
		}()
		if got := must[[]byte](t)(io.ReadAll(far)); string(got) != "hello" {
			t.Errorf("%q", got)
		}
		waiting := must[net.Conn](t)(n.DialContext(t.Context(), "tcp", l.Addr().String()))
		_ = l.Close()
		if _, err := waiting.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("a connection that was never accepted: %v", err)
		}
		if _, err := n.DialContext(t.Context(), "tcp", l.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("nobody listens: %v", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept: %v", err)
		}
	})
}
