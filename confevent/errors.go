package confevent

import "errors"

// Sentinels of [Unmarshal].
var (
	// ErrTooLarge says that a document exceeds the bounds of [Unmarshal] in octets, elements or depth.
	ErrTooLarge = errors.New("confevent: document too large")
	// ErrMalformed says that the text is not well-formed XML in UTF-8 (RFC 4575, section 4.1).
	ErrMalformed = errors.New("confevent: malformed document")
	// ErrNotConferenceInfo says that the root element is not conference-info (RFC 4575, section 5.2).
	ErrNotConferenceInfo = errors.New("confevent: not a conference-info document")
)

// Sentinels of [Merge].
var (
	// ErrStale says that the version is not above the local one: discard the document (RFC 4575, section 4.6).
	ErrStale = errors.New("confevent: stale document")
	// ErrRefreshNeeded says that a partial document cannot be applied because documents before it are
	// missing: refresh the subscription to get a full one (RFC 4575, section 4.6).
	ErrRefreshNeeded = errors.New("confevent: partial document without its predecessor")
	// ErrOtherConference says that a partial document is about another conference than the local state.
	ErrOtherConference = errors.New("confevent: document of another conference")
)
