package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Violation is one rule broken at one place.
type Violation struct {
	File string // relative to the repository, with slashes
	Line int
	Rule string // what the rule says, in words
}

// String gives file, line and rule in the form editors understand.
func (v Violation) String() string { return fmt.Sprintf("%s:%d: %s", v.File, v.Line, v.Rule) }

// CheckFile applies the rules that concern one file. The name is relative to the repository, with slashes. Source that does
// not parse is a violation.
func CheckFile(name string, source []byte) []Violation {
	c := checker{name: name, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), fset: token.NewFileSet()}
	file, err := parser.ParseFile(c.fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return []Violation{{File: name, Line: 1, Rule: "does not parse: " + err.Error()}}
	}
	if lines := strings.Count(string(source), "\n"); lines > MaxFileLines && !ast.IsGenerated(file) {
		c.report(1, "has %d lines, more than %d: one concept a file", lines, MaxFileLines)
	}
	if file.Doc != nil && !c.test && path.Base(name) != "doc.go" && file.Name.Name != "main" {
		c.report(1, "the package comment belongs in doc.go")
	}
	if _, known := imports[c.pkg]; !known {
		c.report(1, "package %s has no row in the import table (internal/arch/rules.go)", c.pkg)
	}
	for _, spec := range file.Imports {
		c.checkImport(spec)
	}
	c.checkCalls(file)
	return c.found
}

type checker struct {
	name, pkg string
	test      bool
	fset      *token.FileSet
	found     []Violation
}

func (c *checker) report(line int, format string, args ...any) {
	c.found = append(c.found, Violation{File: c.name, Line: line, Rule: fmt.Sprintf(format, args...)})
}

func (c *checker) checkImport(spec *ast.ImportSpec) {
	imported, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return
	}
	line := c.fset.Position(spec.Pos()).Line
	for module, allowed := range stacks {
		if c.test && strings.HasPrefix(imported, peer) {
			continue
		}
		if strings.HasPrefix(imported, module) && !slices.Contains(allowed, c.pkg) {
			c.report(line, "imports %s, which only %s may", imported, strings.Join(allowed, " and "))
		}
	}
	if c.test {
		return // tests may reach for peers and files
	}
	if slices.Contains(pure, c.pkg) && slices.Contains(impure, imported) {
		c.report(line, "is pure and must not import %s", imported)
	}
	ours, found := strings.CutPrefix(imported, Module+"/")
	allowed := imports[c.pkg]
	if found && !slices.Contains(allowed, ours) && !slices.Contains(allowed, Anything) {
		c.report(line, "must not import %s: allowed are %v", ours, allowed)
	}
}

func (c *checker) checkCalls(file *ast.File) {
	isPure := slices.Contains(pure, c.pkg) && !c.test
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		receiver, ok := call.X.(*ast.Ident)
		if !ok {
			return true
		}
		line := c.fset.Position(call.Pos()).Line
		if isPure && slices.Contains(impureCalls[receiver.Name], call.Sel.Name) {
			c.report(line, "is pure and must not use %s.%s: time is an argument", receiver.Name, call.Sel.Name)
		}
		if why, bad := inTests[receiver.Name][call.Sel.Name]; bad && c.test {
			c.report(line, "must not use %s.%s: %s", receiver.Name, call.Sel.Name, why)
		}
		return true
	})
}

// CheckPackages applies the rules that concern a whole package: each has exactly one package comment, in its doc.go, unless it
// is a program. The argument maps file names to their sources.
func CheckPackages(files map[string][]byte) []Violation {
	docs, packages := map[string]int{}, map[string]bool{}
	var found []Violation
	for name, source := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			continue // CheckFile reports it
		}
		packages[path.Dir(name)] = true
		if file.Doc != nil {
			docs[path.Dir(name)]++
		}
	}
	for pkg := range packages {
		if docs[pkg] != 1 {
			found = append(found, Violation{File: pkg, Line: 1, Rule: fmt.Sprintf("has %d package comments, wants exactly one", docs[pkg])})
		}
	}
	slices.SortFunc(found, func(a, b Violation) int { return strings.Compare(a.File, b.File) })
	return found
}
