package resident

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// After Load all is there of a file of which nothing was, as of a library, and all of the program.
func TestLoad(t *testing.T) {
	const size = 4 << 20
	name := filepath.Join(t.TempDir(), "library")
	if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // was only read
	mapping, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mapping) //nolint:errcheck // nothing comes of it
	if here, all := resident(t, name); here != 0 || all != size>>10 {
		t.Fatalf("%d of %d KiB are there before", here, all)
	}
	if err = Load(); errors.Is(err, unix.EINVAL) {
		t.Log("the kernel is older than 5.14:", err)
		return
	} else if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{name, program} {
		if here, all := resident(t, name); here != all || all == 0 {
			t.Errorf("%d of %d KiB of %s are there", here, all, name)
		}
	}
}

// resident sums up how much of the constant mappings of a file is in memory, and how large they are, in KiB.
func resident(t *testing.T, name string) (here, all int) {
	t.Helper()
	file, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // was only read
	ours := false
	for lines := bufio.NewScanner(file); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		switch {
		case strings.HasSuffix(lines.Text(), name):
			_, _, ours = constant(lines.Text())
		case key == "VmFlags":
			ours = false
		case ours && key == "Size":
			all += number(value)
		case ours && key == "Rss":
			here += number(value)
		}
	}
	return here, all
}

// number is what a line of smaps says in KiB.
func number(value string) (n int) {
	for _, digit := range strings.TrimSuffix(strings.TrimSpace(value), " kB") {
		n = 10*n + int(digit-'0')
	}
	return n
}

// What may be written to, has no file, or is of one that was deleted, is left alone.
func TestConstant(t *testing.T) {
	for line, want := range map[string]bool{
		"00402000-010b5000 r-xp 00002000 fe:00 1234 /usr/bin/parley":           true,
		"010b5000-020b0000 r--p 00cb5000 fe:00 1234 /usr/bin/parley":           true,
		"020b0000-02606000 rw-p 01cb0000 fe:00 1234 /usr/bin/parley":           false,
		"7f9301a00000-7f9301b00000 r--s 00000000 fe:00 9 /var/lib/x.db":        false,
		"7f9301a00000-7f9301b00000 r--p 00000000 00:00 0 ":                     false,
		"7fff6a5f8000-7fff6a5fa000 r-xp 00000000 00:00 0 [vdso]":               false,
		"00402000-010b5000 r-xp 00002000 fe:00 1234 /usr/bin/parley (deleted)": false,
		"nonsense": false,
	} {
		if start, end, ok := constant(line); ok != want || ok && end <= start {
			t.Errorf("%s: %x to %x, %v", line, start, end, ok)
		}
	}
}
