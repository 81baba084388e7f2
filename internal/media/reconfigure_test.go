package media

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

// Sessions that are open keep their address and their ports, whatever others get from then on.
func TestReconfigureIsForNewSessions(t *testing.T) {
	transport := newTestTransport(t, func(c *Config) { c.PortMin, c.PortMax = 31100, 31199 })
	old := openSession(t, transport)
	was := old.LocalAddr()
	apply, err := transport.Reconfigure(Config{
		ListenAddress: netip.MustParseAddr("127.0.0.2"), ExternalAddress: netip.MustParseAddr("192.0.2.7"), PortMin: 31200, PortMax: 31299,
		JitterMin: 40 * time.Millisecond, JitterMax: 80 * time.Millisecond, Symmetric: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if before := openSession(t, transport).LocalAddr(); before.Addr() != was.Addr() || before.Port() > 31199 {
		t.Errorf("%v before it was to hold", before)
	}
	apply()
	s := openSession(t, transport)
	if got := s.LocalAddr(); got.Addr().String() != "192.0.2.7" || got.Port() < 31200 || got.Port() > 31299 {
		t.Errorf("a new one is at %v", got)
	}
	if j := &s.in.player.jitter; j.minDelay != 40*time.Millisecond || j.maxDelay != 80*time.Millisecond || !s.cfg.Symmetric || old.cfg.Symmetric {
		t.Errorf("delay from %v to %v, symmetric %t, before %t", j.minDelay, j.maxDelay, s.cfg.Symmetric, old.cfg.Symmetric)
	}
	if old.LocalAddr() != was {
		t.Errorf("the old one moved from %v to %v", was, old.LocalAddr())
	}
	for audio, want := range map[*Session]string{old: "127.0.0.1", s: "127.0.0.2", nil: "127.0.0.2"} { // text goes where the audio of the call is
		text, err := transport.OpenText(TextOptions{Beside: audio})
		if err != nil {
			t.Fatal(err)
		}
		if got := netip.MustParseAddrPort(text.rtp.LocalAddr().String()); got.Addr().String() != want || got.Port() != text.Port() || got.Port() < 31200 {
			t.Errorf("text at %v, want %s", got, want)
		}
		if err := text.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := transport.Stats().PortsFree; got > 49 || got < 46 { // those of text rest
		t.Errorf("%d pairs are free", got)
	}
	for name, bad := range map[string]Config{
		"no pair": {PortMin: 5001, PortMax: 5002}, "nothing of ours": {ListenAddress: netip.MustParseAddr("192.0.2.7")},
	} {
		if _, err := transport.Reconfigure(bad); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A pair that is in use when the range changes is not given out again, and rests when it comes back, wherever the range is by then.
func TestRangeOfPortsChanges(t *testing.T) {
	p := newPorts(10000, 10003, time.Minute)
	first, _ := p.take(0)
	p.set(20000, 20003)
	for range 2 {
		if port, ok := p.take(0); !ok || port < 20000 {
			t.Fatalf("port %d, %v", port, ok)
		}
	}
	if _, ok := p.take(0); ok || p.size() != 2 {
		t.Error("more ports than there are")
	}
	p.set(10000, 10005)
	second, ok := p.take(0)
	third, ok2 := p.take(0)
	if !ok || !ok2 || second == first || third == first || second == third {
		t.Errorf("ports %d, %d; %d is in use", second, third, first)
	}
	p.give(20000, time.Second) // out of the range
	p.give(first, time.Second)
	if _, ok := p.take(time.Minute); ok {
		t.Error("it has not rested")
	}
	if port, ok := p.take(time.Minute + time.Second); !ok || port != first {
		t.Errorf("port %d, %v", port, ok)
	}
	p.give(20002, 3*time.Minute)
	if len(p.away) != 1 { // 20000 has rested
		t.Errorf("remembers %v", p.away)
	}
	if p.used != 3 {
		t.Errorf("%d are in use", p.used)
	}
}
