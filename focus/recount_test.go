package focus

import (
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/media"
)

// Shows RQ-023. What the spool has is told to be as old as what was sent of the same streams: it begins when the first frame came, and not at its tick.
func TestSpoolKeepsAge(t *testing.T) {
	at := time.Unix(1000, 0)
	s := &spooled{}
	for _, declared := range []spoolStream{{Index: 0, ID: newIdentity(), Age: 30 * time.Millisecond}, {Index: 1, ID: newIdentity()}} {
		record, err := jsonRecord(spooledStream, declared)
		if err == nil {
			err = s.take(record)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []time.Duration{-30 * time.Millisecond, -30 * time.Millisecond} {
		f := spoolFrame{stream: uint16(i), at: at, codec: codecs.PCMU, samples: 160}
		if err := s.take(f.record(nil)); err != nil || !s.first.Equal(at.Add(want)) || !s.last.Equal(at) {
			t.Errorf("from %v to %v, %v", s.first.Sub(at), s.last.Sub(at), err)
		}
	}
	transport, err := media.NewTransport(media.Config{PortMin: 24400, PortMax: 24800})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = transport.Close() }()
	stream, err := (&Focus{media: transport}).newReplayStream(&s.streams[0])
	if err != nil || stream.age != 30*time.Millisecond {
		t.Errorf("delivered with an age of %v, %v", stream.age, err)
	}
	_ = stream.session.Close()
}

// Shows RQ-023. Streams of a recorder of separate streams tell how old what is in them is. Those of one that gets a mix as well are in line with that, and so are they
// once the mix has taken their place; a stream of several people has no age, nor has a line that is of one after the other.
func TestWhoseAgeIsTold(t *testing.T) {
	transport, err := media.NewTransport(media.Config{PortMin: 24400, PortMax: 24800})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = transport.Close() }()
	var sessions [2]*media.Session
	for i := range sessions {
		if sessions[i], err = transport.Open(media.Options{}); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = sessions[i].Close() }()
	}
	alice, session := sessions[0], sessions[1]
	c := &controller{participants: map[conference.ParticipantID]*participant{"alice": {outlet: outlet{session: alice}}}}
	for i, test := range []struct {
		modes conference.Mode
		of    conference.ParticipantID
		line  *line
		want  bool
	}{
		{conference.Separate, "alice", nil, true},
		{conference.Separate, "", nil, false},
		{conference.Separate, "alice", nil, true},
		{conference.Separate | conference.Mixed, "alice", nil, false},
		{conference.Separate, "alice", nil, true},
		{conference.Separate | conference.Pair, "alice", nil, false},
		{conference.Separate, "alice", &line{}, false},
		{conference.Mixed, "alice", nil, false},
		{conference.Separate, "nobody", nil, false},
	} {
		r, s := &recorder{modes: test.modes}, &recorded{outlet: outlet{session: session}, line: test.line}
		if c.recount(r, s, test.of); session.Recounts(alice) != test.want {
			t.Errorf("%d: that of alice is told: %t", i, !test.want)
		}
	}
}
