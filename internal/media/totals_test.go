package media

import "testing"

func TestTransportCountsPacketsOfOpenAndClosedSessions(t *testing.T) {
	transport := newTestTransport(t, nil)
	first, p := call(t, transport, nil)
	for range 3 {
		p.say(0, loud(), 160)
		ingest(first)
	}
	counted := first.Stats()
	if counted.PacketsReceived == 0 {
		t.Fatal("nothing was received")
	}
	second, q := call(t, transport, nil)
	q.say(0, loud(), 160)
	ingest(second)
	want := counted.PacketsReceived + second.Stats().PacketsReceived
	if got := transport.Stats().PacketsReceived; got != want {
		t.Errorf("%d packets received by open sessions, want %d", got, want)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if got := transport.Stats().PacketsReceived; got != want {
		t.Errorf("%d packets received with one session closed, want %d", got, want)
	}
}
