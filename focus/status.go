package focus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// statusCanceled is the final response to an INVITE that was taken back (RFC 3261, section 21.4.25).
const statusCanceled = 487

// errNotAcceptable refuses who reads no session description (RFC 3261, section 21.4.7).
var errNotAcceptable = errors.New("no acceptable kind of answer")

// errMediaType refuses a body of a type that is not read here.
var errMediaType = errors.New("unsupported media type")

// statuses says which SIP status an error becomes (RFC 3261, section 21); the first that matches counts.
//
//nolint:gochecknoglobals // a table
var statuses = []struct {
	err    error
	status int
}{
	{ErrNoConference, 404},
	{conference.ErrEnded, 404},
	{ErrLocked, 403},
	{ErrForbidden, 403},
	{conference.ErrKeptOut, 403},
	{ErrNoParticipant, 404},
	{ErrConflict, 480},
	{ErrFull, 486},
	{conference.ErrEnding, 480},
	{conference.ErrNotOpen, 480},
	{ErrBusy, 503},
	{ErrShutdown, 503},
	{media.ErrNoPorts, 503},
	{media.ErrClosed, 503},
	{errLoop, 482},
	{errNotAcceptable, 406},
	{errMediaType, 415},
	{errReference, 400},
	{errNoDialog, 481},
	{errDialogEnd, 603},
	{errConfirmed, 486},
	{errReplaced, 491},
	{errRefused, 403},
	{errRecipients, 400},
	{sdp.ErrMalformed, 400},
	{sdp.ErrNoAudio, 488},
	{sdp.ErrNoCommonCodec, 488},
	{sdp.ErrTransport, 488},
	{sdp.ErrInsecure, 488},
	{sdp.ErrCrypto, 488},
	{sdp.ErrAddress, 488},
	{sdp.ErrMulticast, 488},
	{sdp.ErrNotWanted, 488},
	{sdp.ErrStreamCount, 488},
	{sdp.ErrMismatch, 488},
	{sdp.ErrRejected, 488},
	{media.ErrParams, 488},
	{ErrInvalid, 400},
	{sipua.ErrCanceled, statusCanceled},
	{context.Canceled, statusCanceled},
	{context.DeadlineExceeded, 408},
	{sipua.ErrTimeout, 408},
	{sipua.ErrTransport, 503},
}

// status is the SIP status for an error; 500 for one that nobody has foreseen.
func status(err error) int {
	if code := sipua.Status(err); code != 0 {
		return code
	}
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return s.status
		}
	}
	return 500
}

// retryAfter is what a 503 says.
const retryAfter = "5"

// laterError is a refusal that does not hold for ever.
type laterError struct {
	error

	after time.Duration
}

// Unwrap gives the refusal.
func (e laterError) Unwrap() error { return e.error }

// unopened adds to the refusal of a conference that is not open yet when it will be.
func unopened(err error, s *conference.State) error {
	if errors.Is(err, conference.ErrNotOpen) {
		return laterError{err, time.Until(s.Opens)}
	}
	return err
}

// refusal is the response for an error, with the header fields that its status asks for.
func refusal(err error) *sipua.Response {
	response := sipua.NewResponse(status(err))
	for _, why := range []error{ErrLocked, ErrFull, conference.ErrEnding, conference.ErrNotOpen, conference.ErrEnded, ErrForbidden, ErrBusy, ErrShutdown} {
		if errors.Is(err, why) {
			response.WithHeader("Reason", reasonHeader(response.Status, why.Error()))
			break
		}
	}
	switch response.Status {
	case 403:
		if !errors.Is(err, ErrLocked) {
			break
		}
		response.Reason = "Conference Locked"
	case 415:
		response.WithHeader("Accept", sdpType)
	case 400, 488:
		w := sdp.WarningFor(err)
		response.WithHeader("Warning", fmt.Sprintf("%d parley %q", w.Code, w.Text))
	case 480, 503:
		if later, ok := errors.AsType[laterError](err); ok {
			response.WithHeader("Retry-After", strconv.Itoa(max(1, int(math.Ceil(later.after.Seconds())))))
		} else if response.Status == 503 {
			response.WithHeader("Retry-After", retryAfter)
		}
	}
	return response
}

// reasonHeader is a value of the Reason header field (RFC 3326).
func reasonHeader(status int, text string) string {
	if text == "" {
		text = sipua.ReasonPhrase(status)
	}
	text = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "", "\n", " ").Replace(text)
	return fmt.Sprintf(`SIP;cause=%d;text="%s"`, status, text)
}
