package sipua

import (
	"net"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// newParser makes a parser that keeps every header field as it is written,
// except for those that the transaction layer needs, of messages up to a size in
// bytes.
func newParser(size int) *sip.Parser {
	standard := sip.DefaultHeadersParser()
	parsers := sip.HeadersParser{}
	for _, name := range []string{"via", "cseq", "call-id", "content-length"} {
		parsers[name] = lenient(standard[name], compactName(name))
	}
	parsers["v"], parsers["i"], parsers["l"] = parsers["via"], parsers["call-id"], parsers["content-length"]
	parsers["from"], parsers["f"] = parseFrom, parseFrom
	parsers["to"], parsers["t"] = parseTo, parseTo
	parser := sip.NewParser(sip.WithHeadersParsers(parsers))
	parser.MaxMessageLength = size
	return parser
}

// compactName is the name under which a field that cannot be parsed is kept: a
// long one, so that validation finds it.
func compactName(lower string) string {
	switch lower {
	case "via":
		return "Via"
	case "cseq":
		return "CSeq"
	case "call-id":
		return "Call-ID"
	}
	return "Content-Length"
}

// lenient keeps a field that cannot be parsed as text instead of dropping the
// whole message: validation then answers 400.
func lenient(parse sip.HeaderParser, name string) sip.HeaderParser {
	return func(field []byte, value string) (sip.Header, error) {
		header, err := parse(field, value)
		if err == nil || strings.HasPrefix(err.Error(), "comma") {
			return header, err //nolint:wrapcheck // sipgo compares it
		}
		return sip.NewHeader(name, value), nil
	}
}

func parseFrom(_ []byte, value string) (sip.Header, error) {
	address, err := ParseAddress(value)
	if err != nil {
		return sip.NewHeader("From", value), nil //nolint:nilerr // validation answers 400
	}
	return &sip.FromHeader{DisplayName: escapeName(address.Name), Address: wireURI(address.URI), Params: wireTag(address)}, nil
}

func parseTo(_ []byte, value string) (sip.Header, error) {
	address, err := ParseAddress(value)
	if err != nil {
		return sip.NewHeader("To", value), nil //nolint:nilerr // validation answers 400
	}
	return &sip.ToHeader{DisplayName: escapeName(address.Name), Address: wireURI(address.URI), Params: wireTag(address)}, nil
}

// escapeName is the inside of a quoted-string.
func escapeName(name string) string {
	quoted := quote(name)
	return quoted[1 : len(quoted)-1]
}

// wireTag keeps the parameters that sipgo renders correctly.
func wireTag(address Address) sip.HeaderParams {
	params := sip.NewParams()
	for _, param := range address.Params {
		if isAll(param.Value, isTokenChar) {
			params = append(params, sip.HeaderKV{K: strings.ToLower(param.Name), V: param.Value})
		}
	}
	return params
}

// wireURI makes sipgo's URI of ours.
func wireURI(uri URI) sip.Uri {
	if !uri.IsSIP() {
		var opaque sip.Uri
		if sip.ParseUri(uri.String(), &opaque) != nil {
			return sip.Uri{Scheme: uri.Scheme}
		}
		return opaque
	}
	wire := sip.Uri{Scheme: uri.Scheme, User: uri.User, Password: uri.Password, Host: uri.Host, Port: int(uri.Port)}
	for _, param := range uri.Params {
		wire.UriParams = append(wire.UriParams, sip.HeaderKV{K: param.Name, V: param.Value})
	}
	for pair := range strings.SplitSeq(uri.Headers, "&") {
		if name, value, _ := strings.Cut(pair, "="); name != "" {
			wire.Headers = append(wire.Headers, sip.HeaderKV{K: name, V: value})
		}
	}
	return wire
}

// fromWireHeaders copies header fields under their long names.
func fromWireHeaders(wire []sip.Header) Headers {
	headers := make(Headers, 0, len(wire))
	for _, field := range wire {
		headers = append(headers, Header{Name: canonicalName(field.Name()), Value: field.Value()})
	}
	return headers
}

// fromWireRequest makes a Request of a request that has passed validation.
func (a *Agent) fromWireRequest(wire *sip.Request, conn sip.Connection) *Request {
	request := &Request{
		Method:    string(wire.Method),
		Headers:   fromWireHeaders(wire.Headers()),
		Body:      wire.Body(),
		Transport: overUDP,
		Source:    a.realSource(wire.Source()),
		Local:     addrPortOf(conn.LocalAddr()),
	}
	if stream := streamOf(conn); stream != nil {
		request.Transport, request.Local, request.Source = stream.info.transport, stream.info.local, stream.info.remote
		request.conn, request.PeerNames = stream.key, stream.info.names
	}
	request.URI, _ = ParseURI(wire.Recipient.String())
	request.From, _ = ParseAddress(request.Headers.Get("From"))
	request.To, _ = ParseAddress(request.Headers.Get("To"))
	request.CallID = request.Headers.Get("Call-ID")
	if cseq := wire.CSeq(); cseq != nil {
		request.CSeq = cseq.SeqNo
	}
	return request
}

// fromWireResponse makes a Response of a received response.
func (a *Agent) fromWireResponse(wire *sip.Response) *Response {
	response := &Response{
		Status:  wire.StatusCode,
		Reason:  wire.Reason,
		Headers: fromWireHeaders(wire.Headers()),
		Body:    wire.Body(),
	}
	response.From, _ = ParseAddress(response.Headers.Get("From"))
	response.To, _ = ParseAddress(response.Headers.Get("To"))
	response.Source = a.realSource(wire.Source())
	return response
}

// addrPortOf reads the address of a socket.
func addrPortOf(addr net.Addr) netip.AddrPort {
	if addr == nil {
		return netip.AddrPort{}
	}
	parsed, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return unmap(parsed)
}

func unmap(addr netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}
