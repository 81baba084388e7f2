package focus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/media"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/mixer"
)

// deaf is a port of the mixer that does nothing.
type deaf struct{}

func (deaf) Ingest([]int16) codecs.Frame { return codecs.Frame{Flags: codecs.Silent} }
func (deaf) Emit(*codecs.Packet)         {}

// drawRoom makes a State with a port for each participant.
func drawRoom(t *rapid.T) (*conference.State, map[conference.ParticipantID]port) {
	s := &conference.State{ID: "room"}
	ports := map[conference.ParticipantID]port{}
	for i := range rapid.IntRange(0, 6).Draw(t, "participants") {
		p := conference.Participant{
			ID:     conference.ParticipantID(fmt.Sprint("p", i)),
			Status: conference.Status(rapid.IntRange(0, 8).Draw(t, "status")),
			Muted:  rapid.Bool().Draw(t, "muted"), Deafened: rapid.Bool().Draw(t, "deafened"), Held: rapid.Bool().Draw(t, "held"),
			Role:       conference.Role(rapid.IntRange(0, 2).Draw(t, "role")),
			Recording:  conference.Indication(rapid.IntRange(0, 2).Draw(t, "told")),
			Unrecorded: rapid.Bool().Draw(t, "unrecorded"), Masked: rapid.Bool().Draw(t, "masked"),
			Session: conference.Session{Sends: rapid.Bool().Draw(t, "sends"), Receives: rapid.Bool().Draw(t, "receives")},
		}
		if i > 0 && rapid.Bool().Draw(t, "coaches") {
			p.Coaching = conference.ParticipantID(fmt.Sprint("p", rapid.IntRange(0, 7).Draw(t, "coached"))) // may be nobody
		}
		if at := rapid.IntRange(0, 4).Draw(t, "sidebar"); at > 0 && at < 3 {
			p.Sidebar = conference.SidebarID(fmt.Sprint("s", at))
		}
		s.Participants = append(s.Participants, &p)
		if rapid.Bool().Draw(t, "connected") {
			ports[p.ID] = port{Member: mixer.MemberID(i + 1), In: deaf{}, Out: deaf{}}
		}
	}
	for i := range 2 {
		b := conference.Sidebar{ID: conference.SidebarID(fmt.Sprint("s", i+1)), HearMain: rapid.Bool().Draw(t, "main"), MainGainDB: -12}
		s.Sidebars = append(s.Sidebars, b)
	}
	s.Recordings = []conference.Recording{{
		ID: "r", Servers: []conference.RecordingServer{{Name: "srs"}}, Paused: rapid.Bool().Draw(t, "paused"),
		State: conference.RecordingState(rapid.IntRange(0, 5).Draw(t, "recording")), Stopping: rapid.Bool().Draw(t, "stopping"),
		Config: &conference.RecordingConfig{MaskTone: rapid.Bool().Draw(t, "mask tone")},
	}}
	return s, ports
}

// TestLayout: whoever may not be heard is not, and nobody is captured who has not been told (SR-REC-01) or is left out of
// recordings, though the others hear him.
func TestLayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, ports := drawRoom(t)
		taps := make([]tap, 0, 1+len(s.Participants))
		taps = append(taps, tap{Member: 100, Out: deaf{}, Recording: "r"})
		sources := map[mixer.MemberID]source{200: {In: deaf{}}}
		for i := range s.Participants {
			taps = append(taps, tap{Member: mixer.MemberID(101 + i), Out: deaf{}, Recording: "r", Participant: s.Participants[i].ID})
			sources[mixer.MemberID(201+i)] = source{In: deaf{}, Audience: []conference.ParticipantID{s.Participants[i].ID}}
			if s.Participants[i].Masked {
				sources[mixer.MemberID(301+i)] = source{In: deaf{}, Recorded: s.Participants[i].ID}
			}
		}
		members := map[mixer.MemberID]mixer.Member{}
		for _, m := range layout(nil, s, ports, taps, sources).Members {
			if _, twice := members[m.ID]; twice {
				t.Fatalf("member %d twice", m.ID)
			}
			members[m.ID] = m
		}
		captures := s.Recordings[0].Captures()
		for i := range s.Participants {
			p := s.Participants[i]
			at, connected := ports[p.ID]
			m, in := members[at.Member]
			if in = in && connected; in != (connected && p.Status.Present()) {
				t.Fatalf("%s is in the mix: %t", p.ID, in)
			}
			if in && (m.Speaks != p.Speaks() || (m.Hears.Mode == mixer.Everyone) != p.Hears()) {
				t.Fatalf("%+v as %+v", p, m)
			}
			if in && p.Coaching != "" && (m.Audience == nil || len(m.Audience) > 1 || slices.ContainsFunc(m.Audience, func(id mixer.MemberID) bool { return id != ports[p.Coaching].Member })) {
				t.Fatalf("what %s says for %s alone is heard by %v", p.ID, p.Coaching, m.Audience)
			}
			allowed := in && captures && p.Recording == conference.IndicateOn && !p.Unrecorded && !p.Masked
			own, taken := members[mixer.MemberID(101+i)]
			if hears := taken && (own.Hears.Mode == mixer.Everyone || slices.Contains(own.Hears.Only, at.Member)); hears != allowed {
				t.Fatalf("%s is captured: %t", p.ID, hears)
			}
			if goesOn := in && captures && p.Masked && !p.Unrecorded; taken != (allowed || goesOn) {
				t.Fatalf("the stream of %s goes on: %t", p.ID, taken)
			}
			checkMask(t, s, i, members)
			if mixed, taken := members[100]; taken && in && !allowed && !slices.Contains(mixed.Hears.Except, at.Member) {
				t.Fatalf("the mix holds %s, who has not been told or is left out", p.ID)
			}
			if tone, sounds := members[mixer.MemberID(201+i)]; sounds && (len(tone.Audience) != 1 || tone.Audience[0] != at.Member) {
				t.Fatalf("the tone of %s is heard by %v", p.ID, tone.Audience)
			}
		}
	})
}

// checkMask: what stands for who is masked is heard by recorded streams, his own and mixed ones, and by nobody else.
func checkMask(t *rapid.T, s *conference.State, i int, members map[mixer.MemberID]mixer.Member) {
	mark, sounds := members[mixer.MemberID(301+i)]
	if !sounds {
		return
	}
	if mark.Audience == nil || !s.Recordings[0].Config.MaskTone {
		t.Fatalf("the mark of %s is heard by %v", s.Participants[i].ID, mark.Audience)
	}
	for _, id := range mark.Audience {
		if id != 100 && id != mixer.MemberID(101+i) {
			t.Fatalf("the mark of %s is heard by %d", s.Participants[i].ID, id)
		}
	}
}

// mayHear is who hears whom, in the words of the documentation.
func mayHear(s *conference.State, listener, talker *conference.Participant) bool {
	b, aside := s.Sidebar(listener.Sidebar)
	switch {
	case listener.ID == talker.ID, !listener.Hears(), !talker.Speaks():
		return false
	case talker.Coaching != "":
		return talker.Coaching == listener.ID
	case talker.Sidebar != "":
		return talker.Sidebar == listener.Sidebar
	default:
		return !aside || b.HearMain
	}
}

// hears tells what comes of a layout: whether a member hears another, and whether only in the background.
func hears(listener, talker *mixer.Member) (heard, faint bool) {
	h := &listener.Hears
	heard = talker.In != nil && talker.Speaks && listener.ID != talker.ID && !slices.Contains(h.Except, talker.ID) &&
		(h.Mode == mixer.Everyone || h.Mode == mixer.Only && slices.Contains(h.Only, talker.ID)) &&
		(talker.Audience == nil || slices.Contains(talker.Audience, listener.ID))
	return heard, heard && h.BackgroundDB < 0 && slices.Contains(h.Background, talker.ID)
}

// TestWhoHearsWhom: over any rooms nobody hears whom he may not, everybody hears whom he may, the conference is in the background of
// sidebars and of announcements that turn it down, and recordings hold nothing of sidebars.
func TestWhoHearsWhom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, ports := drawRoom(t)
		sources := map[mixer.MemberID]source{}
		ducked := map[conference.ParticipantID]bool{}
		if rapid.Bool().Draw(t, "announcement") {
			sources[200] = source{In: deaf{}, Duck: rapid.Bool().Draw(t, "ducks")}
			if len(s.Participants) > 0 && rapid.Bool().Draw(t, "to one") {
				from := sources[200]
				from.Audience = []conference.ParticipantID{s.Participants[0].ID}
				sources[200] = from
			}
			for i := range s.Participants {
				ducked[s.Participants[i].ID] = sources[200].Duck && (i == 0 || len(sources[200].Audience) == 0)
			}
		}
		members := map[mixer.MemberID]*mixer.Member{}
		for _, m := range layout(nil, s, ports, []tap{{Member: 100, Out: deaf{}, Recording: "r"}}, sources).Members {
			members[m.ID] = &m
		}
		mixed := members[100]
		for id, m := range members {
			if m.AsSent != (id == 100) {
				t.Fatalf("member %d is given what was sent only: %t", id, m.AsSent)
			}
		}
		for i := range s.Participants {
			talker := s.Participants[i]
			from := members[ports[talker.ID].Member]
			if from == nil {
				continue
			}
			if mixed != nil {
				if heard, faint := hears(mixed, from); heard && (!talker.Public() || faint) {
					t.Fatalf("the recorded mix holds %+v, in the background: %t", talker, faint)
				}
			}
			for k := range s.Participants {
				listener := s.Participants[k]
				to := members[ports[listener.ID].Member]
				if to == nil {
					continue
				}
				heard, faint := hears(to, from)
				if want := mayHear(s, listener, talker); heard != want {
					t.Fatalf("%s hears %s: %t, want %t\n%+v\n%+v", listener.ID, talker.ID, heard, want, listener, talker)
				}
				aside := listener.Sidebar != "" && talker.Sidebar == "" && talker.Coaching == ""
				if want := heard && (aside || ducked[listener.ID]); faint != want && talker.Coaching == "" {
					t.Fatalf("%s hears %s in the background: %t, want %t", listener.ID, talker.ID, faint, want)
				}
			}
		}
	})
}

// TestLayoutUnrecorded: who is left out is in no tap and feeds the ears of the others as before.
func TestLayoutUnrecorded(t *testing.T) {
	s := &conference.State{Recordings: []conference.Recording{{ID: "r", Servers: []conference.RecordingServer{{Name: "srs"}}}}}
	ports := map[conference.ParticipantID]port{}
	for i, id := range []conference.ParticipantID{"in", "out"} {
		s.Participants = append(s.Participants, &conference.Participant{
			ID: id, Status: conference.Connected, Recording: conference.IndicateOn, Unrecorded: id == "out",
			Session: conference.Session{Sends: true, Receives: true},
		})
		ports[id] = port{Member: mixer.MemberID(i + 1), In: deaf{}, Out: deaf{}}
	}
	taps := []tap{
		{Member: 10, Out: deaf{}, Recording: "r"},
		{Member: 11, Out: deaf{}, Recording: "r", Participant: "in"},
		{Member: 12, Out: deaf{}, Recording: "r", Participant: "out"},
	}
	hears := map[mixer.MemberID]mixer.Hearing{}
	for _, m := range layout(nil, s, ports, taps, nil).Members {
		hears[m.ID] = m.Hears
		if m.ID == 2 && !m.Speaks {
			t.Error("the conference does not hear who is left out of recordings")
		}
	}
	if got := hears[10]; got.Mode != mixer.Everyone || !slices.Equal(got.Except, []mixer.MemberID{2}) {
		t.Errorf("the mixed stream hears %+v", got)
	}
	if _, captured := hears[12]; captured || len(hears) != 4 {
		t.Errorf("members %v", hears)
	}
	s.Participants[0].Unrecorded = true
	if got := layout(nil, s, ports, taps, nil).Members; len(got) != 2 {
		t.Errorf("with nobody to record: %+v", got)
	}
}

// TestStatus holds the table of FO-ERR, through every wrapping.
func TestStatus(t *testing.T) {
	for _, test := range []struct {
		err    error
		status int
		header string
	}{
		{ErrNoConference, 404, ""},
		{conference.ErrEnded, 404, ""},
		{ErrLocked, 403, ""},
		{ErrFull, 486, ""},
		{ErrBusy, 503, "Retry-After"},
		{ErrShutdown, 503, "Retry-After"},
		{media.ErrNoPorts, 503, "Retry-After"},
		{errMediaType, 415, "Accept"},
		{sdp.ErrMalformed, 400, "Warning"},
		{&sdp.StreamError{Err: sdp.ErrNoCommonCodec}, 488, "Warning"},
		{sdp.ErrAddress, 488, "Warning"},
		{context.DeadlineExceeded, 408, ""},
		{sipua.ErrTimeout, 408, ""},
		{&sipua.StatusError{Method: "INVITE", Response: sipua.NewResponse(603)}, 603, ""},
		{errors.New("unforeseen"), 500, ""},
	} {
		for _, err := range []error{test.err, fmt.Errorf("wrapped: %w", test.err)} {
			if got := status(err); got != test.status {
				t.Errorf("%v: %d, want %d", err, got, test.status)
			}
			if test.header != "" && !refusal(err).Headers.Has(test.header) {
				t.Errorf("%v: no %s", err, test.header)
			}
		}
	}
}

// TestTone: it sounds for its length at the beginning of each interval, and is silent in between.
func TestTone(t *testing.T) {
	tone, err := newTone(1400, 100*time.Millisecond, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var dst [codecs.MaxFrameSamples]int16
	for i := range 150 {
		f := tone.Ingest(dst[:])
		sounds := f.Flags&codecs.Silent == 0 && f.Level < 60
		if want := i%50 < 5; sounds != want && i%50 != 5 { // the end fades over a tick
			t.Fatalf("tick %d: level %d, silent %t", i, f.Level, f.Flags&codecs.Silent != 0)
		}
	}
	if n := testing.AllocsPerRun(100, func() { tone.Ingest(dst[:]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestEventLog: numbers without gap for each conference, whoever is too slow is led on.
func TestEventLog(t *testing.T) {
	f := &Focus{events: newEventLog(8, nil)}
	w := f.Watch("a", "")
	for i := range 10 {
		f.events.add("a", time.Now(), ConferenceUpdated, i, false)
		f.events.add("b", time.Now(), ConferenceUpdated, i, i == 9)
	}
	var last Event
	for range 4 {
		e, err := w.Next(t.Context())
		if err != nil || e.Conference != "a" || last.ID != "" && e.Sequence != last.Sequence+1 {
			t.Fatalf("%+v after %+v: %v", e, last, err)
		}
		last = e
	}
	if w.Missed() == 0 || last.Sequence != 10 {
		t.Errorf("missed %d, last %+v", w.Missed(), last)
	}
	for range 8 { // until nothing of b is kept
		f.events.add("a", time.Now(), ConferenceUpdated, 0, false)
	}
	if len(f.events.sequence) != 1 {
		t.Errorf("still known: %v", f.events.sequence)
	}
	if e, err := f.Watch("", "ffffffff-3").Next(t.Context()); err != nil || e.Object != 0 {
		t.Errorf("after an earlier run: %+v, %v", e, err)
	}
	w.Close()
	f.events.close()
	if _, err := f.Watch("", "").Next(t.Context()); !errors.Is(err, ErrShutdown) {
		t.Errorf("after the end: %v", err)
	}
}

// TestMusicGivesWay: who waits hears music, and instead of it what is said to him; a recording tone is heard beside it.
func TestMusicGivesWay(t *testing.T) {
	in := conference.Participant{ID: "a", Status: conference.Connected, Session: conference.Session{Receives: true}}
	me := []conference.ParticipantID{"a"}
	music, tone := source{In: deaf{}, Audience: me, Replace: true, Music: true}, source{In: deaf{}, Audience: me, Steady: true}
	prompt, everybody := source{In: deaf{}, Audience: me, Replace: true}, source{In: deaf{}}
	for name, test := range map[string]struct {
		sources []source
		want    []mixer.MemberID
	}{
		"music":    {[]source{music}, []mixer.MemberID{1}},
		"tone":     {[]source{music, tone}, []mixer.MemberID{1, 2}},
		"prompt":   {[]source{music, tone, prompt}, []mixer.MemberID{2, 3}},
		"beside":   {[]source{music, {In: deaf{}, Audience: me}}, []mixer.MemberID{2}},
		"for all":  {[]source{music, everybody}, []mixer.MemberID{2}},
		"no music": {[]source{tone}, nil},
	} {
		sources := map[mixer.MemberID]source{}
		for i, s := range test.sources {
			sources[mixer.MemberID(i+1)] = s
		}
		if got := replacing(&in, newEars(&conference.State{}, nil, sources)); !slices.Equal(got, test.want) {
			t.Errorf("%s: hears %v, want %v", name, got, test.want)
		}
	}
}

// BenchmarkLayout is a large conference in which everybody hears a recording tone of his own: a layout for each who comes or goes.
func BenchmarkLayout(b *testing.B) {
	const n = 1000
	s := &conference.State{}
	ports := map[conference.ParticipantID]port{}
	sources := map[mixer.MemberID]source{}
	for i := range n {
		id := conference.ParticipantID(fmt.Sprint("p", i))
		s.Participants = append(s.Participants, &conference.Participant{
			ID: id, Status: conference.Connected, Session: conference.Session{Sends: true, Receives: true},
		})
		ports[id] = port{Member: mixer.MemberID(i + 1), In: deaf{}, Out: deaf{}}
		sources[mixer.MemberID(n+i+1)] = source{In: deaf{}, Audience: []conference.ParticipantID{id}, Steady: true}
	}
	b.ReportAllocs()
	for b.Loop() {
		layout(nil, s, ports, nil, sources)
	}
}
