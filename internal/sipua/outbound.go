package sipua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	// largeRequest is the size from which a request is sent over TCP (RFC 3261,
	// section 18.1.1).
	largeRequest = 1300
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
	routes   []Address
	contact  Address // zero: none
	headers  Headers
	body     []byte
	via      via      // how the dialog goes; zero: by the URI
	branch   string   // kept for CANCEL; "": a new one
	sent     *target  // kept for CANCEL; nil: find out
	ways     []target // found by route, best first
}

// via is the way that a dialog's messages take.
type via struct {
	transport string
	local     netip.AddrPort // our listener or connection
	source    netip.AddrPort // the peer's end of a TCP connection
}

// hop is the URI where the request is sent (RFC 3261, section 12.2.1.1).
func (o *outbound) hop() URI {
	if len(o.routes) > 0 {
		return o.routes[0].URI
	}
	return o.uri
}

// message makes the message for one target.
func (a *Agent) message(o *outbound, to target) (*sip.Request, error) {
	wire := sip.NewRequest(sip.RequestMethod(o.method), wireURI(o.uri))
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
	wire.AppendHeader(hop)
	field := func(name, value string) { wire.AppendHeader(sip.NewHeader(name, oneLine(value))) }
	for _, route := range o.routes {
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
	wire.SetBody(o.body)
	wire.SetTransport(strings.ToUpper(to.transport))
	wire.SetDestination(to.addr.String())
	return wire, nil
}

// sentBy finds our address for the top Via, and binds a UDP request to its
// listener.
func (a *Agent) sentBy(wire *sip.Request, o *outbound, to target) (string, int, error) {
	if to.transport == "udp" {
		listener := a.listenerFor(to.addr.Addr(), o.via.local)
		if listener == nil {
			return "", 0, fmt.Errorf("%w: no UDP listener toward %s", ErrTransport, to.addr)
		}
		addr := listener.addr
		wire.Laddr = sip.Addr{IP: net.IP(addr.Addr().AsSlice()), Port: int(addr.Port())}
		return a.hostToward(addr.Addr(), to.addr.Addr()), int(addr.Port()), nil
	}
	// Over TCP the port is where we could be connected to, should this
	// connection break; responses come back on it anyway.
	port := int(a.Addr("tcp").Port())
	if port == 0 {
		port = 5060
	}
	return a.hostToward(a.Addr("tcp").Addr(), to.addr.Addr()), port, nil
}

// contactToward is our Contact in a request to this target.
func (a *Agent) contactToward(o *outbound, to target) Address {
	listening := a.Addr(to.transport)
	if to.transport == "udp" {
		if listener := a.listenerFor(to.addr.Addr(), o.via.local); listener != nil {
			listening = listener.addr
		}
	}
	return Address{URI: a.contactAt(o.from.URI.User, to.transport, listening, to.addr.Addr())}
}

// requestHeaders are the fields of a request beside the mandatory ones.
func (a *Agent) requestHeaders(o *outbound) Headers {
	headers := Headers{}
	for _, header := range o.headers {
		switch strings.ToLower(canonicalName(header.Name)) {
		case "via", "from", "to", "call-id", "cseq", "max-forwards", "content-length":
		case "contact":
			if o.contact.URI.IsZero() {
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
	preferred := o.via.transport
	if preferred == "" {
		preferred = "udp"
		if len(a.udp) == 0 {
			preferred = "tcp"
		}
	}
	found, err := a.resolve(ctx, o.hop(), preferred)
	if err != nil {
		found = nil
	}
	if o.via.source.IsValid() && o.via.transport == "tcp" {
		// The connection of the dialog is the last resort: its peer may not be
		// reachable in another way.
		found = append(found, target{transport: "tcp", addr: o.via.source})
	}
	if len(found) == 0 && err == nil {
		err = fmt.Errorf("%w: %s leads nowhere", ErrTransport, clip(o.hop().Host))
	}
	if len(found) == 0 {
		return nil, err
	}
	return found, nil
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
		best := target{transport: "tcp", addr: ways[0].addr} // when no listener of ours fits
		for _, to := range ways {
			if to.transport == "tcp" || a.listenerFor(to.addr.Addr(), o.via.local) != nil {
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
	wire, err := a.message(o, to)
	if to.transport == "tcp" {
		if err == nil {
			err = a.connect(ctx, to.addr, dialTimeout)
		}
		return wire, to, err
	}
	// What does not fit into a datagram goes over TCP, if the peer can do that.
	if err == nil && (len(wire.String()) <= largeRequest || o.method == "ACK" && o.sent != nil) {
		return wire, to, nil
	}
	stream := target{transport: "tcp", addr: to.addr}
	if _, known := a.noTCP.get(to.addr.String()); !known {
		if refused := a.connect(ctx, to.addr, probeTimeout); refused == nil {
			wire, err = a.message(o, stream)
			return wire, stream, err
		} else if !errors.Is(refused, context.Canceled) {
			a.noTCP.add(to.addr.String(), struct{}{})
		}
	}
	return wire, to, err
}

// dial is an attempt to connect that others may wait for.
type dial struct {
	done chan struct{}
	err  error
}

// connect makes sure that there is a TCP connection to this address, which the
// stack then uses.
func (a *Agent) connect(ctx context.Context, addr netip.AddrPort, timeout time.Duration) error {
	key := addr.String()
	if conn, err := a.transport.GetConnection("tcp", key); err == nil {
		_, _ = conn.TryClose() // gives back the reference; the connection stays
		return nil
	}
	a.mu.Lock()
	attempt, running := a.dialing[key]
	if !running {
		attempt = &dial{done: make(chan struct{})}
		a.dialing[key] = attempt
	}
	a.mu.Unlock()
	if !running {
		if !a.spawn(func() { a.dial(key, attempt, timeout) }) { //nolint:contextcheck // goes on after the caller's context has ended
			return ErrClosed
		}
	}
	select {
	case <-attempt.done:
		return attempt.err
	case <-ctx.Done():
		return fmt.Errorf("connect to %s: %w", key, ctx.Err())
	}
}

func (a *Agent) dial(key string, attempt *dial, timeout time.Duration) {
	defer func() {
		a.mu.Lock()
		delete(a.dialing, key)
		a.mu.Unlock()
		close(attempt.done)
	}()
	ctx, cancel := a.lifetime(timeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", key)
	if err != nil {
		attempt.err = fmt.Errorf("%w: %w", ErrTransport, err)
		return
	}
	framed, ok := a.frame(conn)
	if !ok {
		attempt.err = fmt.Errorf("%w: too many connections", ErrTransport)
		return
	}
	if attempt.err = a.conns.push(framed); attempt.err != nil {
		_ = framed.Close()
	}
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

// retryAfter reads the Retry-After of a response (RFC 3261, section 20.33).
func retryAfter(response *Response) (time.Duration, bool) {
	value := response.Headers.Get("Retry-After")
	end := 0
	for end < len(value) && value[end] >= '0' && value[end] <= '9' {
		end++
	}
	n, err := strconv.ParseUint(value[:end], 10, 31)
	return time.Duration(n) * time.Second, err == nil
}
