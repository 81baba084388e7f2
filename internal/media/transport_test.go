package media

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// RFC 3550, section 11: RTP on an even port, RTCP on the next.
func TestPortsAreEvenAndLimited(t *testing.T) {
	transport := newTestTransport(t, func(c *Config) { c.PortMin, c.PortMax, c.PortRest = 31001, 31008, 50*time.Millisecond })
	taken, err := net.ListenPacket("udp", "127.0.0.1:31004") //nolint:noctx // a test's socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	open := make([]*Session, 0, 2)
	for range 2 { // 31002 and 31006; the pair of 31004 is another process's
		s := openSession(t, transport)
		if port := s.LocalAddr().Port(); port%2 != 0 || port == 31004 || s.LocalRTCP().Port() != port+1 {
			t.Errorf("port %d, RTCP %d", port, s.LocalRTCP().Port())
		}
		open = append(open, s)
	}
	if _, err := transport.Open(Options{}); !errors.Is(err, ErrNoPorts) {
		t.Errorf("third session: %v", err)
	}
	if stats := transport.Stats(); stats.Sessions != 2 || stats.NoPorts != 1 {
		t.Errorf("%+v", stats)
	}
	if err := open[0].Close(); err != nil {
		t.Error(err)
	}
	if _, err := transport.Open(Options{}); !errors.Is(err, ErrNoPorts) {
		t.Errorf("a port is used again at once: %v", err)
	}
	<-time.After(80 * time.Millisecond)
	if s := openSession(t, transport); s.LocalAddr() != open[0].LocalAddr() {
		t.Errorf("rested port: %v", s.LocalAddr())
	}
}

func TestPortsAreReusedLate(t *testing.T) {
	p := newPorts(10000, 10009, time.Minute)
	seen := map[uint16]bool{}
	for range 5 {
		port, ok := p.take(0)
		if !ok || port%2 != 0 || seen[port] {
			t.Fatalf("port %d, %v", port, ok)
		}
		seen[port] = true
		p.give(port, 0)
	}
	if port, ok := p.take(59 * time.Second); ok {
		t.Errorf("port %d has not rested", port)
	}
	if _, ok := p.take(time.Minute); !ok || p.free(time.Minute) != 4 {
		t.Error("no port has rested")
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no pair":      {PortMin: 5001, PortMax: 5002},
		"reversed":     {PortMin: 6000, PortMax: 5000},
		"jitter":       {JitterMin: 300 * time.Millisecond, JitterMax: 100 * time.Millisecond},
		"jitter above": {JitterMax: time.Second},
		"rest":         {PortRest: -1},
		"interval":     {RTCPInterval: 1},
	} {
		if _, err := NewTransport(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParamsAreChecked(t *testing.T) {
	s := openSession(t, newTestTransport(t, nil))
	for name, p := range map[string]Params{
		"nothing to send with": {Send: true},
		"payload type":         {Receive: []PayloadType{{Number: 128, Codec: codecs.PCMU}}},
		"two things":           {Receive: []PayloadType{{Number: 1, Event: true, CN: true}}},
		"nothing":              {Receive: []PayloadType{{Number: 1}}},
		"clock":                {Receive: []PayloadType{{Number: 1, Event: true, ClockRate: 7}}},
	} {
		if err := s.Configure(p); !errors.Is(err, ErrParams) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Configure(Params{}); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// ME-RTP-03, ME-RTP-07, ME-RCP-07: what has to be random is.
func TestRandomStarts(t *testing.T) {
	transport := newTestTransport(t, nil)
	ssrcs, names, seqs := map[uint32]bool{}, map[string]bool{}, map[uint16]bool{}
	for range 100 {
		s := openSession(t, transport)
		ssrcs[s.SSRC()], names[s.CNAME()], seqs[s.out.seq] = true, true, true
		if len(s.CNAME()) != 16 {
			t.Errorf("CNAME %q", s.CNAME())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(ssrcs) != 100 || len(names) != 100 || len(seqs) < 95 {
		t.Errorf("of 100: %d SSRCs, %d names, %d sequence numbers", len(ssrcs), len(names), len(seqs))
	}
}

// What a G.711 session needs, all in, besides the buffers of the kernel.
func TestMemoryPerSession(t *testing.T) {
	transport := newTestTransport(t, nil)
	const count = 200
	sessions := make([]*Session, 0, count)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range count {
		s := openSession(t, transport)
		if err := s.Configure(pcmuParams(netip.MustParseAddrPort("127.0.0.1:9"))); err != nil {
			t.Fatal(err)
		}
		ingest(s)
		sessions = append(sessions, s)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / count
	t.Logf("%d octets per session", per)
	if per > 16<<10 {
		t.Errorf("%d octets per session", per)
	}
	runtime.KeepAlive(sessions)
}
