package sdp

import "strings"

// Direction is who sends, seen from the side that wrote the description (RFC 8866, section 6.7).
type Direction uint8

// Directions. Unspecified inherits from the session and means sendrecv there (RFC 3264, section 5.1).
const (
	Unspecified Direction = iota
	SendRecv
	SendOnly
	RecvOnly
	Inactive
)

// DirectionFor is the direction of somebody who sends and receives as told.
func DirectionFor(send, receive bool) Direction {
	switch {
	case send && receive:
		return SendRecv
	case send:
		return SendOnly
	case receive:
		return RecvOnly
	default:
		return Inactive
	}
}

// Sends reports whether the writer of the description sends.
func (d Direction) Sends() bool { return d == Unspecified || d == SendRecv || d == SendOnly }

// Receives reports whether the writer of the description receives.
func (d Direction) Receives() bool { return d == Unspecified || d == SendRecv || d == RecvOnly }

// Reverse is the same direction seen from the other side.
func (d Direction) Reverse() Direction { return DirectionFor(d.Receives(), d.Sends()) }

// String is the name of the attribute, empty for Unspecified.
func (d Direction) String() string {
	switch d {
	case SendRecv:
		return "sendrecv"
	case SendOnly:
		return "sendonly"
	case RecvOnly:
		return "recvonly"
	case Inactive:
		return "inactive"
	case Unspecified:
		return ""
	default:
		return ""
	}
}

// Record is the recording indication of a stream (RFC 7866, section 7.1.2). It tells, it never asks.
type Record uint8

// Recording indications. The zero value means that the description says nothing.
const (
	RecordUnspecified Record = iota
	RecordOn
	RecordOff
	RecordPaused
)

// String is the value on the wire, empty for RecordUnspecified.
func (r Record) String() string {
	switch r {
	case RecordOn:
		return "on"
	case RecordOff:
		return "off"
	case RecordPaused:
		return "paused"
	case RecordUnspecified:
		return ""
	default:
		return ""
	}
}

// RecordPreference is the wish of a participant about recording (RFC 7866, section 7.3.2).
type RecordPreference uint8

// Recording preferences. Absence on the wire and "nopreference" mean the same but are written differently.
const (
	PreferenceUnspecified RecordPreference = iota
	PreferenceOn
	PreferenceOff
	PreferencePause
	PreferenceNone
)

// String is the value on the wire, empty for PreferenceUnspecified.
func (p RecordPreference) String() string {
	switch p {
	case PreferenceOn:
		return "on"
	case PreferenceOff:
		return "off"
	case PreferencePause:
		return "pause"
	case PreferenceNone:
		return "nopreference"
	case PreferenceUnspecified:
		return ""
	default:
		return ""
	}
}

func parseDirection(name string) Direction {
	for d := SendRecv; d <= Inactive; d++ {
		if strings.EqualFold(name, d.String()) {
			return d
		}
	}
	return Unspecified
}

// The literals of the grammar have no case (RFC 5234, section 2.3).
func parseRecord(value string) Record {
	for r := RecordOn; r <= RecordPaused; r++ {
		if strings.EqualFold(value, r.String()) {
			return r
		}
	}
	return RecordUnspecified
}

func parseRecordPreference(value string) RecordPreference {
	for p := PreferenceOn; p <= PreferenceNone; p++ {
		if strings.EqualFold(value, p.String()) {
			return p
		}
	}
	return PreferenceUnspecified
}
