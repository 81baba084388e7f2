// Package arch holds the rules about the shape of this repository that a compiler does not check: who may import whom,
// which packages are pure, how long a file may be, where the package comment stands, and what a test must not do.
//
// The rules are data in rules.go; check.go reads source files and returns what breaks them. The package's tests apply the
// rules to the repository, and break every rule once on a made-up file to see that it would be noticed.
// docs/architecture.md draws the same table for people.
package arch
