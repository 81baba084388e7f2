package conference

import "fmt"

// Role is what a participant may do.
type Role uint8

// The roles. A listener hears and is never heard.
const (
	Speaker Role = iota
	Moderator
	Listener
)

// String gives the name used by the API.
func (r Role) String() string { return name(roleNames[:], int(r)) }

// ParseRole is the inverse of String; any other text gives ErrRange.
func ParseRole(s string) (Role, error) {
	for i, n := range roleNames {
		if n == s {
			return Role(i), nil
		}
	}
	return 0, fmt.Errorf("role %q: %w", s, ErrRange)
}

// Status is the state of a participant's signalling session, in the words of the event package (RFC 4575, section 5.7.3).
type Status uint8

// The statuses (RFC 4575, section 5.7.3).
const (
	Pending Status = iota
	DialingIn
	DialingOut
	Alerting
	Connected
	OnHold
	MutedViaFocus
	Disconnecting
	Disconnected
)

// String gives the spelling of RFC 4575, section 5.7.3.
func (s Status) String() string { return name(statusNames[:], int(s)) }

// Present tells whether the participant's media are connected to the focus; it may still wait to be let in.
func (s Status) Present() bool { return s == Connected || s == OnHold || s == MutedViaFocus }

// JoiningMethod is how a participant came (RFC 4575, section 5.7.4).
type JoiningMethod uint8

// The joining methods (RFC 4575, section 5.7.4).
const (
	DialedIn JoiningMethod = iota
	DialedOut
	FocusOwner
)

// String gives the spelling of RFC 4575, section 5.7.4.
func (m JoiningMethod) String() string { return name(joiningNames[:], int(m)) }

// DisconnectionMethod is how a participant went (RFC 4575, section 5.7.6).
type DisconnectionMethod uint8

// The disconnection methods (RFC 4575, section 5.7.6). NotDisconnected is the zero value of who is still there.
const (
	NotDisconnected DisconnectionMethod = iota
	Departed
	Booted
	Failed
	Busy
)

// String gives the spelling of RFC 4575, section 5.7.6; "" for who is still there.
func (m DisconnectionMethod) String() string { return name(disconnectionNames[:], int(m)) }

// Indication is what a participant is told about recording (RFC 7866, section 7.1.2).
type Indication uint8

// The values of the record attribute (RFC 7866, section 7.1.2).
const (
	IndicateOff Indication = iota
	IndicatePaused
	IndicateOn
)

// String gives the spelling of the record attribute.
func (i Indication) String() string { return name(indicationNames[:], int(i)) }

// RecordingState is the acknowledged state of a recording, or of its session with one server.
type RecordingState uint8

// The states. Starting becomes Recording when a server has accepted; Stopping becomes Stopped when every session is closed.
const (
	RecordingStarting RecordingState = iota
	RecordingActive
	RecordingPaused
	RecordingFailed
	RecordingStopping
	RecordingStopped
	RecordingStandby // of a server: it records when another fails
)

// String gives the name used by the API.
func (s RecordingState) String() string { return name(recordingNames[:], int(s)) }

// Mode is a set of the forms in which a conference is recorded.
type Mode uint8

// The modes: Mixed is one stream of everything, Separate one stream for each participant, Pair one of the participants that a PairPolicy
// chooses, and one of all others.
const (
	Mixed Mode = 1 << iota
	Separate
	Pair
)

// Strings lists the names of the modes of the set, in fixed order.
func (m Mode) Strings() []string {
	out := make([]string, 0, 3)
	if m&Mixed != 0 {
		out = append(out, "mixed")
	}
	if m&Separate != 0 {
		out = append(out, "separate")
	}
	if m&Pair != 0 {
		out = append(out, "pair")
	}
	return out
}

// ParseModes reads a list of mode names; an unknown one gives ErrRange.
func ParseModes(names []string) (Mode, error) {
	var m Mode
	for _, n := range names {
		switch n {
		case "mixed":
			m |= Mixed
		case "separate":
			m |= Separate
		case "pair":
			m |= Pair
		default:
			return 0, fmt.Errorf("recording mode %q: %w", n, ErrRange)
		}
	}
	return m, nil
}

// RecordingPolicy says when a conference is recorded.
type RecordingPolicy uint8

// The policies.
const (
	OnDemand RecordingPolicy = iota
	Always
	Never
)

// String gives the name used in the configuration.
func (p RecordingPolicy) String() string { return name(policyNames[:], int(p)) }

// FailurePolicy says what follows when no server records any more.
type FailurePolicy uint8

// The failure policies. In any case participants learn that recording is off and applications get the event; OnFailureNotify
// lets the participants hear it too, OnFailureTerminate ends the conference.
const (
	OnFailureNotify FailurePolicy = iota
	OnFailureContinue
	OnFailureTerminate
)

// String gives the name used in the configuration.
func (p FailurePolicy) String() string { return name(failureNames[:], int(p)) }

// The tables of names, in the order of the constants.
//
//nolint:gochecknoglobals // tables
var (
	roleNames   = [...]string{"speaker", "moderator", "listener"}
	statusNames = [...]string{
		"pending", "dialing-in", "dialing-out", "alerting", "connected", "on-hold", "muted-via-focus",
		"disconnecting", "disconnected",
	}
	joiningNames       = [...]string{"dialed-in", "dialed-out", "focus-owner"}
	disconnectionNames = [...]string{"", "departed", "booted", "failed", "busy"}
	awaitingNames      = [...]string{"", "pin", "number", "consent", "name"}
	indicationNames    = [...]string{"off", "paused", "on"}
	recordingNames     = [...]string{"starting", "recording", "paused", "failed", "stopping", "stopped", "standby"}
	policyNames        = [...]string{"on_demand", "always", "never"}
	failureNames       = [...]string{"notify", "continue", "terminate"}
)

func name(table []string, i int) string {
	if i < len(table) {
		return table[i]
	}
	return fmt.Sprintf("value(%d)", i)
}
