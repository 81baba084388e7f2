package memnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
)

// Network is one network, on which every address can be listened at. Its methods are those of net.ListenConfig and net.Dialer, and may be called
// by any goroutine. The zero value is a network on which nobody is.
type Network struct {
	mu        sync.Mutex
	sockets   map[netip.AddrPort]*socket
	listeners map[netip.AddrPort]*listener
	port      uint16 // the last that was given
	cut       map[netip.AddrPort]bool
}

const (
	firstPort = 1024
	// waiting is how many datagrams a socket holds that nobody has read; more are lost.
	waiting = 4096
	// backlog is how many connections wait to be accepted.
	backlog = 16
)

// ListenPacket opens a socket for datagrams. Port 0 stands for one that is free. Errors: EADDRINUSE, and that of an address without meaning.
func (n *Network) ListenPacket(_ context.Context, network, address string) (net.PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, err := n.place(network, address)
	if err != nil {
		return nil, err
	}
	if n.sockets[at] != nil {
		return nil, fmt.Errorf("listen %s %s: %w", network, address, syscall.EADDRINUSE)
	}
	s := &socket{network: n, at: at, queue: make(chan datagram, waiting), closed: make(chan struct{})}
	if n.sockets == nil {
		n.sockets = map[netip.AddrPort]*socket{}
	}
	n.sockets[at] = s
	return s, nil
}

// Listen opens a listener for connections; for the rest see ListenPacket.
func (n *Network) Listen(_ context.Context, network, address string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, err := n.place(network, address)
	if err != nil {
		return nil, err
	}
	if n.listeners[at] != nil {
		return nil, fmt.Errorf("listen %s %s: %w", network, address, syscall.EADDRINUSE)
	}
	l := &listener{network: n, at: at, queue: make(chan net.Conn, backlog), closed: make(chan struct{})}
	if n.listeners == nil {
		n.listeners = map[netip.AddrPort]*listener{}
	}
	n.listeners[at] = l
	return l, nil
}

// DialContext connects to a listener, from an address of its own host. What one end writes is there when the other has read it: nothing is
// buffered between. Errors: ECONNREFUSED where nobody listens, and that of ctx.
func (n *Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil, net.UnknownNetworkError(network)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", network, err)
	}
	n.mu.Lock()
	l := n.listeners[to]
	from := netip.AddrPortFrom(to.Addr(), n.free())
	n.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("dial %s %s: %w", network, address, syscall.ECONNREFUSED)
	}
	near, far := net.Pipe()
	select {
	case l.queue <- conn{far, to, from}:
		return conn{near, from, to}, nil
	case <-l.closed:
		return nil, fmt.Errorf("dial %s %s: %w", network, address, syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, fmt.Errorf("dial %s %s: %w", network, address, ctx.Err())
	}
}

// Cut has all datagrams vanish that come from an address or go to it, as when somebody has pulled the plug; mend puts it back in.
func (n *Network) Cut(at netip.AddrPort) (mend func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cut == nil {
		n.cut = map[netip.AddrPort]bool{}
	}
	n.cut[at] = true
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.cut, at)
	}
}

// socket finds who gets a datagram; nil: nobody.
func (n *Network) socket(from, to netip.AddrPort) *socket {
	n.mu.Lock()
	defer n.mu.Unlock()
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	if n.cut[from] || n.cut[to] {
		return nil
	}
	return n.sockets[to]
}

// place reads an address to listen at. n.mu is held.
func (n *Network) place(network, address string) (netip.AddrPort, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return at, fmt.Errorf("listen %s: %w", network, err)
	}
	if at.Port() == 0 {
		at = netip.AddrPortFrom(at.Addr(), n.free())
	}
	return at, nil
}

// free gives a port that nobody has. n.mu is held.
func (n *Network) free() uint16 {
	n.port = max(n.port+1, firstPort)
	for n.taken() {
		n.port = max(n.port+1, firstPort)
	}
	return n.port
}

// taken tells whether anybody has the port that would be given. n.mu is held.
func (n *Network) taken() bool {
	for at := range n.sockets {
		if at.Port() == n.port {
			return true
		}
	}
	for at := range n.listeners {
		if at.Port() == n.port {
			return true
		}
	}
	return false
}

// errNoDeadline says that reading from a socket has none.
var errNoDeadline = errors.New("memnet: a socket has no deadlines")
