package main

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// notifier tells the service manager how the program is doing, by the protocol of systemd (sd_notify(3)): a datagram to the socket that
// NOTIFY_SOCKET names. Nobody may be there: then it does nothing. Any goroutine may use it.
type notifier struct{ socket string }

// manager takes the socket out of the environment, so that no other program is taken for this one.
func manager() notifier {
	n := notifier{os.Getenv("NOTIFY_SOCKET")}
	_ = os.Unsetenv("NOTIFY_SOCKET")
	return n
}

// ready tells that calls are taken, for the first time or again after a reload.
func (n notifier) ready(status string) error { return n.tell("READY=1\nSTATUS=" + status) }

// reloading tells that the configuration is read again, until ready. The time tells the manager that it is its own signal that is being followed.
func (n notifier) reloading() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("monotonic clock: %w", err)
	}
	return n.tell(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000)) //nolint:mnd // nanoseconds
}

// stopping tells that the end has begun.
func (n notifier) stopping() error { return n.tell("STOPPING=1") }

func (n notifier) tell(state string) error {
	if n.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Net: "unixgram", Name: n.socket}) // with @ in an abstract namespace
	if err != nil {
		return fmt.Errorf("service manager: %w", err)
	}
	defer conn.Close() //nolint:errcheck // sent by then
	if _, err = conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("service manager: %w", err)
	}
	return nil
}
