package srs

import "errors"

var (
	// ErrConfig is wrapped by what [Config.Validate] returns.
	ErrConfig = errors.New("srs: invalid configuration")
	// ErrClosed says that the server is closed or was not started.
	ErrClosed = errors.New("srs: server closed")
	// ErrNoRecording says that there is no such recording.
	ErrNoRecording = errors.New("srs: no such recording")
	// ErrNoStream says that a recording has no such stream.
	ErrNoStream = errors.New("srs: no such stream")
	// ErrActive says that something cannot be done while a recording goes on.
	ErrActive = errors.New("srs: the recording goes on")
	// ErrHeld says that a recording has to be kept.
	ErrHeld = errors.New("srs: the recording is held")
	// ErrNoPorts says that no pair of UDP ports is free.
	ErrNoPorts = errors.New("srs: no media ports")
)
