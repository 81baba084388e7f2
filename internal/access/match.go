package access

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/parley-sip/parley/internal/sipua"
)

// matcher is one entry of a list.
type matcher struct {
	kind    string // network, user, role, trunk or identity
	network netip.Prefix
	text    string
}

func parseMatcher(text string) (matcher, error) {
	if network, err := netip.ParsePrefix(text); err == nil {
		return matcher{kind: "network", network: network.Masked()}, nil
	}
	if kind, name, ok := strings.Cut(text, ":"); ok && slices.Contains([]string{"user", "role", "trunk"}, kind) && name != "" {
		return matcher{kind: kind, text: name}, nil
	}
	if text == "*" || strings.Contains(text, "@") && !strings.ContainsAny(text, " <>") {
		return matcher{kind: "identity", text: strings.TrimPrefix(text, "sip:")}, nil
	}
	return matcher{}, fmt.Errorf("%w: %q is no network, no user:, role: or trunk:, and no user@host", ErrConfig, text)
}

func matchers(list []string) ([]matcher, error) {
	out := make([]matcher, 0, len(list))
	for _, text := range list {
		m, err := parseMatcher(text)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// caller tells whether an entry is about this caller.
func (m matcher) caller(caller sipua.Caller, source netip.Addr) bool {
	switch m.kind {
	case "network":
		return m.network.Contains(source)
	case "user":
		return caller.User == m.text
	case "role":
		return slices.Contains(caller.Roles, m.text)
	case "trunk":
		return caller.Trunk == m.text
	}
	return matchURI(m.text, caller.Identity.URI)
}

// target tells whether an entry is about this target of a call.
func (m matcher) target(uri sipua.URI) bool {
	switch m.kind {
	case "network":
		address, err := netip.ParseAddr(uri.Host)
		return err == nil && m.network.Contains(address.Unmap())
	case "identity":
		return matchURI(m.text, uri)
	}
	return false
}

// matchURI compares user@host with a pattern in which * stands for any text. The
// host is compared without regard to case.
func matchURI(pattern string, uri sipua.URI) bool {
	if pattern == "*" {
		return true
	}
	at := strings.LastIndexByte(pattern, '@')
	return at >= 0 && glob(pattern[:at], uri.UserPart()) && glob(strings.ToLower(pattern[at+1:]), strings.ToLower(uri.Host))
}

// Glob compares a text with a pattern in which * stands for any text.
func Glob(pattern, text string) bool { return glob(pattern, text) }

func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(text, first) || len(text) < len(first)+len(last) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}
