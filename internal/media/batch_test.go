package media

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/internal/uring"
)

// eachWay runs a test with system calls made one by one, together, and together by a kernel that has had enough of that.
func eachWay(t *testing.T, test func(*testing.T, interface{ Submit() })) {
	t.Helper()
	t.Run("one by one", func(t *testing.T) { test(t, submitNothing{}) })
	t.Run("together", func(t *testing.T) {
		if b := newTestBatch(t); b != nil {
			test(t, b)
		}
	})
	t.Run("refused", func(t *testing.T) { test(t, &Batch{ring: refusing{}}) })
}

// submitNothing is nobody's to leave calls with.
type submitNothing struct{}

func (submitNothing) Submit() {}

// refusing is a ring of which the kernel does nothing.
type refusing struct{}

func (refusing) Receive(int, *unix.Msghdr)     {}
func (refusing) Send(int, []byte)              {}
func (refusing) SendMessage(int, *unix.Msghdr) {}
func (refusing) Close()                        {}
func (refusing) Submit(results []int32) bool {
	for i := range results {
		results[i] = uring.Unmade
	}
	return false
}

// newTestBatch makes one that is closed with the test; nil where the system has none, so that there is nothing to test.
func newTestBatch(tb testing.TB) *Batch {
	tb.Helper()
	b, err := NewBatch()
	if errors.Is(err, uring.ErrUnsupported) {
		tb.Log(err)
		return nil
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	return b
}

// What is received beforehand is what Ingest plays, and a packet that is prepared leaves with Send, or with whatever comes before it.
func TestReceiveAndSend(t *testing.T) {
	eachWay(t, receiveAndSend)
}

func receiveAndSend(t *testing.T, calls interface{ Submit() }) {
	t.Helper()
	s, p := call(t, newTestTransport(t, nil), nil)
	sent, heard, room := 0, 0, make([]byte, scratchSize)
	tick := func(int) {
		sent++
		p.say(0, loud(), 160)
		s.Receive(room, calls)
		s.Receive(room, calls) // once is enough
		calls.Submit()
		if f := ingest(s); f.Flags == 0 {
			heard++
		}
		s.Prepare(&codecs.Packet{Payload: loud(), Samples: 160}, room)
		s.Send(calls)
		calls.Submit()
		s.Send(calls)
		calls.Submit()
	}
	ticks(t, 10, tick)
	for heard < 7 && sent < 100 { // where the machine has stood still for some tenths of a second, the jitter buffer is deeper now
		ticks(t, 1, tick)
	}
	if heard < 7 {
		t.Errorf("%d of %d frames are heard", heard, sent)
	}
	if got := p.hear(100 * time.Millisecond); len(got) != sent {
		t.Errorf("%d packets of %d have come", len(got), sent)
	}
	s.Prepare(&codecs.Packet{Payload: loud(), Samples: 80}, room)
	s.Prepare(&codecs.Packet{Payload: loud(), Samples: 80}, room)
	s.Send(calls)
	calls.Submit()
	got := p.hear(100 * time.Millisecond)
	if len(got) != 2 || got[1].SequenceNumber != got[0].SequenceNumber+1 || got[1].Timestamp != got[0].Timestamp+80 {
		t.Errorf("%d packets of 2 in one tick: %v", len(got), got)
	}
	if n := s.Stats().PacketsSent; n != uint64(sent+2) {
		t.Errorf("%d packets sent", n)
	}
	if s.in.own != nil || s.in.room != nil {
		t.Errorf("own room of %d octets, room of %d not given back", len(s.in.own), len(s.in.room))
	}
}

// Sessions that are lent room one after the other, and again before they have used what was lent before, hear and send what is theirs.
func TestRoomIsLent(t *testing.T) {
	eachWay(t, roomIsLent)
}

func roomIsLent(t *testing.T, calls interface{ Submit() }) {
	t.Helper()
	transport := newTestTransport(t, nil)
	rooms := [2][]byte{make([]byte, scratchSize), make([]byte, scratchSize)}
	var sessions [2]*Session
	var phones [2]*phone
	for i := range sessions {
		sessions[i], phones[i] = call(t, transport, nil)
	}
	ticks(t, 10, func(tick int) {
		for i, s := range sessions {
			phones[i].say(0, bytes.Repeat([]byte{byte(0x20 + i)}, 160), 160)
			s.Receive(rooms[(i+tick)%2], calls)
		}
		calls.Submit()
		for i, s := range sessions {
			ingest(s)
			if _, payload := s.Encoded(); len(payload) > 0 && payload[0] != byte(0x20+i) {
				t.Errorf("session %d hears %x", i, payload[0])
			}
		}
		for i, s := range sessions {
			s.Prepare(&codecs.Packet{Payload: bytes.Repeat([]byte{byte(0x40 + i)}, 160), Samples: 160}, rooms[(i+tick)%2])
		}
		for _, s := range sessions {
			s.Send(calls)
		}
		calls.Submit()
	})
	for i, p := range phones {
		got := p.hear(100 * time.Millisecond)
		if len(got) != 10 {
			t.Errorf("%d packets of 10 have come to phone %d", len(got), i)
		}
		for _, packet := range got {
			if packet.Payload[0] != byte(0x40+i) {
				t.Errorf("phone %d hears %x", i, packet.Payload[0])
			}
		}
	}
}

// Who lends nothing, or too little, has the session use its own room.
func TestOwnRoom(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), nil)
	short := make([]byte, scratchSize-1)
	ticks(t, 5, func(int) {
		p.say(0, loud(), 160)
		s.Receive(short, nil)
		ingest(s)
		s.Prepare(&codecs.Packet{Payload: loud(), Samples: 160}, nil)
		s.Send(nil)
	})
	if got := p.hear(100 * time.Millisecond); len(got) != 5 || len(s.in.own) != scratchSize {
		t.Errorf("%d packets of 5, own room of %d octets", len(got), len(s.in.own))
	}
}

// More than fit into a batch are received and sent all the same, with the source of each and the time when it came.
func TestMoreThanABatch(t *testing.T) {
	b := newTestBatch(t)
	if b == nil {
		return
	}
	transport := newTestTransport(t, nil)
	var sessions [batchSize + 3]*Session
	var phones [batchSize + 3]*phone
	for i := range sessions {
		sessions[i], phones[i] = call(t, transport, nil)
	}
	for i, s := range sessions {
		phones[i].say(0, loud(), 160)
		s.Receive(make([]byte, scratchSize), b)
	}
	b.Submit()
	for i, s := range sessions {
		if from := s.in.got.from.addrPort(); s.in.gotError != 0 || s.in.got.size != 172 || from != phones[i].addr() || s.in.got.stamp == 0 {
			t.Errorf("session %d: %v, %d octets from %v at %d", i, s.in.gotError, s.in.got.size, from, s.in.got.stamp)
		}
		ingest(s)
		s.Prepare(&codecs.Packet{Payload: loud(), Samples: 160}, make([]byte, scratchSize))
	}
	for _, s := range sessions {
		s.Send(b)
	}
	b.Submit()
	for i, s := range sessions {
		if got := phones[i].hear(50 * time.Millisecond); len(got) != 1 || s.Stats().PacketsSent != 1 || s.in.room != nil {
			t.Errorf("session %d: %d packets heard, %d sent", i, len(got), s.Stats().PacketsSent)
		}
	}
}

// What an earlier packet was refused for does not cost the next one, which leaves at the second attempt.
func TestRefusalInABatch(t *testing.T) {
	b := newTestBatch(t)
	if b == nil {
		return
	}
	s, p := call(t, newTestTransport(t, nil), nil)
	ticks(t, 2, func(int) {
		p.say(0, loud(), 160)
		ingest(s)
	})
	if !s.in.connected {
		t.Fatal("the far end is not certain")
	}
	_ = p.rtp.Close()
	for range 3 {
		s.Prepare(&codecs.Packet{Payload: loud(), Samples: 160}, make([]byte, scratchSize))
		s.Send(b)
		b.Submit()
	}
	if got := s.Stats(); got.PacketsSent != 3 || got.Refused == 0 {
		t.Errorf("%d packets sent, %d refused", got.PacketsSent, got.Refused)
	}
}

// Nothing is allocated for what is left for later.
func TestBatchAllocatesNothing(t *testing.T) {
	b := newTestBatch(t)
	if b == nil {
		return
	}
	from, to := connectPair(t, newTestTransport(t, nil), nil)
	packet, room, other := codecs.Packet{Payload: loud(), Samples: 160}, make([]byte, scratchSize), make([]byte, scratchSize)
	var dst [codecs.MaxFrameSamples]int16
	step := func() {
		from.Prepare(&packet, room)
		from.Send(b)
		b.Submit()
		to.Receive(other, b)
		b.Submit()
		to.Ingest(dst[:])
	}
	for range 20 {
		step() // what a session needs for the first time
	}
	if n := testing.AllocsPerRun(50, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
