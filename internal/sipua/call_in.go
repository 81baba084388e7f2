package sipua

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// callState is where an incoming call is.
type callState int

const (
	callPending  callState = iota
	callFinal              // a final response was sent, or is being sent
	callCanceled           // 487 was sent
)

// IncomingCall is an INVITE that waits for its answer.
type IncomingCall struct {
	in   *inbound
	done chan struct{}

	mu     sync.Mutex
	state  callState
	repeat *time.Timer
	last   *Response // the last provisional response
	dialog bool      // it has become a dialog
	early  *earlyIn  // nil: no provisional response is sent reliably
}

// onInvite serves an INVITE outside of a dialog. It returns when the call has a
// final response. The call has been counted.
func (a *Agent) onInvite(in *inbound) {
	call := &IncomingCall{in: in, done: make(chan struct{})}
	a.mu.Lock()
	a.pending[call] = struct{}{}
	a.mu.Unlock()
	defer a.settle(call)
	mark, _ := a.invites.add(inviteKey(in.wire), newInviteMark())
	if mark.attach(call.cancel) {
		call.cancel()
		return
	}
	defer mark.attach(nil)
	var pending atomic.Pointer[IncomingCall] // the transaction lasts for half a minute longer, and need not keep all of the call
	pending.Store(call)
	defer pending.Store(nil)
	canceled := func(*sip.Request) {
		if c := pending.Load(); c != nil {
			c.canceledByStack()
		}
	}
	if !in.tx.OnCancel(canceled) {
		call.canceledByStack()
		return
	}
	in.guard(func() { a.handler.Invite(call) })
	if in.replied.Load() && call.finish(callFinal) {
		return // a panic was answered with 500
	}
	select {
	case <-call.done:
	case <-a.closed:
		_ = call.Reject(a.unavailable())
	case <-in.tx.Done():
		// The connection broke, or the stack has canceled it.
		call.finish(callCanceled)
	}
}

// settle forgets a call that is not pending any more; a dialog goes on counting.
func (a *Agent) settle(call *IncomingCall) {
	call.mu.Lock()
	early := call.early
	call.mu.Unlock()
	a.mu.Lock()
	delete(a.pending, call)
	if early != nil && a.usages[call.ID()] == usage(early) {
		delete(a.usages, call.ID())
	}
	a.mu.Unlock()
	call.mu.Lock()
	defer call.mu.Unlock()
	if !call.dialog {
		a.callCount.add(-1)
	}
}

// finish moves the call out of pending; it returns false when it was not.
func (c *IncomingCall) finish(state callState) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != callPending {
		return false
	}
	c.state = state
	if c.repeat != nil {
		c.repeat.Stop()
	}
	if state == callCanceled {
		close(c.done)
	}
	return true
}

// cancel takes effect when a CANCEL came that the stack could not match.
func (c *IncomingCall) cancel() {
	if c.finish(callCanceled) {
		c.in.refuse(487)
	}
}

// canceledByStack is called while the stack sends the 487 itself; it must not
// touch the transaction.
func (c *IncomingCall) canceledByStack() {
	if c.finish(callCanceled) {
		c.in.replied.Store(true)
	}
}

// Request returns the INVITE.
func (c *IncomingCall) Request() *Request { return c.in.request }

// LocalTag returns the local tag of the dialog that an answer makes.
func (c *IncomingCall) LocalTag() string { return c.in.request.localTag }

// ID returns the identifier of the dialog that an answer makes.
func (c *IncomingCall) ID() DialogID { return c.in.id() }

// Done is closed when the call is over or answered: canceled by the caller,
// rejected, answered, or ended by the shutdown of the Agent.
func (c *IncomingCall) Done() <-chan struct{} { return c.done }

// Canceled reports whether the caller took the INVITE back.
func (c *IncomingCall) Canceled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == callCanceled
}

// notPending is the error of something that came too late.
func (c *IncomingCall) notPending() error {
	if c.Canceled() {
		return ErrCanceled
	}
	return ErrAnswered
}

// Provisional sends a provisional response, 101 to 199, as often as wanted. The
// last one is repeated each minute until the final one (RFC 3261, section
// 13.3.1.1). A caller that supports it gets them reliably, where Config.Supported
// has 100rel (RFC 3262): one at a time, repeated until its PRACK comes; without any
// the call is refused with 504. Errors: ErrCanceled, ErrAnswered, ErrTransport.
func (c *IncomingCall) Provisional(response *Response) error {
	if response.Status/100 != 1 {
		return fmt.Errorf("%w: %d is not provisional", ErrDialog, response.Status)
	}
	interval, reliably := c.in.agent.config.Timers.Provisional, response.Status > 100 && c.reliably(response)
	if reliably {
		interval = interval * 5 / 2 //nolint:mnd // of 1 min it makes the 150 s of RFC 3262, section 3
	}
	c.mu.Lock()
	if c.state != callPending {
		c.mu.Unlock()
		return c.notPending()
	}
	c.last = response.clone() // the handler may use its own again
	if c.repeat == nil {
		c.repeat = time.AfterFunc(interval, c.repeatLast)
	} else {
		c.repeat.Reset(interval)
	}
	c.mu.Unlock()
	if reliably {
		return c.earlyDialog().send(response)
	}
	return c.sendProvisional(response)
}

func (c *IncomingCall) sendProvisional(response *Response) error {
	err := c.in.respond(response)
	if errors.Is(err, sip.ErrTransactionCanceled) {
		return ErrCanceled
	}
	return err
}

func (c *IncomingCall) repeatLast() {
	c.mu.Lock()
	pending, last := c.state == callPending, c.last
	c.mu.Unlock()
	if !pending {
		return
	}
	if c.reliably(last) {
		last = NewResponse(last.Status) // what it described has been told
	}
	_ = c.Provisional(last)
}

// isPending reports whether there is no final response yet.
func (c *IncomingCall) isPending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == callPending
}

// Reject sends a final response of 300 to 699. Errors: ErrCanceled,
// ErrAnswered, ErrTransport.
func (c *IncomingCall) Reject(response *Response) error {
	if response.Status < 300 {
		return fmt.Errorf("%w: %d does not reject", ErrDialog, response.Status)
	}
	if !c.finish(callFinal) {
		return c.notPending()
	}
	defer close(c.done)
	return c.sendFinal(response)
}

// sendFinal sends the final response. The stack may have let a CANCEL pass at
// the same moment: then the INVITE has got its 487 already, and the stack must
// not repeat our response instead of it.
func (c *IncomingCall) sendFinal(response *Response) error {
	err := c.in.respond(response)
	if !errors.Is(err, sip.ErrTransactionCanceled) {
		return err
	}
	_ = c.in.tx.Respond(c.in.render(NewResponse(487)))
	c.in.agent.counts.response("INVITE", 487)
	c.mu.Lock()
	c.state = callCanceled
	c.mu.Unlock()
	return ErrCanceled
}

// Answer sends a 2xx and makes the dialog. The 2xx is repeated until its ACK
// comes, which is given to the handler; without ACK the dialog is ended with
// BYE after 64*T1 and the handler is told EndNoACK (RFC 3261, section
// 13.3.1.4). It does not wait for the ACK. A response without Contact gets that
// of the Agent with the user part of the Request-URI. It waits for the PRACK of a
// provisional response that had a description. Errors: ErrCanceled,
// ErrAnswered, ErrDialog when the INVITE cannot make a dialog (400 has been
// sent then), ErrTransport, and that of ctx when it has ended before.
func (c *IncomingCall) Answer(ctx context.Context, response *Response, handler DialogHandler) (*Dialog, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	if response.Status/100 != 2 {
		return nil, fmt.Errorf("%w: %d does not answer", ErrDialog, response.Status)
	}
	c.mu.Lock()
	early := c.early
	c.mu.Unlock()
	if early != nil {
		if err := early.settled(ctx); err != nil {
			return nil, err
		}
	}
	if !c.finish(callFinal) {
		return nil, c.notPending()
	}
	defer close(c.done)
	a := c.in.agent
	contact, ok := response.Contact()
	if !ok {
		contact = Address{URI: a.contactFor(c.in.request)}
	}
	state, err := a.dialogOfRequest(c.in.request, contact)
	if err != nil {
		c.in.refuse(400)
		return nil, err
	}
	dialog := newDialog(state, handler)
	dialog.early = early
	agreed, timing := a.config.SessionTimer.serve(c.in.request)
	response = response.withHeaders(timing)
	dialog.session.sent(Body{ContentType: response.Headers.Get("Content-Type"), Data: response.Body})
	a.register(state.id, dialog)
	pending := dialog.awaitACK(c.in.request.CSeq, len(c.in.request.Body) == 0 && len(response.Body) > 0)
	if err := c.sendFinal(response); err != nil {
		a.unregister(state.id)
		dialog.forgetACK(c.in.request.CSeq)
		a.log.DebugContext(ctx, "an answer came too late", slog.String("call_id", state.id.CallID), slog.Any("error", err))
		return nil, err
	}
	c.mu.Lock()
	c.dialog = true
	c.mu.Unlock()
	dialog.session.begin(agreed)
	wire := c.in.render(response)
	a.spawn(func() { dialog.repeatAnswer(c.in, wire, pending) }) //nolint:contextcheck // goes on after the caller's context has ended
	return dialog, nil
}
