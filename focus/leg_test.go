package focus

import (
	"testing"

	"github.com/parley-sip/parley/internal/sipua"
)

// A dialog that two calls have is named by nobody for certain; the same call after a move is one.
//
// Shows FO-JOI-04.
func TestSeveralMatchesAreNone(t *testing.T) {
	var l legs
	id := sipua.DialogID{CallID: "c", LocalTag: "a", RemoteTag: "b"}
	first, moved, other := leg{id: "p", generation: 1}, leg{controller: &controller{}, id: "p", generation: 1}, leg{id: "q", generation: 2}
	l.add(id, first)
	l.add(id, moved)
	if at, found, _ := l.find(id); !found || at != moved {
		t.Errorf("after a move: %+v, %v", at, found)
	}
	l.add(id, other)
	if _, found, over := l.find(id); found || over {
		t.Error("one of two is found")
	}
	l.end([]sipua.DialogID{id}, other)
	if _, found, over := l.find(id); found || !over {
		t.Error("after its end it is not over")
	}
}
