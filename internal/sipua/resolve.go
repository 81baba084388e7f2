package sipua

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// target is where a request is sent.
type target struct {
	transport string // "udp" or "tcp"
	addr      netip.AddrPort
	explicit  bool // the URI says which transport
}

// resolve finds where a URI leads (RFC 3263, without NAPTR): SRV when there is
// no port, else A and AAAA. preferred is the transport for a URI that names none.
func (a *Agent) resolve(ctx context.Context, uri URI, preferred string) ([]target, error) {
	if uri.Scheme != "sip" {
		return nil, fmt.Errorf("%w: scheme %s", ErrTransport, clip(uri.Scheme))
	}
	transport := strings.ToLower(uri.Param("transport"))
	explicit := transport != ""
	switch transport {
	case "":
		transport = preferred
	case "udp", "tcp":
	default:
		return nil, fmt.Errorf("%w: transport %s", ErrTransport, clip(transport))
	}
	host := uri.Host
	if maddr := uri.Param("maddr"); maddr != "" {
		host = strings.Trim(maddr, "[]")
	}
	port := uri.Port
	if addr, err := netip.ParseAddr(host); err == nil {
		if port == 0 {
			port = 5060
		}
		return []target{{transport: transport, addr: netip.AddrPortFrom(addr.Unmap(), port), explicit: explicit}}, nil
	}
	if port == 0 {
		if targets := lookupService(ctx, transport, host, explicit); len(targets) > 0 {
			return targets, nil
		}
		port = 5060
	}
	return lookupHost(ctx, transport, host, port, explicit)
}

// lookupService asks for SRV records, in the order of their priority.
func lookupService(ctx context.Context, transport, host string, explicit bool) []target {
	_, records, err := net.DefaultResolver.LookupSRV(ctx, "sip", transport, host)
	if err != nil {
		return nil
	}
	var targets []target
	for _, record := range records {
		if found, err := lookupHost(ctx, transport, record.Target, record.Port, explicit); err == nil {
			targets = append(targets, found...)
		}
	}
	return targets
}

// lookupHost asks for the addresses of a host.
func lookupHost(ctx context.Context, transport, host string, port uint16, explicit bool) ([]target, error) {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTransport, err)
	}
	targets := make([]target, 0, len(addrs))
	for _, addr := range addrs {
		targets = append(targets, target{
			transport: transport, addr: netip.AddrPortFrom(addr.Unmap(), port), explicit: explicit,
		})
	}
	return targets, nil
}

// listenerFor picks the UDP listener from which an address is reached: the one
// that was used before, or one of the same address family, best one that is
// loopback when the address is.
func (a *Agent) listenerFor(to netip.Addr, before netip.AddrPort) *udpListener {
	var best *udpListener
	score := -1
	for _, listener := range a.udp {
		addr := listener.addr.Addr()
		if addr.Is4() != to.Is4() {
			continue
		}
		n := 0
		if listener.addr == before {
			n += 4
		}
		if addr.IsLoopback() == to.IsLoopback() || addr.IsUnspecified() {
			n += 2
		}
		if n > score {
			best, score = listener, n
		}
	}
	return best
}

// hostToward is the address by which a peer reaches a listener.
func (a *Agent) hostToward(listening, peer netip.Addr) string {
	if a.config.ExternalAddress != "" {
		return strings.Trim(a.config.ExternalAddress, "[]")
	}
	if listening.IsValid() && !listening.IsUnspecified() {
		return listening.WithZone("").String()
	}
	if peer.IsValid() {
		// Connecting a datagram socket sends nothing, but picks the source address.
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(peer, 9)))
		if err == nil {
			local := addrPortOf(conn.LocalAddr()).Addr()
			_ = conn.Close()
			return local.WithZone("").String()
		}
	}
	return interfaceAddress(listening.Is6())
}

// interfaceAddress is the address of the first interface that is up and not
// loopback.
func interfaceAddress(v6 bool) string {
	addrs, err := net.InterfaceAddrs()
	if err == nil {
		for _, addr := range addrs {
			prefix, err := netip.ParsePrefix(addr.String())
			if err == nil && !prefix.Addr().IsLoopback() && !prefix.Addr().IsLinkLocalUnicast() && prefix.Addr().Is6() == v6 {
				return prefix.Addr().String()
			}
		}
	}
	if v6 {
		return "::1"
	}
	return "127.0.0.1"
}

// Contact makes the URI under which this Agent is reached: the user part, the
// external address or that of the listener, the port, and ;transport=tcp when
// that transport is asked for. The transport defaults to that of the first
// listener. It is valid after Start.
func (a *Agent) Contact(user string, transport ...string) URI {
	wanted := ""
	if len(transport) > 0 {
		wanted = strings.ToLower(transport[0])
	}
	if wanted == "" {
		wanted = "udp"
		if len(a.udp) == 0 {
			wanted = "tcp"
		}
	}
	return a.contactAt(user, wanted, a.Addr(wanted), netip.Addr{})
}

// contactAt makes a Contact for a listener, as a peer reaches it.
func (a *Agent) contactAt(user, transport string, listening netip.AddrPort, peer netip.Addr) URI {
	uri := URI{Scheme: "sip", User: user, Host: a.hostToward(listening.Addr(), peer), Port: listening.Port()}
	if transport == "tcp" {
		uri = uri.With("transport", "tcp")
	}
	return uri
}

// contactFor is our Contact in the response to a request: where it came to, by
// the transport it used.
func (a *Agent) contactFor(request *Request) URI {
	listening := request.Local
	if request.Transport == "tcp" {
		// The port of the connection is that of the listener only when the peer
		// opened it.
		if tcp := a.Addr("tcp"); tcp.IsValid() && !a.isTCPListener(listening) {
			listening = netip.AddrPortFrom(listening.Addr(), tcp.Port())
		}
	}
	return a.contactAt(request.URI.User, request.Transport, listening, request.Source.Addr())
}

// isTCPListener reports whether one of our TCP listeners has this port.
func (a *Agent) isTCPListener(addr netip.AddrPort) bool {
	for _, listener := range a.tcp {
		if addrPortOf(listener.Addr()).Port() == addr.Port() {
			return true
		}
	}
	return false
}
