package confevent

import (
	"bytes"
	"strconv"
	"sync"
	"weak"
)

// maxDeltas bounds how many differences a Snapshot keeps: subscribers that keep pace with each other need one.
const maxDeltas = 64

// A Snapshot is a full document made ready to be told to many subscribers. It is
// normalized once, written once, and compared once with each Snapshot that some
// subscriber has, so that a thousand subscribers of one conference cost little more
// than one: only the version in the root is each subscriber's own (RFC 4575,
// section 5.2).
//
// It is safe for concurrent use, and never changes.
type Snapshot struct {
	doc func() Document // normalized, version 0; made once

	mu     sync.Mutex
	whole  *written
	deltas map[weak.Pointer[Snapshot]]*written // by the older one, which must not be kept alive
}

// maxNumbered bounds of how many versions the text of a document is kept: subscribers that are told at the same time are mostly at the same one.
const maxNumbered = 4

// written is a document and its XML, split where the version goes.
type written struct {
	doc        Document
	head, tail []byte

	mu   sync.Mutex
	kept []numberedBody // the newest last
}

// numberedBody is a document's XML under a version.
type numberedBody struct {
	version uint32
	body    []byte
}

// NewSnapshot returns the snapshot of a full document; its version is ignored.
func NewSnapshot(doc Document) *Snapshot {
	return NewLazySnapshot(func() Document { return doc })
}

// NewLazySnapshot is NewSnapshot of a document that is made when somebody is to be
// told of it, at most once: of the states that follow each other within the
// interval of all subscribers (RFC 4575, section 3.9) most never are. The function
// may be called from any goroutine, and must always give the same.
func NewLazySnapshot(made func() Document) *Snapshot {
	once := sync.OnceValue(func() Document {
		doc := made()
		doc.Version = 0

		return doc.Normalize()
	})

	return &Snapshot{doc: once, deltas: map[weak.Pointer[Snapshot]]*written{}}
}

// Document returns the document, normalized and with version 0.
func (s *Snapshot) Document() Document { return s.doc() }

// versionless is the attribute as it is written for version 0. A text cannot hold it, as quotation marks are escaped.
const versionless = ` version="0"`

func write(doc Document) *written {
	body := marshalNormalized(doc)
	at := bytes.Index(body, []byte(versionless)) + len(versionless) - len(`0"`)

	return &written{doc: doc, head: body[:at:at], tail: body[at+1:]}
}

// numbered gives the document and its body under a version. The body is shared with all who are told the same under the same version, as thousands are who subscribe at once: nobody may write to it.
func (w *written) numbered(version uint32) (Document, []byte) {
	doc := w.doc
	doc.Version = version
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.kept {
		if w.kept[i].version == version {
			return doc, w.kept[i].body
		}
	}
	body := make([]byte, 0, len(w.head)+len(w.tail)+10) //nolint:mnd // digits of 32 bits
	body = append(body, w.head...)
	body = strconv.AppendUint(body, uint64(version), 10)
	body = append(body, w.tail...)
	if len(w.kept) >= maxNumbered {
		w.kept = append(w.kept[:0:0], w.kept[1:]...)
	}
	w.kept = append(w.kept, numberedBody{version, body})

	return doc, body
}

// full gives the whole document.
func (s *Snapshot) full() *written {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.fullLocked()
}

func (s *Snapshot) fullLocked() *written {
	if s.whole == nil {
		s.whole = write(s.doc())
	}

	return s.whole
}

// since gives what tells a subscriber who has old: a partial document, or the
// full one where that is not larger (RFC 6446, section 5.5.1).
func (s *Snapshot) since(old *Snapshot) *written {
	if old == s {
		return &written{doc: Document{Entity: s.doc().Entity, State: Partial}}
	}
	key := weak.Make(old)
	s.mu.Lock()
	defer s.mu.Unlock()
	if w, ok := s.deltas[key]; ok {
		return w
	}
	whole := s.doc()
	d := Diff(old.doc(), whole)
	var w *written
	if d.Empty() {
		w = &written{doc: d}
	} else {
		w = write(d)
	}
	if d.State == Partial && d.Users != nil && whole.Users != nil && len(d.Users.Users) >= len(whole.Users.Users) {
		if full := s.fullLocked(); len(full.head)+len(full.tail) <= len(w.head)+len(w.tail) {
			w = full
		}
	}
	if len(s.deltas) >= maxDeltas {
		clear(s.deltas)
	}
	s.deltas[key] = w

	return w
}
