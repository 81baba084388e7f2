package sipua

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// OutgoingCall is what Invite is made from.
type OutgoingCall struct {
	// To is whom we call. Its URI is the Request-URI, unless RequestURI is set,
	// and where the INVITE is sent, unless Route is set.
	To Address
	// RequestURI is the Request-URI; default: the URI of To.
	RequestURI URI
	// From is who calls; default: the domain of the Agent. Its tag is made here.
	From Address
	// Contact is ours, with parameters such as isfocus; default: that of the
	// Agent with the user part of From.
	Contact Address
	// Route is where the INVITE goes first; default: to the Request-URI.
	Route []Address
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
	// Trunk is the way to a peer; nil: none in particular.
	Trunk *Trunk
	// Redirect tells whether a redirection to this URI may be followed, instead of what Trunk says; nil: as that says.
	Redirect func(URI) bool
	// Prompt says that the callee is a program that rings nobody: when it has said 100 and nothing else for 64*T1, or has not answered three minutes
	// after another provisional response, it is given up with CANCEL and ErrTimeout. Otherwise it decides itself how long it takes.
	Prompt bool
	// OnProvisional is called for each provisional response but 100, in order. May
	// be nil.
	OnProvisional func(response *Response)
}

// TakebackError is why an INVITE is taken back, as a cause for context.WithCancelCause: the value of the Reason field of the CANCEL (RFC 3326), such
// as `SIP;cause=200;text="Call completed elsewhere"`.
type TakebackError string

// Error gives the value.
func (t TakebackError) Error() string { return string(t) }

// takenBack is what a CANCEL says because of the end of a context.
func takenBack(ctx context.Context) Headers {
	if why, ok := errors.AsType[TakebackError](context.Cause(ctx)); ok && why != "" {
		return Headers{{Name: "Reason", Value: string(why)}}
	}
	return nil
}

// Invite calls somebody and waits for the answer. A 2xx makes the dialog, and
// is acknowledged; further 2xx of other branches are acknowledged and ended with
// BYE (RFC 3261, section 13.2.2.4). When ctx ends, CANCEL is sent as soon as a
// provisional response has come (RFC 3261, section 9.1), and a 2xx that comes
// nevertheless is ended with BYE; Invite returns the error of ctx at once, even
// when there was no response at all. In that case the INVITE is repeated for up
// to 64*T1, or until shortly after the begin of Shutdown, and the call counts as
// long.
//
// A TakebackError as cause of the end of ctx says in the CANCEL why.
//
// The response is the final one, if there was any. Errors: *StatusError,
// ErrTimeout, ErrTransport, ErrDialog, ErrClosed, and that of ctx.
func (a *Agent) Invite(ctx context.Context, call OutgoingCall, handler DialogHandler) (*Dialog, *Response, error) {
	if !a.enter() {
		return nil, nil, ErrClosed
	}
	defer a.wait.Done()
	select {
	case <-a.draining:
		return nil, nil, ErrClosed
	default:
	}
	a.callCount.add(1)
	dialog, response, err := a.invite(ctx, call, handler)
	if dialog == nil {
		a.callCount.add(-1)
	}
	return dialog, response, err
}

// invitation makes the INVITE of a call.
func (a *Agent) invitation(call OutgoingCall) *outbound {
	o := &outbound{
		method: "INVITE", uri: call.RequestURI, from: call.From, to: call.To.WithTag(""), callID: call.CallID, cseq: newCSeq(),
		routes: call.Route, contact: call.Contact, headers: call.Headers, body: call.Body,
	}
	o.answer = call.Answer
	if o.uri.IsZero() {
		o.uri = call.To.URI
	}
	if o.to.URI.IsZero() {
		o.to.URI = o.uri.Bare()
	}
	if o.from.URI.IsZero() {
		o.from = a.fromAddress()
	}
	o.from = o.from.WithTag(newTag())
	if o.callID == "" {
		o.callID = newCallID()
	}
	if len(call.Body) > 0 && call.ContentType != "" {
		o.headers = o.headers.With("Content-Type", call.ContentType)
	}
	o.prompt = call.Prompt
	call.Trunk.apply(o)
	if call.Redirect != nil {
		o.redirect = call.Redirect
	}
	return o
}

// awaitedDialog is an INVITE of ours that has no dialog yet; requests that
// overtake its 2xx wait.
type awaitedDialog struct{}

func (awaitedDialog) receiveEarly(*inbound) bool { return false }

func (a *Agent) invite(ctx context.Context, call OutgoingCall, handler DialogHandler) (*Dialog, *Response, error) {
	o := a.invitation(call)
	early := earlyID{callID: o.callID, localTag: o.from.Tag()}
	a.expect(early, awaitedDialog{})
	defer a.forget(early)
	it, response, err := a.inviteOnce(ctx, o, call, 0)
	if response != nil && response.Status == 422 && a.config.SessionTimer.on() { // RFC 4028, section 7.3
		again := a.invitation(call)
		again.callID, again.from, again.cseq = o.callID, o.from, it.request.cseq+1
		it, response, err = a.inviteOnce(ctx, again, call, minSE(response.Headers))
	}
	if err != nil {
		return nil, response, err
	}
	dialog, err := a.confirm(it, call, response, handler) //nolint:contextcheck // goes on after the caller's context has ended
	return dialog, response, err
}

// inviteOnce sends an INVITE that asks for a session of at least so long, and waits for its final response, wherever
// it has to be sent for it.
func (a *Agent) inviteOnce(ctx context.Context, o *outbound, call OutgoingCall, least time.Duration) (*inviteTx, *Response, error) {
	o.headers = append(slices.Clone(o.headers), a.config.SessionTimer.propose(lease{}, least)...)
	it, response, err := a.callOnce(ctx, o, call.OnProvisional)
	for next := *o; a.retry(ctx, &next, response, err); next = *o {
		again := next // the one before may still be waited for
		o = &again
		it, response, err = a.callOnce(ctx, o, call.OnProvisional)
	}
	if err != nil {
		return nil, nil, err
	}
	_, err = successful("INVITE", response)
	return it, response, err
}

// callOnce is one INVITE transaction.
func (a *Agent) callOnce(ctx context.Context, o *outbound, onProvisional func(*Response)) (*inviteTx, *Response, error) {
	it, err := a.sendInvite(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	response, err := a.finalResponse(ctx, it, onProvisional)
	return it, response, err
}

// finalResponse waits for the final response of an INVITE.
func (a *Agent) finalResponse(ctx context.Context, it *inviteTx, onProvisional func(*Response)) (*Response, error) {
	limit := newProgressLimit(a.patience(it.request), a.config.Timers.T1)
	defer limit.stop()
	provisional := false
	for {
		wire, err := it.next(ctx, limit.timer.C, a.draining)
		if err != nil {
			a.callCount.add(1) // until it is taken back
			why := takenBack(ctx)
			if !a.spawn(func() { //nolint:contextcheck // goes on after the caller's context has ended
				defer a.callCount.add(-1)
				it.abandon(provisional, why)
			}) {
				a.callCount.add(-1)
			}
			return nil, err
		}
		response := a.fromWireResponse(wire)
		if response.Status >= 200 {
			return response, nil
		}
		provisional = true
		if it.request.prompt {
			limit.progressed(response.Status)
		} else { // from now on the callee decides how long it takes
			limit.stop()
		}
		a.progressed(it, response) //nolint:contextcheck // the PRACK goes out whatever becomes of the caller
		if response.Status > 100 && onProvisional != nil {
			onProvisional(response)
		}
	}
}

// confirm makes the dialog from a 2xx and acknowledges it.
func (a *Agent) confirm(it *inviteTx, call OutgoingCall, response *Response, handler DialogHandler) (*Dialog, error) {
	state, err := a.dialogOfResponse(it.request, response)
	if err != nil {
		// It cannot even be ended.
		return nil, err
	}
	answered := it.resume(state, response)
	var answer Body
	if !answered && len(call.Body) == 0 && call.Answer != nil && len(response.Body) > 0 {
		answer = call.Answer(response)
	}
	dialog := newDialog(state, handler)
	dialog.session.sent(Body{ContentType: call.ContentType, Data: call.Body})
	dialog.session.sent(answer)
	dialog.session.concluded(response)
	a.register(state.id, dialog)
	ctx, cancel := a.lifetime(64 * a.config.Timers.T1)
	defer cancel()
	ack := state.ack(it.request.cseq, answer)
	ack.auth = it.request.auth // RFC 3261, section 22.1
	if err := it.acknowledge(ctx, ack); err != nil {
		a.log.Debug("cannot acknowledge", slog.String("call_id", state.id.CallID), slog.Any("error", err))
		a.unregister(state.id)
		return nil, fmt.Errorf("call: %w", err)
	}
	return dialog, nil
}
