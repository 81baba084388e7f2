package media

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// What is received beforehand is what Ingest plays, and a packet that is prepared leaves with Send, or with whatever comes before it.
func TestReceiveAndSend(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), nil)
	heard := 0
	ticks(t, 10, func(int) {
		p.say(0, loud(), 160)
		s.Receive()
		s.Receive() // once is enough
		if f := ingest(s); f.Flags == 0 {
			heard++
		}
		s.Prepare(&codecs.Packet{Payload: loud(), Samples: 160})
		s.Send()
		s.Send()
	})
	if heard < 7 {
		t.Errorf("%d of 10 frames are heard", heard)
	}
	if got := p.hear(100 * time.Millisecond); len(got) != 10 {
		t.Errorf("%d packets of 10 have come", len(got))
	}
	s.Prepare(&codecs.Packet{Payload: loud(), Samples: 80})
	s.Prepare(&codecs.Packet{Payload: loud(), Samples: 80})
	s.Send()
	got := p.hear(100 * time.Millisecond)
	if len(got) != 2 || got[1].SequenceNumber != got[0].SequenceNumber+1 || got[1].Timestamp != got[0].Timestamp+80 {
		t.Errorf("%d packets of 2 in one tick: %v", len(got), got)
	}
	if n := s.Stats().PacketsSent; n != 12 {
		t.Errorf("%d packets sent", n)
	}
}
