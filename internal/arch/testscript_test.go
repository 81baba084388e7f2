package arch_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fakeGo answers the first call with the first file and the second with the second, and notes the arguments.
const fakeGo = `#!/bin/sh
echo "$*" >> "$DIR/calls"
n=$(wc -l < "$DIR/calls")
cat "$DIR/$n"
exit $(cat "$DIR/$n.status")
`

// TestScriptForgives: a test may fail once, and nothing else may.
func TestScriptForgives(t *testing.T) {
	const one = "--- FAIL: TestA (0.1s)\n    x_test.go:1: late\nFAIL\nFAIL\tp/x\t0.2s\n" //nolint:dupword // as go test says it
	for name, c := range map[string]struct {
		first, second string
		again         bool // the second run fails too
		passes        bool
		calls         int
	}{
		"all pass":            {first: "ok  \tp/x\t0.2s\n", passes: true, calls: 1},
		"one, then none":      {first: "ok  \tp/w\t0.2s\n" + one + "ok  \tp/y\t0.1s\n", second: "ok  \tp/x\t0.2s\n", passes: true, calls: 2},
		"one, twice":          {first: one, second: one, again: true, calls: 2},
		"a race":              {first: "WARNING: DATA RACE\n" + one, calls: 1},
		"a panic":             {first: "panic: x\n" + one, calls: 1},
		"a build":             {first: "FAIL\tp/x [build failed]\n", calls: 1},
		"no name":             {first: "FAIL\tp/x\t0.2s\n", calls: 1},
		"one, and no name":    {first: one + "FAIL\tp/y\t0.2s\n", calls: 1},
		"killed":              {first: strings.Replace(one, "FAIL\tp", "signal: killed\nFAIL\tp", 1), calls: 1},
		"gone":                {first: strings.Replace(one, "FAIL\tp", "exit status 2\nFAIL\tp", 1), calls: 1},
		"said how":            {first: strings.Replace(one, "FAIL\tp", "exit status 1\nFAIL\tp", 1), second: "ok  \tp/x\t0.2s\n", passes: true, calls: 2},
		"four":                {first: strings.Repeat("--- FAIL: TestB (0.1s)\n", 3) + one, calls: 1},
		"only inside another": {first: "    --- FAIL: TestA/x (0.1s)\n", calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			status := map[bool]string{true: "1", false: "0"}
			for file, text := range map[string]string{
				"go": fakeGo, "1": c.first, "1.status": status[strings.Contains(c.first, "FAIL")], "2": c.second, "2.status": status[c.again],
			} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			command := exec.CommandContext(t.Context(), filepath.Join("..", "..", "scripts", "test.sh"), "-race", "./...")
			command.Env = append(os.Environ(), "GO="+filepath.Join(dir, "go"), "DIR="+dir)
			out, err := command.CombinedOutput()
			if passed := err == nil; passed != c.passes {
				t.Errorf("passes: %v, want %v\n%s", passed, c.passes, out)
			}
			calls, err := os.ReadFile(filepath.Join(dir, "calls"))
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(calls)), "\n")
			if len(lines) != c.calls || len(lines) == 2 && lines[1] != "test -race -count=1 -run ^(TestA)$ p/x" {
				t.Errorf("calls: %q", lines)
			}
			if _, end, forgives := strings.Cut(string(out), "NOT CLEAN: 1 failed"); forgives && !strings.Contains(end, "  --- FAIL: TestA (0.1s)\n      x_test.go:1: late\ntest: ") {
				t.Errorf("does not say what failed:\n%s", out)
			} else if forgives != (c.passes && c.calls == 2) {
				t.Errorf("says that something failed: %v\n%s", forgives, out)
			}
			if forgiven := strings.Contains(string(out), "passed the second time"); forgiven != (c.passes && c.calls == 2) {
				t.Errorf("says that it forgives: %v\n%s", forgiven, out)
			}
		})
	}
}
