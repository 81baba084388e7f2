package sipua

import "context"

// IncomingCall is an INVITE that waits for its answer.
type IncomingCall struct {
	request *Request
}

// Request returns the INVITE.
func (c *IncomingCall) Request() *Request { return c.request }

// LocalTag returns the local tag of the dialog that an answer makes.
func (c *IncomingCall) LocalTag() string { return c.request.localTag }

// ID returns the identifier of the dialog that an answer makes.
func (c *IncomingCall) ID() DialogID { return DialogID{} }

// Done is closed when the call is over before it was answered: canceled by the
// caller, rejected, or ended by the shutdown of the Agent. It is also closed
// once it is answered.
func (c *IncomingCall) Done() <-chan struct{} { return nil }

// Canceled reports whether the caller took the INVITE back.
func (c *IncomingCall) Canceled() bool { return false }

// Provisional sends a provisional response, 101 to 199, as often as wanted. It
// is repeated each minute until the final one (RFC 3261, section 13.3.1.1).
// Errors: ErrCanceled, ErrAnswered, ErrTransport.
func (c *IncomingCall) Provisional(response *Response) error { return nil }

// Reject sends a final response of 300 to 699. Errors: ErrCanceled,
// ErrAnswered, ErrTransport.
func (c *IncomingCall) Reject(response *Response) error { return nil }

// Answer sends a 2xx and makes the dialog. The 2xx is repeated until its ACK
// comes, which is given to the handler; without ACK the dialog is ended with
// BYE after 64*T1 and the handler is told EndNoACK (RFC 3261, section
// 13.3.1.4). It does not wait for the ACK. A response without Contact gets that
// of the Agent with the user part of the Request-URI. Errors: ErrCanceled,
// ErrAnswered, ErrDialog when the INVITE cannot make a dialog (400 has been
// sent then), ErrTransport, and that of ctx when it has ended before.
func (c *IncomingCall) Answer(ctx context.Context, response *Response, handler DialogHandler) (*Dialog, error) {
	return nil, ErrCanceled
}
