package access

import (
	"net/netip"
	"slices"

	"github.com/parley-sip/parley/internal/sipua"
)

// Patterns is a list of entries as in a [Rule]. It does not change, and may be used by any goroutine.
type Patterns []matcher

// NewPatterns reads a list. The error wraps [ErrConfig].
func NewPatterns(list []string) (Patterns, error) { return matchers(list) }

// Caller tells whether any entry is about who calls from a source.
func (p Patterns) Caller(caller sipua.Caller, source netip.Addr) bool {
	return slices.ContainsFunc(p, func(m matcher) bool { return m.caller(caller, source) })
}

// Target tells whether any entry is about who is called; only networks and patterns of user@host can be.
func (p Patterns) Target(uri sipua.URI) bool {
	return slices.ContainsFunc(p, func(m matcher) bool { return m.target(uri) })
}
