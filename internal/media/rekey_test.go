package media

import (
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/srtp"
)

// sealed is the next packet of a phone, protected.
func (p *phone) sealed(sender *srtp.Sender) []byte {
	p.t.Helper()
	octets, err := (&rtp.Packet{Header: p.header, Payload: loud()}).Marshal()
	if err != nil {
		p.t.Fatal(err)
	}
	p.header.SequenceNumber++
	p.header.Timestamp += 160
	buf := make([]byte, len(octets)+srtp.MaxOverhead)
	size, err := sender.Protect(buf, copy(buf, octets))
	if err != nil {
		p.t.Fatal(err)
	}
	return buf[:size]
}

// senderOf is what the far end protects with.
func senderOf(t *testing.T, key srtp.Key) *srtp.Sender {
	t.Helper()
	sender, err := srtp.NewSender(key)
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// protectWith gives a session keys.
func protectWith(t *testing.T, s *Session, p *phone, local, remote srtp.Key) {
	t.Helper()
	params := pcmuParams(p.addr())
	params.Protection = &Protection{Local: local, Remote: remote}
	if err := s.Configure(params); err != nil {
		t.Fatal(err)
	}
}

// The source of a protected stream is whoever first proves to have the key, and may be another one later; who only says so is not.
//
// Shows ME-SDE-16.
func TestSourcesAreBoundByAuthentication(t *testing.T) {
	remote := testKey(srtp.AESCM128HMACSHA180, 2)
	s, p := call(t, newTestTransport(t, nil), nil)
	protectWith(t, s, p, testKey(srtp.AESCM128HMACSHA180, 1), remote)
	sender := senderOf(t, remote)
	p.header.SSRC = 66 // plain
	for range 3 {
		p.say(0, loud(), 160)
	}
	ingest(s)
	if st := s.Stats(); st.RemoteSSRC != 0 || st.Forged != 3 {
		t.Fatalf("believed without a key: %+v", st)
	}
	for _, ssrc := range []uint32{77, 88} {
		p.header.SSRC = ssrc
		for range 3 {
			p.raw(p.sealed(sender))
		}
		tickUntil(t, "the source", func() {}, func() bool {
			ingest(s)
			return s.Stats().RemoteSSRC == ssrc
		})
	}
}

// While nothing is sent either way reports keep both contexts in use, and afterwards the media go on where they were.
//
// Shows ME-SDE-17.
func TestHoldKeepsTheKeys(t *testing.T) {
	a, b := protectedPair(t, srtp.AEADAES256GCM, false)
	params := func(to *Session, local, remote byte, on bool) Params {
		p := pcmuParams(to.LocalAddr())
		p.Protection = &Protection{Local: testKey(srtp.AEADAES256GCM, local), Remote: testKey(srtp.AEADAES256GCM, remote)}
		p.Send, p.Receiving = on, on
		return p
	}
	hold := func(held bool) {
		for _, err := range []error{a.Configure(params(b, 1, 2, !held)), b.Configure(params(a, 2, 1, !held))} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	step := func() {
		for _, s := range []*Session{a, b} {
			ingest(s)
			s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
		}
	}
	received := func(more uint64) func() bool {
		from := b.Stats().PacketsReceived
		return func() bool { return b.Stats().PacketsReceived >= from+more }
	}
	tickUntil(t, "media", step, received(5))
	hold(true)
	ticks(t, 3, func(int) { step() }) // what was under way has come
	before := [2]Stats{a.Stats(), b.Stats()}
	tickUntil(t, "reports on hold", step, func() bool {
		return a.Stats().ReportsReceived >= before[0].ReportsReceived+2 && b.Stats().ReportsReceived >= before[1].ReportsReceived+2
	})
	if sent := a.Stats().PacketsSent; sent != before[0].PacketsSent {
		t.Errorf("%d packets sent on hold", sent-before[0].PacketsSent)
	}
	hold(false)
	tickUntil(t, "media after the hold", step, received(5))
	for _, s := range []*Session{a, b} {
		if st := s.Stats(); st.Forged != 0 || st.Replayed != 0 || st.SourceChanges != 0 {
			t.Errorf("%+v", st)
		}
	}
}

// What was sent before the far end took other keys, and comes after it, is heard; for two minutes.
//
// Shows ME-DTL-13.
func TestOldKeysStayForAWhile(t *testing.T) {
	for _, suite := range []srtp.Suite{srtp.AEADAES256GCM, srtp.AESCM128HMACSHA180} {
		local, old, fresh := testKey(suite, 1), testKey(suite, 2), testKey(suite, 3)
		s, p := call(t, newTestTransport(t, nil), nil)
		protectWith(t, s, p, local, old)
		before, after := senderOf(t, old), senderOf(t, fresh)
		for range 3 {
			p.raw(p.sealed(before))
		}
		late := p.sealed(before)
		tickUntil(t, "media", func() {}, func() bool { ingest(s); return s.Stats().PacketsReceived == 3 })
		protectWith(t, s, p, local, fresh)
		p.raw(p.sealed(after))
		p.raw(late)
		tickUntil(t, "media of both keys", func() {}, func() bool { ingest(s); return s.Stats().PacketsReceived == 5 })
		p.raw(late)
		if tickUntil(t, "the replay", func() {}, func() bool { ingest(s); return s.Stats().Replayed == 1 }); s.Stats().Forged != 0 {
			t.Errorf("%v: %+v", suite, s.Stats())
		}
		s.in.oldUntil = time.Since(s.transport.epoch) // two minutes later
		p.raw(p.sealed(before))
		tickUntil(t, "the end of the old key", func() {}, func() bool { ingest(s); return s.Stats().Forged == 1 })
	}
}

// A key that comes back after another goes on where it was: nothing is ever sent twice under one index.
//
// Shows ME-GCM-08.
func TestCountersAreRememberedAtRekey(t *testing.T) {
	for _, suite := range []srtp.Suite{srtp.AEADAES256GCM, srtp.AESCM128HMACSHA180} {
		first, second, remote := testKey(suite, 1), testKey(suite, 4), testKey(suite, 2)
		s, p := call(t, newTestTransport(t, nil), nil)
		emit := func() {
			for range 4 {
				s.Emit(&codecs.Packet{Payload: loud(), Samples: 160})
			}
		}
		s.out.seq = 1<<16 - 2 // wraps
		protectWith(t, s, p, first, remote)
		emit()
		protectWith(t, s, p, second, remote)
		emit()
		protectWith(t, s, p, first, remote)
		emit()
		receivers := map[bool]*srtp.Receiver{}
		for i, key := range []srtp.Key{first, second} {
			receiver, err := srtp.NewReceiver(key)
			if err != nil {
				t.Fatal(err)
			}
			receivers[i == 0] = receiver
		}
		for i := range 12 {
			octets := p.read(p.rtp, generous)
			if octets == nil {
				t.Fatalf("%v: no packet %d", suite, i)
			}
			// The receiver of the first key has counted the wrap; it would not authenticate an index that begins anew.
			if _, err := receivers[i < 4 || i >= 8].Unprotect(octets); err != nil && (i < 4 || i >= 8) {
				t.Errorf("%v: packet %d: %v", suite, i, err)
			}
		}
		protectWith(t, s, p, second, remote)
		old := s.offered.Load().guard.all()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if len(old) != 4 {
			t.Errorf("%d sets of keys are remembered", len(old))
		}
		for _, g := range old {
			for _, octet := range g.local.Secret {
				if octet != 0 {
					t.Fatal("an old key is still there")
				}
			}
		}
	}
}

// With nothing to send and reports on another port, an empty datagram keeps the way of the media open; the far end's are no packets.
//
// Shows ME-NAT-05, SR-RTP-08, SR-PER-05.
func TestSilentLegsAreKeptOpen(t *testing.T) {
	for _, x := range []struct{ mux, recorded bool }{{false, false}, {true, false}, {false, true}} { // recorded: nothing is received, as in a pause
		mux := x.mux
		s, p := call(t, newTestTransport(t, func(c *Config) { quickReports(c); c.KeepAlive = 150 * time.Millisecond }), func(params *Params) {
			params.Send, params.Mux = x.recorded, mux
			if x.recorded {
				params.Receiving, params.Receive = false, nil
			}
		})
		p.raw(nil)
		reports := func() uint64 { return s.Stats().ReportsSent }
		tickUntil(t, "reports", func() { ingest(s) }, func() bool { return reports() >= 5 })
		empty := 0
		for octets := p.read(p.rtp, 50*time.Millisecond); octets != nil; octets = p.read(p.rtp, 50*time.Millisecond) {
			if len(octets) == 0 {
				empty++
			}
		}
		if (empty > 0) == mux {
			t.Errorf("mux %t: %d empty datagrams", mux, empty)
		}
		if st := s.Stats(); st.Invalid != 0 || st.PacketsSent != 0 {
			t.Errorf("mux %t: %+v", mux, st)
		}
	}
}

// A description with the keys that there are goes on with them: what has come does not come again, and the far end's rollover counter holds, when
// nothing of the time before is there to fall back on.
//
// Shows ME-SRT-02, ME-SRT-04, ME-SRT-09, ME-SDE-15.
func TestSameKeysGoOn(t *testing.T) {
	for _, suite := range []srtp.Suite{srtp.AEADAES256GCM, srtp.AESCM128HMACSHA180} {
		local, remote := testKey(suite, 1), testKey(suite, 2)
		s, p := call(t, newTestTransport(t, nil), nil)
		protectWith(t, s, p, local, remote)
		sender := senderOf(t, remote)
		p.header.SequenceNumber = 1<<16 - 3 // wraps
		var last []byte
		for range 6 {
			last = p.sealed(sender)
			p.raw(last)
		}
		tickUntil(t, "media", func() {}, func() bool { ingest(s); return s.Stats().PacketsReceived == 6 })
		protectWith(t, s, p, local, remote)
		ingest(s)
		s.in.oldUntil = time.Since(s.transport.epoch) - time.Second // long after
		p.raw(last)
		p.raw(p.sealed(sender))
		tickUntil(t, "what comes next", func() {}, func() bool { ingest(s); return s.Stats().PacketsReceived == 7 })
		if st := s.Stats(); st.Replayed != 1 || st.Forged != 0 {
			t.Errorf("%v: %+v", suite, st)
		}
	}
}

// Who changes his key after his numbers have gone round is heard with the other one, whether he counts the rounds on or begins with none; what he had sent
// before and comes a third of a second later is heard, too.
//
// Shows ME-SRT-02, ME-SDE-15.
func TestRoundsGoOnAtRekey(t *testing.T) {
	for _, suite := range []srtp.Suite{srtp.AEADAES256GCM, srtp.AESCM128HMACSHA180} {
		for _, kept := range []bool{true, false} {
			local, old, fresh := testKey(suite, 1), testKey(suite, 2), testKey(suite, 3)
			s, p := call(t, newTestTransport(t, nil), nil)
			protectWith(t, s, p, local, old)
			before, after := senderOf(t, old), senderOf(t, fresh)
			goRound(t, p.header.SSRC, before, func(octets []byte) {
				if _, err := s.offered.Load().guard.receive.Unprotect(octets); err != nil {
					t.Fatal(err)
				}
			})
			p.header.SequenceNumber = 6
			for range 3 {
				p.raw(p.sealed(before))
			}
			late := p.sealed(before)
			tickUntil(t, "media", func() {}, func() bool { ingest(s); return s.Stats().PacketsReceived == 3 })
			protectWith(t, s, p, local, fresh)
			if kept {
				goRound(t, p.header.SSRC, after, func([]byte) {})
			}
			p.raw(p.sealed(after))
			p.raw(late)
			p.raw(p.sealed(after))
			tickUntil(t, "media of both keys", func() {}, func() bool { ingest(s); return s.Stats().PacketsReceived == 6 })
			if st := s.Stats(); st.Forged != 0 || st.Replayed != 0 {
				t.Errorf("%v, counting on %t: %+v", suite, kept, st)
			}
		}
	}
}

// goRound has the numbers of a sender go round twice; each packet goes to whoever is to count along.
func goRound(t *testing.T, ssrc uint32, sender *srtp.Sender, along func(octets []byte)) {
	t.Helper()
	for _, seq := range []uint16{65533, 10, 20000, 40000, 60000, 5} {
		octets, err := (&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, SSRC: ssrc}, Payload: loud()}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, len(octets)+srtp.MaxOverhead)
		size, err := sender.Protect(buf, copy(buf, octets))
		if err != nil {
			t.Fatal(err)
		}
		along(buf[:size])
	}
}
