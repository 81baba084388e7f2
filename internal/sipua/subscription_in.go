package sipua

import (
	"context"
	"time"
)

// IncomingSubscription is a SUBSCRIBE outside of a dialog, or without one of
// ours, that waits for its answer.
type IncomingSubscription struct {
	request *Request
}

// Request returns the SUBSCRIBE.
func (s *IncomingSubscription) Request() *Request { return s.request }

// Event returns the event package without parameters, such as "conference".
func (s *IncomingSubscription) Event() string { return s.request.Event() }

// Expires returns the wanted duration, and whether one was given. Zero means a
// single notification (RFC 6665, section 4.4.3).
func (s *IncomingSubscription) Expires() (time.Duration, bool) { return 0, false }

// SubscriptionHandler is what a NotifierDialog calls. Ended is the last call.
type SubscriptionHandler interface {
	// Refresh gets a SUBSCRIBE within the dialog and the duration that was asked
	// for (zero: the subscriber leaves). It returns the granted duration, at most
	// the wanted one, or a response that refuses. After the 2xx has been sent
	// Refreshed is called.
	Refresh(request *Request, wanted time.Duration) (granted time.Duration, refuse *Response)
	// Refreshed is called when the answer to a SUBSCRIBE has been sent: now a
	// NOTIFY with the full state is due (RFC 6665, section 4.2.1.2).
	Refreshed(granted time.Duration)
	// Ended says that the subscription is over: the time has run out, or the
	// subscriber does not answer. It is called exactly once, also after a
	// Notify with the state "terminated".
	Ended(reason EndReason)
}

// Accept sends a 200 with this duration and makes the dialog for the
// notifications. The first NOTIFY is due when it returns (RFC 6665, section
// 4.2.1.2). contact may be the zero value; then it is that of the Agent with the
// user part of the Request-URI. Errors: ErrAnswered, ErrDialog, ErrTransport.
func (s *IncomingSubscription) Accept(expires time.Duration, contact Address, handler SubscriptionHandler,
	headers ...Header,
) (*NotifierDialog, error) {
	return nil, ErrAnswered
}

// Reject sends a final response, such as 489 or 403. Errors: ErrAnswered,
// ErrTransport.
func (s *IncomingSubscription) Reject(response *Response) error { return nil }

// NotifierDialog is the notifier's side of a subscription.
type NotifierDialog struct {
	id DialogID
}

// ID returns the identifier of the dialog.
func (n *NotifierDialog) ID() DialogID { return n.id }

// Remote returns the subscriber.
func (n *NotifierDialog) Remote() Address { return Address{} }

// Expires returns how long the subscription still lasts.
func (n *NotifierDialog) Expires() time.Duration { return 0 }

// Notify sends a NOTIFY and waits for its response; one is sent at a time. state
// is the Subscription-State, such as "terminated;reason=noresource"; when it is
// "active" or "pending" alone, ;expires= is added. A "terminated" ends the
// subscription. Errors: ErrGone when the subscriber answers 481, or another
// final error without Retry-After, or not at all (RFC 6665, section 4.2.2);
// *StatusError; ErrTransport; and that of ctx.
func (n *NotifierDialog) Notify(ctx context.Context, state, contentType string, body []byte, headers ...Header) error {
	return ErrGone
}

// Notifier makes the dialog for the implicit subscription of a REFER outside of
// a dialog (RFC 3515, section 2.4.4). It is called by Handler.Request before it
// returns the 202; the subscription lasts until a Notify says "terminated", or
// expires. Errors: ErrDialog.
func (a *Agent) Notifier(request *Request, expires time.Duration, handler SubscriptionHandler) (*NotifierDialog, error) {
	return nil, ErrDialog
}
