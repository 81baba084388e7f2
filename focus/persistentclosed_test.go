package focus

import (
	"errors"
	"log/slog"
	"net/netip"
	"testing"

	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/siprec"
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

// A recording that begins in the moment in which the session with its server is retired, as the server is spoken to in another way now, gets a part of the next one, and none of the
// one that ends: of that nobody would be told any more.
func TestRetiredSessionIsNotLent(t *testing.T) {
	client, err := siprec.New(siprec.Config{Address: netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	session := func(stopping bool) *persistent { return &persistent{client: client, stopping: stopping} }
	f := &Focus{persistent: map[string]*persistent{"gone": session(true), "kept": session(false)}}
	f.settings.Store(&Config{})
	c := &controller{focus: f}
	server := func(name string) Recorder {
		return Recorder{Name: name, URI: "sip:srs@127.0.0.1:5090", Persistent: 2}
	}
	if l, err := c.lend(server("kept"), nil, false); err != nil || l == nil || len(f.persistent["kept"].leases) != 1 {
		t.Errorf("a session that goes on: %v, %v", l, err)
	}
	for _, name := range []string{"gone", "unknown"} {
		if l, err := c.lend(server(name), nil, false); !errors.Is(err, errPersistent) || l != nil {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
	if n := len(f.persistent["gone"].leases); n != 0 {
		t.Errorf("%d recordings are in the session that ends", n)
	}
	merged := server("kept")
	merged.Merge = true
	if l, err := c.lend(merged, &recorder{}, false); !errors.Is(err, errPersistent) || l != nil {
		t.Errorf("what another server has: %v, %v", l, err)
	}
	if l, err := c.lend(server("gone"), nil, true); err != nil || l != nil {
		t.Errorf("a session that the server has begun: %v, %v", l, err)
	}
	if l, err := c.lend(Recorder{}, nil, false); err != nil || l != nil {
		t.Errorf("a server without: %v, %v", l, err)
	}
}
