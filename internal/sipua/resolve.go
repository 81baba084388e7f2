package sipua

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// target is where a request is sent.
type target struct {
	transport   string // "udp", "tcp", "tls", "ws" or "wss"
	addr        netip.AddrPort
	domain      string         // whom a certificate has to be for; only of secure transports
	certificate string         // names the one of ours to show
	conn        netip.AddrPort // the connection to use, by its key
	reused      bool           // that had been there before the request
}

// service is a transport and how DNS names it.
type service struct {
	transport string
	naptr     string // RFC 3263, section 4.1; RFC 7118, section 10
	srv       string // RFC 3263, section 4.1
	proto     string
}

// services are the transports over which we can call, best first.
//
//nolint:gochecknoglobals // a table
var services = []service{
	{overUDP, "SIP+D2U", "sip", "udp"},
	{overTCP, "SIP+D2T", "sip", "tcp"},
	{overTLS, "SIPS+D2T", "sips", "tcp"},
	{overWS, "SIP+D2W", "sip", "ws"},
	{overWSS, "SIPS+D2W", "sips", "ws"},
}

// lookup is one search for where a URI leads.
type lookup struct {
	agent  *Agent
	host   string
	domain string // of the URI
	secure bool   // sips: nothing else will do
	found  []target
}

// resolve finds where a URI leads, best first (RFC 3263, section 4): NAPTR when it
// says neither port nor transport, SRV when it says no port, then A and AAAA.
// before is the transport of the dialog, for an address that says none.
func (a *Agent) resolve(ctx context.Context, uri URI, before string) ([]target, error) {
	if !uri.IsSIP() {
		return nil, fmt.Errorf("%w: scheme %s", ErrTransport, clip(uri.Scheme))
	}
	l := &lookup{agent: a, host: uri.Host, domain: uri.Host, secure: uri.Scheme == "sips"}
	if maddr := uri.Param("maddr"); maddr != "" {
		l.host = strings.Trim(maddr, "[]")
	}
	transport, err := l.transport(uri.Param("transport"))
	if err != nil {
		return nil, err
	}
	address, notAddress := netip.ParseAddr(l.host)
	if transport == "" && (notAddress == nil || uri.Port != 0) {
		switch {
		case l.secure:
			transport = overTLS
		default:
			transport = a.preferred(before)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	switch {
	case notAddress == nil:
		l.add(transport, address, uri.Port)
	case uri.Port != 0:
		err = l.byHost(ctx, transport, l.host, uri.Port)
	case transport != "":
		err = l.byTransport(ctx, transport)
	default:
		err = l.byDomain(ctx)
	}
	if len(l.found) == 0 {
		if err == nil {
			err = fmt.Errorf("%w: %s leads nowhere", ErrTransport, clip(l.host))
		}
		return nil, err
	}
	return a.livingFirst(l.found), nil
}

// transport is what a URI asks for; "" when it asks for none.
func (l *lookup) transport(wanted string) (string, error) {
	wanted = strings.ToLower(wanted)
	switch {
	case wanted == "":
	case !slices.ContainsFunc(services, func(s service) bool { return s.transport == wanted }), l.secure && wanted == overUDP:
		return "", fmt.Errorf("%w: transport %s", ErrTransport, clip(wanted))
	case l.secure && wanted == overTCP:
		return overTLS, nil // RFC 3261, section 26.2.2
	case l.secure && wanted == overWS:
		return overWSS, nil
	}
	return wanted, nil
}

func (l *lookup) add(transport string, address netip.Addr, port uint16) {
	if port == 0 {
		port = defaultPort(transport)
	}
	to := target{transport: transport, addr: netip.AddrPortFrom(address.Unmap(), port)}
	if secure(transport) {
		to.domain = l.domain
	}
	if !slices.Contains(l.found, to) && len(l.found) < maxTargets {
		l.found = append(l.found, to)
	}
}

// byHost asks for A and AAAA.
func (l *lookup) byHost(ctx context.Context, transport, host string, port uint16) error {
	addresses, err := l.agent.resolver.host(ctx, host)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTransport, err)
	}
	for _, address := range addresses {
		l.add(transport, address, port)
	}
	return nil
}

// byTransport asks for SRV, and if there is none for the host itself.
func (l *lookup) byTransport(ctx context.Context, transport string) error {
	i := slices.IndexFunc(services, func(s service) bool { return s.transport == transport })
	if l.byService(ctx, transport, "_"+services[i].srv+"._"+services[i].proto+"."+l.host) {
		return nil
	}
	return l.byHost(ctx, transport, l.host, 0)
}

// byService asks for SRV records by their full name, and says whether there are
// any.
func (l *lookup) byService(ctx context.Context, transport, name string) bool {
	records := l.agent.resolver.service(ctx, name)
	for _, record := range records {
		if target := strings.TrimSuffix(record.Target, "."); target != "" { // "." says that there is no such service
			_ = l.byHost(ctx, transport, target, record.Port) // the others may lead somewhere
		}
	}
	return len(records) > 0
}

// byDomain asks for NAPTR, then for SRV of each transport, then for the host
// itself (RFC 3263, section 4.1).
func (l *lookup) byDomain(ctx context.Context) error {
	usable := slices.Clone(services[:3]) // WebSocket only if NAPTR or the URI says so
	if l.secure {
		usable = []service{services[2]}
	} else if len(l.agent.udp) == 0 {
		usable = usable[1:]
	}
	for _, pointer := range l.agent.resolver.pointers(ctx, l.host) {
		for _, s := range services {
			if strings.EqualFold(pointer.Service, s.naptr) && (!l.secure || secure(s.transport)) && (s.transport != overUDP || len(l.agent.udp) > 0) {
				l.byService(ctx, s.transport, pointer.Replacement)
			}
		}
	}
	if len(l.found) > 0 {
		return nil
	}
	some := false
	for _, s := range usable {
		some = l.byService(ctx, s.transport, "_"+s.srv+"._"+s.proto+"."+l.host) || some
	}
	if some {
		return nil
	}
	return l.byHost(ctx, usable[0].transport, l.host, 0)
}

// livingFirst puts targets that did not answer a moment ago behind the others (RFC
// 3263, section 4.3).
func (a *Agent) livingFirst(list []target) []target {
	slices.SortStableFunc(list, func(x, y target) int {
		return a.downRank(x) - a.downRank(y)
	})
	return list
}

func (a *Agent) downRank(to target) int {
	if _, down := a.down.get(to.dialKey()); down {
		return 1
	}
	return 0
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
// external address or that of the listener, the port, and ;transport= when
// a transport other than udp is asked for. The transport defaults to that of the
// first listener. It is valid after Start.
func (a *Agent) Contact(user string, transport ...string) URI {
	wanted := ""
	if len(transport) > 0 {
		wanted = strings.ToLower(transport[0])
	}
	return a.contactAt(user, a.preferred(wanted), a.Addr(a.preferred(wanted)), netip.Addr{})
}

// preferred is the transport to use when nobody says which: that of the first
// listener, best udp.
func (a *Agent) preferred(wanted string) string {
	switch {
	case wanted != "":
		return wanted
	case len(a.udp) > 0:
		return overUDP
	case len(a.listeners) > 0:
		return a.listeners[0].transport
	}
	return overTCP
}

// contactAt makes a Contact for a listener, as a peer reaches it. Over secure
// WebSocket the parameter is ws as well (RFC 7118, section 5.1).
func (a *Agent) contactAt(user, transport string, listening netip.AddrPort, peer netip.Addr) URI {
	uri := URI{Scheme: "sip", User: user, Host: a.hostToward(listening.Addr(), peer), Port: listening.Port()}
	switch transport {
	case overUDP:
	case overWSS:
		uri = uri.With("transport", overWS)
	default:
		uri = uri.With("transport", transport)
	}
	return uri
}

// contactFor is our Contact in the response to a request: where it came to, by
// the transport it used. Who has called a SIPS URI gets one (RFC 3261, section
// 12.1.1).
func (a *Agent) contactFor(request *Request) URI {
	listening := request.Local
	if reliable(request.Transport) {
		// The port of the connection is that of the listener only when the peer
		// opened it.
		if own := a.streamAddr(request.Transport, listening.Addr()); own.IsValid() && !a.isListener(request.Transport, listening) {
			listening = netip.AddrPortFrom(listening.Addr(), own.Port())
		}
	}
	user := request.URI.User
	if request.URI.IsTel() {
		user = EscapeUser(request.URI.UserPart())
	}
	uri := a.contactAt(user, request.Transport, listening, request.Source.Addr())
	if request.URI.Scheme == "sips" && secure(request.Transport) {
		uri.Scheme = "sips"
		if request.Transport == overTLS {
			uri.Params = uri.Params.Without("transport")
		}
	}
	return uri
}

// isListener reports whether one of our listeners has this port.
func (a *Agent) isListener(transport string, addr netip.AddrPort) bool {
	for _, listener := range a.listeners {
		if listener.transport == transport && listener.addr.Port() == addr.Port() {
			return true
		}
	}
	return false
}
