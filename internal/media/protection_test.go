package media

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/srtp"
)

// testKey is a key that differs by seed.
func testKey(suite srtp.Suite, seed byte) srtp.Key {
	secret := make([]byte, suite.KeySize())
	for i := range secret {
		secret[i] = byte(i) ^ seed
	}
	return srtp.Key{Suite: suite, Secret: secret}
}

// protectedPair is two sessions that send to each other by SRTP.
func protectedPair(tb testing.TB, suite srtp.Suite, mux bool) (a, b *Session) {
	tb.Helper()
	local, remote := testKey(suite, 1), testKey(suite, 2)
	return connectPair(tb, newTestTransport(tb, func(c *Config) { c.RTCPInterval = 200 * time.Millisecond }), func(p *Params) {
		p.Mux = mux
		p.Protection = &Protection{Local: local, Remote: remote}
		local, remote = remote, local
	})
}

// Sound and reports pass both ways, and a new set of parameters with the same keys goes on where they were.
//
// Shows ME-MUX-05, ME-SRT-09, ME-GCM-08.
func TestProtectedSession(t *testing.T) {
	for _, mux := range []bool{false, true} {
		a, b := protectedPair(t, srtp.AEADAES256GCM, mux)
		heard := 0
		ticks(t, 40, func(i int) {
			if i == 20 {
				p := pcmuParams(b.LocalAddr())
				p.Mux = mux
				p.Protection = &Protection{Local: testKey(srtp.AEADAES256GCM, 1), Remote: testKey(srtp.AEADAES256GCM, 2)}
				if err := a.Configure(p); err != nil {
					t.Fatal(err)
				}
			}
			a.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
			b.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
			ingest(a)
			if f := ingest(b); f.Flags == 0 {
				heard++
			}
		})
		for _, s := range []*Session{a, b} {
			if st := s.Stats(); !st.Protected || st.ReportsReceived == 0 || st.Forged != 0 || st.Replayed != 0 || st.PacketsReceived < 38 {
				t.Errorf("mux %v: %+v", mux, st)
			}
		}
		if heard < 35 {
			t.Errorf("mux %v: heard %d frames", mux, heard)
		}
	}
}

// What is not protected by the key is neither heard nor believed to show where the far end is.
//
// Shows ME-SRT-07, ME-SDE-09.
func TestPlainPacketsOnProtectedSession(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), func(p *Params) {
		p.Protection = &Protection{Local: testKey(srtp.AEADAES128GCM, 1), Remote: testKey(srtp.AEADAES128GCM, 2)}
	})
	ticks(t, 8, func(int) {
		p.say(0, loud(), 160)
		if f := ingest(s); !f.Flags.Has(codecs.Silent) {
			t.Error("a plain packet is heard")
		}
		s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
	})
	if st := s.Stats(); st.Forged < 7 || st.PacketsReceived != 0 || st.RemoteSSRC != 0 {
		t.Errorf("%+v", st)
	}
	for _, packet := range p.hear(50 * time.Millisecond) {
		if len(packet.Payload) != 160+16 || string(packet.Payload[:160]) == string(loud()) {
			t.Fatalf("sent % x", packet.Payload)
		}
	}
}

// Shows ME-SDE-07, ME-SDE-10, ME-SRT-12.
func TestUnusableProtection(t *testing.T) {
	s := openSession(t, newTestTransport(t, nil))
	if s.out.seq >= 1<<15 {
		t.Error("first sequence number", s.out.seq)
	}
	k := testKey(srtp.AEADAES128GCM, 1)
	short := testKey(srtp.AEADAES128GCM, 2)
	short.Secret = short.Secret[1:]
	for _, bad := range []Protection{{Local: k, Remote: k}, {Local: k}, {Local: k, Remote: short}} {
		p := pcmuParams(netip.MustParseAddrPort("127.0.0.1:9"))
		p.Protection = &bad
		if err := s.Configure(p); !errors.Is(err, ErrParams) {
			t.Error(err)
		}
	}
}

// The keys go with the session.
//
// Shows ME-SRT-11.
func TestKeysAreWiped(t *testing.T) {
	a, _ := protectedPair(t, srtp.AESCM128HMACSHA180, false)
	g := a.offered.Load().guard
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for _, octet := range append(g.local.Secret, g.remote.Secret...) {
		if octet != 0 {
			t.Fatal("keys are still there")
		}
	}
}

func TestProtectedMediaPathDoesNotAllocate(t *testing.T) {
	for _, suite := range []srtp.Suite{srtp.AEADAES256GCM, srtp.AESCM128HMACSHA180} {
		a, b := protectedPair(t, suite, true)
		packet := codecs.Packet{Payload: loud(), Samples: 160}
		var dst [codecs.MaxFrameSamples]int16
		step := func() { a.Emit(&packet); b.Ingest(dst[:]) }
		for range 20 {
			step()
		}
		if n := testing.AllocsPerRun(100, step); n != 0 {
			t.Errorf("%v: %v allocations", suite, n)
		}
	}
}

// BenchmarkProtected is BenchmarkIngest with protection.
func BenchmarkProtected(b *testing.B) {
	for _, suite := range []srtp.Suite{srtp.AEADAES256GCM, srtp.AEADAES128GCM, srtp.AESCM128HMACSHA180} {
		b.Run(suite.String(), func(b *testing.B) {
			from, to := protectedPair(b, suite, false)
			packet := codecs.Packet{Payload: loud(), Samples: 160}
			var dst [codecs.MaxFrameSamples]int16
			b.ReportAllocs()
			for b.Loop() {
				from.Emit(&packet)
				to.Ingest(dst[:])
			}
		})
	}
}
