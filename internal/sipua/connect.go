package sipua

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// dial is an attempt to connect that others may wait for.
type dial struct {
	done chan struct{}
	conn *framedConn
	err  error
}

// dialKey names the attempts that are the same.
func (t target) dialKey() string {
	return strings.Join([]string{t.transport, t.addr.String(), t.domain, t.certificate}, " ")
}

// connect makes sure that there is a connection to a target and returns the
// address under which the stack finds it.
func (a *Agent) connect(ctx context.Context, to target, timeout time.Duration) (netip.AddrPort, error) {
	if conn, ok := a.streams.find(to); ok {
		if known, err := a.transport.GetConnection(stackTransport, conn.key.String()); err == nil {
			_, _ = known.TryClose() // gives back the reference; the connection stays
			return conn.key, nil
		}
	}
	if to.conn.IsValid() {
		return netip.AddrPort{}, fmt.Errorf("%w: the connection is gone", ErrTransport)
	}
	key := to.dialKey()
	a.mu.Lock()
	attempt, running := a.dialing[key]
	if !running {
		attempt = &dial{done: make(chan struct{})}
		a.dialing[key] = attempt
	}
	a.mu.Unlock()
	if !running {
		if !a.spawn(func() { a.dial(to, attempt, timeout) }) { //nolint:contextcheck // goes on after the caller's context has ended
			return netip.AddrPort{}, ErrClosed
		}
	}
	select {
	case <-attempt.done:
		if attempt.err != nil {
			return netip.AddrPort{}, attempt.err
		}
		return attempt.conn.key, nil
	case <-ctx.Done():
		return netip.AddrPort{}, fmt.Errorf("connect to %s: %w", to.addr, ctx.Err())
	}
}

func (a *Agent) dial(to target, attempt *dial, timeout time.Duration) {
	defer func() {
		a.mu.Lock()
		delete(a.dialing, to.dialKey())
		a.mu.Unlock()
		close(attempt.done)
	}()
	ctx, cancel := a.lifetime(timeout)
	defer cancel()
	conn, err := a.open(ctx, to)
	if err != nil {
		attempt.err = fmt.Errorf("%w: %w", ErrTransport, err)
		return
	}
	info := streamInfo{transport: to.transport, local: addrPortOf(conn.LocalAddr()), remote: to.addr, dialed: true}
	if secure(to.transport) {
		info.domain, info.certificate = to.domain, to.certificate
	}
	framed := a.frame(conn, info)
	if to.transport == overTCP {
		framed.mute = func() { a.noTCP.add(to.addr.String(), struct{}{}) }
	}
	if attempt.err = a.conns.push(framed); attempt.err != nil {
		_ = framed.Close()
		return
	}
	attempt.conn = framed
	if to.transport == overTCP || to.transport == overTLS {
		a.spawn(func() { a.keepAlive(framed) })
	}
}

// open connects to a target, up to where SIP messages can be sent.
func (a *Agent) open(ctx context.Context, to target) (net.Conn, error) {
	if to.transport == overWS || to.transport == overWSS {
		return a.openSocket(ctx, to)
	}
	conn, err := a.config.Network.DialContext(ctx, "tcp", to.addr.String())
	if err != nil || to.transport == overTCP {
		return conn, err //nolint:wrapcheck // by the caller
	}
	config, err := a.clientTLS(to.domain, to.certificate)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	encrypted := tls.Client(conn, config)
	if err := handshake(ctx, encrypted); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return encrypted, nil
}

// openSocket connects to a WebSocket server.
func (a *Agent) openSocket(ctx context.Context, to target) (net.Conn, error) {
	info := streamInfo{transport: to.transport, remote: to.addr}
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := a.config.Network.DialContext(ctx, "tcp", to.addr.String())
			if err == nil {
				info.local = addrPortOf(conn.LocalAddr())
			}
			return conn, err
		},
	}
	if to.transport == overWSS {
		config, err := a.clientTLS(to.domain, to.certificate)
		if err != nil {
			return nil, err
		}
		config.NextProtos = []string{"http/1.1"}
		transport.TLSClientConfig = config
	}
	host := to.domain
	if host == "" {
		host = to.addr.Addr().String()
	}
	url := fmt.Sprintf("%s://%s", to.transport, net.JoinHostPort(host, strconv.Itoa(int(to.addr.Port()))))
	socket, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{subprotocol}, CompressionMode: websocket.CompressionDisabled,
	})
	if response != nil && response.Body != nil && err != nil {
		_ = response.Body.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("WebSocket: %w", err)
	}
	return newSocketConn(a.life, socket, info, a.config.Limits.MaxMessageSize), nil //nolint:contextcheck // lives longer
}
