package sipua

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Request is a SIP request as a handler sees it. It is a value of its own:
// whoever gets it may keep and change it.
type Request struct {
	// Method is in capitals, such as "INVITE".
	Method string
	// URI is the Request-URI.
	URI URI
	// From and To are the parsed fields, with their tags.
	From, To Address
	// CallID is the Call-ID.
	CallID string
	// CSeq is the sequence number; its method is Method.
	CSeq uint32
	// Headers are all header fields of the message in their order, also those
	// that are parsed above.
	Headers Headers
	// Body is the message body, or nil.
	Body []byte
	// Transport is "udp", "tcp", "tls", "ws" or "wss".
	Transport string
	// PeerNames are the domains that the peer has proved to be by its certificate
	// (RFC 5922, section 7.4).
	PeerNames []string
	// Caller is who sent it, set by whoever admits requests; nil: nobody has.
	Caller *Caller
	// Source is where the request came from.
	Source netip.AddrPort
	// Local is the address of the listener or connection it came to.
	Local netip.AddrPort

	localTag string         // the To tag of every response to it
	conn     netip.AddrPort // the key of the connection it came over
	wire     *sip.Request   // read only
}

// Outline returns a copy without the body, for who keeps a request to know later
// who sent it.
func (r *Request) Outline() *Request {
	c := *r
	c.Body, c.wire = nil, nil
	return &c
}

// ContentType returns the media type of the body in lower case and without
// parameters, such as "application/sdp", or "".
func (r *Request) ContentType() string { return mediaType(r.Headers.Get("Content-Type")) }

// Contact returns the first Contact, or false when there is none or it cannot
// be parsed.
func (r *Request) Contact() (Address, bool) { return firstContact(r.Headers) }

// Event returns the event package of the Event field in lower case and without
// parameters, such as "conference" (RFC 6665, section 8.2.1), or "".
func (r *Request) Event() string { return mediaType(r.Headers.Get("Event")) }

// LocalTag returns the tag that every response to this request carries in To.
// For a request outside of a dialog it is made by the Agent before any handler
// runs, and it is the local tag of the dialog that an answer creates.
func (r *Request) LocalTag() string { return r.localTag }

// Response is a SIP response: one that was received, or one that a handler
// wants to be sent. In the latter case Headers are only the additional fields;
// Via, From, To, Call-ID, CSeq, Record-Route, Content-Length, and where the RFC
// asks for them Contact, Allow and Supported are added by the Agent unless they
// are given.
type Response struct {
	// Status is the status code, 100 to 699.
	Status int
	// Reason is the reason phrase; when it is empty the usual one is sent.
	Reason string
	// Headers are the header fields in their order.
	Headers Headers
	// Body is the message body, or nil.
	Body []byte
	// From and To are those of a received response.
	From, To Address
	// Source is where a received response came from.
	Source netip.AddrPort
}

// NewResponse makes a response with the usual reason phrase.
func NewResponse(status int, headers ...Header) *Response {
	return &Response{Status: status, Reason: ReasonPhrase(status), Headers: headers}
}

// WithHeader adds a header field and returns the response.
func (r *Response) WithHeader(name, value string) *Response {
	r.Headers = append(r.Headers, Header{Name: name, Value: value})
	return r
}

// clone makes a copy whose header fields can be added to.
func (r *Response) clone() *Response {
	c := *r
	c.Headers = slices.Clone(r.Headers)
	return &c
}

// withHeaders returns a copy with further header fields; what is required already stays required.
func (r *Response) withHeaders(headers Headers) *Response {
	if len(headers) == 0 {
		return r
	}
	with := r.clone()
	for _, h := range headers {
		if h.Name == "Require" && with.Headers.Has(h.Name) {
			h.Value = with.Headers.Get(h.Name) + ", " + h.Value
		}
		with.WithHeader(h.Name, h.Value)
	}
	return with
}

// WithBody sets the body with its Content-Type and returns the response.
func (r *Response) WithBody(contentType string, body []byte) *Response {
	r.Headers = r.Headers.Without("Content-Type").With("Content-Type", contentType)
	r.Body = body
	return r
}

// ContentType returns the media type of the body in lower case and without
// parameters, or "".
func (r *Response) ContentType() string { return mediaType(r.Headers.Get("Content-Type")) }

// Contact returns the first Contact, or false when there is none or it cannot
// be parsed.
func (r *Response) Contact() (Address, bool) { return firstContact(r.Headers) }

// Body is what a request that we send within a dialog carries.
type Body struct {
	// ContentType is the media type with its parameters.
	ContentType string
	// Data is the body itself; empty for none.
	Data []byte
	// Headers are additional header fields of the request.
	Headers Headers
}

func firstContact(headers Headers) (Address, bool) {
	list := headers.List("Contact")
	if len(list) == 0 {
		return Address{}, false
	}
	address, err := ParseAddress(list[0])
	return address, err == nil
}

// mediaType cuts the parameters off a value and lowers it.
func mediaType(value string) string {
	value, _, _ = strings.Cut(value, ";")
	return strings.ToLower(strings.TrimSpace(value))
}
