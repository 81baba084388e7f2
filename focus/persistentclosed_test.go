package focus

import (
	"log/slog"
	"testing"

	"github.com/parley-sip/parley/internal/media"
)

// A recording that takes a line of a session whose media have been closed meanwhile, until it hears of that, leaves no port behind.
func TestLineOfClosedSession(t *testing.T) {
	transport, err := media.NewTransport(media.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := transport.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &persistent{focus: &Focus{media: transport, log: slog.New(slog.DiscardHandler)}, server: Recorder{Persistent: 4}}
	h.close()
	for _, end := range []string{"given back", "moved on"} {
		l := &lease{session: h, lines: map[string]*line{}}
		one, err := l.line(mixedKey)
		if err != nil {
			t.Fatal(err)
		}
		if end == "moved on" {
			if l.part(mixedKey); len(h.lines) != 0 {
				t.Errorf("%d lines are in the place of the one that has gone", len(h.lines))
			}
			h.closeLine(one) // whose it is now
		} else {
			h.giveBack(one)
		}
		if n := transport.Stats().Sessions; n != 0 {
			t.Errorf("%s: %d media sessions are left", end, n)
		}
	}
}
