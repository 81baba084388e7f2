package sipua

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/sys/unix"
)

// The transports.
const (
	overUDP = "udp"
	overTCP = "tcp"
	overTLS = "tls"
	overWS  = "ws"
	overWSS = "wss"
)

// stackTransport is what the stack believes every connection to be. It keeps
// them by their remote address; framing, TLS and WebSocket are done here.
const stackTransport = "TCP"

// secure tells which transports are encrypted.
func secure(transport string) bool { return transport == overTLS || transport == overWSS }

// reliable tells which transports are connections.
func reliable(transport string) bool { return transport != overUDP }

// handshakeTimeout is how long TLS and the upgrade to WebSocket may take.
const handshakeTimeout = 5 * time.Second

// streamInfo is what is known about a connection.
type streamInfo struct {
	transport string
	local     netip.AddrPort
	remote    netip.AddrPort
	// names are the domains that the peer has proved to be, by its certificate.
	names []string
	// domain and certificate are those that we connected for and with.
	domain, certificate string
	dialed              bool // by us
	since               time.Time
}

// way is how a connection that we made is made again.
func (i *streamInfo) way() target {
	return target{transport: i.transport, addr: i.remote, domain: i.domain, certificate: i.certificate}
}

// streamTable knows all connections: by the address under which the stack has
// them, and by what they may be used for. It is safe for concurrent use.
type streamTable struct {
	mu    sync.Mutex
	byKey map[netip.AddrPort]*framedConn
	alias map[netip.AddrPort]netip.AddrPort // where peers want to be reached (RFC 5923)
	next  uint64
}

func newStreamTable() *streamTable {
	return &streamTable{byKey: map[netip.AddrPort]*framedConn{}, alias: map[netip.AddrPort]netip.AddrPort{}}
}

// add gives a connection its key. A connection that we made for a domain gets an
// address of the discard prefix (RFC 6666) instead of its own: there may be
// several to one address, for different domains or with different
// certificates, and the stack would take one for the other.
func (t *streamTable) add(conn *framedConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	conn.key = conn.info.remote
	if conn.info.domain != "" {
		t.next++
		address := [16]byte{0: 1}
		binary.BigEndian.PutUint64(address[8:], t.next)
		conn.key = netip.AddrPortFrom(netip.AddrFrom16(address), conn.info.remote.Port())
	}
	t.byKey[conn.key] = conn
}

func (t *streamTable) remove(conn *framedConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byKey[conn.key] == conn {
		delete(t.byKey, conn.key)
	}
	for _, address := range conn.aliases {
		if t.alias[address] == conn.key {
			delete(t.alias, address)
		}
	}
}

// get finds a connection by its key.
func (t *streamTable) get(key netip.AddrPort) (*framedConn, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	conn, ok := t.byKey[key]
	return conn, ok
}

// find finds a connection over which a request may be sent to a target: the one
// that was dialed for the same domain with the same certificate, or one whose
// peer has proved to be that domain and has asked to be reached over it (RFC
// 5923, section 5).
func (t *streamTable) find(to target) (*framedConn, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if to.conn.IsValid() {
		conn, ok := t.byKey[to.conn]
		return conn, ok
	}
	if !secure(to.transport) {
		conn, ok := t.byKey[to.addr]
		return conn, ok && conn.info.transport == to.transport
	}
	if key, ok := t.alias[to.addr]; ok {
		if conn := t.byKey[key]; conn != nil && conn.info.transport == to.transport && slices.Contains(conn.info.names, strings.ToLower(to.domain)) {
			return conn, true
		}
	}
	for _, conn := range t.byKey {
		i := conn.info
		if i.domain == to.domain && i.domain != "" && i.remote == to.addr && i.transport == to.transport && i.certificate == to.certificate {
			return conn, true
		}
	}
	return nil, false
}

// maxAliases bounds what one connection can make us remember.
const maxAliases = 4

// offer notes that the peer of a connection wants to be reached over it at the
// address of its Via. Only who has shown a certificate is believed.
func (t *streamTable) offer(key netip.AddrPort, port int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	conn := t.byKey[key]
	if conn == nil || len(conn.info.names) == 0 || port <= 0 || port > 65535 {
		return
	}
	address := netip.AddrPortFrom(conn.info.remote.Addr(), uint16(port))
	if t.alias[address] == key || len(conn.aliases) >= maxAliases {
		return
	}
	t.alias[address] = key
	conn.aliases = append(conn.aliases, address)
}

// all returns the connections that are open now.
func (t *streamTable) all() []*framedConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]*framedConn, 0, len(t.byKey))
	for _, conn := range t.byKey {
		list = append(list, conn)
	}
	return list
}

// streamOf finds our connection behind one of the stack.
func streamOf(conn sip.Connection) *framedConn {
	if outer, ok := conn.(*sip.TCPConnection); ok {
		if framed, ok := outer.Conn.(*framedConn); ok {
			return framed
		}
	}
	return nil
}

// realSource is where a message came from that the stack knows by a key.
func (a *Agent) realSource(source string) netip.AddrPort {
	address, err := netip.ParseAddrPort(source)
	if err != nil {
		return netip.AddrPort{}
	}
	address = unmap(address)
	if conn, ok := a.streams.get(address); ok {
		return conn.info.remote
	}
	return address
}

// countedConn is a connection that was accepted; closing it makes room for
// another one.
type countedConn struct {
	net.Conn

	once    sync.Once
	onClose func()
}

// Close closes the connection.
func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.onClose)
	return err //nolint:wrapcheck // a connection passes errors through
}

// connLimiter bounds the connections that others may hold, together and from one
// address. It is safe for concurrent use.
type connLimiter struct {
	mu        sync.Mutex
	total     int
	bySource  map[netip.Addr]int
	max, each int
	refused   uint64
}

func newConnLimiter(limits Limits) *connLimiter {
	return &connLimiter{bySource: map[netip.Addr]int{}, max: limits.MaxConnections, each: limits.MaxConnectionsPerSource}
}

const (
	// sendBuffer is what the system may keep of what a peer does not read: some messages of the greatest size. By itself it keeps megabytes.
	sendBuffer = 128 << 10
	// readWithin is how long a peer may leave unacknowledged what it was sent. A peer that asks and does not read can also get stuck between
	// the two systems, where no write of ours waits.
	readWithin = 15 * time.Second
)

// bound sets that for a connection. Both are wishes.
func bound(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	_ = tcp.SetWriteBuffer(sendBuffer)
	if raw, err := tcp.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(readWithin.Milliseconds()))
		})
	}
}

// admit counts a connection, or closes it.
func (l *connLimiter) admit(conn net.Conn) (net.Conn, bool) {
	source := addrPortOf(conn.RemoteAddr()).Addr()
	l.mu.Lock()
	full := l.total >= l.max || l.bySource[source] >= l.each
	if full {
		l.refused++
	} else {
		l.total++
		l.bySource[source]++
	}
	l.mu.Unlock()
	if full {
		_ = conn.Close()
		return nil, false
	}
	bound(conn)
	return &countedConn{Conn: conn, onClose: func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.total--
		if l.bySource[source]--; l.bySource[source] == 0 {
			delete(l.bySource, source)
		}
	}}, true
}

// counts returns how many are open and how many were refused.
func (l *connLimiter) counts() (open int, refused uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total, l.refused
}
