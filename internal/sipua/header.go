package sipua

import (
	"slices"
	"strings"
)

// Header is one header field of a message. Name is in the long form with the
// usual capitals when it comes from the network ("Call-ID", never "i").
type Header struct {
	Name  string
	Value string
}

// Headers is the list of header fields of a message in their order. Names are
// compared without regard to case, and compact forms stand for the long ones
// (RFC 3261, section 7.3.3). The zero value is an empty list.
type Headers []Header

// Get returns the value of the first field with this name, or "".
func (h Headers) Get(name string) string {
	name = canonicalName(name)
	for _, field := range h {
		if strings.EqualFold(field.Name, name) {
			return field.Value
		}
	}
	return ""
}

// Has reports whether there is a field with this name.
func (h Headers) Has(name string) bool {
	name = canonicalName(name)
	return slices.ContainsFunc(h, func(field Header) bool { return strings.EqualFold(field.Name, name) })
}

// Values returns the values of all fields with this name, in their order and
// one for each field: a comma inside of a value is not looked at.
func (h Headers) Values(name string) []string {
	name = canonicalName(name)
	var values []string
	for _, field := range h {
		if strings.EqualFold(field.Name, name) {
			values = append(values, field.Value)
		}
	}
	return values
}

// List returns the elements of a field that is a comma-separated list, over
// all fields with this name (RFC 3261, section 7.3.1). Commas inside quotation
// marks and angle brackets do not separate. Empty elements are left out.
func (h Headers) List(name string) []string {
	values := h.Values(name)
	list := make([]string, 0, len(values))
	for _, value := range values {
		list = append(list, splitList(value)...)
	}
	return list
}

// Contains reports whether a comma-separated list such as Supported has this
// element, without regard to case.
func (h Headers) Contains(name, element string) bool {
	return slices.ContainsFunc(h.List(name), func(e string) bool { return strings.EqualFold(e, element) })
}

// With returns a copy of the list with the field added at the end.
func (h Headers) With(name, value string) Headers {
	return append(slices.Clip(h), Header{Name: name, Value: value})
}

// Without returns a copy of the list that has no field with this name.
func (h Headers) Without(name string) Headers {
	name = canonicalName(name)
	return slices.DeleteFunc(slices.Clone(h), func(field Header) bool {
		return strings.EqualFold(field.Name, name)
	})
}

// replace returns a copy of the list in which the first field with this name
// has another value.
func (h Headers) replace(name, value string) Headers {
	list := slices.Clone(h)
	for i := range list {
		if strings.EqualFold(list[i].Name, name) {
			list[i].Value = value
			break
		}
	}
	return list
}

// canonicalName turns a compact name into its long form; other names are
// returned as they are.
func canonicalName(name string) string {
	if len(name) == 1 {
		if long, ok := compactNames[name[0]|0x20]; ok {
			return long
		}
	}
	return name
}

// compactNames are the one-letter names of the IANA registry "SIP Header
// Fields" (RFC 3261, section 7.3.3, and the extensions we meet).
//
//nolint:gochecknoglobals // a table
var compactNames = map[byte]string{
	'a': "Accept-Contact", 'b': "Referred-By", 'c': "Content-Type", 'd': "Request-Disposition",
	'e': "Content-Encoding", 'f': "From", 'i': "Call-ID", 'j': "Reject-Contact", 'k': "Supported",
	'l': "Content-Length", 'm': "Contact", 'n': "Identity-Info", 'o': "Event", 'r': "Refer-To",
	's': "Subject", 't': "To", 'u': "Allow-Events", 'v': "Via", 'x': "Session-Expires", 'y': "Identity",
}

// splitList splits a header field value at its commas. Quoted strings and text
// in angle brackets are kept together.
func splitList(value string) []string {
	var list []string
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			list = append(list, s)
		}
	}
	start, quoted, angle := 0, false, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle:
			add(value[start:i])
			start = i + 1
		}
	}
	add(value[start:])
	return list
}
