package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The package has all that is to be installed, and installs nothing that another file of it does not find: units start the program that is there, and what
// the operator may change is a configuration file.
func TestPackage(t *testing.T) {
	binary, folder := filepath.Join(t.TempDir(), "parley"), t.TempDir()
	must := func(name string, arguments ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), name, arguments...)
		command.Dir = filepath.Join("..", "..")
		command.Env = append(os.Environ(), "BINARY="+binary)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, arguments, err, out)
		}
		return string(out)
	}
	must("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/parley")
	must("scripts/deb.sh", "v1.2.3-4-gabc", folder)
	packages, err := filepath.Glob(filepath.Join(folder, "parley_1.2.3+4+gabc_*.deb"))
	if err != nil || len(packages) != 1 {
		t.Fatal(packages, err)
	}
	root := t.TempDir()
	must("dpkg-deb", "-R", packages[0], root)
	if out := must(filepath.Join(root, "usr/bin/parley"), "check", "-c", filepath.Join(root, "etc/parley/parley.yml")); strings.Contains(out, "error") {
		t.Error(out)
	}
	for file, wanted := range map[string]string{
		"DEBIAN/control":                                  "libopus0",
		"DEBIAN/conffiles":                                "/etc/parley/parley.yml\n/etc/parley/srs.yml\n",
		"DEBIAN/postinst":                                 "adduser --system",
		"usr/lib/systemd/system/parley.service":           "ExecStart=/usr/bin/parley serve -c /etc/parley/parley.yml\n",
		"usr/lib/systemd/system/parley-srs.service":       "ExecStart=/usr/bin/parley srs",
		"usr/share/bash-completion/completions/parley":    "complete",
		"usr/share/zsh/vendor-completions/_parley":        "#compdef parley",
		"usr/share/fish/vendor_completions.d/parley.fish": "complete",
		"usr/share/parley/parley.rules.yml":               "ParleyUnrecorded",
		"usr/share/parley/parley.json":                    "schemaVersion",
		"usr/share/doc/parley/copyright":                  "Apache License",
		"etc/parley/srs.yml":                              "srs:",
	} {
		text, failed := os.ReadFile(filepath.Join(root, file))
		if failed != nil || !strings.Contains(string(text), wanted) {
			t.Errorf("%s: %v, or nothing like %q in it", file, failed, wanted)
		}
	}
	// Elsewhere, units start what is there, and a configuration that is there already stays.
	elsewhere := t.TempDir()
	mine := filepath.Join(elsewhere, "etc/parley/parley.yml")
	if err = os.MkdirAll(filepath.Dir(mine), 0o700); err == nil {
		err = os.WriteFile(mine, []byte("# mine"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	must("env", "DESTDIR="+elsewhere, "PREFIX=/opt/parley", "scripts/install.sh")
	unit, err := os.ReadFile(filepath.Join(elsewhere, "opt/parley/lib/systemd/system/parley.service"))
	if err != nil || !strings.Contains(string(unit), "ExecStart=/opt/parley/bin/parley serve") || strings.Contains(string(unit), "/usr/bin/parley") {
		t.Errorf("%v\n%s", err, unit)
	}
	if kept, err := os.ReadFile(mine); err != nil || string(kept) != "# mine" {
		t.Errorf("%v: %s", err, kept)
	}
}
