package conformance

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Proof is a test that shows rows.
type Proof struct {
	File string // path from the root, with slashes
	Name string // of the test or scenario
}

// Scan finds the identifiers that the tests below root name: in the comments of test functions, before and within, in those of SIPp
// scenarios, and in those of the scripts that tests of the state machines play.
func Scan(root string) (map[string][]Proof, error) {
	found := map[string][]Proof{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && path != root || entry.Name() == "bin" || entry.Name() == "demo-out"):
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			return scanGo(root, path, found)
		case strings.HasSuffix(path, ".xml") && strings.Contains(filepath.ToSlash(path), "testdata/sipp/"):
			return scanScenario(root, path, ".xml", xmlComment, found)
		case strings.HasSuffix(path, ".txt") && isScript(filepath.ToSlash(path)):
			return scanScenario(root, path, ".txt", scriptComment, found)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for tests: %w", err)
	}
	for id := range maps.Keys(found) {
		slices.SortFunc(found[id], func(a, b Proof) int { return strings.Compare(a.File+a.Name, b.File+b.Name) })
		found[id] = slices.Compact(found[id])
	}
	return found, nil
}

func note(found map[string][]Proof, text string, proof Proof) {
	for _, id := range identifier.FindAllString(text, -1) {
		found[id] = append(found[id], proof)
	}
}

// scanGo takes the comments of one file to the functions that they belong to.
func scanGo(root, path string, found map[string][]Proof) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
	if err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return fmt.Errorf("name: %w", err)
	}
	for _, declared := range file.Decls {
		function, ok := declared.(*ast.FuncDecl)
		if !ok || !isTest(function.Name.Name) {
			continue
		}
		from := function.Pos()
		if function.Doc != nil {
			from = function.Doc.Pos()
		}
		for _, comment := range file.Comments {
			if comment.Pos() >= from && comment.End() <= function.End() {
				note(found, comment.Text(), Proof{File: filepath.ToSlash(name), Name: function.Name.Name})
			}
		}
	}
	return nil
}

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") || strings.HasPrefix(name, "Example")
}

// xmlComment is a comment of a scenario.
var xmlComment = regexp.MustCompile(`(?s)<!--.*?-->`)

// scriptComment is one of a script: a line that begins with a hash.
var scriptComment = regexp.MustCompile(`(?m)^#.*$`)

// isScript tells the scripts of state machines, with what is expected of them, from other texts.
func isScript(path string) bool {
	return strings.Contains(path, "siprec/testdata/") || strings.Contains(path, "focus/conference/testdata/")
}

func scanScenario(root, path, ending string, comments *regexp.Regexp, found map[string][]Proof) error {
	text, err := os.ReadFile(path) //nolint:gosec // a file of the repository
	if err != nil {
		return fmt.Errorf("read scenario: %w", err)
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return fmt.Errorf("name: %w", err)
	}
	proof := Proof{File: filepath.ToSlash(name), Name: strings.TrimSuffix(filepath.Base(path), ending)}
	for _, comment := range comments.FindAll(text, -1) {
		note(found, string(comment), proof)
	}
	return nil
}
