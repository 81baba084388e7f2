package sipua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	// largeRequest is the size from which a request is sent over TCP (RFC 3261,
	// section 18.1.1).
	largeRequest = 1300
	// largestDatagram is what UDP can carry at all, less the headers of IPv6.
	largestDatagram = 65_000
	// dialTimeout is how long a TCP connection may take to come up.
	dialTimeout = 4 * time.Second
	// probeTimeout is the same for a request that may go over UDP as well.
	probeTimeout = 2 * time.Second
)

// outbound is a request that we send.
type outbound struct {
	method   string
	uri      URI
	from, to Address
	callID   string
	cseq     uint32
	peer     string // the far end's half of the Session-ID; "": not known
	routes   []Address
	contact  Address // zero: none
	headers  Headers
	body     []byte
	via      via             // how the dialog goes; zero: by the URI
	branch   string          // kept for CANCEL; "": a new one
	sent     *target         // kept for CANCEL; nil: find out
	ways     []target        // found by route, best first
	broken   *target         // where it could not be written; nil: it could
	renewed  bool            // is sent again, as its connection has broken
	released <-chan struct{} // closed when the stack has forgotten its transaction; nil: it has none
	// certificate names the one of ours to show; "": the usual one.
	certificate string
	credentials *Credentials  // nil: challenges are not answered
	auth        Headers       // what they made of the last challenge
	challenges  int           // answered so far
	number      func() uint32 // of another attempt within a dialog; nil: the next one
	redirect    func(URI) bool
	answer      func(offer *Response) Body // of an INVITE without an offer; nil: none
	redirects   int
	prompt      bool // nobody rings
	datagram    bool // was sent over UDP after all, as nobody spoke SIP over TCP
	visited     []string
}

// via is the way that a dialog's messages take.
type via struct {
	transport string
	local     netip.AddrPort // our listener or connection
	conn      netip.AddrPort // the connection, by its key
	dialed    target         // that we made, to make it again; zero: the peer made it
}

// hop is the URI where the request is sent (RFC 3261, section 12.2.1.1).
func (o *outbound) hop() URI {
	if len(o.routes) > 0 {
		return o.routes[0].URI
	}
	return o.uri
}

// line gives the Request-URI and the route: a first hop that routes strictly, as RFC 2543 had it, wants to be the Request-URI, and the one that is meant
// at the end of the route (RFC 3261, section 12.2.1.1).
func (o *outbound) line() (URI, []Address) {
	if len(o.routes) == 0 || o.routes[0].URI.Params.Has("lr") {
		return o.uri, o.routes
	}
	uri := o.routes[0].URI
	uri.Headers, uri.Params = "", uri.Params.Without("method")
	return uri, append(slices.Clone(o.routes[1:]), Address{URI: o.uri})
}

// message makes the message for one target.
func (a *Agent) message(o *outbound, to target) (*sip.Request, error) {
	uri, routes := o.line()
	wire := sip.NewRequest(sip.RequestMethod(o.method), wireURI(uri))
	branch := o.branch
	if branch == "" {
		branch = sip.RFC3261BranchMagicCookie + strings.ToLower(randomText(15))
	}
	host, port, err := a.sentBy(wire, o, to)
	if err != nil {
		return nil, err
	}
	hop := &sip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: strings.ToUpper(to.transport), Host: bracket(host), Port: port,
		Params: sip.HeaderParams{{K: "branch", V: branch}, {K: "rport"}},
	}
	if to.transport == overTLS && a.Addr(overTLS).IsValid() {
		hop.Params = append(hop.Params, sip.HeaderKV{K: "alias"}) // RFC 5923, section 5
	}
	wire.AppendHeader(hop)
	field := func(name, value string) { wire.AppendHeader(sip.NewHeader(name, oneLine(value))) }
	for _, route := range routes {
		field("Route", route.String())
	}
	field("Max-Forwards", "70")
	wire.AppendHeader(&sip.FromHeader{
		DisplayName: escapeName(o.from.Name), Address: wireURI(o.from.URI), Params: wireTag(o.from),
	})
	wire.AppendHeader(&sip.ToHeader{DisplayName: escapeName(o.to.Name), Address: wireURI(o.to.URI), Params: wireTag(o.to)})
	callID := sip.CallIDHeader(o.callID)
	wire.AppendHeader(&callID)
	wire.AppendHeader(&sip.CSeqHeader{SeqNo: o.cseq, MethodName: wire.Method})
	for _, header := range a.requestHeaders(o) {
		field(header.Name, header.Value)
	}
	for _, header := range o.auth {
		field(header.Name, header.Value)
	}
	wire.SetBody(o.body)
	wire.SetTransport(stackTransport)
	wire.SetDestination(to.conn.String())
	if to.transport == overUDP {
		wire.SetTransport("UDP")
		wire.SetDestination(to.addr.String())
	}
	return wire, nil
}

// sentBy finds our address for the top Via, and binds a UDP request to its
// listener.
func (a *Agent) sentBy(wire *sip.Request, o *outbound, to target) (string, int, error) {
	if to.transport == overUDP {
		listener := a.listenerFor(to.addr.Addr(), o.via.local)
		if listener == nil {
			return "", 0, fmt.Errorf("%w: no UDP listener toward %s", ErrTransport, to.addr)
		}
		addr := listener.addr
		wire.Laddr = sip.Addr{IP: net.IP(addr.Addr().AsSlice()), Port: int(addr.Port())}
		return a.hostToward(addr.Addr(), to.addr.Addr()), int(addr.Port()), nil
	}
	// The port is where we could be connected to, should this connection break;
	// responses come back on it anyway.
	listening := a.streamAddr(to.transport, to.addr.Addr())
	port := int(listening.Port())
	if port == 0 {
		port = int(defaultPort(to.transport))
	}
	return a.hostToward(listening.Addr(), to.addr.Addr()), port, nil
}

// contactToward is our Contact in a request to this target.
func (a *Agent) contactToward(o *outbound, to target) Address {
	listening := a.streamAddr(to.transport, to.addr.Addr())
	if to.transport == overUDP {
		if listener := a.listenerFor(to.addr.Addr(), o.via.local); listener != nil {
			listening = listener.addr
		}
	}
	uri := a.contactAt(o.from.URI.User, to.transport, listening, to.addr.Addr())
	if o.hop().Scheme == "sips" || o.uri.Scheme == "sips" {
		uri.Scheme = "sips" // RFC 3261, section 8.1.1.8
		uri.Params = uri.Params.Without("transport")
	}
	return Address{URI: uri}
}

// requestHeaders are the fields of a request beside the mandatory ones.
func (a *Agent) requestHeaders(o *outbound) Headers {
	headers := Headers{}
	for _, header := range o.headers {
		switch strings.ToLower(canonicalName(header.Name)) {
		case "via", "from", "to", "call-id", "cseq", "max-forwards", "content-length":
		case "contact":
			if o.contact.URI.IsZero() || o.method == "REGISTER" { // there it is what is registered
				headers = append(headers, header)
			}
		default:
			headers = append(headers, header)
		}
	}
	add := func(name, value string) {
		if value != "" && !headers.Has(name) {
			headers = append(headers, Header{Name: name, Value: value})
		}
	}
	add("Session-ID", sessionPair(a.session(o.from), o.peer))
	switch o.method {
	case "INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER":
		if !o.contact.URI.IsZero() {
			add("Contact", o.contact.String())
		}
	}
	switch o.method {
	case "INVITE", "UPDATE":
		add("Allow", a.allow())
		add("Allow-Events", strings.Join(a.config.AllowEvents, ", "))
	}
	if o.method != "ACK" && o.method != "CANCEL" {
		add("Supported", strings.Join(a.config.Supported, ", "))
		add("User-Agent", a.config.UserAgent)
	}
	return headers
}

// targets finds where a request may be sent, best first.
func (a *Agent) targets(ctx context.Context, o *outbound) ([]target, error) {
	hop := o.hop()
	var existing []target
	if conn, ok := a.streams.get(o.via.conn); ok {
		existing = []target{{transport: conn.info.transport, addr: conn.info.remote, conn: o.via.conn}}
	} else if o.via.dialed.transport != "" {
		existing = []target{o.via.dialed}
	}
	if len(existing) > 0 && sameWay(hop, existing[0]) {
		return existing, nil
	}
	found, err := a.resolve(ctx, hop, o.via.transport)
	for i := range found {
		found[i].certificate = o.certificate
	}
	// The connection of the dialog is the last resort: its peer may not be reachable
	// in another way.
	found = append(found, existing...)
	if len(found) == 0 && err == nil {
		err = fmt.Errorf("%w: %s leads nowhere", ErrTransport, clip(hop.Host))
	}
	if len(found) == 0 {
		return nil, err
	}
	return found, nil
}

// sameWay tells whether a dialog's next message goes over the connection of the
// last one: always to a WebSocket client, which cannot be connected to (RFC
// 7118, section 5.2), and to who is at the other end of it, or says that it is at
// an address from which the connection did not come (RFC 5923, section 8).
func sameWay(hop URI, existing target) bool {
	if existing.transport == overWS || existing.transport == overWSS {
		return true
	}
	address, err := netip.ParseAddr(hop.Host)
	if err != nil || hop.Scheme == "sips" && !secure(existing.transport) {
		return false
	}
	if wanted := strings.ToLower(hop.Param("transport")); wanted != existing.transport && wanted != "" {
		return false
	}
	remote := existing.addr.Addr()
	return address.Unmap() == remote || address.IsPrivate() && !remote.IsPrivate()
}

// route finds the ways that a request may take, and decides by the best of them
// what our Contact is, unless that is done already. Making and sending the
// message changes neither: who shows a request to other goroutines before it has
// been sent calls route first.
func (a *Agent) route(ctx context.Context, o *outbound) error {
	if o.sent != nil || len(o.ways) > 0 {
		return nil
	}
	ways, err := a.targets(ctx, o)
	if err != nil {
		return err
	}
	if o.contact.URI.IsZero() && !o.headers.Has("Contact") {
		best := target{transport: overTCP, addr: ways[0].addr} // when no listener of ours fits
		for _, to := range ways {
			if reliable(to.transport) || a.listenerFor(to.addr.Addr(), o.via.local) != nil {
				best = to
				break
			}
		}
		o.contact = a.contactToward(o, best)
	}
	o.ways = ways
	return nil
}

// prepare makes the message and its connection for the first target that can be
// reached.
func (a *Agent) prepare(ctx context.Context, o *outbound) (*sip.Request, target, error) {
	err := a.route(ctx, o)
	if err != nil {
		return nil, target{}, err
	}
	ways := o.ways
	if o.sent != nil {
		ways = []target{*o.sent}
	}
	for _, to := range ways {
		var wire *sip.Request
		if wire, to, err = a.prepareTarget(ctx, o, to); err == nil {
			return wire, to, nil
		}
	}
	return nil, target{}, err
}

func (a *Agent) prepareTarget(ctx context.Context, o *outbound, to target) (*sip.Request, target, error) {
	if reliable(to.transport) {
		_, to.reused = a.streams.find(to)
		key, err := a.connect(ctx, to, dialTimeout)
		if err != nil {
			return nil, to, err
		}
		to.conn = key
		wire, err := a.message(o, to)
		return wire, to, err
	}
	wire, err := a.message(o, to)
	// What does not fit into a datagram goes over TCP, if the peer can do that.
	size := 0
	if err == nil {
		size = sizeOf(wire)
	}
	if err == nil && (size <= largeRequest || o.method == "ACK" && o.sent != nil) {
		return wire, to, nil
	}
	stream := target{transport: overTCP, addr: to.addr}
	if _, known := a.noTCP.get(to.addr.String()); !known || size > largestDatagram {
		_, stream.reused = a.streams.find(stream)
		key, refused := a.connect(ctx, stream, probeTimeout)
		if refused == nil {
			stream.conn = key
			wire, err = a.message(o, stream)
			return wire, stream, err
		}
		if !errors.Is(refused, context.Canceled) {
			a.noTCP.add(to.addr.String(), struct{}{})
		}
	}
	return wire, to, err
}

// write sends a request that has no transaction: an ACK.
func (a *Agent) write(ctx context.Context, o *outbound) error {
	var failed error
	for range sendAttempts {
		wire, _, err := a.prepare(ctx, o)
		if err != nil {
			return err
		}
		if failed = a.transport.WriteMsg(wire); failed == nil {
			return nil
		}
		if !a.pause(time.Millisecond) {
			break
		}
	}
	return fmt.Errorf("%w: %w", ErrTransport, failed)
}

// fromAddress is who we are when nobody says otherwise.
func (a *Agent) fromAddress() Address {
	host := a.config.Domain
	uri := a.Contact("")
	if host != "" {
		uri = URI{Scheme: "sip", Host: host}
	}
	uri.Params = nil
	return Address{URI: uri}
}

// newCallID makes a Call-ID.
func newCallID() string { return strings.ToLower(randomText(15)) }

// newCSeq makes the first sequence number of a dialog, below 2^31 with room to
// count (RFC 3261, section 8.1.1.5).
func newCSeq() uint32 { return 1 + uint32(randomUpTo(1<<16)&0xffff) }

// RetryAfter reads the Retry-After of a response (RFC 3261, section 20.33).
func RetryAfter(response *Response) (time.Duration, bool) {
	value := response.Headers.Get("Retry-After")
	end := 0
	for end < len(value) && value[end] >= '0' && value[end] <= '9' {
		end++
	}
	n, err := strconv.ParseUint(value[:end], 10, 31)
	return time.Duration(n) * time.Second, err == nil
}
