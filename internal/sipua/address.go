package sipua

import (
	"errors"
	"fmt"
	"strings"
)

// ErrAddress says that a string is no name-addr and no addr-spec.
var ErrAddress = errors.New("malformed address")

// Address is what From, To, Contact, Route and Refer-To carry: an optional
// display name, a URI, and parameters of the header field (RFC 3261, section
// 20.10). Addresses are values.
type Address struct {
	// Name is the display name without quotation marks, or "".
	Name string
	// URI is the URI.
	URI URI
	// Params are the parameters of the field, such as tag, isfocus and expires.
	Params Params
}

// ParseAddress parses one address. The error wraps ErrAddress or ErrURI. In an
// address without angle brackets all parameters belong to the field, not to
// the URI (RFC 3261, section 20).
func ParseAddress(s string) (Address, error) {
	s = strings.TrimSpace(s)
	name, rest, err := cutDisplayName(s)
	if err != nil {
		return Address{}, err
	}
	address := Address{Name: name}
	var uri, params string
	if strings.HasPrefix(rest, "<") {
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			return Address{}, fmt.Errorf("%w: no closing bracket in %s", ErrAddress, clip(s))
		}
		uri, params = rest[1:end], strings.TrimSpace(rest[end+1:])
		if params != "" && params[0] != ';' {
			return Address{}, fmt.Errorf("%w: text after the bracket in %s", ErrAddress, clip(s))
		}
		params = strings.TrimPrefix(params, ";")
	} else {
		uri, params, _ = strings.Cut(rest, ";")
		uri = strings.TrimSpace(uri)
		if strings.ContainsAny(uri, ",?") {
			return Address{}, fmt.Errorf("%w: brackets needed in %s", ErrAddress, clip(s))
		}
	}
	if address.URI, err = ParseURI(uri); err != nil {
		return Address{}, err
	}
	if address.Params, err = parseParams(params); err != nil {
		return Address{}, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	return address, nil
}

// cutDisplayName takes the display name off the front.
func cutDisplayName(s string) (name, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		for i := 1; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case '"':
				rest = strings.TrimSpace(s[i+1:])
				if !strings.HasPrefix(rest, "<") {
					return "", "", fmt.Errorf("%w: no URI after the name in %s", ErrAddress, clip(s))
				}
				return unquote(s[:i+1]), rest, nil
			}
		}
		return "", "", fmt.Errorf("%w: no closing quotation mark in %s", ErrAddress, clip(s))
	}
	if open := strings.IndexByte(s, '<'); open > 0 {
		name = strings.TrimSpace(s[:open])
		if !isAll(name, func(c byte) bool { return isTokenChar(c) && c != ':' || c == ' ' || c == '\t' }) {
			return "", "", fmt.Errorf("%w: name needs quotation marks in %s", ErrAddress, clip(s))
		}
		return name, s[open:], nil
	}
	return "", s, nil
}

// errParams says that a list of parameters is malformed.
var errParams = errors.New("malformed parameters")

// parseParams parses parameters that are separated by semicolons, without the
// first semicolon.
func parseParams(s string) (Params, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var params Params
	start, quoted := 0, false
	for i := 0; i <= len(s); i++ {
		switch {
		case i == len(s):
			if quoted {
				return nil, fmt.Errorf("%w: no closing quotation mark in %s", errParams, clip(s))
			}
		case quoted && s[i] == '\\':
			i++
			continue
		case s[i] == '"':
			quoted = !quoted
			continue
		case quoted || s[i] != ';':
			continue
		}
		name, value, _ := strings.Cut(s[start:min(i, len(s))], "=")
		name, value = strings.TrimSpace(name), unquote(strings.TrimSpace(value))
		if name == "" || !isAll(name, func(c byte) bool { return isTokenChar(c) || isURIParamChar(c) }) {
			return nil, fmt.Errorf("%w: bad name in %s", errParams, clip(s))
		}
		params = append(params, Param{Name: name, Value: value})
		start = i + 1
	}
	return params, nil
}

// ParseAddresses parses the comma-separated addresses of a header field value.
func ParseAddresses(s string) ([]Address, error) {
	var list []Address
	for _, element := range splitList(s) {
		address, err := ParseAddress(element)
		if err != nil {
			return nil, err
		}
		list = append(list, address)
	}
	return list, nil
}

// Tag returns the tag parameter, or "".
func (a Address) Tag() string {
	tag, _ := a.Params.Get("tag")
	return tag
}

// WithTag returns a copy of the address with this tag; an empty tag removes it.
func (a Address) WithTag(tag string) Address {
	if tag == "" {
		a.Params = a.Params.Without("tag")
		return a
	}
	a.Params = a.Params.With("tag", tag)
	return a
}

// With returns a copy of the address with a parameter of the field set, such as
// isfocus.
func (a Address) With(name, value string) Address {
	a.Params = a.Params.With(name, value)
	return a
}

// String renders the address as a name-addr, always with angle brackets.
func (a Address) String() string {
	var b strings.Builder
	if a.Name != "" {
		b.WriteString(quote(a.Name))
		b.WriteByte(' ')
	}
	b.WriteByte('<')
	b.WriteString(a.URI.String())
	b.WriteByte('>')
	a.Params.write(&b, isTokenChar)
	return b.String()
}
