package sipua

import (
	"slices"
	"strings"
)

// Param is one parameter of a URI or of a header field value, such as
// ;transport=tcp. An empty Value means that there was no "=".
type Param struct {
	Name  string
	Value string
}

// Params is a list of parameters in the order in which they are written. Names
// are compared without regard to case (RFC 3261, section 7.3.1). The zero value
// is an empty list.
type Params []Param

// Get returns the value of the first parameter with this name, and whether
// there is one. Quotation marks are not part of the value.
func (p Params) Get(name string) (value string, ok bool) {
	for _, param := range p {
		if strings.EqualFold(param.Name, name) {
			return param.Value, true
		}
	}
	return "", false
}

// Has reports whether there is a parameter with this name.
func (p Params) Has(name string) bool {
	_, ok := p.Get(name)
	return ok
}

// With returns a copy of the list in which the parameter has this value; it
// replaces the first one of that name or is added at the end.
func (p Params) With(name, value string) Params {
	list := slices.Clone(p)
	for i := range list {
		if strings.EqualFold(list[i].Name, name) {
			list[i].Value = value
			return list
		}
	}
	return append(list, Param{Name: name, Value: value})
}

// Without returns a copy of the list that has no parameter with this name.
func (p Params) Without(name string) Params {
	return slices.DeleteFunc(slices.Clone(p), func(param Param) bool {
		return strings.EqualFold(param.Name, name)
	})
}

// String renders the parameters, each one preceded by a semicolon. Values that
// are no token are put into quotation marks.
func (p Params) String() string {
	var b strings.Builder
	p.write(&b, isTokenChar)
	return b.String()
}

// write appends the parameters to b; plain tells which characters may stand in
// a value without quotation marks.
func (p Params) write(b *strings.Builder, plain func(byte) bool) {
	for _, param := range p {
		b.WriteByte(';')
		b.WriteString(param.Name)
		if param.Value == "" {
			continue
		}
		b.WriteByte('=')
		if isAll(param.Value, plain) {
			b.WriteString(param.Value)
			continue
		}
		b.WriteString(quote(param.Value))
	}
}

// quote makes a quoted-string (RFC 3261, section 25.1).
func quote(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b.WriteByte('\\')
		}
		if s[i] != '\r' && s[i] != '\n' {
			b.WriteByte(s[i])
		}
	}
	b.WriteByte('"')
	return b.String()
}

// unquote is the inverse of quote; a value without quotation marks is returned
// as it is.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if !strings.ContainsRune(s, '\\') {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// isAll reports whether every byte of s satisfies the predicate.
func isAll(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

// isTokenChar tells the characters of a token and of a host, which are all
// that stand unquoted in a generic-param (RFC 3261, section 25.1).
func isTokenChar(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("-.!%*_+`'~[]:", c) >= 0
}

// isURIParamChar tells the characters of a URI parameter: unreserved, escaped
// and param-unreserved (RFC 3261, section 25.1).
func isURIParamChar(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("-_.!~*'()%[]/:&+$", c) >= 0
}
