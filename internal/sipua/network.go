package sipua

import (
	"context"
	"net"
)

// Network opens sockets, as net.ListenConfig and net.Dialer do, whose errors it gives. DNS is not of it. Its methods may be called by any goroutine.
type Network interface {
	// ListenPacket opens a socket for datagrams. network is udp4 or udp6.
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
	// Listen opens a listener for connections. network is tcp4 or tcp6.
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	// DialContext makes a connection, and gives up with ctx.
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// system is the network of the machine.
type system struct {
	net.ListenConfig
	net.Dialer
}
