package sipua

import "context"

// OutgoingCall is what Invite is made from.
type OutgoingCall struct {
	// To is whom we call. Its URI is the Request-URI, unless RequestURI is set,
	// and where the INVITE is sent, unless Headers have a Route.
	To Address
	// RequestURI is the Request-URI; default: the URI of To.
	RequestURI URI
	// From is who calls; default: the domain of the Agent. Its tag is made here.
	From Address
	// Contact is ours, with parameters such as isfocus; default: that of the
	// Agent with the user part of From.
	Contact Address
	// Headers are additional header fields.
	Headers Headers
	// ContentType and Body are the body, as a rule the offer. Without a body the
	// 2xx carries an offer, and Answer must be set.
	ContentType string
	Body        []byte
	// Answer makes the answer that goes into the ACK from a 2xx with an offer
	// (RFC 3261, section 13.2.1). Only for calls without Body.
	Answer func(offer *Response) Body
	// CallID overrides the Call-ID that is made; default: a random one.
	CallID string
	// OnProvisional is called for each provisional response but 100, in order.
	OnProvisional func(response *Response)
}

// Invite calls somebody and waits for the answer. A 2xx makes the dialog, and
// is acknowledged; further 2xx of other branches are acknowledged and ended with
// BYE (RFC 3261, section 13.2.2.4). When ctx ends, CANCEL is sent as soon as a
// provisional response has come (RFC 3261, section 9.1), and a 2xx that comes
// nevertheless is ended with BYE; Invite returns the error of ctx at once.
//
// The response is the final one, if there was any. Errors: *StatusError,
// ErrTimeout, ErrTransport, ErrDialog, ErrClosed, and that of ctx.
func (a *Agent) Invite(ctx context.Context, call OutgoingCall, handler DialogHandler) (*Dialog, *Response, error) {
	return nil, nil, ErrClosed
}
