package focus

import (
	"net"
	"net/netip"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// mediaAddress is what a description says of an address at which media are received: that of the configuration, or of the
// sockets. Sockets that listen everywhere are told by the address from which the peer is reached, and so are those that serve both
// families where the address that is told has not that of the peer.
func (f *Focus) mediaAddress(bound, peer netip.Addr) netip.Addr {
	other := peer.IsValid() && f.media.BothFamilies() && bound.Unmap().Is4() != peer.Unmap().Is4()
	switch {
	case f.cfg.Address.IsValid():
		return f.cfg.Address
	case bound.IsValid() && !bound.IsUnspecified() && !other:
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

// mediaPeer is where media of an offer (nil: none) come from, as far as it tells how they are to be reached: its own address where that has another family than
// its signalling, else that of the signalling.
func mediaPeer(signalling netip.Addr, offer *sdp.Description) netip.Addr {
	if offer == nil || len(offer.Media) == 0 {
		return signalling
	}
	at := offer.ConnectionOf(0).Address
	if !at.IsValid() || at.IsUnspecified() || signalling.IsValid() && at.Unmap().Is4() == signalling.Unmap().Is4() {
		return signalling
	}
	return at
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
