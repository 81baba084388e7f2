package hugepages

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What is allocated after Prefer lies where large pages have been asked for.
func TestPrefer(t *testing.T) {
	const size = 64 << 20
	if err := Prefer(size); errors.Is(err, unix.EINVAL) {
		t.Log("the kernel is built without large pages:", err)
		return
	} else if err != nil {
		t.Fatal(err)
	}
	if got := advised(t); got < size-2*PageSize {
		t.Errorf("large pages are asked for %d octets, want at least %d", got, size-2*PageSize)
	}
}

// advised sums up the mappings for which large pages have been asked for.
func advised(t *testing.T) (total int) {
	t.Helper()
	file, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // was only read
	size := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 3 && words[0] == "Size:":
			size = 0
			for _, digit := range words[1] {
				size = 10*size + int(digit-'0')
			}
		case len(words) > 0 && words[0] == "VmFlags:":
			for _, flag := range words[1:] {
				if flag == "hg" {
					total += size << 10
				}
			}
		}
	}
	return total
}
