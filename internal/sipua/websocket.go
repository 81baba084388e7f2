package sipua

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// subprotocol is that of SIP over WebSocket (RFC 7118, section 4.1).
const subprotocol = "sip"

const (
	// pingEvery is how often a WebSocket client is asked whether it is still there
	// (RFC 7118, section 6), and pongTimeout how long it may take to answer.
	pingEvery   = 30 * time.Second
	pongTimeout = 15 * time.Second
	// maxUpgradeHeader is the size of the HTTP request for an upgrade.
	maxUpgradeHeader = 16 << 10
)

// serveWebSocket takes upgrades on a listener.
func (a *Agent) serveWebSocket(listener *streamListener) {
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.upgrade(w, r, listener.transport) }),
		ReadHeaderTimeout: handshakeTimeout, ReadTimeout: handshakeTimeout, WriteTimeout: handshakeTimeout, IdleTimeout: handshakeTimeout,
		MaxHeaderBytes: maxUpgradeHeader, ErrorLog: slog.NewLogLogger(stackLogger(a.log).Handler(), slog.LevelWarn),
	}
	if listener.transport == overWSS {
		server.TLSConfig = a.serverTLS("http/1.1")
	}
	limited := &limitedListener{Listener: listener, limiter: a.limiter}
	a.wait.Go(func() {
		if server.TLSConfig != nil {
			_ = server.ServeTLS(limited, "", "") // until the listener is closed
			return
		}
		_ = server.Serve(limited)
	})
	context.AfterFunc(a.life, func() { _ = server.Close() })
}

// limitedListener accepts only as many connections as it may.
type limitedListener struct {
	net.Listener

	limiter *connLimiter
}

// Accept delivers the next connection that is within the limits.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // the server looks for net.ErrClosed
		}
		if counted, ok := l.limiter.admit(conn); ok {
			return counted, nil
		}
	}
}

// upgrade makes a WebSocket of an HTTP request (RFC 7118, section 4). Pages of
// other sites may not use the credentials of a browser here: their Origin has to
// be one that is configured (RFC 6455, section 10.2).
func (a *Agent) upgrade(w http.ResponseWriter, r *http.Request, transport string) {
	if !offersSIP(r.Header) {
		http.Error(w, "this is a SIP server: Sec-WebSocket-Protocol must be sip", http.StatusBadRequest)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, OriginPatterns: a.config.Origins, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		a.log.DebugContext(r.Context(), "no WebSocket was made", slog.String("source", r.RemoteAddr), slog.Any("error", err))
		return
	}
	info := streamInfo{transport: transport}
	if address, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		info.remote = unmap(address)
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		info.local = addrPortOf(local)
	}
	if r.TLS != nil {
		info.names = peerNames(*r.TLS)
	}
	socket := newSocketConn(a.life, conn, info, a.config.Limits.MaxMessageSize)                 //nolint:contextcheck // outlives the request
	if !a.spawn(func() { socket.ping() }) || !a.spawn(func() { a.admitStream(socket, info) }) { //nolint:contextcheck // outlives the request
		_ = socket.Close()
	}
}

func offersSIP(headers http.Header) bool {
	for _, value := range headers.Values("Sec-Websocket-Protocol") {
		if slices.Contains(splitList(value), subprotocol) {
			return true
		}
	}
	return false
}

// socketConn is a WebSocket as a connection: each WebSocket message is a SIP
// message in full (RFC 7118, section 5), and fragments, pings and closing are the
// library's.
type socketConn struct {
	socket  *websocket.Conn
	info    streamInfo
	life    context.Context //nolint:containedctx // what net.Conn has no argument for
	end     context.CancelFunc
	pending []byte

	mu       sync.Mutex
	deadline time.Time
}

func newSocketConn(parent context.Context, socket *websocket.Conn, info streamInfo, limit int) *socketConn {
	life, end := context.WithCancel(parent)
	socket.SetReadLimit(int64(limit))
	return &socketConn{socket: socket, info: info, life: life, end: end}
}

// Read delivers the next message or the rest of one. It is called by one
// goroutine.
func (c *socketConn) Read(p []byte) (int, error) {
	if len(c.pending) == 0 {
		c.mu.Lock()
		deadline := c.deadline
		c.mu.Unlock()
		ctx, cancel := c.life, context.CancelFunc(func() {})
		if !deadline.IsZero() {
			ctx, cancel = context.WithDeadline(c.life, deadline)
		}
		_, message, err := c.socket.Read(ctx)
		cancel()
		switch {
		case websocket.CloseStatus(err) != -1, c.life.Err() != nil:
			return 0, io.EOF
		case err != nil:
			return 0, fmt.Errorf("WebSocket: %w", err)
		}
		c.pending = withLength(message)
	}
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

// withLength gives a message the length that a stream needs and a WebSocket
// message has anyway. What follows the body is dropped.
func withLength(message []byte) []byte {
	end := bytes.Index(message, []byte("\r\n\r\n"))
	if end <= 0 {
		return message
	}
	body := message[end+4:]
	lengths := splitMessage(message[:end+4]).values("Content-Length")
	if len(lengths) == 0 {
		return slices.Concat(message[:end], []byte("\r\nContent-Length: "+strconv.Itoa(len(body))), message[end:])
	}
	n, err := strconv.ParseUint(lengths[0], 10, 31)
	switch {
	case err != nil || len(lengths) > 1:
	case int(n) < len(body):
		return message[:end+4+int(n)]
	case int(n) > len(body):
		// It does not go on in the next one. A length that cannot be read is what
		// the framing answers with 400.
		return slices.Concat(message[:end], []byte("\r\nContent-Length: ?"), message[end:])
	}
	return message
}

// Write sends one message. A peer that does not read is given up after
// writeTimeout.
func (c *socketConn) Write(p []byte) (int, error) {
	ctx, cancel := context.WithTimeout(c.life, writeTimeout)
	defer cancel()
	kind := websocket.MessageText
	if !utf8.Valid(p) {
		kind = websocket.MessageBinary
	}
	if err := c.socket.Write(ctx, kind, p); err != nil {
		return 0, fmt.Errorf("WebSocket: %w", err)
	}
	return len(p), nil
}

// ping asks the peer whether it is there, until the end of the connection.
func (c *socketConn) ping() {
	timer := time.NewTicker(pingEvery)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			ctx, cancel := context.WithTimeout(c.life, pongTimeout)
			err := c.socket.Ping(ctx)
			cancel()
			if err != nil {
				_ = c.Close()
				return
			}
		case <-c.life.Done():
			return
		}
	}
}

// Close closes the connection without waiting for the peer.
func (c *socketConn) Close() error {
	c.end()
	if err := c.socket.CloseNow(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("WebSocket: %w", err)
	}
	return nil
}

// LocalAddr is our end of the connection.
func (c *socketConn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.info.local) }

// RemoteAddr is the peer's end.
func (c *socketConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.info.remote) }

// SetDeadline sets that of reading; writing has one of its own.
func (c *socketConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline holds for the next Read.
func (c *socketConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return nil
}

// SetWriteDeadline does nothing: see Write.
func (c *socketConn) SetWriteDeadline(time.Time) error { return nil }
