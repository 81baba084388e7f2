package siprec

import (
	"fmt"
	"strconv"
	"time"
)

// Unmarshal reads a document of RFC 7865: namespace of version 1, base64 UUIDs,
// RFC 3339 times. The order of elements does not matter, elements of other namespaces
// are kept as [Extension] where the schema has room for them. Errors wrap [ErrSyntax],
// [ErrNamespace] or [ErrTooLarge].
func Unmarshal(data []byte) (Recording, error) {
	r, _, err := unmarshal(data, false)
	return r, err
}

// UnmarshalLenient reads what recording clients in the field send, too: dataMode, other
// namespaces, prefixes, urn:uuid and hexadecimal identifiers, draft attribute names,
// times without zone or colon. The issues, all of kind [IssueDialect], tell what was
// not RFC 7865.
func UnmarshalLenient(data []byte) (Recording, []Issue, error) {
	return unmarshal(data, true)
}

func unmarshal(data []byte, lenient bool) (Recording, []Issue, error) {
	root, err := parseTree(data)
	if err != nil {
		return Recording{}, nil, err
	}
	u := reader{lenient: lenient, namespace: root.name.Space}
	switch {
	case root.name.Local == "recording" && root.name.Space == Namespace:
	case !lenient && root.name.Local == "recording":
		return Recording{}, nil, fmt.Errorf("%w: %q", ErrNamespace, root.name.Space)
	case lenient && (root.name.Local == "recording" || root.name.Local == "recording_metadata"):
		u.dialect(root.name.Local, "", "namespace or name of the root")
	default:
		return Recording{}, nil, &SyntaxError{Element: root.name.Local, Reason: "not a recording document"}
	}
	r := u.recording(root)
	if u.err != nil {
		return Recording{}, nil, u.err
	}
	return r, u.issues, nil
}

// reader maps the tree to values. It keeps the first error.
type reader struct {
	lenient   bool
	namespace string
	issues    []Issue
	err       error
}

func (u *reader) fail(element, reason string) {
	if u.err == nil {
		u.err = &SyntaxError{Element: element, Reason: reason}
	}
}

// dialect notes what only the lenient reader takes.
func (u *reader) dialect(element string, id ID, detail string) {
	if !u.lenient {
		u.fail(element, detail)
		return
	}
	u.issues = append(u.issues, Issue{Kind: IssueDialect, Element: element, ID: id, Detail: detail})
}

// id reads an identifier from an attribute or an element.
func (u *reader) id(element, text string) ID {
	id, err := ParseID(text)
	switch {
	case err == nil && len(text) == 24:
		return id
	case err == nil && string(id) == stripped(text):
		return id // blanks inside base64 are allowed
	case err == nil:
		u.dialect(element, id, "identifier is not in base64")
		return id
	case text == "" || len(text) > 256:
		u.fail(element, "no usable identifier")
		return ""
	default:
		u.dialect(element, ID(text), "identifier is no UUID")
		return ID(text)
	}
}

// stripped returns the text without blanks.
func stripped(text string) string {
	out := make([]byte, 0, len(text))
	for i := range len(text) {
		if c := text[i]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			out = append(out, c)
		}
	}
	return string(out)
}

// key reads the identifying attribute of an element; drafts before RFC 7865 called all
// of them id, and references by their bare name.
func (u *reader) key(n *node, name, draft string) ID {
	text, ok := n.attribute(name)
	if !ok {
		if text, ok = n.attribute(draft); !ok {
			u.fail(n.name.Local, "no attribute "+name)
			return ""
		}
		u.dialect(n.name.Local, ID(text), "attribute "+draft+" for "+name)
	}
	return u.id(n.name.Local, text)
}

// lenientLayouts are the forms of time seen in the field, after RFC 3339.
//
//nolint:gochecknoglobals // table
var lenientLayouts = []string{
	"2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04-0700", "2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999", "2006-01-02T15:04Z07:00",
}

func (u *reader) time(n *node) time.Time {
	text := n.content()
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil && t.Year() > 0 {
		return t.UTC()
	}
	for _, layout := range lenientLayouts {
		t, err := time.Parse(layout, text)
		if err == nil && t.UTC().Year() > 0 && t.UTC().Year() < 10000 {
			u.dialect(n.name.Local, "", "time is not RFC 3339")
			return t.UTC()
		}
	}
	if u.lenient {
		u.dialect(n.name.Local, "", "unreadable time")
		return time.Time{}
	}
	u.fail(n.name.Local, "time is not RFC 3339")
	return time.Time{}
}

// each calls known for every child element of the recording namespace and returns the
// others. What known refuses is unknown.
func (u *reader) each(n *node, known func(child *node) bool) []Extension {
	var others []Extension
	for _, child := range n.children {
		switch {
		case child.isText():
		case child.name.Space != u.namespace && child.name.Space != "":
			others = append(others, child.raw())
		case !known(child):
			u.dialect(child.name.Local, "", "unknown element in "+n.name.Local)
		}
	}
	return others
}

func (u *reader) cause(n *node) int16 {
	text, ok := n.attribute("cause")
	value, err := strconv.ParseInt(text, 10, 16)
	if !ok || err != nil {
		u.dialect(n.name.Local, "", "reason without cause")
		return 0
	}
	return int16(value)
}
