package arch_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-sip/parley/internal/arch"
)

// sources reads every Go file of the repository, by its name relative to the top.
func sources(t *testing.T) map[string][]byte {
	t.Helper()
	root := filepath.Join("..", "..")
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if base := entry.Name(); base == "testdata" || base == "bin" || (strings.HasPrefix(base, ".") && len(base) > 2) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		files[filepath.ToSlash(relative)] = source
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestRepositoryKeepsTheRules(t *testing.T) {
	files := sources(t)
	if len(files) < 20 {
		t.Fatalf("found only %d Go files: looking in the wrong place?", len(files))
	}
	for name, source := range files {
		for _, violation := range arch.CheckFile(name, source) {
			t.Error(violation)
		}
	}
	for _, violation := range arch.CheckPackages(files) {
		t.Error(violation)
	}
}

// TestEveryRuleIsSeenToFail breaks each rule once.
func TestEveryRuleIsSeenToFail(t *testing.T) {
	tests := map[string]struct{ name, source, want string }{
		"import direction": {"codecs/x.go", "package codecs\nimport _ \"github.com/parley-sip/parley/mixer\"\n", "must not import mixer"},
		"mixer and media never meet": {
			"mixer/x.go", "package mixer\nimport _ \"github.com/parley-sip/parley/internal/media\"\n", "must not import internal/media",
		},
		"unknown package":       {"extra/x.go", "package extra\n", "no row in the import table"},
		"SIP stack":             {"focus/x.go", "package focus\nimport _ \"github.com/emiago/sipgo/sip\"\n", "only internal/sipua may"},
		"SIP stack in tests":    {"focus/x_test.go", "package focus\nimport _ \"github.com/emiago/sipgo/sip\"\n", "only internal/sipua may"},
		"RTP stack":             {"mixer/x.go", "package mixer\nimport _ \"github.com/pion/rtp\"\n", "only internal/media and internal/sdp and internal/srtp and internal/dtls and internal/ice may"},
		"purity: imports":       {"siprec/x.go", "package siprec\nimport _ \"os\"\n", "is pure and must not import os"},
		"purity: clocks":        {"confevent/x.go", "package confevent\nimport \"time\"\nvar _ = time.Now()\n", "must not use time.Now"},
		"file length":           {"mixer/x.go", "package mixer\n" + strings.Repeat("\n", arch.MaxFileLines+1), "one concept a file"},
		"package comment place": {"mixer/x.go", "// Package mixer mixes.\npackage mixer\n", "belongs in doc.go"},
		"sleep in a test":       {"mixer/x_test.go", "package mixer\nimport \"time\"\nfunc f() { time.Sleep(1) }\n", "must not use time.Sleep"},
		"skip in a test":        {"mixer/x_test.go", "package mixer\nimport \"testing\"\nfunc TestX(t *testing.T) { t.Skip() }\n", "must not use t.Skip"},
		"syntax":                {"mixer/x.go", "package\n", "does not parse"},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			for _, violation := range arch.CheckFile(test.name, []byte(test.source)) {
				if strings.Contains(violation.String(), test.want) {
					return
				}
			}
			t.Errorf("nobody noticed: want a violation with %q", test.want)
		})
	}
}

func TestPackageCommentsAreCounted(t *testing.T) {
	for title, files := range map[string]map[string][]byte{
		"none": {"mixer/a.go": []byte("package mixer\n")},
		"two":  {"mixer/a.go": []byte("// Package mixer a.\npackage mixer\n"), "mixer/b.go": []byte("// Package mixer b.\npackage mixer\n")},
	} {
		if found := arch.CheckPackages(files); len(found) != 1 {
			t.Errorf("%s: %v, want one violation", title, found)
		}
	}
	if found := arch.CheckPackages(map[string][]byte{"mixer/doc.go": []byte("// Package mixer mixes.\npackage mixer\n")}); len(found) != 0 {
		t.Errorf("one comment: %v", found)
	}
}
