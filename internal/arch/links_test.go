package arch_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	link     = regexp.MustCompile(`\[([^\]]*)\]\(([^)#\s]+)(?:#[^)]*)?\)`)
	decision = regexp.MustCompile(`^(?:ADR )?(\d+)$`)
)

// TestLinks: a link between documents leads to a file that is there, and one that names a decision leads to that one.
func TestLinks(t *testing.T) {
	root, seen := filepath.Join("..", ".."), 0
	for _, at := range []string{"README.md", "CHANGELOG.md", "docs"} {
		err := filepath.WalkDir(filepath.Join(root, at), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".md" {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range link.FindAllStringSubmatch(string(text), -1) {
				if fault := faultOf(path, m[1], m[2]); fault != "" {
					t.Errorf("%s: %s %s", path, m[0], fault)
				}
				seen++
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if seen < 200 {
		t.Errorf("only %d links were found", seen)
	}
}

// faultOf says what is wrong with a link; empty: nothing, or it leads elsewhere.
func faultOf(path, text, to string) string {
	if strings.Contains(to, ":") {
		return ""
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), to)); err != nil {
		return "leads nowhere"
	}
	digits, _, _ := strings.Cut(filepath.Base(to), "-")
	if n, err := strconv.Atoi(digits); err == nil {
		if named := decision.FindStringSubmatch(text); named != nil && named[1] != strconv.Itoa(n) {
			return "is another decision"
		}
	}
	return ""
}
