package sipua

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/emiago/sipgo/sip"
)

// transact sends a request other than INVITE and ACK and waits for its final
// response, at most 64*T1 (RFC 3261, section 17.1.2.2) for each way that there is
// to send it. Any final response is returned without error.
func (a *Agent) transact(ctx context.Context, o *outbound) (*Response, error) {
	if !a.enter() {
		return nil, ErrClosed
	}
	defer a.wait.Done()
	for {
		response, err := a.attempt(ctx, o)
		if !a.retry(ctx, o, response, err) {
			return response, err
		}
	}
}

// attempt is one transaction.
func (a *Agent) attempt(ctx context.Context, o *outbound) (*Response, error) {
	tx, err := a.begin(ctx, o)
	if err != nil {
		return nil, err
	}
	defer tx.Terminate()
	timer := time.NewTimer(a.patience(o))
	defer timer.Stop()
	for {
		select {
		case wire := <-tx.Responses():
			if !wire.IsProvisional() {
				return a.fromWireResponse(wire), nil
			}
			timer.Reset(64 * a.config.Timers.T1)
		case <-tx.Done():
			return nil, transactionError(o.method, tx.Err())
		case <-timer.C:
			return nil, fmt.Errorf("%s: %w", o.method, ErrTimeout)
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: %w", o.method, ctx.Err())
		case <-a.closed:
			return nil, fmt.Errorf("%s: %w", o.method, ErrClosed)
		}
	}
}

// patience is how long to wait for the first response: 64*T1, or less when
// there is somewhere else to go.
func (a *Agent) patience(o *outbound) time.Duration {
	whole := 64 * a.config.Timers.T1
	if way := o.way(); way >= 0 && way < len(o.ways)-1 && !o.inDialog() {
		return min(whole, a.config.Timers.FailOver)
	}
	return whole
}

// sendAttempts is how often a request is tried to be sent.
const sendAttempts = 3

// begin sends a request and starts its client transaction. A UDP listener that
// is being started anew, or a connection that breaks, is not found for a moment:
// then it tries again.
func (a *Agent) begin(ctx context.Context, o *outbound) (*sip.ClientTx, error) {
	var failed error
	if o.credentials != nil && o.auth == nil && o.method != "ACK" && o.method != "CANCEL" {
		uri, _ := o.line()
		o.auth = o.credentials.answers(o.method, uri.String())
	}
	for range sendAttempts {
		wire, to, err := a.prepare(ctx, o)
		if err != nil {
			return nil, err
		}
		branch := wire.Via().Params.GetOr("branch", "") // before the message is the stack's
		tx, err := a.give(ctx, wire, to)
		if err == nil {
			o.sent, o.branch, o.broken = &to, branch, nil
			released := make(chan struct{})
			if tx.OnTerminate(func(string, error) { close(released) }) { // after the stack has forgotten it
				o.released = released
			}
			return tx, nil
		}
		failed, o.broken = err, &to
		if ctx.Err() != nil || !a.pause(time.Millisecond) {
			break
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", o.method, err)
	}
	return nil, fmt.Errorf("%s: %w: %w", o.method, ErrTransport, failed)
}

// give begins the transaction of a request, by a connection only as long as that is open.
func (a *Agent) give(ctx context.Context, wire *sip.Request, to target) (tx *sip.ClientTx, err error) {
	if !reliable(to.transport) {
		return a.transactions.Request(ctx, wire)
	}
	conn, ok := a.streams.get(to.conn)
	if !ok {
		return nil, net.ErrClosed
	}
	back, err := conn.turn(ctx, len(wire.Body()))
	if err != nil {
		return nil, err
	}
	defer back()
	err = conn.give(func() error {
		tx, err = a.transactions.Request(ctx, wire)
		return err
	})
	return tx, err
}

// transactionError is the error of a client transaction that ended without a
// final response.
func transactionError(method string, err error) error {
	if errors.Is(err, sip.ErrTransactionTimeout) {
		return fmt.Errorf("%s: %w", method, ErrTimeout)
	}
	if err == nil {
		return fmt.Errorf("%s: %w", method, ErrTransport)
	}
	return fmt.Errorf("%s: %w: %w", method, ErrTransport, err)
}

// OutgoingRequest is a request outside of a dialog.
type OutgoingRequest struct {
	// Method is the method, such as OPTIONS.
	Method string
	// URI is the Request-URI, and where the request is sent unless Route is set.
	URI URI
	// To and From are the parties; defaults: URI, and the domain of the Agent.
	To, From Address
	// Route is where the request goes first; default: to the Request-URI.
	Route []Address
	// Headers are additional header fields.
	Headers Headers
	// ContentType and Body are the body.
	ContentType string
	Body        []byte
	// Contact is ours, for REGISTER; default: that of the Agent where the method
	// has one.
	Contact Address
	// CallID and CSeq override those that are made, for REGISTER (RFC 3261, section
	// 10.2).
	CallID string
	CSeq   uint32
	// Trunk is the way to a peer; nil: none in particular.
	Trunk *Trunk
}

// Request sends a request outside of a dialog and waits for its final response.
// Errors: *StatusError for what is not a 2xx, ErrTimeout, ErrTransport,
// ErrClosed, and that of ctx.
func (a *Agent) Request(ctx context.Context, request OutgoingRequest) (*Response, error) {
	if !a.isRunning() {
		return nil, ErrClosed
	}
	o := &outbound{
		method: request.Method, uri: request.URI, from: request.From, to: request.To, callID: newCallID(), cseq: newCSeq(),
		routes: request.Route, headers: request.Headers, body: request.Body,
	}
	if o.to.URI.IsZero() {
		o.to = Address{URI: request.URI.Bare()}
	}
	if o.from.URI.IsZero() {
		o.from = a.fromAddress()
	}
	o.from = o.from.WithTag(newTag())
	o.contact = request.Contact
	o.callID, o.cseq = cmp.Or(request.CallID, o.callID), cmp.Or(request.CSeq, o.cseq)
	request.Trunk.apply(o)
	if request.ContentType != "" && len(request.Body) > 0 {
		o.headers = o.headers.With("Content-Type", request.ContentType)
	}
	response, err := a.transact(ctx, o)
	if err != nil {
		return nil, err
	}
	return successful(o.method, response)
}

// successful turns a final response that is no 2xx into an error.
func successful(method string, response *Response) (*Response, error) {
	if response.Status/100 != 2 {
		return response, &StatusError{Method: method, Response: response}
	}
	return response, nil
}
