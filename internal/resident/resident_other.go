//go:build !linux

package resident

// Load does nothing on this system.
func Load() error { return nil }
