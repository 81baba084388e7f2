package siprec_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/siprec"
)

// TestStorm throws anything at a client: once it is quiet, what the recorder has merged
// is the truth, and exactly the right streams flow. The checks of the harness hold all
// the way: one offer at a time, labels never given to another stream, documents valid.
//
// Shows RQ-027, SR-SDP-07, SR-UPD-10, SR-MET-08, SR-MET-10, SR-MET-15, SR-XML-14.
func TestStorm(t *testing.T) {
	var documents [][]byte
	rapid.Check(t, func(t *rapid.T) {
		var cfg siprec.Config
		cfg.Profile.Updates = rapid.SampledFrom([]siprec.Updates{siprec.PartialUpdates, siprec.PartialUpdates, siprec.SelfContainedUpdates, siprec.CompleteUpdates}).Draw(t, "updates")
		cfg.Profile.AppendOnly = rapid.Bool().Draw(t, "append only")
		cfg.Profile.DropEmptyStreams = rapid.IntRange(0, 4).Draw(t, "drop empty") == 0
		if rapid.IntRange(0, 4).Draw(t, "method") == 0 {
			cfg.Profile.MetadataBy = siprec.ByReInvite
		}
		cfg.Retry.Jitter = 0.5
		cfg.Seed = rapid.Uint64().Draw(t, "seed")
		mode := rapid.SampledFrom([]string{"separate", "mixed", "both"}).Draw(t, "mode")
		w, err := newWorld(t.Fatalf, cfg, mode)
		if err != nil {
			t.Fatal(err)
		}
		s := storm{t: t, world: w}
		for range rapid.IntRange(1, 120).Draw(t, "length") {
			s.happen()
		}
		s.quiet()
		s.check(cfg.Profile)
		if rapid.Bool().Draw(t, "end") {
			s.end()
		}
		documents = append(documents, w.documents...)
	})
	lint(t, documents)
}

type storm struct {
	t *rapid.T
	*world
}

func (s *storm) happen() {
	switch rapid.IntRange(0, 9).Draw(s.t, "what") {
	case 0, 1, 2, 3:
		s.conferenceChanges()
	case 4, 5:
		s.advance(time.Duration(rapid.IntRange(0, 3000).Draw(s.t, "milliseconds")) * time.Millisecond)
	case 6, 7, 8:
		s.recorderAnswers()
	case 9:
		s.recorderActs()
	}
}

func (s *storm) conferenceChanges() {
	name := rapid.SampledFrom(people).Draw(s.t, "who")
	p := s.person(name)
	switch what := rapid.SampledFrom([]string{"join", "join", "leave", "leave", "mute", "hold", "deafen", "rename", "mask", "pause", "mode", "forget"}).Draw(s.t, "change"); {
	case what == "join":
		s.join(name, s.now)
	case what == "pause":
		s.paused = !s.paused
	case what == "mode":
		s.mode = rapid.SampledFrom([]string{"separate", "mixed", "both"}).Draw(s.t, "mode")
	case p == nil:
		return
	case what == "leave":
		if p.Left.IsZero() {
			p.Left = s.now
		}
	case what == "mute":
		p.Muted = !p.Muted
	case what == "hold":
		p.Held = !p.Held
	case what == "deafen":
		p.Deafened = !p.Deafened
	case what == "rename":
		p.Names = []siprec.NameID{{AOR: p.Names[0].AOR, Name: fmt.Sprint("name ", rapid.IntRange(0, 3).Draw(s.t, "name"))}}
	case what == "mask":
		s.masked[p.ID] = !s.masked[p.ID]
	case what == "forget":
		if !p.Left.IsZero() && s.told && slices.ContainsFunc(s.known.ParticipantSessions, func(a siprec.ParticipantSession) bool {
			return a.Participant == p.ID && a.Disassociate.Equal(p.Left.Truncate(time.Millisecond))
		}) {
			s.people = slices.DeleteFunc(s.people, func(q siprec.RosterParticipant) bool { return q.ID == p.ID })
		}
	}
	s.step(s.desire())
}

func (s *storm) recorderAnswers() {
	if s.open == 0 {
		return
	}
	switch status := rapid.SampledFrom([]int{200, 200, 200, 200, 500, 491, 481, 405, 400, 0}).Draw(s.t, "status"); status {
	case 0:
		s.open, s.offer, s.pending = 0, nil, nil
		s.step(siprec.TimedOut{})
	case 405:
		if s.dialog {
			s.respond(405)
		}
	default:
		s.respond(status, rapid.SampledFrom([][]string{nil, nil, {"inactive"}, {"sendrecv"}, {"recvonly", "inactive"}, {"recvonly", "0"}, {"0", "recvonly"}}).Draw(s.t, "directions")...)
	}
}

func (s *storm) recorderActs() {
	switch rapid.IntRange(0, 4).Draw(s.t, "act") {
	case 0:
		if s.dialog {
			s.open, s.offer, s.pending, s.dialog = 0, nil, nil, false
			s.step(siprec.PeerBye{Reason: "storm"})
		}
	case 1:
		s.step(siprec.PeerOffer{Method: "UPDATE", ContentType: siprec.MetadataType, Body: siprec.SnapshotRequest{}.Marshal()})
	case 2:
		s.peerOffers(rapid.SampledFrom([]string{"recvonly", "inactive"}).Draw(s.t, "direction"))
	case 3:
		s.step(siprec.Tick{})
	case 4:
		s.step(siprec.Answered{Exchange: 1 << 30, Status: 200}) // of long ago
	}
}

// peerOffers offers all lines that the recorder counts in one direction.
func (s *storm) peerOffers(direction string) {
	if !s.dialog || s.offer != nil || s.lines == 0 {
		return
	}
	var out strings.Builder
	out.WriteString("v=0\r\no=SRS 7 8 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n")
	last, err := sdp.Parse([]byte("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\n" + s.agreedBody()))
	if err != nil {
		s.t.Fatal(err)
	}
	for i, media := range last.Media {
		port := 20000 + 2*i
		if media.Port == 0 {
			port = 0
		}
		fmt.Fprintf(&out, "m=audio %d RTP/AVP 8\r\na=%s\r\n", port, direction)
	}
	s.peerOffer = out.String()
	s.step(siprec.PeerOffer{Method: "INVITE", ContentType: "application/sdp", Body: []byte(out.String())})
	s.peerOffer = ""
}

// quiet lets everything settle, with a recorder that takes all.
func (s *storm) quiet() {
	for range 3 {
		for s.open != 0 {
			s.respond(200)
		}
		s.advance(2 * time.Minute)
	}
	if s.open != 0 {
		s.respond(200)
	}
	s.peerOffers("recvonly")
	for range 3 {
		if s.open != 0 {
			s.respond(200)
		}
		s.advance(2 * time.Minute)
	}
	if s.open != 0 || !s.wake.IsZero() {
		s.t.Fatalf("not quiet: request %d open, wake %v", s.open, s.wake)
	}
}

// check compares what the recorder has with the truth.
func (s *storm) check(p siprec.Profile) {
	d := s.desire()
	if s.client.State() == siprec.StateIdle || (len(d.Streams) == 0 && !s.dialog) {
		return
	}
	if s.client.State() != siprec.StateRecording && s.client.State() != siprec.StatePaused {
		s.t.Fatalf("state %v after\n%s", s.client.State(), strings.Join(s.log, "\n"))
	}
	if known, ok := s.client.Acknowledged(); !ok || !siprec.Equal(known, s.known) {
		s.t.Fatalf("the client takes the recorder to know\n%s\nbut it knows\n%s", siprec.Marshal(known, ""), siprec.Marshal(s.known, ""))
	}
	for _, w := range d.Streams {
		d.Roster.Streams = append(d.Roster.Streams, siprec.RosterStream{ID: w.ID, Label: s.client.Label(w.Key), Participant: w.Participant})
	}
	d.Roster.RecordedSince = s.known.SessionRecordings[0].Associate
	truth := siprec.Document(d.Roster)
	within(s.t, "session", truth.Sessions, s.known.Sessions, func(a, b siprec.Session) bool { return slices.Equal(a.SIPSessionIDs, b.SIPSessionIDs) })
	within(s.t, "participant", truth.Participants, s.known.Participants, func(a, b siprec.Participant) bool {
		return a.ID == b.ID && slices.Equal(a.Names, b.Names)
	})
	within(s.t, "stream", truth.Streams, s.known.Streams, func(a, b siprec.Stream) bool { return a.ID == b.ID && a.Label == b.Label })
	within(s.t, "participant in session", truth.ParticipantSessions, s.known.ParticipantSessions, func(a, b siprec.ParticipantSession) bool {
		return a.Participant == b.Participant && a.Associate.Equal(b.Associate) && a.Disassociate.Equal(b.Disassociate)
	})
	if p.DropEmptyStreams {
		truth.ParticipantStreams = slices.DeleteFunc(truth.ParticipantStreams, func(a siprec.ParticipantStream) bool { return len(a.Send)+len(a.Recv) == 0 })
	}
	within(s.t, "participant of stream", truth.ParticipantStreams, s.known.ParticipantStreams, func(a, b siprec.ParticipantStream) bool {
		return a.Participant == b.Participant && sameSet(a.Send, b.Send) && sameSet(a.Recv, b.Recv)
	})
	// Nobody else is taken to be present.
	for _, a := range s.known.ParticipantSessions {
		if a.Disassociate.IsZero() && !slices.ContainsFunc(s.people, func(q siprec.RosterParticipant) bool { return q.ID == a.Participant }) {
			s.t.Fatalf("%s is gone, but not for the recorder", nameOf(a.Participant))
		}
	}
	for _, w := range d.Streams {
		refused := s.refused[s.client.Label(w.Key)]
		if _, flows := s.playing[w.Key]; flows == (d.Paused || w.Paused || refused) {
			s.t.Fatalf("stream %s flows: %v, paused: %v after\n%s", w.Key, flows, d.Paused || w.Paused, strings.Join(s.log, "\n"))
		}
	}
	if len(s.playing) > len(d.Streams) {
		s.t.Fatalf("%d streams flow, %d are wanted", len(s.playing), len(d.Streams))
	}
}

// end stops the session: the last metadata, then BYE, and nothing after it.
func (s *storm) end() {
	s.stopped, s.ended = true, s.now
	talking := s.client.State() == siprec.StateRecording || s.client.State() == siprec.StatePaused
	s.step(s.desire())
	if s.open != 0 {
		status := rapid.SampledFrom([]int{200, 500, 481}).Draw(s.t, "last status")
		s.respond(status)
		talking = talking && status == 200
	}
	if s.client.State() != siprec.StateStopped || s.open != 0 || len(s.playing) > 0 {
		s.t.Fatalf("state %v, request %d open, %d streams flow", s.client.State(), s.open, len(s.playing))
	}
	if talking && s.known.Sessions[0].Stop.IsZero() {
		s.t.Fatalf("the recorder does not know of the end")
	}
	if more := s.client.Step(s.desire(), s.now.Add(time.Hour)); len(more) > 0 {
		s.t.Fatalf("after the end: %v", more)
	}
}

func sameSet(a, b []siprec.ID) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// within checks that every element of the truth is known.
func within[T any](t *rapid.T, name string, truth, known []T, same func(a, b T) bool) {
	for _, want := range truth {
		if !slices.ContainsFunc(known, func(got T) bool { return same(want, got) }) {
			t.Fatalf("%s: %+v is not in %+v", name, want, known)
		}
	}
}
