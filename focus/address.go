package focus

import (
	"net"
	"net/netip"

	"github.com/parley-sip/parley/internal/sipua"
)

// mediaAddress is what a description says of an address at which media are received: that of the configuration, or of the
// sockets. Sockets that listen everywhere are told by the address from which the peer is reached.
func (f *Focus) mediaAddress(bound, peer netip.Addr) netip.Addr {
	switch {
	case f.cfg.Address.IsValid():
		return f.cfg.Address
	case bound.IsValid() && !bound.IsUnspecified():
		return bound
	}
	if local, ok := sourceToward(peer); ok {
		return local
	}
	if agent := f.agent.Load(); agent != nil {
		if local, err := netip.ParseAddr(agent.Contact("").Host); err == nil {
			return local
		}
	}
	return bound
}

// sourceToward is the address of ours that packets to a peer come from. Connecting a datagram socket sends nothing.
func sourceToward(peer netip.Addr) (netip.Addr, bool) {
	if !peer.IsValid() || peer.IsUnspecified() {
		return netip.Addr{}, false
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(peer, 9)))
	if err != nil {
		return netip.Addr{}, false
	}
	defer func() { _ = conn.Close() }() // nothing was sent
	local, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return netip.Addr{}, false
	}
	return local.Addr().Unmap().WithZone(""), true
}

// hostAddress is the address in a URI; invalid when it is a name.
func hostAddress(uri sipua.URI) netip.Addr {
	address, err := netip.ParseAddr(uri.Host)
	if err != nil {
		return netip.Addr{}
	}
	return address
}

// reachable gives a Contact the address that a request came to where its own is of the other family: a user agent with
// IPv6 alone cannot follow an IPv4 address.
func reachable(contact sipua.URI, local netip.AddrPort) sipua.URI {
	own := hostAddress(contact)
	to := local.Addr().Unmap()
	if own.IsValid() && to.IsValid() && !to.IsUnspecified() && own.Is4() != to.Is4() {
		contact.Host, contact.Port = to.WithZone("").String(), local.Port()
	}
	return contact
}
