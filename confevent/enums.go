package confevent

// State says how complete an element is (RFC 4575, section 4.4).
type State uint8

// The states of an element; Full is the default of the schema.
const (
	Full State = iota
	Partial
	Deleted
)

// String returns the spelling on the wire.
func (s State) String() string { return name(stateNames, int(s)) }

// Status is the state of an endpoint (RFC 4575, section 5.7.3).
type Status uint8

// The statuses of an endpoint; StatusNone means not told.
const (
	StatusNone Status = iota
	// StatusPending is an endpoint that is to be called later.
	StatusPending
	// StatusDialingOut is an endpoint to which an INVITE was sent.
	StatusDialingOut
	// StatusDialingIn is an endpoint whose INVITE is not answered yet.
	StatusDialingIn
	// StatusAlerting is an endpoint that rings.
	StatusAlerting
	// StatusOnHold is an endpoint that holds us, or waits to be let in.
	StatusOnHold
	// StatusConnected is an endpoint whose media are mixed.
	StatusConnected
	// StatusMutedViaFocus is an endpoint whose input the focus leaves out.
	StatusMutedViaFocus
	// StatusDisconnecting is an endpoint to which a BYE was sent.
	StatusDisconnecting
	// StatusDisconnected is an endpoint that is gone.
	StatusDisconnected
)

// String returns the spelling on the wire, empty for StatusNone.
func (s Status) String() string { return name(statusNames, int(s)) }

// JoiningMethod is how an endpoint came in (RFC 4575, section 5.7.4).
type JoiningMethod uint8

// The joining methods; JoiningNone means not told.
const (
	JoiningNone JoiningMethod = iota
	DialedIn
	DialedOut
	FocusOwner
)

// String returns the spelling on the wire, empty for JoiningNone.
func (m JoiningMethod) String() string { return name(joiningNames, int(m)) }

// DisconnectionMethod is how an endpoint went (RFC 4575, section 5.7.6).
type DisconnectionMethod uint8

// The disconnection methods; DisconnectionNone means not told.
const (
	DisconnectionNone DisconnectionMethod = iota
	// Departed says that the endpoint left by itself.
	Departed
	// Booted says that the focus removed or refused it.
	Booted
	// Failed says that it could not be reached or a fault ended the call.
	Failed
	// Busy says that it was busy.
	Busy
)

// String returns the spelling on the wire, empty for DisconnectionNone.
func (m DisconnectionMethod) String() string { return name(disconnectionNames, int(m)) }

// MediaStatus is the direction of a medium (RFC 4575, section 5.8.5).
type MediaStatus uint8

// The directions; MediaNone means not told.
const (
	MediaNone MediaStatus = iota
	RecvOnly
	SendOnly
	SendRecv
	Inactive
)

// String returns the spelling on the wire, empty for MediaNone.
func (m MediaStatus) String() string { return name(mediaNames, int(m)) }

// The spellings of the schema by value (RFC 4575, section 6).
//
//nolint:gochecknoglobals // tables
var (
	stateNames  = []string{"full", "partial", "deleted"}
	statusNames = []string{
		"", "pending", "dialing-out", "dialing-in", "alerting", "on-hold",
		"connected", "muted-via-focus", "disconnecting", "disconnected",
	}
	joiningNames       = []string{"", "dialed-in", "dialed-out", "focus-owner"}
	disconnectionNames = []string{"", "departed", "booted", "failed", "busy"}
	mediaNames         = []string{"", "recvonly", "sendonly", "sendrecv", "inactive"}
)

// name returns the spelling of value i; what the table does not have is absent.
func name(table []string, i int) string {
	if i < len(table) {
		return table[i]
	}

	return ""
}

// value returns the value of a spelling; an unknown one is the zero value.
func value(table []string, s string) uint8 {
	for i, n := range table {
		if n == s {
			return uint8(i)
		}
	}

	return 0
}
