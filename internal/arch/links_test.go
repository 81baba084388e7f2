package arch_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestLinks: a link between documents leads to a file that is there, and one that names a decision leads to that one.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\[([^\]]*)\]\(([^)#\s]+)(?:#[^)]*)?\)`)
	number := regexp.MustCompile(`^(?:ADR )?(\d+)$`)
	root, seen := filepath.Join("..", ".."), 0
	check := func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // of the repository
		if err != nil {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[2], ":") {
				continue
			}
			seen++
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[2])); errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: nothing is at %s", path, m[2])
			}
			digits, _, _ := strings.Cut(filepath.Base(m[2]), "-")
			decision, failed := strconv.Atoi(digits)
			if n := number.FindStringSubmatch(m[1]); n != nil && failed == nil && n[1] != strconv.Itoa(decision) {
				t.Errorf("%s: %s leads to %s", path, m[0], m[2])
			}
		}
		return nil
	}
	for _, at := range []string{"README.md", "CHANGELOG.md", "docs"} {
		if err := filepath.WalkDir(filepath.Join(root, at), check); err != nil {
			t.Error(err)
		}
	}
	if seen < 200 {
		t.Errorf("only %d links were found", seen)
	}
}
