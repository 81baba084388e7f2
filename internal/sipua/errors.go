package sipua

import (
	"errors"
	"fmt"
)

// Errors of the package. All errors that come from the network wrap one of
// them, or are a *StatusError.
var (
	// ErrClosed says that the Agent is shut down or was not started.
	ErrClosed = errors.New("agent closed")
	// ErrCanceled says that the caller took its INVITE back.
	ErrCanceled = errors.New("call canceled")
	// ErrAnswered says that a final response was sent before.
	ErrAnswered = errors.New("already answered")
	// ErrEnded says that the dialog is over.
	ErrEnded = errors.New("dialog ended")
	// ErrTimeout says that no response came within 64*T1.
	ErrTimeout = errors.New("no response")
	// ErrTransport says that a message could not be sent.
	ErrTransport = errors.New("cannot send")
	// ErrNoACK says that a 2xx was never acknowledged.
	ErrNoACK = errors.New("no ACK")
	// ErrGlare says that an offer met 491 or 500 again and again.
	ErrGlare = errors.New("offer refused because of another one")
	// ErrNoOffer says that a request which must carry an offer has no body.
	ErrNoOffer = errors.New("no offer")
	// ErrGone says that a subscriber does not want or get notifications any
	// more (RFC 6665, section 4.2.2).
	ErrGone = errors.New("subscription gone")
	// ErrExpired says that nobody refreshed a subscription in time.
	ErrExpired = errors.New("subscription expired")
	// ErrDialog says that a message does not establish a dialog as it should.
	ErrDialog = errors.New("no dialog")
)

// StatusError is the error of a request that got a final response which is not
// a 2xx. Read it with errors.AsType.
type StatusError struct {
	// Method is the method of the request.
	Method string
	// Response is the response.
	Response *Response
}

// Error says method, status and reason.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: %d %s", e.Method, e.Response.Status, e.Response.Reason)
}

// Status returns the status code of an error that wraps a *StatusError, or 0.
func Status(err error) int {
	if e, ok := errors.AsType[*StatusError](err); ok {
		return e.Response.Status
	}
	return 0
}
