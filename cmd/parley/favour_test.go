package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

const favourChild = "PARLEY_TEST_FAVOUR"

// The first of a session asks for its niceness; somebody else in it does not. The test is its own child, in a session of its own.
func TestFavourSession(t *testing.T) {
	const file = "/proc/self/autogroup"
	if os.Getenv(favourChild) != "" {
		favourSession()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		denied := os.WriteFile(file, []byte(favoured), 0) != nil
		if got := strings.Contains(string(text), "nice "+favoured); got == denied {
			t.Errorf("niceness of the session: %q, denied: %v", text, denied)
		}
		return
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Log("the kernel has no autogroups:", err)
		return
	}
	favourSession()
	if after, _ := os.ReadFile(file); string(after) != string(before) {
		t.Errorf("somebody else's session was %q and is %q", before, after)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFavourSession$")
	child.Env = append(os.Environ(), favourChild+"=1")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
