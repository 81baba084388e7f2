package sipua

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"
)

// rotateAfter is after how many sources the read loop of a UDP listener is
// started anew, because the stack remembers each of them for as long as the
// loop runs. A request that is being handled in that moment is answered from
// another port, so this is far above what a site has.
const rotateAfter = 1 << 18

// sourceSet counts about how many different sources there were, in 64 KiB
// whatever their number: two whose hashes are the same are counted once, which
// of 2^18 makes 362 thousand.
type sourceSet struct {
	seed  maphash.Seed
	seen  [rotateAfter * 2 / 64]uint64
	count int
}

// add counts source unless it was there before.
func (s *sourceSet) add(source string) {
	bit := maphash.String(s.seed, source) % (rotateAfter * 2)
	if word := &s.seen[bit/64]; *word&(1<<(bit%64)) == 0 {
		*word |= 1 << (bit % 64)
		s.count++
	}
}

// clear forgets all sources.
func (s *sourceSet) clear() {
	clear(s.seen[:])
	s.count = 0
}

// udpListener is a UDP socket whose ReadFrom delivers only what has passed
// precheck.
type udpListener struct {
	net.PacketConn

	addr   netip.AddrPort
	limits Limits
	refuse func(status int, data []byte) []byte
	closed <-chan struct{} // from then on nothing is delivered

	// Only the read loop touches these.
	last    string
	sources sourceSet
}

// ReadFrom delivers the next datagram that is worth parsing.
func (l *udpListener) ReadFrom(p []byte) (int, net.Addr, error) {
	if l.sources.count >= rotateAfter {
		l.sources.clear()
		return 0, nil, net.ErrClosed // ends the loop, not the socket
	}
	failures := 0
	for {
		runtime.Gosched() // what was read before goes first (ADR 88)
		n, source, err := l.PacketConn.ReadFrom(p)
		if err != nil {
			failures++
			if errors.Is(err, net.ErrClosed) || failures > 100 {
				return 0, nil, err //nolint:wrapcheck // the reader looks for net.ErrClosed
			}
			continue
		}
		failures = 0
		select {
		case <-l.closed:
			continue
		default:
		}
		switch what, status := precheck(p[:n], l.limits, false); what {
		case pass:
			if from := source.String(); from != l.last {
				l.last = from
				l.sources.add(from)
			}
			return n, source, nil
		case reject:
			if answer := l.refuse(status, p[:n]); answer != nil {
				_, _ = l.WriteTo(answer, source)
			}
		case drop:
		}
	}
}

// connListener is the one net.Listener that the stack serves: all
// connections come through it, accepted ones and dialed ones.
type connListener struct {
	addr   net.Addr
	conns  chan net.Conn
	turn   chan struct{} // holds a token while Accept waits
	push1  sync.Mutex    // one connection at a time
	closed chan struct{}
	once   sync.Once
}

func newConnListener(addr net.Addr) *connListener {
	return &connListener{addr: addr, conns: make(chan net.Conn), turn: make(chan struct{}, 1), closed: make(chan struct{})}
}

// Accept delivers the next connection. That it is called means that the stack
// has registered the one before.
func (l *connListener) Accept() (net.Conn, error) {
	select {
	case l.turn <- struct{}{}:
	default:
	}
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (l *connListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is that of the first listener for connections.
func (l *connListener) Addr() net.Addr { return l.addr }

// push hands a connection to the stack and returns when it can be found there.
func (l *connListener) push(conn net.Conn) error {
	l.push1.Lock()
	defer l.push1.Unlock()
	select {
	case <-l.turn:
	case <-l.closed:
		return ErrClosed
	}
	select {
	case l.conns <- conn:
	case <-l.closed:
		return ErrClosed
	}
	select {
	case <-l.turn:
		l.turn <- struct{}{}
		return nil
	case <-l.closed:
		return ErrClosed
	}
}

// freePort is a port that was free for UDP or for connections, and may be so for
// the other.
type freePort struct {
	addr netip.Addr
	udp  bool
}

// streamListener is a listener for connections.
type streamListener struct {
	net.Listener

	transport string
	addr      netip.AddrPort
}

// samePortTries is how often listeners are opened anew because a port that was free for one of them was taken for another. Somebody else has a
// random port of one protocol without having it of the other; that this happens so often in a row means that there are hardly any left.
const samePortTries = 20

// opener opens a listener and returns its port.
type opener func(ctx context.Context, transport string, addr netip.AddrPort) (uint16, error)

// openListeners opens everything that is configured. Where udp and tcp, or
// others, of the same host both have port 0 they get the same port, if that is possible.
func (a *Agent) openListeners(ctx context.Context, open opener) error {
	for try := 1; ; try++ {
		apart, err := a.openAll(ctx, open)
		if err != nil || !apart || try == samePortTries {
			return err
		}
		a.closeListeners()
		a.udp, a.listeners = nil, nil
	}
}

// openAll opens everything once. It reports whether there are two that should have had the same port, and have not.
func (a *Agent) openAll(ctx context.Context, open opener) (apart bool, err error) {
	free := map[freePort]uint16{}
	for _, s := range a.config.Listen {
		listen, err := parseListen(s)
		if err != nil {
			return false, err
		}
		addr := listen.addr
		same := freePort{addr: addr.Addr(), udp: listen.transport == overUDP}
		if addr.Port() == 0 {
			addr = netip.AddrPortFrom(addr.Addr(), free[same])
		}
		port, err := open(ctx, listen.transport, addr)
		if err != nil && listen.addr.Port() == 0 && addr.Port() != 0 {
			apart = true
			port, err = open(ctx, listen.transport, listen.addr)
		}
		if err != nil {
			return false, err
		}
		if listen.addr.Port() == 0 {
			same.udp = !same.udp
			if _, taken := free[same]; !taken {
				free[same] = port
			}
		}
	}
	return apart, nil
}

// openListener opens one listener and returns its port.
func (a *Agent) openListener(ctx context.Context, transport string, addr netip.AddrPort) (uint16, error) {
	network := "tcp"
	if transport == overUDP {
		network = "udp"
	}
	if network += "4"; addr.Addr().Is6() {
		network = network[:len(network)-1] + "6"
	}
	if transport == overUDP {
		conn, err := a.config.Network.ListenPacket(ctx, network, addr.String())
		if err != nil {
			return 0, fmt.Errorf("listen on udp %s: %w", addr, err)
		}
		if udp, ok := conn.(*net.UDPConn); ok {
			widen(udp)
		}
		listener := &udpListener{
			PacketConn: conn, addr: addrPortOf(conn.LocalAddr()), limits: a.config.Limits, refuse: a.refuseRaw, closed: a.closed,
			sources: sourceSet{seed: maphash.MakeSeed()},
		}
		a.udp = append(a.udp, listener)
		return listener.addr.Port(), nil
	}
	listener, err := a.config.Network.Listen(ctx, network, addr.String())
	if err != nil {
		return 0, fmt.Errorf("listen on %s %s: %w", transport, addr, err)
	}
	bound := addrPortOf(listener.Addr())
	a.listeners = append(a.listeners, &streamListener{Listener: listener, transport: transport, addr: bound})
	return bound.Port(), nil
}

// serve starts the read and accept loops.
func (a *Agent) serve() {
	for _, listener := range a.udp {
		a.wait.Go(func() {
			for !a.isClosed() {
				if err := a.transport.ServeUDP(listener); err != nil {
					return
				}
			}
		})
	}
	var addr net.Addr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
	if len(a.listeners) > 0 {
		addr = a.listeners[0].Addr()
	}
	a.conns = newConnListener(addr)
	a.wait.Go(func() { _ = a.transport.ServeTCP(a.conns) })
	for _, listener := range a.udp {
		for !a.bound(listener) {
			if !a.pause(time.Millisecond) {
				return
			}
		}
	}
	for _, listener := range a.listeners {
		if listener.transport == overWS || listener.transport == overWSS {
			a.serveWebSocket(listener)
			continue
		}
		a.wait.Go(func() { a.accept(listener) })
	}
}

// bound reports whether the stack knows a UDP listener, so that requests are sent
// from it.
func (a *Agent) bound(listener *udpListener) bool {
	conn, err := a.transport.GetConnection("udp", listener.addr.String())
	if err != nil {
		return false
	}
	_, _ = conn.TryClose() // gives back the reference
	return true
}
