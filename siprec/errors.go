package siprec

import (
	"errors"
	"fmt"
)

// Errors that callers ask for with errors.Is.
var (
	// ErrSyntax marks a body that is no well-formed document of its kind; it is worth a
	// 400 (Bad Request) to its sender (RFC 7865, section 5.1).
	ErrSyntax = errors.New("siprec: malformed document")
	// ErrTooLarge marks a body beyond the limits of this package: 413.
	ErrTooLarge = errors.New("siprec: document too large")
	// ErrNamespace marks a document in another XML namespace than the one asked for.
	ErrNamespace = errors.New("siprec: not in the recording namespace")
	// ErrMultipart marks a multipart body whose parts cannot be told apart.
	ErrMultipart = errors.New("siprec: malformed multipart body")
	// ErrMediaType marks a required body part of a type nobody here reads: 415.
	ErrMediaType = errors.New("siprec: unsupported media type")
	// ErrID marks an identifier that is not a UUID (RFC 7865, section 6.10).
	ErrID = errors.New("siprec: not a UUID")
	// ErrProfile marks a profile that contradicts itself.
	ErrProfile = errors.New("siprec: invalid profile")
)

// A SyntaxError tells where a metadata document is wrong. It wraps [ErrSyntax].
type SyntaxError struct {
	Element string // the element or attribute at fault
	Reason  string // what is wrong with it
}

// Error describes the fault without quoting the document, which may hold names.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("siprec: malformed document: %s: %s", e.Element, e.Reason)
}

// Unwrap returns [ErrSyntax].
func (e *SyntaxError) Unwrap() error { return ErrSyntax }
