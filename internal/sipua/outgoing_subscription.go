package sipua

import "time"

// OutgoingSubscription is what Subscribe is made from.
type OutgoingSubscription struct {
	// To is what we subscribe to; its URI is the Request-URI, and where the
	// SUBSCRIBE is sent, unless Route is set.
	To Address
	// From is who subscribes; default: the domain of the Agent.
	From Address
	// Contact is ours; default: that of the Agent with the user part of From.
	Contact Address
	// Route is where the SUBSCRIBE goes first; default: to the Request-URI.
	Route []Address
	// Event is the value of Event, such as "conference" or "conference;id=7".
	Event string
	// Accept are the media types that notifications may have.
	Accept []string
	// Expires is the wanted duration; 0 fetches the state once (RFC 6665, section
	// 4.4.3).
	Expires time.Duration
	// Headers are additional header fields of each SUBSCRIBE.
	Headers Headers
	// ContentType and Body are a body, such as a filter.
	ContentType string
	Body        []byte
	// Trunk is the way to a peer; nil: none in particular.
	Trunk *Trunk
	// Renew makes a new subscription when the notifier ends one and lets the
	// subscriber try again (RFC 6665, section 4.1.3): at once after "deactivated",
	// "timeout" and no reason at all, in a while after "probation" and "giveup". The
	// first NOTIFY of the new one follows the last of the old one.
	Renew bool
	// OnNotify gets each NOTIFY, in order and one at a time; for nil, 200 is sent.
	// The first may come before Subscribe has returned (RFC 6665, section 4.1.2.4).
	OnNotify func(request *Request) *Response
	// OnEnd is called exactly once: when a NOTIFY says "terminated" (EndRemote),
	// unless it is renewed, when a refresh meets a status that says that there is
	// no subscription or the time is over (EndRefused), after Close (EndLocal), or
	// with the Agent (EndShutdown). It is not called when Subscribe fails. May be
	// nil.
	OnEnd func(reason EndReason)
}
