package media

import (
	"net/netip"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// ME-RTP-18, ME-NAT-02, ME-NAT-06: who may send, told as a sequence of packets.
func TestLatch(t *testing.T) {
	const (
		described = "198.51.100.1:4000"
		sameHost  = "198.51.100.1:4444"
		nat       = "203.0.113.9:61000"
		rebound   = "203.0.113.9:62000"
		attacker  = "192.0.2.66:5000"
	)
	type event struct {
		at   int // ms
		from string
		ssrc uint32
		seq  uint16
		want verdict
	}
	tests := map[string]struct {
		symmetric bool
		events    []event
		media     string // where media go in the end
	}{
		"described address": {true, []event{
			{0, described, 1, 10, verdictNewSource},
			{20, described, 1, 11, verdictAccept},
			{60, attacker, 2, 1, verdictForeign},
			{80, attacker, 2, 2, verdictForeign},
			{5000, attacker, 2, 3, verdictForeign},
		}, described},
		"behind a NAT": {true, []event{
			{0, nat, 1, 10, verdictForeign},
			{20, nat, 1, 11, verdictNewSource},
			{40, nat, 1, 12, verdictAccept},
		}, nat},
		"a NAT and no symmetric RTP": {false, []event{
			{0, nat, 1, 10, verdictForeign},
			{20, nat, 1, 11, verdictForeign},
			{40, nat, 1, 12, verdictForeign},
		}, described},
		"another port of the host and no symmetric RTP": {false, []event{
			{0, sameHost, 1, 10, verdictForeign},
			{20, sameHost, 1, 11, verdictNewSource},
		}, described},
		"strays do not add up": {true, []event{
			{0, nat, 1, 10, verdictForeign},
			{20, attacker, 1, 11, verdictForeign},
			{40, nat, 2, 11, verdictForeign},
			{60, nat, 2, 13, verdictForeign},
		}, described},
		"a stranger was first, the described address takes it back": {true, []event{
			{0, attacker, 2, 1, verdictForeign},
			{1, attacker, 2, 2, verdictNewSource},
			{500, described, 1, 10, verdictUnknown},
			{501, attacker, 2, 3, verdictAccept},
			{520, described, 1, 11, verdictNewSource},
			{521, attacker, 2, 4, verdictForeign},
			{522, attacker, 2, 5, verdictForeign},
		}, described},
		"the described address after a stray of a stranger": {true, []event{
			{0, attacker, 2, 1, verdictForeign},
			{1, described, 1, 10, verdictNewSource},
			{2, attacker, 2, 2, verdictForeign},
		}, described},
		"the described address is too late": {true, []event{
			{0, nat, 1, 1, verdictForeign},
			{1, nat, 1, 2, verdictNewSource},
			{4000, nat, 1, 3, verdictAccept},
			{4001, described, 2, 7, verdictUnknown},
			{4002, described, 2, 8, verdictUnknown},
		}, nat},
		"the NAT forgets its binding": {true, []event{
			{0, nat, 1, 1, verdictForeign},
			{1, nat, 1, 2, verdictNewSource},
			{200, nat, 1, 12, verdictAccept},
			{220, rebound, 1, 13, verdictForeign},
			{499, rebound, 1, 27, verdictForeign},
			{500, rebound, 1, 28, verdictNewSource},
			{520, nat, 1, 29, verdictForeign}, // a copy on the old way does not lead back
			{540, nat, 1, 30, verdictForeign},
		}, rebound},
		"another binding with other numbers": {true, []event{
			{0, nat, 1, 5000, verdictForeign},
			{1, nat, 1, 5001, verdictNewSource},
			{1000, rebound, 1, 8001, verdictForeign}, // too far
			{1001, rebound, 1, 8002, verdictForeign},
			{1002, rebound, 1, 5000, verdictForeign}, // has been here
			{1003, rebound, 1, 5001, verdictForeign},
			{1004, rebound, 2, 5002, verdictForeign}, // somebody else
			{1005, rebound, 2, 5003, verdictForeign},
			{5000, rebound, 1, 7, verdictForeign},
			{5001, rebound, 1, 8, verdictNewSource},
		}, rebound},
		"silence is no invitation": {true, []event{
			{0, described, 1, 1, verdictNewSource},
			{1, described, 1, 2, verdictAccept},
			{20000, attacker, 2, 1, verdictForeign},
			{20020, attacker, 2, 2, verdictForeign},
			{31000, attacker, 2, 3, verdictNewSource},
		}, attacker},
		"SSRC change": {true, []event{
			{0, described, 1, 1, verdictNewSource},
			{1, described, 1, 2, verdictAccept},
			{2, described, 5, 100, verdictUnknown},
			{3, described, 1, 3, verdictAccept},
			{4, described, 5, 101, verdictUnknown},
			{5, described, 5, 102, verdictNewSource},
		}, described},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var l latch
			l.describe(netip.MustParseAddrPort(described), test.symmetric)
			for i, e := range test.events {
				if got := l.judge(netip.MustParseAddrPort(e.from), e.ssrc, e.seq, time.Duration(e.at)*time.Millisecond); got != e.want {
					t.Fatalf("packet %d: verdict %d, want %d", i, got, e.want)
				}
			}
			if got := l.destination(); got != netip.MustParseAddrPort(test.media) {
				t.Errorf("media go to %v, want %v", got, test.media)
			}
		})
	}
}

// Nothing is sent to whom nobody has described, even if he sends.
func TestNothingIsSentUndescribed(t *testing.T) {
	for _, described := range []netip.AddrPort{{}, netip.MustParseAddrPort("0.0.0.0:5000"), netip.MustParseAddrPort("192.0.2.1:0")} {
		l := latch{symmetric: true, described: described}
		from := netip.MustParseAddrPort("192.0.2.66:5000")
		l.judge(from, 1, 1, 0)
		if got := l.judge(from, 1, 2, 1); got != verdictNewSource {
			t.Errorf("%v: verdict %d", described, got)
		}
		if got := l.destination(); got.IsValid() {
			t.Errorf("%v: media go to %v", described, got)
		}
	}
}

// A stranger's packets never move the destination once media flow, over real sockets, whether or not the far end sends.
func TestHijack(t *testing.T) {
	for _, silent := range []bool{false, true} {
		transport := newTestTransport(t, func(c *Config) { c.Symmetric = true })
		s, p := call(t, transport, nil)
		stranger := newPhone(t, "127.0.0.2", s)
		stranger.header.SSRC = 666
		heard := 0
		ticks(t, 30, func(i int) {
			if i < 10 || !silent {
				p.say(0, loud(), 160)
			}
			if i >= 10 {
				stranger.say(0, loud(), 160)
				stranger.say(0, loud(), 160)
			}
			if f := ingest(s); f.SSRC == 666 {
				heard++
			}
			s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
		})
		if got := len(stranger.hear(50 * time.Millisecond)); got != 0 || heard != 0 {
			t.Errorf("silent %v: the stranger got %d packets and was heard in %d ticks", silent, got, heard)
		}
		if got := len(p.hear(50 * time.Millisecond)); got != 30 {
			t.Errorf("silent %v: the far end got %d packets", silent, got)
		}
	}
}

// A NAT that binds a call anew in the middle of it is followed within a third of a second, both ways, though the socket was connected to the old port.
func TestRebinding(t *testing.T) {
	transport := newTestTransport(t, func(c *Config) { c.Symmetric = true })
	s, p := call(t, transport, nil)
	rebound := newPhone(t, "127.0.0.1", s)
	heard := 0
	ticks(t, 50, func(i int) {
		if i < 10 {
			p.say(0, loud(), 160)
			rebound.header = p.header
		} else {
			rebound.say(0, loud(), 160)
		}
		if f := ingest(s); i >= 10 && f.Flags&(codecs.Silent|codecs.Concealed) == 0 {
			heard++
		}
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
	})
	if got := len(rebound.hear(50 * time.Millisecond)); got < 15 || heard < 15 {
		t.Errorf("of the last 40 packets each way, %d went to the new port, and %d were heard from there", got, heard)
	}
	if stats := s.Stats(); stats.RemoteAddr != rebound.addr() || stats.SourceChanges != 0 {
		t.Errorf("media of %v, %d changes of source", stats.RemoteAddr, stats.SourceChanges)
	}
}

// What a stranger had sent before the socket was connected is not taken for the far end's afterwards: as one who begins to speak again.
func TestQueuedStrangers(t *testing.T) {
	const pause, again = 5, 25 // ticks
	transport := newTestTransport(t, func(c *Config) { c.Symmetric = true })
	s, p := call(t, transport, nil)
	stranger := newPhone(t, "127.0.0.2", s)
	stranger.header.SSRC = 666
	ticks(t, 35, func(i int) {
		if i == again {
			p.header.Timestamp += 160 * (again - pause)
		}
		if i < pause || i >= again {
			p.say(0, loud(), 160)
		}
		if i == again {
			stranger.say(0, loud(), 160)
			stranger.say(0, loud(), 160)
		}
		if f := ingest(s); f.SSRC == 666 {
			t.Errorf("the stranger is heard in tick %d", i)
		}
	})
	if stats := s.Stats(); stats.SourceChanges != 0 || stats.ForeignSource != 2 {
		t.Errorf("%d changes of source, %d packets of strangers", stats.SourceChanges, stats.ForeignSource)
	}
}

// Symmetric RTP: media go where they come from, and back where the new description says.
func TestSymmetric(t *testing.T) {
	transport := newTestTransport(t, func(c *Config) { c.Symmetric = true })
	s, p := call(t, transport, func(p *Params) { p.Remote = netip.MustParseAddrPort("127.0.0.9:4000") })
	p.header.SSRC = 5
	emit := func(int) {
		p.say(0, loud(), 160)
		ingest(s)
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
	}
	ticks(t, 5, emit)
	if got := len(p.hear(50 * time.Millisecond)); got < 3 {
		t.Errorf("heard %d packets behind the NAT", got)
	}
	if stats := s.Stats(); !stats.Latched || stats.RemoteAddr != p.addr() {
		t.Errorf("%+v", stats)
	}
	other := newPhone(t, "127.0.0.1", s)
	if err := s.Configure(pcmuParams(other.addr())); err != nil {
		t.Fatal(err)
	}
	ticks(t, 3, func(int) {
		ingest(s)
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
	})
	if got := len(other.hear(50 * time.Millisecond)); got != 3 {
		t.Errorf("the new far end heard %d packets", got)
	}
}
