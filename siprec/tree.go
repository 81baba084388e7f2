package siprec

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// MaxDocument is how many octets of metadata, and of a body with metadata and a description, are read. A snapshot of a thousand participants in a
// mixed stream has about one megabyte. Where each has a stream of his own, it names each stream for each participant: 11 MB for 500.
const MaxDocument = 12 << 20

// Limits of what is read.
const (
	maxElements = 500_000
	maxDepth    = 32
	maxText     = 64 << 10
)

const (
	xmlPrefix    = "xml"
	xmlNamespace = "http://www.w3.org/XML/1998/namespace"
)

// node is an element, or text when its name is empty.
type node struct {
	name       xml.Name
	attributes []xml.Attr
	children   []*node
	text       string
}

// parseTree reads a whole document. A document type declaration is refused: nobody
// needs one here.
func parseTree(data []byte) (*node, error) {
	if len(data) > MaxDocument {
		return nil, fmt.Errorf("%w: %d octets", ErrTooLarge, len(data))
	}
	decoder := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	var root *node
	var path []*node
	for count := 0; ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &SyntaxError{Element: "document", Reason: "not well-formed XML"}
		}
		switch t := token.(type) {
		case xml.StartElement:
			count++
			if count > maxElements || len(path) >= maxDepth {
				return nil, fmt.Errorf("%w: too many or too deep elements", ErrTooLarge)
			}
			n := &node{name: t.Name, attributes: slices.Clone(t.Attr)}
			if root, err = attach(root, path, n); err != nil {
				return nil, err
			}
			path = append(path, n)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if err := addText(path, t); err != nil {
				return nil, err
			}
		case xml.Directive:
			return nil, &SyntaxError{Element: "document", Reason: "document type declaration"}
		}
	}
	if root == nil {
		return nil, &SyntaxError{Element: "document", Reason: "no root element"}
	}
	return root, nil
}

// attach puts an element under the one that is open, and returns the root.
func attach(root *node, path []*node, n *node) (*node, error) {
	switch {
	case len(path) > 0:
		parent := path[len(path)-1]
		parent.children = append(parent.children, n)
		return root, nil
	case root == nil:
		return n, nil
	default:
		return nil, &SyntaxError{Element: "document", Reason: "more than one root"}
	}
}

func addText(path []*node, text []byte) error {
	if len(path) == 0 {
		if len(bytes.TrimSpace(text)) > 0 {
			return &SyntaxError{Element: "document", Reason: "text outside of the root"}
		}
		return nil
	}
	if len(text) > maxText {
		return fmt.Errorf("%w: text of %d octets", ErrTooLarge, len(text))
	}
	parent := path[len(path)-1]
	parent.children = append(parent.children, &node{text: string(text)})
	return nil
}

// isText tells text from elements.
func (n *node) isText() bool { return n.name.Local == "" }

// content returns the text directly inside the element, without blanks around it.
func (n *node) content() string {
	var text strings.Builder
	for _, child := range n.children {
		if child.isText() {
			text.WriteString(child.text)
		}
	}
	return strings.TrimSpace(text.String())
}

// attribute returns the value of an attribute without namespace.
func (n *node) attribute(name string) (string, bool) {
	for _, a := range n.attributes {
		if a.Name.Local == name && a.Name.Space == "" {
			return strings.TrimSpace(a.Value), true
		}
	}
	return "", false
}

// lang returns xml:lang.
func (n *node) lang() string {
	for _, a := range n.attributes {
		if a.Name.Local == "lang" && (a.Name.Space == xmlPrefix || a.Name.Space == xmlNamespace) {
			return a.Value
		}
	}
	return ""
}

// raw writes the element again so that it stands alone: every namespace is declared
// where it is used, prefixes of the source are gone.
func (n *node) raw() Extension {
	var w writer
	w.rawNode(n, "")
	return Extension(w.text.String())
}

func (w *writer) rawNode(n *node, around string) {
	if n.isText() {
		w.escape(n.text)
		return
	}
	w.text.WriteString("<" + n.name.Local)
	if n.name.Space != around {
		w.text.WriteString(` xmlns="`)
		w.escape(n.name.Space)
		w.text.WriteString(`"`)
	}
	for i, a := range n.attributes {
		w.rawAttribute(i, a)
	}
	if len(n.children) == 0 {
		w.text.WriteString("/>")
		return
	}
	w.text.WriteString(">")
	for _, child := range n.children {
		w.rawNode(child, n.name.Space)
	}
	w.text.WriteString("</" + n.name.Local + ">")
}

func (w *writer) rawAttribute(index int, a xml.Attr) {
	if a.Name.Space == "xmlns" || (a.Name.Space == "" && a.Name.Local == "xmlns") {
		return
	}
	name := a.Name.Local
	switch a.Name.Space {
	case "":
	case xmlPrefix, xmlNamespace:
		name = "xml:" + name
	default:
		prefix := fmt.Sprintf("n%d", index)
		w.text.WriteString(" xmlns:" + prefix + `="`)
		w.escape(a.Name.Space)
		w.text.WriteString(`"`)
		name = prefix + ":" + name
	}
	w.text.WriteString(" " + name + `="`)
	w.escape(a.Value)
	w.text.WriteString(`"`)
}
