// Package uring makes several system calls of sockets in one entry of the kernel, by io_uring (Linux 5.19).
//
// It is for calls that do not wait: all that is queued is done when Submit returns, so that the kernel has no memory of the caller in use then, and
// nothing is ever cancelled. A [Ring] is used by one goroutine at a time, on any thread. Nothing allocates but New.
package uring
