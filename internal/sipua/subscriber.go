package sipua

import (
	"context"
	"time"
)

// OutgoingSubscription is what Subscribe is made from.
type OutgoingSubscription struct {
	// To is what we subscribe to; its URI is the Request-URI.
	To Address
	// From is who subscribes; default: the domain of the Agent.
	From Address
	// Contact is ours; default: that of the Agent with the user part of From.
	Contact Address
	// Event is the value of Event, such as "conference" or "conference;id=7".
	Event string
	// Accept are the media types that notifications may have.
	Accept []string
	// Expires is the wanted duration; 0 fetches the state once (RFC 6665, section
	// 4.4.3).
	Expires time.Duration
	// Headers are additional header fields of each SUBSCRIBE.
	Headers Headers
	// OnNotify gets each NOTIFY, in order and one at a time; for nil, 200 is sent.
	// The first may come before Subscribe has returned (RFC 6665, section 4.1.2.4).
	OnNotify func(request *Request) *Response
	// OnEnd is called exactly once, when a NOTIFY says "terminated", or a refresh
	// fails, or after Close. May be nil.
	OnEnd func(reason EndReason)
}

// Subscriber is the subscriber's side of a subscription. It refreshes itself
// before it expires.
type Subscriber struct {
	id DialogID
}

// Subscribe subscribes to a resource and returns when the 2xx has come. Errors:
// *StatusError, ErrTimeout, ErrTransport, ErrDialog, ErrClosed, and that of ctx.
func (a *Agent) Subscribe(ctx context.Context, subscription OutgoingSubscription) (*Subscriber, error) {
	return nil, ErrClosed
}

// ID returns the identifier of the dialog.
func (s *Subscriber) ID() DialogID { return s.id }

// Done is closed when the subscription has ended.
func (s *Subscriber) Done() <-chan struct{} { return nil }

// Refresh sends a SUBSCRIBE with this duration now; the notifier answers with
// the full state. Errors are those of Subscribe, and ErrEnded.
func (s *Subscriber) Refresh(ctx context.Context, expires time.Duration) error { return nil }

// Close ends the subscription with Expires: 0 and waits for the last NOTIFY, or
// for ctx. Errors are those of Subscribe; the subscription has ended in any case.
func (s *Subscriber) Close(ctx context.Context) error { return nil }
