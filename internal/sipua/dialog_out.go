package sipua

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// maxRetries is how often an offer is tried again after 491 or 500.
	maxRetries = 8
	// maxRetryAfter is the longest Retry-After that is waited for.
	maxRetryAfter = 30 * time.Second
)

// ReInvite sends an offer in a re-INVITE and returns the 2xx, which has been
// acknowledged. One offer is sent at a time; ReInvite waits for its turn, and
// for the end of an offer of the peer. After 491, and after 500 with
// Retry-After, it tries again (RFC 3261, section 14.1). After 408, 481 and no
// response the dialog is ended, and when the peer cannot be reached unless the
// handler is an OutageHandler. A peer that only says that it is at it is sent
// CANCEL after 64*T1, or three minutes if it has said more than 100: when it
// answers to that the session stays as it was. Errors: *StatusError (the session stays as it
// was), ErrGlare, ErrNoOffer, ErrEnded, ErrTimeout, ErrTransport, and that of
// ctx.
func (d *Dialog) ReInvite(ctx context.Context, body Body) (*Response, error) {
	if len(body.Data) == 0 {
		return nil, fmt.Errorf("re-INVITE: %w", ErrNoOffer)
	}
	return d.offer(ctx, "INVITE", body)
}

// Update sends an UPDATE (RFC 3311), with an offer or without a body, and
// returns the 2xx. It behaves as ReInvite does.
func (d *Dialog) Update(ctx context.Context, body Body) (*Response, error) {
	return d.offer(ctx, "UPDATE", body)
}

// offer sends one offer, again if need be.
func (d *Dialog) offer(ctx context.Context, method string, body Body) (*Response, error) {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-d.done:
		return nil, ErrEnded
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", method, ctx.Err())
	}
	for range maxRetries {
		response, err := d.offerOnce(ctx, method, body)
		wait, again := d.retry(response, err)
		if !again {
			return response, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-d.done:
			timer.Stop()
			return nil, ErrEnded
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("%s: %w", method, ctx.Err())
		}
	}
	return nil, fmt.Errorf("%s: %w", method, ErrGlare)
}

// retry decides whether an offer is tried again, and when (RFC 3261, section
// 14.1; RFC 3311, section 5.3).
func (d *Dialog) retry(response *Response, err error) (time.Duration, bool) {
	unit := d.state.agent.config.Timers.Glare
	switch Status(err) {
	case 422:
		return 0, d.session.tooSmall(response)
	case 491:
		if d.state.owner {
			return randomBetween(unit*21/10, unit*4), true
		}
		return randomBetween(0, unit*2), true
	case 500:
		if after, ok := RetryAfter(response); ok && after <= maxRetryAfter {
			// In tests the unit is shorter than the second that Retry-After counts.
			return max(time.Duration(after.Seconds()*float64(unit)), unit/20), true
		}
	}
	return 0, false
}

// offerOnce sends one re-INVITE or UPDATE.
func (d *Dialog) offerOnce(ctx context.Context, method string, body Body) (*Response, error) {
	if err := d.offers.begin(ctx, d.done, method == "INVITE", len(body.Data) > 0); err != nil {
		return nil, err
	}
	defer d.offers.end()
	if d.hasEnded() {
		return nil, ErrEnded
	}
	body.Headers = append(slices.Clone(body.Headers), d.session.propose()...)
	request := d.state.outbound(method, body)
	var response *Response
	var err error
	if method == "INVITE" {
		response, err = d.reInvite(ctx, request)
	} else {
		response, err = d.state.agent.transact(ctx, request)
	}
	response, err = d.concluded(ctx, method, response, err)
	if err == nil {
		d.session.sent(body)
	}
	return response, err
}

// reInvite sends a re-INVITE, waits for the final response and acknowledges it.
func (d *Dialog) reInvite(ctx context.Context, request *outbound) (*Response, error) {
	a := d.state.agent
	if !a.enter() {
		return nil, ErrClosed
	}
	defer a.wait.Done()
	it, response, err := d.reInviteOnce(ctx, request)
	for next := *request; a.retry(ctx, &next, response, err); next = *request {
		again := next
		request = &again
		it, response, err = d.reInviteOnce(ctx, request)
	}
	if err != nil || response.Status/100 != 2 {
		return response, err
	}
	d.state.refresh(response.Headers)
	life, cancel := a.lifetime(64 * a.config.Timers.T1)
	defer cancel()
	return response, it.acknowledge(life, d.state.ack(request.cseq, Body{})) //nolint:contextcheck // goes on after the caller's context has ended
}

// reInviteOnce is one INVITE transaction.
func (d *Dialog) reInviteOnce(ctx context.Context, request *outbound) (*inviteTx, *Response, error) {
	it, err := d.state.agent.sendInvite(ctx, request)
	if err != nil {
		return nil, nil, err
	}
	response, err := d.finalResponse(ctx, it)
	return it, response, err
}

// finalResponse waits for the final response of a re-INVITE. When ctx ends it is
// taken back, and also when the peer has said that it is at it and nothing more:
// it may be gone, and no other offer can be made meanwhile. A 2xx that comes
// nevertheless counts, since the dialog stays. A peer that answers to the CANCEL
// alone is there, and counts as having taken the request back (RFC 3261, section
// 9.1: servers of before that document send no 487).
func (d *Dialog) finalResponse(ctx context.Context, it *inviteTx) (*Response, error) {
	limit := newProgressLimit(64*d.state.agent.config.Timers.T1, d.state.agent.config.Timers.T1)
	defer limit.stop()
	for provisional := false; ; provisional = true {
		wire, err := it.next(ctx, limit.timer.C, d.done)
		switch {
		case err != nil && d.hasEnded(): // whatever becomes of it, it is nobody's any more
			d.state.agent.spawn(func() { it.abandon(provisional, nil) }) //nolint:contextcheck // goes on after the caller's context has ended
			return nil, ErrEnded
		case err != nil && (ctx.Err() != nil || provisional && errors.Is(err, ErrTimeout)):
			response, failed := it.takeBack(provisional, nil) //nolint:contextcheck // goes on after the caller's context has ended
			if errors.Is(failed, ErrTimeout) && it.canceled.Load() {
				return NewResponse(487), nil
			}
			return response, failed
		case err != nil:
			return nil, err
		case !wire.IsProvisional():
			return d.state.agent.fromWireResponse(wire), nil
		}
		limit.progressed(wire.StatusCode)
		d.state.agent.progressed(it, d.state.agent.fromWireResponse(wire)) //nolint:contextcheck // the PRACK goes out whatever becomes of the caller
	}
}

// concluded looks at the outcome of a request within the dialog: 408, 481 and
// no response end it (RFC 3261, section 12.2.1.2), and so does a peer that cannot be reached, unless the handler is an OutageHandler.
func (d *Dialog) concluded(ctx context.Context, method string, response *Response, err error) (*Response, error) {
	if err == nil {
		response, err = successful(method, response)
		if err == nil {
			if method == "UPDATE" {
				d.state.refresh(response.Headers)
			}
			if method == "UPDATE" || method == "INVITE" {
				d.session.concluded(response)
			}
			return response, nil
		}
	}
	lost := errors.Is(err, ErrTimeout) || errors.Is(err, ErrTransport) && ctx.Err() == nil
	patient, outlasts := d.handler.(OutageHandler)
	switch {
	case d.hasEnded() && Status(err) == 0:
		return response, ErrEnded
	case lost && outlasts && errors.Is(err, ErrTransport):
		d.protect(func() { patient.Unreachable(err) })
	case lost, Status(err) == 408, Status(err) == 481:
		d.abort(EndReason{Cause: EndRefused, Err: err}) //nolint:contextcheck // goes on after the caller's context has ended
	}
	return response, err
}

// abort ends the dialog, and says BYE in case the peer still has it.
func (d *Dialog) abort(reason EndReason) {
	if d.hasEnded() {
		return
	}
	bye := d.state.outbound("BYE", Body{})
	d.end(reason)
	a := d.state.agent
	a.spawn(func() {
		defer a.unregister(d.state.id)
		ctx, cancel := a.lifetime(64 * a.config.Timers.T1)
		defer cancel()
		_, _ = a.transact(ctx, bye) // nobody may be there
	})
}

// Request sends any other request, such as INFO, NOTIFY or REFER, and returns
// the 2xx. Errors are those of ReInvite.
func (d *Dialog) Request(ctx context.Context, method string, body Body) (*Response, error) {
	if d.hasEnded() {
		return nil, ErrEnded
	}
	response, err := d.state.agent.transact(ctx, d.state.outbound(method, body))
	return d.concluded(ctx, method, response, err)
}

// Bye ends the dialog: it waits until our 2xx is acknowledged (RFC 3261, section
// 15), sends BYE with the header fields, such as Reason, and waits for the
// response. The handler is told EndLocal. It returns nil when the dialog had
// ended before. Errors: *StatusError when the peer refuses, as one does that knows
// the dialog no more, ErrTimeout, ErrTransport, and that of ctx; the dialog has
// ended in any case.
func (d *Dialog) Bye(ctx context.Context, headers ...Header) error {
	return d.bye(ctx, EndLocal, Body{Headers: headers})
}

// ByeWith is Bye with a body, which tells the peer what it may want to know of the end, and may be ignored.
func (d *Dialog) ByeWith(ctx context.Context, body Body) error { return d.bye(ctx, EndLocal, body) }

func (d *Dialog) bye(ctx context.Context, cause EndCause, body Body) error {
	if d.hasEnded() {
		return nil
	}
	if err := d.offers.settled(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	if d.hasEnded() {
		return nil
	}
	request := d.state.outbound("BYE", body)
	told := make(chan struct{})
	end := func() {
		defer close(told)
		d.end(EndReason{Cause: cause})
	}
	// When the Agent ends the peer is to know, whatever the handler does.
	if cause != EndShutdown || !d.state.agent.spawn(end) {
		end()
	}
	<-d.done
	life := ctx
	if ctx.Err() != nil {
		// Out of patience, but the peer is to know.
		var cancel context.CancelFunc
		life, cancel = context.WithTimeout(context.WithoutCancel(ctx), 2*d.state.agent.config.Timers.T1)
		defer cancel()
	}
	defer d.state.agent.unregister(d.state.id)
	response, err := d.state.agent.transact(life, request)
	if err == nil {
		_, err = successful("BYE", response)
	}
	select {
	case <-told:
	case <-ctx.Done():
	}
	return err
}
