package confevent

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The bounds of what Unmarshal reads. A roster of 2,000 users with everything
// shown is about 2 MB.
const (
	// MaxDocumentSize is the largest document that is read, in octets.
	MaxDocumentSize = 4 << 20
	maxElements     = 200_000
	maxDepth        = 24
)

// A node is an element as it was read: only its own namespace and no namespace are kept.
type node struct {
	name  string
	attrs []xml.Attr
	text  []byte
	kids  []*node
}

// parseTree reads a document into nodes. Entities other than the five of XML are
// an error of the decoder, so nothing expands.
func parseTree(data []byte) (*node, error) {
	if len(data) > MaxDocumentSize {
		return nil, ErrTooLarge
	}
	dec := xml.NewDecoder(bytes.NewReader(data))
	var b builder
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		if err = b.add(tok); err != nil {
			return nil, err
		}
	}
	if b.root == nil {
		return nil, fmt.Errorf("%w: no root element", ErrMalformed)
	}

	return b.root, nil
}

// A builder puts tokens together; the stack holds the open elements.
type builder struct {
	root  *node
	stack []*node
	count int
}

func (b *builder) add(tok xml.Token) error {
	switch t := tok.(type) {
	case xml.StartElement:
		return b.open(t)
	case xml.EndElement:
		b.stack = b.stack[:len(b.stack)-1]
	case xml.CharData:
		if len(b.stack) > 0 {
			top := b.stack[len(b.stack)-1]
			top.text = append(top.text, t...)
		}
	}

	return nil
}

func (b *builder) open(t xml.StartElement) error {
	if b.count++; b.count > maxElements || len(b.stack) >= maxDepth {
		return ErrTooLarge
	}
	n := newNode(t)
	switch {
	case len(b.stack) > 0:
		if top := b.stack[len(b.stack)-1]; n.name != "" {
			top.kids = append(top.kids, n)
		}
	case b.root != nil:
		return fmt.Errorf("%w: a second root element", ErrMalformed)
	default:
		b.root = n
	}
	b.stack = append(b.stack, n)

	return nil
}

// newNode leaves the name of a foreign element empty: nobody asks for it.
func newNode(t xml.StartElement) *node {
	n := &node{attrs: t.Attr}
	if t.Name.Space == Namespace || t.Name.Space == "" {
		n.name = t.Name.Local
	}

	return n
}

func (n *node) attr(name string) string {
	for _, a := range n.attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return trim(a.Value)
		}
	}

	return ""
}

// child is the first child of that name, nil if there is none.
func (n *node) child(name string) *node {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}

	return nil
}

// all calls f for each child of that name.
func (n *node) all(name string, f func(*node)) {
	for _, k := range n.kids {
		if k.name == name {
			f(k)
		}
	}
}

// string is the text of the first child of that name.
func (n *node) string(name string) string {
	if k := n.child(name); k != nil {
		return trim(string(k.text))
	}

	return ""
}

// trim takes the white space of XML away from the ends.
func trim(s string) string { return strings.Trim(s, " \t\r\n") }
