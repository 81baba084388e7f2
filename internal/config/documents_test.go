package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/parley-sip/parley/internal/config"
)

// TestDocumentedFilesAreValid: who copies a configuration from the documents has one that works.
func TestDocumentedFilesAreValid(t *testing.T) {
	documents, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, document := range append(documents, filepath.Join("..", "..", "README.md")) {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindAllSubmatchIndex(text, -1) {
			found++
			line := strings.Count(string(text[:block[0]]), "\n") + 1
			if _, err := config.Parse("parley.yml", text[block[2]:block[3]], nil); err != nil {
				t.Errorf("%s:%d: %v", filepath.Base(document), line, err)
			}
		}
	}
	if found < 10 {
		t.Errorf("there are %d only", found)
	}
}
