package siprec_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/siprec"
)

// meeting is one of several conferences in a recording session.
type meeting struct {
	roster siprec.Roster
	muted  bool
}

// sessions is a recording session that outlives them (RFC 7866, section 10).
type sessions struct {
	storm

	meetings []*meeting
	lines    []siprec.ID // the session that each line is of; empty: none
	made     int
}

// TestStormOfSessions: whatever comes and goes in several conferences of one recording session, and whatever the recorder does, once it is quiet it
// knows who is where, whose each stream is, and that what is over is over.
func TestStormOfSessions(t *testing.T) {
	var documents [][]byte
	rapid.Check(t, func(t *rapid.T) {
		var cfg siprec.Config
		cfg.Profile.Updates = rapid.SampledFrom([]siprec.Updates{siprec.PartialUpdates, siprec.PartialUpdates, siprec.SelfContainedUpdates, siprec.CompleteUpdates}).Draw(t, "updates")
		w, err := newWorld(t.Fatalf, cfg, "mixed")
		if err != nil {
			t.Fatal(err)
		}
		s := sessions{storm: storm{t: t, world: w}, lines: make([]siprec.ID, 4)}
		s.step(s.wish())
		for range rapid.IntRange(1, 80).Draw(t, "length") {
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0, 1, 2:
				s.change()
				s.step(s.wish())
			case 3:
				s.advance(time.Duration(rapid.IntRange(0, 3000).Draw(t, "milliseconds")) * time.Millisecond)
			case 4, 5:
				s.recorderAnswers()
			case 6:
				s.recorderActs()
			}
		}
		s.quiet()
		s.verify()
		documents = append(documents, w.documents...)
	})
	lint(t, documents)
}

// wish is what shall be recorded now.
func (s *sessions) wish() siprec.Desire {
	var d siprec.Desire
	for i, session := range s.lines {
		d.Streams = append(d.Streams, siprec.StreamWish{
			Key: fmt.Sprint("line", i), ID: idOf(kindStream, i), Session: session, Port: uint16(40000 + 2*i),
		})
	}
	for _, m := range s.meetings {
		r := m.roster
		r.Participants = slices.Clone(r.Participants)
		for i := range r.Participants {
			r.Participants[i].Muted = m.muted
		}
		d.Others = append(d.Others, r)
	}
	return d
}

func (s *sessions) change() {
	if len(s.meetings) == 0 || rapid.IntRange(0, 5).Draw(s.t, "begins") == 0 {
		s.made++
		s.meetings = append(s.meetings, &meeting{roster: siprec.Roster{
			Session: idOf(kindSession, s.made), Group: idOf(kindGroup, s.made), GroupStarted: s.now, Started: s.now, RecordedSince: s.now,
		}})
		return
	}
	k := rapid.IntRange(0, len(s.meetings)-1).Draw(s.t, "meeting")
	m := s.meetings[k]
	line := rapid.IntRange(0, len(s.lines)-1).Draw(s.t, "line")
	switch what := rapid.SampledFrom([]string{"join", "join", "leave", "line", "line", "back", "mute", "end", "forget"}).Draw(s.t, "change"); {
	case what == "forget" && !m.roster.Ended.IsZero() && s.knowsEnd(m):
		s.meetings = slices.Delete(s.meetings, k, k+1)
	case !m.roster.Ended.IsZero():
	case what == "join", what == "leave":
		s.moves(m, rapid.SampledFrom(people[:4]).Draw(s.t, "who"), what == "join")
	case what == "line" && s.lines[line] == "":
		s.lines[line] = m.roster.Session
	case what == "back" && s.lines[line] == m.roster.Session:
		s.lines[line] = ""
	case what == "mute":
		m.muted = !m.muted
	case what == "end":
		m.roster.Ended, m.roster.GroupEnded = s.now, s.now
		for i, session := range s.lines {
			if session == m.roster.Session {
				s.lines[i] = ""
			}
		}
	}
}

// moves lets somebody join or leave; he may be in several at once.
func (s *sessions) moves(m *meeting, name string, joins bool) {
	i := slices.IndexFunc(m.roster.Participants, func(p siprec.RosterParticipant) bool { return p.ID == personID(name) })
	switch {
	case i < 0 && joins:
		m.roster.Participants = append(m.roster.Participants, siprec.RosterParticipant{
			ID: personID(name), Names: []siprec.NameID{{AOR: "sip:" + name + "@example.com"}}, Joined: s.now,
		})
	case i >= 0 && joins && !m.roster.Participants[i].Left.IsZero():
		m.roster.Participants[i].Joined, m.roster.Participants[i].Left = s.now, time.Time{}
	case i >= 0 && !joins && m.roster.Participants[i].Left.IsZero():
		m.roster.Participants[i].Left = s.now
	}
}

func (s *sessions) knowsEnd(m *meeting) bool {
	known, synced := s.client.Acknowledged()
	return synced && slices.ContainsFunc(known.SessionRecordings, func(a siprec.SessionRecording) bool {
		return a.Session == m.roster.Session && !a.Disassociate.IsZero()
	})
}

// verify compares what the recorder has with the truth.
func (s *sessions) verify() {
	if known, ok := s.client.Acknowledged(); !ok || !siprec.Equal(known, s.known) {
		s.t.Fatalf("the client takes the recorder to know\n%s\nbut it knows\n%s", siprec.Marshal(known, ""), siprec.Marshal(s.known, ""))
	}
	for i, session := range s.lines {
		k := slices.IndexFunc(s.known.Streams, func(x siprec.Stream) bool { return x.ID == idOf(kindStream, i) })
		if k < 0 || s.known.Streams[k].Session != session {
			s.t.Fatalf("line %d is of %q, the recorder knows %+v", i, session, s.known.Streams)
		}
	}
	sends := map[siprec.ID][]siprec.ID{}
	var open []siprec.ID
	for _, m := range s.meetings {
		truth := siprec.Document(m.roster)
		within(s.t, "session", truth.Sessions, s.known.Sessions, func(a, b siprec.Session) bool {
			return a.ID == b.ID && a.Group == b.Group && a.Start.Equal(b.Start) && a.Stop.Equal(b.Stop)
		})
		within(s.t, "participant in session", truth.ParticipantSessions, s.known.ParticipantSessions, func(a, b siprec.ParticipantSession) bool {
			return a.Participant == b.Participant && a.Session == b.Session && a.Associate.Equal(b.Associate) && a.Disassociate.Equal(b.Disassociate)
		})
		if m.roster.Ended.IsZero() {
			open = append(open, m.roster.Session)
		}
		for _, p := range m.roster.Participants {
			for i, session := range s.lines {
				if session == m.roster.Session && p.Left.IsZero() && !m.muted {
					sends[p.ID] = append(sends[p.ID], idOf(kindStream, i))
				}
			}
		}
	}
	for _, a := range s.known.ParticipantStreams {
		if !sameSet(a.Send, sends[a.Participant]) {
			s.t.Fatalf("%s feeds %v, for the recorder %v", nameOf(a.Participant), sends[a.Participant], a.Send)
		}
	}
	for _, known := range s.known.Sessions {
		if known.Stop.IsZero() && !slices.Contains(open, known.ID) {
			s.t.Fatalf("session %s is over, but not for the recorder", known.ID.Text())
		}
	}
}
