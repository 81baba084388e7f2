package conftest

import (
	"bytes"
	"crypto/sha256"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/internal/sipua"
)

// listener is a subscriber.
type listener struct {
	name    string
	library *rosters
	ended   atomic.Bool

	mu       sync.Mutex
	document *confevent.Document // merged, with version 0; nil: none yet
	notifies int
	octets   int64
	gaps     bool // a number was left out, or a document could not be merged
}

func (l *listener) notify(request *sipua.Request) *sipua.Response {
	if len(request.Body) == 0 {
		return nil // says nothing of the roster, as the last one of a subscription
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notifies++
	l.octets += int64(len(request.Body))
	merged, version, err := l.library.merge(l.document, l.notifies, request.Body)
	if l.gaps = l.gaps || err != nil || version != l.notifies; err == nil {
		l.document = merged
	}
	return nil
}

// knows is the merged document.
func (l *listener) knows() *confevent.Document {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.document == nil {
		return &confevent.Document{}
	}
	return l.document
}

// missed tells whether a document has not come, or not whole.
func (l *listener) missed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gaps
}

// rosters remembers what became of a document when another one was merged into it, so that thousands of listeners who are told the same do not each read it: they would take the machine from whom they
// are to measure. It is safe for concurrent use.
type rosters struct {
	mu     sync.Mutex
	merged map[merging]*confevent.Document
}

// merging is a document, and the text of what came after it, but for its version.
type merging struct {
	onto *confevent.Document
	text [sha256.Size]byte
}

// rememberedMerges is after how many all are forgotten: those who keep pace need the last ones only.
const rememberedMerges = 256

// merge applies the document of a NOTIFY, the so manieth, to what a listener knows. It gives the version of the document.
func (r *rosters) merge(onto *confevent.Document, number int, body []byte) (merged *confevent.Document, version int, err error) {
	declared, root, _ := bytes.Cut(body, []byte("<conference-info")) // the XML declaration has a version, too
	before, rest, _ := bytes.Cut(root, []byte(` version="`))
	digits, after, _ := bytes.Cut(rest, []byte(`"`))
	version, err = strconv.Atoi(string(digits))
	if err != nil {
		return nil, 0, err
	}
	hash := sha256.New()
	hash.Write(declared) // never fails (hash.Hash)
	hash.Write(before)
	hash.Write(after)
	key := merging{onto: onto, text: [sha256.Size]byte(hash.Sum(nil))}
	r.mu.Lock()
	defer r.mu.Unlock()
	if merged = r.merged[key]; merged != nil {
		return merged, version, nil
	}
	d, err := confevent.Unmarshal(body)
	if err != nil {
		return nil, version, err
	}
	var known confevent.Document
	if onto != nil {
		known = *onto
		known.Version = uint32(number - 1) //nolint:gosec // few
	}
	made, err := confevent.Merge(known, d)
	if err != nil {
		return nil, version, err
	}
	made.Version = 0
	if r.merged == nil || len(r.merged) >= rememberedMerges {
		r.merged = map[merging]*confevent.Document{}
	}
	r.merged[key] = &made
	return &made, version, nil
}
