package srs

import "errors"

var (
	// ErrConfig is wrapped by what [Config.Validate] returns.
	ErrConfig = errors.New("srs: invalid configuration")
	// ErrClosed says that the server is closed or was not started.
	ErrClosed = errors.New("srs: server closed")
	// ErrNoPorts says that no pair of UDP ports is free.
	ErrNoPorts = errors.New("srs: no media ports")
)
