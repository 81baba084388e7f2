package sipua

// Handler is what an Agent calls for requests outside of a dialog. Each call
// runs in a goroutine of its own; a panic is answered with 500. What reaches a
// Handler is well-formed, within the limits, and asks for nothing unknown.
type Handler interface {
	// Invite gets a new call. It may answer before it returns or hand the call
	// on; a call that is neither answered nor rejected stays pending until the
	// caller cancels it.
	Invite(call *IncomingCall)
	// Subscribe gets a new subscription. It has to accept or reject it before it
	// returns; otherwise 500 is sent.
	Subscribe(subscription *IncomingSubscription)
	// Request gets every other request: OPTIONS, REFER, MESSAGE, …. For nil, 405
	// is sent (for OPTIONS 200).
	Request(request *Request) *Response
}

// DialogHandler is what a Dialog calls. Ack and Request are called one at a
// time and in the order of the requests' sequence numbers; Offer may run beside
// them. Ended is the last call.
type DialogHandler interface {
	// Ack gets the ACK of a 2xx that we sent, once for each INVITE; its body is
	// the answer when our 2xx carried the offer.
	Ack(request *Request)
	// Offer gets a re-INVITE or an UPDATE. The body may be empty: for a
	// re-INVITE that asks for an offer of ours in the 2xx, for an UPDATE that
	// the peer only refreshes something. For nil, 488 is sent. While it runs
	// other offers of the peer are refused (RFC 3311, section 5.2).
	Offer(request *Request) *Response
	// Request gets every other request in the dialog: INFO, MESSAGE, REFER,
	// NOTIFY, OPTIONS, …. For nil, 405 is sent (for OPTIONS 200).
	Request(request *Request) *Response
	// Ended says that the dialog is over. It is called exactly once.
	Ended(reason EndReason)
}

// A BodyAccepter is a DialogHandler for whose dialog other media types than those of Config.Accept are taken, as in a recording
// session, which carries metadata. Accepts may be called from any goroutine.
type BodyAccepter interface {
	Accepts() []string
}

// EndCause tells why a dialog ended.
type EndCause uint8

// The causes.
const (
	// EndLocal is our own BYE.
	EndLocal EndCause = iota + 1
	// EndRemote is a BYE of the peer.
	EndRemote
	// EndNoACK is a 2xx of ours that was not acknowledged (RFC 3261, section
	// 13.3.1.4).
	EndNoACK
	// EndRefused is a 408 or 481 to a request of ours, or no response at all
	// (RFC 3261, section 12.2.1.2).
	EndRefused
	// EndShutdown is the end of the Agent.
	EndShutdown
	// EndExpired is a session that was not refreshed in time (RFC 4028, section
	// 10).
	EndExpired
)

// String returns a short name for logs.
func (c EndCause) String() string {
	switch c {
	case EndLocal:
		return "local"
	case EndRemote:
		return "remote"
	case EndNoACK:
		return "no ack"
	case EndRefused:
		return "refused"
	case EndShutdown:
		return "shutdown"
	case EndExpired:
		return "expired"
	}
	return "unknown"
}

// EndReason tells how a dialog ended.
type EndReason struct {
	// Cause is the kind of end.
	Cause EndCause
	// Request is the BYE of the peer, or nil.
	Request *Request
	// Err is ErrNoACK, ErrTimeout, a *StatusError, or nil.
	Err error
}
