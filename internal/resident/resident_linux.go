package resident

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Load loads the program and its libraries: code and constants, which the system may give up again, and share with other processes. It is to be
// called once, and takes as long as reading them does. The error is the system's (EINVAL before Linux 5.14); nothing is wrong then, but slower.
func Load() error {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return fmt.Errorf("load the program: %w", err)
	}
	defer maps.Close() //nolint:errcheck // was only read
	var failed error
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		if start, end, ok := constant(lines.Text()); ok {
			if _, _, errno := unix.Syscall(unix.SYS_MADVISE, start, end-start, unix.MADV_POPULATE_READ); errno != 0 && failed == nil {
				failed = fmt.Errorf("load the program: %w", errno)
			}
		}
	}
	return errors.Join(failed, lines.Err())
}

// constant finds a mapping of a file that is read or executed, and never written to (proc_pid_maps(5)).
func constant(line string) (start, end uintptr, ok bool) {
	var rights string
	if n, err := fmt.Sscanf(line, "%x-%x %s", &start, &end, &rights); err != nil || n != 3 || rights[0] != 'r' || rights[1] != '-' || rights[3] != 'p' {
		return 0, 0, false
	}
	return start, end, start < end && strings.Contains(line, " /") && !strings.HasSuffix(line, " (deleted)")
}
