package media

import (
	"bytes"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
)

// What is received beforehand is what Ingest plays, and a packet that is prepared leaves with Send, or with whatever comes before it.
func TestReceiveAndSend(t *testing.T) {
	s, p := call(t, newTestTransport(t, nil), nil)
	heard, room := 0, make([]byte, scratchSize)
	ticks(t, 10, func(int) {
		p.say(0, loud(), 160)
		s.Receive(room)
		s.Receive(room) // once is enough
		if f := ingest(s); f.Flags == 0 {
			heard++
		}
		s.Prepare(&codecs.Packet{Payload: loud(), Samples: 160}, room)
		s.Send()
		s.Send()
	})
	if heard < 7 {
		t.Errorf("%d of 10 frames are heard", heard)
	}
	if got := p.hear(100 * time.Millisecond); len(got) != 10 {
		t.Errorf("%d packets of 10 have come", len(got))
	}
	s.Prepare(&codecs.Packet{Payload: loud(), Samples: 80}, room)
	s.Prepare(&codecs.Packet{Payload: loud(), Samples: 80}, room)
	s.Send()
	got := p.hear(100 * time.Millisecond)
	if len(got) != 2 || got[1].SequenceNumber != got[0].SequenceNumber+1 || got[1].Timestamp != got[0].Timestamp+80 {
		t.Errorf("%d packets of 2 in one tick: %v", len(got), got)
	}
	if n := s.Stats().PacketsSent; n != 12 {
		t.Errorf("%d packets sent", n)
	}
	if s.in.own != nil || s.in.room != nil {
		t.Errorf("own room of %d octets, room of %d not given back", len(s.in.own), len(s.in.room))
	}
}

// Sessions that are lent room one after the other, and again before they have used what was lent before, hear and send what is theirs.
func TestRoomIsLent(t *testing.T) {
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
			s.Receive(rooms[(i+tick)%2])
		}
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
			s.Send()
		}
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
		s.Receive(short)
		ingest(s)
		s.Prepare(&codecs.Packet{Payload: loud(), Samples: 160}, nil)
		s.Send()
	})
	if got := p.hear(100 * time.Millisecond); len(got) != 5 || len(s.in.own) != scratchSize {
		t.Errorf("%d packets of 5, own room of %d octets", len(got), len(s.in.own))
	}
}
