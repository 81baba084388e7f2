package focus_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/siprec"
)

// sidebarsRecorded lets recordings hold sidebars, too.
func sidebarsRecorded(c *focus.Config) {
	c.Defaults.Recording = conference.RecordingConfig{Sidebars: true}
}

// within gives the last time that somebody was in a session, by its place in what the recorder knows.
func (v *view) within(name string, session int) (from, to time.Time, known bool) {
	for _, a := range v.ParticipantSessions {
		if session < len(v.Sessions) && a.Session == v.Sessions[session].ID && a.Participant == v.person(name) {
			return a.Associate, a.Disassociate, true
		}
	}
	return time.Time{}, time.Time{}, false
}

// here tells who is in a session now.
func (s *recordingServer) here(session int) string {
	v := s.known()
	var names []string
	for _, name := range []string{"customer", "agent", "supervisor"} {
		if _, to, known := v.within(name, session); known && to.IsZero() {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// holds checks which tones the last part of a stream has.
func (s *recordingServer) holds(label string, tones map[float64]bool) {
	s.t.Helper()
	h := s.stream(label)
	for hz, want := range tones {
		if level := h.level(hz, 300*time.Millisecond); (level > loud) != want || !want && level > quiet {
			s.t.Errorf("stream %s has %.0f Hz at %.0f dB, wanted: %t", label, hz, level, want)
		}
	}
}

// An agent consults with a supervisor in a sidebar: a session of its own in the same group and the same dialog, with streams of its own. Not a
// word of it is in the streams of the conference, nor the other way round; who is aside has left the session of the conference, and comes back.
//
// Shows SC-20, SR-GRP-01, SR-EST-11, RQ-UC09.
func TestSidebarIsRecorded(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, sidebarsRecorded)
	tones := map[string]float64{"customer": 400, "agent": 700, "supervisor": 1000}
	for _, name := range []string{"customer", "agent", "supervisor"} {
		b.dial("room", conftest.PhoneConfig{Name: name, RecordAware: true}).hum(tones[name], 60*time.Second)
	}
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.await("packets", func() bool { return srs.stream("1").packets > 30 && srs.stream("4").packets > 30 })
	members := []conference.ParticipantID{b.find("room", "agent").ID, b.find("room", "supervisor").ID}
	made, err := b.focus.OpenSidebar(t.Context(), "room", focus.SidebarRequest{Name: "Consultation", Participants: members})
	must(t, err)
	b.await("the session of the sidebar", func() bool {
		return srs.here(0) == "customer" && srs.here(1) == "agent supervisor"
	})
	b.await("packets of the sidebar", func() bool { return srs.stream("5").packets > 50 && srs.stream("7").packets > 50 })
	for label, has := range map[string]map[float64]bool{
		"1": {400: true, 700: false, 1000: false}, "2": {400: true, 700: false, 1000: false}, "3": {400: false, 700: false, 1000: false},
		"5": {400: false, 700: true, 1000: true}, "6": {400: false, 700: true, 1000: false}, "7": {400: false, 700: false, 1000: true},
	} {
		srs.holds(label, has)
	}
	v := srs.known()
	if v.Sessions[0].Group == "" || v.Sessions[0].Group != v.Sessions[1].Group || len(v.Groups) != 1 || len(v.Participants) != 4 || !v.Sessions[1].Stop.IsZero() {
		t.Errorf("groups %+v, sessions %+v, participants %+v", v.Groups, v.Sessions, v.Participants)
	}
	side := v.Sessions[1].ID
	for i, s := range v.Streams {
		if aside := slices.Contains([]string{"5", "6", "7"}, v.labels[s.ID]); aside != (s.Session == side) {
			t.Errorf("stream %d with label %s is of session %s", i, v.labels[s.ID], s.Session.Text())
		}
	}
	b.awaitStreams(srs, map[string]string{"customer": "1,2/1,3,4", "agent": "5,6/5,7", "supervisor": "5,7/5,6"})
	must(t, b.focus.CloseSidebar(t.Context(), "room", made.ID))
	b.await("everybody to be back", func() bool { return srs.here(0) == "customer agent supervisor" && srs.here(1) == "" })
	b.awaitStreams(srs, map[string]string{"customer": "1,2/1,3,4", "agent": "1,3/1,2,4", "supervisor": "1,4/1,2,3"})
	before := srs.stream("5").packets
	b.await("more of the conference", func() bool { return srs.levelOf("3", 700) > loud })
	pass(300 * time.Millisecond)
	srs.holds("1", map[float64]bool{400: true, 700: true, 1000: true})
	if n := srs.stream("5").packets - before; n > 2 {
		t.Errorf("%d packets after the end of the sidebar", n)
	}
	v = srs.known()
	if from, _, _ := v.within("agent", 0); v.Sessions[1].Stop.IsZero() || from.Before(v.Sessions[1].Stop) {
		t.Errorf("the agent is back since %v, the sidebar ended at %v", from, v.Sessions[1].Stop)
	}
	must(t, stopped(b, id))
	<-srs.ended
	srs.sound()
	invites := 0
	for _, r := range srs.requests() {
		if r.Method == "INVITE" && r.To.Tag() == "" {
			invites++
		}
	}
	if invites != 1 {
		t.Errorf("%d dialogs", invites)
	}
}

func stopped(b *bench, id conference.RecordingID) error {
	_, err := b.focus.StopRecording(b.t.Context(), "room", id)
	return err
}

// Who hears the conference in a sidebar is in both sessions, and speaks in one. Who hangs up there leaves both.
func TestSidebarInBoth(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, sidebarsRecorded)
	b.dial("room", conftest.PhoneConfig{Name: "customer", RecordAware: true})
	agent := b.dial("room", conftest.PhoneConfig{Name: "agent", RecordAware: true})
	b.dial("room", conftest.PhoneConfig{Name: "supervisor", RecordAware: true})
	id := b.record("room", conference.Mixed)
	b.awaitRecording("room", id, conference.RecordingActive)
	members := []conference.ParticipantID{b.find("room", "agent").ID, b.find("room", "supervisor").ID}
	made, err := b.focus.OpenSidebar(t.Context(), "room", focus.SidebarRequest{Participants: members, HearMain: true, MainGainDB: -12})
	must(t, err)
	b.awaitStreams(srs, map[string]string{"customer": "1/1", "agent": "2/1,2", "supervisor": "2/1,2"})
	if main, side := srs.here(0), srs.here(1); main != "customer agent supervisor" || side != "agent supervisor" {
		t.Errorf("in the conference: %s, in the sidebar: %s", main, side)
	}
	hear := false
	_, err = b.focus.ChangeSidebar(t.Context(), "room", made.ID, focus.SidebarChange{HearMain: &hear})
	must(t, err)
	b.await("them to have left the conference", func() bool { return srs.here(0) == "customer" })
	agent.leave("room")
	b.await("the agent to have left", func() bool { return srs.here(1) == "supervisor" })
	v := srs.known()
	_, main, _ := v.within("agent", 0)
	if _, side, _ := v.within("agent", 1); !main.Before(side) {
		t.Errorf("the agent left the conference at %v, the sidebar at %v", main, side)
	}
	must(t, stopped(b, id))
	<-srs.ended
	srs.sound()
}

// Without the policy no recording holds a sidebar, and its members stay in the session of the conference.
func TestSidebarIsNotRecorded(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	b.dial("room", conftest.PhoneConfig{Name: "customer", RecordAware: true}).hum(400, 30*time.Second)
	b.dial("room", conftest.PhoneConfig{Name: "agent", RecordAware: true}).hum(700, 30*time.Second)
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.await("packets", func() bool { return srs.stream("1").packets > 30 && srs.stream("3").packets > 30 })
	_, err := b.focus.OpenSidebar(t.Context(), "room", focus.SidebarRequest{Participants: []conference.ParticipantID{b.find("room", "agent").ID}})
	must(t, err)
	b.awaitStreams(srs, map[string]string{"customer": "1,2/1,3", "agent": "/1,2"})
	pass(500 * time.Millisecond)
	srs.holds("1", map[float64]bool{400: true, 700: false})
	srs.holds("3", map[float64]bool{700: false})
	if v := srs.known(); len(v.Sessions) != 1 || srs.here(0) != "customer agent" {
		t.Errorf("sessions %+v with %s", v.Sessions, srs.here(0))
	}
}

// What is said in a sidebar while no recorder answers is in the spool, and delivered as of the sidebar.
func TestSidebarFromSpool(t *testing.T) {
	srs := newRecordingServer(t)
	srs.setRefuse(503)
	b := spoolBench(t, srs, t.TempDir(), func(c *focus.Config) {
		c.Defaults.Recording.Sidebars, c.Defaults.Recording.Modes = true, conference.Mixed
	})
	customer := b.dial("room", conftest.PhoneConfig{Name: "customer", RecordAware: true})
	agent := b.dial("room", conftest.PhoneConfig{Name: "agent", RecordAware: true})
	customer.hum(400, 60*time.Second)
	agent.hum(700, 60*time.Second)
	_, err := b.focus.OpenSidebar(t.Context(), "room", focus.SidebarRequest{Participants: []conference.ParticipantID{b.find("room", "agent").ID}})
	must(t, err)
	b.await("frames in the spool", func() bool { return b.focus.Stats().SpooledFrames > 200 })
	agent.leave("room")
	customer.leave("room")
	srs.setRefuse(0)
	<-srs.ended
	var of map[float64]siprec.ID // tones by their sessions
	b.await("what was sent to be read", func() bool {
		srs.mu.Lock()
		defer srs.mu.Unlock()
		of = map[float64]siprec.ID{}
		for _, h := range srs.streams {
			for _, d := range srs.documents[0].Streams {
				if h.label == d.Label && h.packets > 50 {
					for _, hz := range []float64{400, 700} {
						if h.level(hz, time.Second) > loud {
							of[hz] += d.Session
						}
					}
				}
			}
		}
		return len(of) == 2
	})
	srs.mu.Lock()
	v := view{Recording: srs.merged}
	srs.mu.Unlock()
	if len(v.Sessions) != 2 || of[400] != v.Sessions[0].ID || of[700] != v.Sessions[1].ID || v.Sessions[0].Group != v.Sessions[1].Group {
		t.Errorf("sessions %+v, tones %v", v.Sessions, of)
	}
	srs.sound()
}
