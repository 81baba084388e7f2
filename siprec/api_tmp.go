package siprec

import (
	"net/netip"
	"time"
)

// Marshal returns the document in schema order, UTF-8 with an XML declaration
// (RFC 7865, sections 5.1 and 9). namespace is [Namespace] when empty.
func Marshal(r Recording, namespace string) []byte { return nil }

// Unmarshal reads a document of RFC 7865: namespace of version 1, base64 UUIDs,
// RFC 3339 times. The order of elements does not matter. Errors wrap [ErrSyntax],
// [ErrNamespace] or [ErrTooLarge].
func Unmarshal(data []byte) (Recording, error) { return Recording{}, nil }

// UnmarshalLenient reads what recording clients in the field send, too: dataMode, other
// namespaces, prefixes, urn:uuid and hexadecimal identifiers, times without zone or
// colon. The issues, all of kind [IssueDialect], tell what was not RFC 7865.
func UnmarshalLenient(data []byte) (Recording, []Issue, error) { return Recording{}, nil, nil }

// Diff returns the smallest document that turns old into new by [Merge]: partial, or
// the complete new one when something has to go, which no partial document can say.
func Diff(old, updated Recording) Recording { return Recording{} }

// DiffSelfContained returns Diff, completed by everything it refers to and by at least
// one session and one participant, for recorders that judge each document alone.
func DiffSelfContained(old, updated Recording) Recording { return Recording{} }

// Merge applies a document to what a recorder knows: a complete document replaces all
// of it, an element of a partial one replaces the element with the same key
// (RFC 8068, section 3.3.3). The result is complete.
func Merge(old, update Recording) Recording { return Recording{} }

// Equal tells whether two documents say the same: data mode and elements, in any order
// of elements of one kind.
func Equal(a, b Recording) bool { return false }

// IsEmpty tells whether the document holds nothing.
func (r Recording) IsEmpty() bool { return false }

// An IssueKind classifies an [Issue].
type IssueKind uint8

// Issue is one fault of a document.
type Issue struct {
	Kind    IssueKind
	Element string // element name
	ID      ID     // of the element; empty when it has none
	Detail  string
}

// Verify checks a document against the labels of the SDP of the same message, in the
// order of the m-lines; labels is nil when there is no SDP.
func Verify(r Recording, labels []string) []Issue { return nil }

// Document maps a roster to its complete document.
func Document(r Roster) Recording { return Recording{} }

// SnapshotRequest is a recorder's request for a full snapshot (RFC 7865, section 7).
type SnapshotRequest struct {
	Reason string
	Lang   string
}

// ParseSnapshotRequest reads a requestsnapshot document. Errors are those of
// [Unmarshal].
func ParseSnapshotRequest(data []byte) (SnapshotRequest, error) { return SnapshotRequest{}, nil }

// Marshal returns the requestsnapshot document.
func (s SnapshotRequest) Marshal() []byte { return nil }

// Part is one part of a multipart body.
type Part struct {
	ContentType string
	Disposition string   // Content-Disposition; empty: none
	Headers     []Header // further header fields
	Body        []byte
}

// BuildMultipart returns the Content-Type and the body of a multipart/mixed message
// (RFC 2046, section 5.1). The boundary is derived from the parts, occurs in none of
// them and needs no quotes; the result depends on nothing else.
func BuildMultipart(parts []Part) (contentType string, body []byte) { return "", nil }

// ParseParts returns the parts of a body: those of a multipart one, nested ones
// flattened, or the body itself. It takes LF line ends, preamble, epilogue and a
// missing last boundary. Errors wrap [ErrMultipart] or [ErrTooLarge].
func ParseParts(contentType, disposition string, body []byte) ([]Part, error) { return nil, nil }

// Content is what a SIP body of a recording session holds.
type Content struct {
	SDP      []byte           // nil: none
	Metadata []byte           // nil: none
	Snapshot *SnapshotRequest // nil: none
}

// ParseContent finds SDP, metadata and snapshot request in a body, bare or multipart,
// under either name of the media type. Unknown parts are ignored when they are optional
// (handling=optional); else the error wraps [ErrMediaType].
func ParseContent(contentType, disposition string, body []byte) (Content, error) {
	return Content{}, nil
}

// Profiles returns the names of the profiles that come with the package.
func Profiles() []string { return nil }

// LookupProfile returns a profile that comes with the package.
func LookupProfile(name string) (Profile, bool) { return Profile{}, false }

// Normalize returns the profile with every default filled in.
func (p Profile) Normalize() Profile { return p }

// Validate returns an error wrapping [ErrProfile] when the profile contradicts itself.
func (p Profile) Validate() error { return nil }

// Config of a [Client]. Zero durations take the defaults named.
type Config struct {
	Profile     Profile
	Address     netip.Addr    // for o= and c=
	SDPSession  uint64        // session id of o=; the same for all dialogs of the session
	Coalesce    time.Duration // wait for more changes before an offer; 200 ms; negative: none
	MinInterval time.Duration // between two requests that we begin; 0: none beyond Coalesce
	Snapshot    time.Duration // between two snapshots on request; 1 s
	Retry       RetryPolicy
	Seed        uint64 // of the jitter
}

// RetryPolicy says how a lost or refused session is tried again.
type RetryPolicy struct {
	Initial  time.Duration // before the first retry; 1 s
	Max      time.Duration // between two retries at most; 1 min
	Jitter   float64       // share of each delay that is random, 0 to 1
	Attempts int           // retries in a row before giving up; 0: no limit; negative: never retry
	Stable   time.Duration // a dialog this old resets the count; 30 s
}

// Client is the recording session toward one recorder. It is not safe for concurrent
// use.
type Client struct{}

// New returns a client that waits for its first [Desire]. The error wraps [ErrProfile].
func New(cfg Config) (*Client, error) { return nil, nil }

// Step takes an event and the time, which must not go backwards, and returns what is
// to be done, in order.
func (c *Client) Step(ev Event, now time.Time) []Action { return nil }

// State returns the acknowledged state.
func (c *Client) State() State { return StateIdle }

// Label returns the label of a stream by its key, empty when it never had one.
func (c *Client) Label(key string) string { return "" }

// Acknowledged returns the document the recorder has by now, merged from all it has
// acknowledged, and whether there is one.
func (c *Client) Acknowledged() (Recording, bool) { return Recording{}, false }
