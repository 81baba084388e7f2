package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var testLink = regexp.MustCompile(`\[([^\]]+)\]\(\.\./([^)]+)\)`)

// Every requirement of RFC 6341 has its line in docs/compliance.md, and every test named there exists and shows a row of that line.
func TestCompliance(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "compliance.md"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := Scan(root)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]int{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 {
			continue
		}
		lines[strings.TrimSpace(cells[1])]++
		var shown []Proof
		for _, id := range identifier.FindAllString(cells[4], -1) {
			shown = append(shown, found[id]...)
		}
		for _, link := range testLink.FindAllStringSubmatch(cells[5], -1) {
			if !slices.Contains(shown, Proof{File: link[2], Name: link[1]}) {
				t.Errorf("%s: %s in %s shows none of%s", cells[1], link[1], link[2], cells[4])
			}
		}
	}
	for n := 1; n <= 31; n++ {
		if name := fmt.Sprintf("REQ-%03d", n); lines[name] != 1 {
			t.Errorf("%d lines for %s", lines[name], name)
		}
	}
}
