package sipua

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"time"
)

// accept takes connections until the listener is closed. Beyond the limits they
// are closed at once. Nothing that a peer does, or does not do, holds it up.
func (a *Agent) accept(listener *streamListener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			a.log.Warn("cannot accept a connection", slog.Any("error", err))
			if !a.pause(acceptPause) {
				return
			}
			continue
		}
		counted, ok := a.limiter.admit(conn)
		if !ok {
			continue
		}
		if !a.spawn(func() { a.welcome(counted, listener) }) {
			_ = counted.Close()
		}
	}
}

// welcome brings an accepted connection up and hands it to the stack with its
// first message.
func (a *Agent) welcome(conn net.Conn, listener *streamListener) {
	info := streamInfo{transport: listener.transport, local: addrPortOf(conn.LocalAddr()), remote: addrPortOf(conn.RemoteAddr())}
	stop := context.AfterFunc(a.life, func() { _ = conn.Close() })
	defer stop()
	stream := conn
	if listener.transport == overTLS {
		encrypted := tls.Server(conn, a.serverTLS())
		if err := handshake(a.life, encrypted); err != nil {
			a.log.Debug("a connection was refused", slog.String("source", info.remote.String()), slog.Any("error", err))
			_ = conn.Close()
			return
		}
		info.names = peerNames(encrypted.ConnectionState())
		stream = encrypted
	}
	a.admitStream(stream, info)
}

// admitStream waits for the first message of a connection.
func (a *Agent) admitStream(conn net.Conn, info streamInfo) {
	framed := a.frame(conn, info)
	if err := framed.await(a.config.Limits.SilentConnection); err != nil {
		a.log.Debug("a connection said nothing", slog.String("source", info.remote.String()), slog.Any("error", err))
		_ = framed.Close()
		return
	}
	if a.conns.push(framed) != nil {
		_ = framed.Close()
	}
}

// frame wraps a connection and makes it known.
func (a *Agent) frame(conn net.Conn, info streamInfo) *framedConn {
	info.since = time.Now()
	framed := &framedConn{Conn: conn, info: info, limits: a.config.Limits, refuse: a.refuseRaw, gone: make(chan struct{})}
	framed.unsent, framed.asking = make(chan struct{}, maxUnsent), make(chan struct{}, maxAsking)
	framed.large = make(chan struct{}, maxLarge)
	framed.onClose = func() { a.streams.remove(framed) }
	a.streams.add(framed)
	return framed
}
