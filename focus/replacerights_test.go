package focus

import (
	"errors"
	"testing"

	"github.com/parley-sip/parley/internal/sipua"
)

// The tag 0 is that of a peer which sends none, and matches no other.
//
// Shows FO-RPL-13, FO-JOI-12.
func TestReferenceWithoutTag(t *testing.T) {
	for value, want := range map[string]sipua.DialogID{
		"a@b;to-tag=1;from-tag=0":          {CallID: "a@b", LocalTag: "1"},
		"a@b ; From-Tag=0 ; To-Tag=x":      {CallID: "a@b", LocalTag: "x"},
		"a@b;to-tag=0;from-tag=2":          {CallID: "a@b", RemoteTag: "2"},
		"a@b;to-tag=00;from-tag=2;other=3": {CallID: "a@b", LocalTag: "00", RemoteTag: "2"},
	} {
		if r, err := parseReference(value); err != nil || r.dialog != want {
			t.Errorf("%q: %+v, %v", value, r.dialog, err)
		}
	}
	for _, value := range []string{"a@b", "a@b;to-tag=1", "a@b;from-tag=1", "a@b;to-tag=;from-tag=1", ";to-tag=1;from-tag=2", "a@b;to-tag=1;from-tag=2;from-tag=2"} {
		if r, err := parseReference(value); !errors.Is(err, errReference) {
			t.Errorf("%q: %+v, %v", value, r.dialog, err)
		}
	}
}
