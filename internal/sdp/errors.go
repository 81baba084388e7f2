package sdp

import (
	"errors"
	"fmt"
)

// Why a description, a stream or a whole session is refused. [WarningFor] gives the warning that belongs to each.
var (
	// ErrMalformed: the text is not a session description (RFC 8866, section 9).
	ErrMalformed = errors.New("sdp: malformed description")
	// ErrNoAudio: no audio stream is offered, or all are disabled.
	ErrNoAudio = errors.New("sdp: no audio stream")
	// ErrNoCommonCodec: no codec of the stream is one of ours.
	ErrNoCommonCodec = errors.New("sdp: no common codec")
	// ErrInsecure: the stream is not protected, and must be.
	ErrInsecure = errors.New("sdp: stream is not protected")
	// ErrCrypto: the stream is to be protected, but no key of it can be used (RFC 4568, section 5.1).
	ErrCrypto = errors.New("sdp: no usable key")
	// ErrTransport: the transport of the stream is not one that was asked for: RTP/AVP or RTP/AVPF, with keys RTP/SAVP or RTP/SAVPF.
	ErrTransport = errors.New("sdp: unsupported transport protocol")
	// ErrAddress: the address is a host name or of the other address family.
	ErrAddress = errors.New("sdp: incompatible network address")
	// ErrMulticast: the address is a multicast address.
	ErrMulticast = errors.New("sdp: multicast is not available")
	// ErrNotWanted: the stream could be spoken but we have no use for it, such as a second audio stream.
	ErrNotWanted = errors.New("sdp: stream is not wanted")
	// ErrStreamCount: the answer has not as many m= lines as the offer (RFC 3264, section 6).
	ErrStreamCount = errors.New("sdp: answer has a wrong number of streams")
	// ErrMismatch: the m= line of the answer has another media type or transport than that of the offer.
	ErrMismatch = errors.New("sdp: answer does not fit the offer")
	// ErrRejected: the answer refuses a stream with port 0, or all streams.
	ErrRejected = errors.New("sdp: stream rejected by the peer")
)

// StreamError says which stream an error is about.
type StreamError struct {
	// Index counts the m= lines from 0; -1 is the session level.
	Index int
	// Err is one of the sentinels of this package.
	Err error
	// Detail is for a person who reads a log; it may quote the peer.
	Detail string
}

// Error implements error.
func (e *StreamError) Error() string {
	text := e.Err.Error()
	if e.Index >= 0 {
		text = fmt.Sprintf("%s (stream %d)", text, e.Index)
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Unwrap returns the sentinel.
func (e *StreamError) Unwrap() error { return e.Err }

// Warning is the code and text of a Warning header field (RFC 3261, section 20.43).
type Warning struct {
	Code int
	Text string
}

// WarningFor is the warning for the 488 (or 400, for [ErrMalformed]) that refuses a description because of err. An
// error of no kind of this package gives 399.
func WarningFor(err error) Warning {
	for _, entry := range warnings {
		if errors.Is(err, entry.err) {
			return entry.warning
		}
	}
	return Warning{399, "Session description refused"}
}

//nolint:gochecknoglobals // table
var warnings = []struct {
	err     error
	warning Warning
}{
	{ErrMalformed, Warning{399, "Malformed session description"}},
	{ErrNoAudio, Warning{304, "Media type not available"}},
	{ErrNotWanted, Warning{304, "Media type not available"}},
	{ErrNoCommonCodec, Warning{305, "Incompatible media format"}},
	{ErrInsecure, Warning{302, "Media must be protected by SRTP"}},
	{ErrCrypto, Warning{302, "No usable SRTP key"}},
	{ErrTransport, Warning{302, "Incompatible transport protocol"}},
	{ErrAddress, Warning{301, "Incompatible network address formats"}},
	{ErrMulticast, Warning{330, "Multicast not available"}},
	{ErrStreamCount, Warning{399, "Wrong number of media streams in the answer"}},
	{ErrMismatch, Warning{399, "Answer does not match the offer"}},
	{ErrRejected, Warning{399, "Media stream rejected"}},
}
