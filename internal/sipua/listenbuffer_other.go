//go:build !linux

package sipua

func force(int) {}
