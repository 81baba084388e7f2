package siprec

import "time"

// Names of the metadata format (RFC 7865, section 5.1; RFC 9806, section 4.1).
const (
	// Namespace is the XML namespace of version 1 (RFC 7865, section 6.11).
	Namespace = "urn:ietf:params:xml:ns:recording:1"
	// NamespaceDraft is the namespace of the drafts, which many recorders still speak.
	NamespaceDraft = "urn:ietf:params:xml:ns:recording"
	// MetadataType is the registered media type.
	MetadataType = "application/rs-metadata+xml"
	// MetadataTypeOld is the name that RFC 7866 used before RFC 9806 corrected it.
	MetadataTypeOld = "application/rs-metadata"
	// Disposition marks metadata and snapshot requests in a SIP message
	// (RFC 7866, section 11.3).
	Disposition = "recording-session"
)

// DataMode tells whether a document stands alone (RFC 7865, section 5.1.2).
type DataMode uint8

// The data modes.
const (
	Complete DataMode = iota // a full snapshot
	Partial                  // only what changed since the last document
)

// String returns the value of the datamode element.
func (m DataMode) String() string {
	switch m {
	case Complete:
		return "complete"
	case Partial:
		return "partial"
	default:
		return "invalid"
	}
}

// Recording is a metadata document (RFC 7865, section 6.1). The order of elements of a
// kind carries no meaning for [Diff], [Merge] and [Equal], but is kept, because some
// recorders take the first participant for the caller.
type Recording struct {
	Mode                DataMode
	Groups              []Group
	Sessions            []Session
	Participants        []Participant
	Streams             []Stream
	SessionRecordings   []SessionRecording
	ParticipantSessions []ParticipantSession
	ParticipantStreams  []ParticipantStream
	Extensions          []Extension
}

// Group ties related communication sessions together (RFC 7865, section 6.2).
type Group struct {
	ID           ID
	Associate    time.Time // when it was formed; zero: not told
	Disassociate time.Time // when it was dissolved; zero: it lives
	Extensions   []Extension
}

// Session is a communication session, here a conference (RFC 7865, section 6.3).
type Session struct {
	ID            ID
	SIPSessionIDs []string // RFC 7989 pairs, "<hex>;remote=<hex>"
	Reasons       []Reason
	Group         ID // empty: in none
	Start         time.Time
	Stop          time.Time
	Extensions    []Extension
}

// Reason is why a session ended, after the SIP Reason header (RFC 7865, section 6.3.1;
// RFC 3326).
type Reason struct {
	Protocol string // empty means SIP
	Cause    int16
	Text     string
}

// Participant is a party of communication sessions (RFC 7865, section 6.5).
type Participant struct {
	ID         ID
	Names      []NameID // at least one; the first is the best one
	Extensions []Extension
}

// NameID is an address of a participant with its display name.
type NameID struct {
	AOR  string // a URI: sip, sips or tel
	Name string
	Lang string // xml:lang of the name
}

// Stream is a media stream of the recording session (RFC 7865, section 6.7).
type Stream struct {
	ID         ID
	Session    ID     // empty: of none yet (persistent recording)
	Label      string // a=label of its m-line; scope is the message
	Extensions []Extension
}

// SessionRecording ties a session to the recording session; the recording session
// itself is the dialog (RFC 7865, section 6.4).
type SessionRecording struct {
	Session      ID
	Associate    time.Time
	Disassociate time.Time
	Extensions   []Extension
}

// ParticipantSession ties a participant to a session (RFC 7865, section 6.6). Someone
// who comes back has a new pair of times.
type ParticipantSession struct {
	Participant  ID
	Session      ID
	Associate    time.Time
	Disassociate time.Time
	Params       []Param
	Extensions   []Extension
}

// Param is a capability of a participant, from its Contact (RFC 7865, section 6.6.1).
type Param struct {
	Name  string
	Value string
}

// ParticipantStream tells which streams a participant feeds and which it hears
// (RFC 7865, section 6.8). With neither it does neither.
type ParticipantStream struct {
	Participant  ID
	Send         []ID
	Recv         []ID
	Associate    time.Time
	Disassociate time.Time
	Extensions   []Extension
}

// Extension is one element of another namespace, as self-contained XML.
type Extension string
