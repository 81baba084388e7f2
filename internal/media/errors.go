package media

import "errors"

// What callers ask an error of this package for. They are wrapped with the values that caused them: use [errors.Is].
var (
	// ErrNoPorts: every pair of ports of the range is in use, resting after use, or taken by another process.
	ErrNoPorts = errors.New("no free RTP port")
	// ErrClosed: the session or its transport is closed.
	ErrClosed = errors.New("media session is closed")
	// ErrConfig: the configuration of a transport cannot be used.
	ErrConfig = errors.New("unusable media configuration")
	// ErrParams: the parameters of a session cannot be used.
	ErrParams = errors.New("unusable session parameters")
)
