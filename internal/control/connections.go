package control

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// streamBuffer is what the system may keep of what the reader of an event stream does not take. By itself it keeps megabytes for each.
	streamBuffer = 128 << 10
	// refusalPause is the least time between two lines of the log about connections that were refused.
	refusalPause = 10 * time.Second
)

// tooMany is what a connection beyond the limit gets, whatever it was going to ask.
const tooMany = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// connections is a listener that bounds how many clients there are at once, in all and from one address: each takes a descriptor and memory, which calls need
// as well. It is safe for concurrent use.
type connections struct {
	net.Listener

	most int // 0: any number; a single address may have half of them
	log  *slog.Logger

	mu       sync.Mutex
	total    int
	bySource map[netip.Addr]int
	refused  uint64
	told     time.Time // when the log said so last
}

func bounded(listener net.Listener, most int, log *slog.Logger) *connections {
	return &connections{Listener: listener, most: most, log: log, bySource: map[netip.Addr]int{}}
}

// Accept implements net.Listener.
func (c *connections) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // http.Server wants to know it as it is
		}
		tcp, ok := conn.(*net.TCPConn)
		if !ok {
			return conn, nil
		}
		if held := c.admit(tcp); held != nil {
			return held, nil
		}
	}
}

// admit counts a connection, or refuses it.
func (c *connections) admit(conn *net.TCPConn) net.Conn {
	source := sourceOf(conn.RemoteAddr())
	c.mu.Lock()
	full := c.most > 0 && (c.total >= c.most || c.bySource[source] >= max(1, c.most/2))
	tell := false
	if full {
		c.refused++
		tell = time.Since(c.told) >= refusalPause
	} else {
		c.total++
		c.bySource[source]++
	}
	if tell {
		c.told = time.Now()
	}
	total, refused := c.total, c.refused
	c.mu.Unlock()
	if tell {
		c.log.Warn("HTTP connections are refused", slog.String("source", source.String()), slog.Int("open", total), slog.Uint64("refused", refused), slog.Int("limit", c.most))
	}
	if full {
		_, _ = conn.Write([]byte(tooMany)) // fits into what the system keeps; whoever has gone misses nothing
		_ = conn.Close()
		return nil
	}
	return &heldConn{TCPConn: conn, release: sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.total--
		if c.bySource[source]--; c.bySource[source] == 0 {
			delete(c.bySource, source)
		}
	})}
}

// counts gives how many are open, and how many were refused.
func (c *connections) counts() (open int, refused uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total, c.refused
}

// heldConn is a connection that counts until it is closed.
type heldConn struct {
	*net.TCPConn

	release func()
}

// Close implements net.Conn.
func (c *heldConn) Close() error {
	err := c.TCPConn.Close()
	c.release()
	return err //nolint:wrapcheck // a connection passes errors through
}

// streaming prepares a connection for a stream that may last for ever: what is sent is not kept for long for a reader that takes nothing, and one that has vanished is noticed. Both are
// wishes.
func (c *heldConn) streaming() {
	_ = c.SetWriteBuffer(streamBuffer)
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(writeLimit.Milliseconds()))
		})
	}
}

// sourceOf is the address of a client.
func sourceOf(addr net.Addr) netip.Addr {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}
