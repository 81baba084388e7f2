package focus

import "testing"

// TestRefusedSince: what was refused before a server takes a stream, and what the socket tells of that in the first second, is no sign that this
// one is dead, too.
func TestRefusedSince(t *testing.T) {
	s := &recorded{started: true}
	for i, test := range []struct{ all, want uint64 }{{54, 0}, {56, 0}, {56, 0}, {57, 1}, {90, 34}} {
		if got := s.refusedSince(test.all); got != test.want {
			t.Errorf("look %d, %d in all: %d, want %d", i, test.all, got, test.want)
		}
	}
	s.started, s.looks = false, 0
	if got := s.refusedSince(95); got != 0 {
		t.Errorf("another server: %d, want 0", got)
	}
}
