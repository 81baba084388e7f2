package focus_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// The flows of RFC 8068 and of the figures of RFC 7866, with phones that call, and a recorder that keeps what it is asked.

// view is what the recorder knows: names by identifier.
type view struct {
	siprec.Recording

	labels map[siprec.ID]string // of streams, from all documents
}

// known is what the recorder has merged so far.
func (s *recordingServer) known() view {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := view{Recording: s.merged, labels: map[siprec.ID]string{}}
	for _, d := range s.documents {
		for _, stream := range d.Streams {
			v.labels[stream.ID] = stream.Label
		}
	}
	return v
}

// person gives the identifier of a participant by the user part of his address.
func (v *view) person(name string) siprec.ID {
	for _, p := range v.Participants {
		if len(p.Names) > 0 && strings.HasPrefix(p.Names[0].AOR, "sip:"+name+"@") {
			return p.ID
		}
	}
	return ""
}

// streams tells which labels somebody feeds and hears, sorted; "-" for whom no association is known.
func (v *view) streams(name string) string {
	id := v.person(name)
	for _, a := range v.ParticipantStreams {
		if a.Participant != id || id == "" {
			continue
		}
		text := func(ids []siprec.ID) string {
			list := make([]string, 0, len(ids))
			for _, stream := range ids {
				list = append(list, v.labels[stream])
			}
			slices.Sort(list)
			return strings.Join(list, ",")
		}
		return text(a.Send) + "/" + text(a.Recv)
	}
	return "-"
}

// in gives when somebody came into the session and left it.
func (v *view) in(name string) (from, to time.Time) {
	for _, a := range v.ParticipantSessions {
		if a.Participant == v.person(name) {
			return a.Associate, a.Disassociate
		}
	}
	return time.Time{}, time.Time{}
}

// awaitStreams waits until the recorder knows who feeds and hears what.
func (b *bench) awaitStreams(srs *recordingServer, want map[string]string) {
	b.t.Helper()
	b.await("the recorder to know the streams", func() bool {
		v := srs.known()
		for name, streams := range want {
			if v.streams(name) != streams {
				return false
			}
		}
		return true
	})
}

// shape is a request in short: method, lines of the SDP, mode of the document.
func (r *recordRequest) shape() string {
	out := []string{r.Method}
	if r.offer != nil {
		lines := make([]string, 0, len(r.offer.Media))
		for _, m := range r.offer.Media {
			direction := m.Direction.String()
			if m.Port == 0 {
				direction = "0"
			}
			lines = append(lines, m.Label+"="+direction)
		}
		out = append(out, strings.Join(lines, " "))
	}
	if r.document != nil {
		out = append(out, r.document.Mode.String())
	}
	return strings.Join(out, " | ")
}

// sound fails the test for everything that was wrong with any document.
func (s *recordingServer) sound() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, issue := range s.issues {
		s.t.Errorf("metadata: %+v", issue)
	}
	lint(s.t, "recording-strict.xsd", s.bodies)
}

// Shows RQ-001, RQ-012, RQ-020, SC-01, SC-02, SC-06, SC-09, SC-10, SR-EST-02, SR-EST-03, SR-EST-04, SR-EST-09, SR-EST-13, SR-EST-16, SR-MET-01, SR-MET-02, SR-MET-17,
// SR-MET-20, SR-SDP-08, SR-SDP-17, SR-SDP-18, SR-XML-13, SR-XML-14, SR-CS-01, SR-CS-03, SR-PT-06, SR-PSA-01, SR-PSA-04, SR-GRP-03,
// SR-INT-41, SR-INT-42, SR-INT-48, SR-RTP-27. A stream for each participant, from the first to the last who leaves.
func TestSeparateFlow(t *testing.T) { virtual(t, testSeparateFlow) }

func testSeparateFlow(t *testing.T) {
	t.Helper()
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob", RecordAware: true})
	id := b.record("room", conference.Separate)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.awaitStreams(srs, map[string]string{"alice": "1/2", "bob": "2/1"})
	b.await("packets on both", func() bool { return srs.stream("1").packets > 5 && srs.stream("2").packets > 5 })
	checkFirst(t, b, srs.requests()[0], alice)

	carol := b.dial("room", conftest.PhoneConfig{Name: "carol", RecordAware: true})
	if told := carol.Indications(); len(told) == 0 || told[0] != sdp.RecordOn {
		t.Errorf("carol was told %v in her 200", told)
	}
	b.awaitStreams(srs, map[string]string{"alice": "1/2,3", "bob": "2/1,3", "carol": "3/1,2"})
	v := srs.known()
	ids := []siprec.ID{v.person("alice"), v.person("bob"), v.person("carol")}
	alice.leave("room")
	b.awaitStreams(srs, map[string]string{"alice": "/", "bob": "2/3", "carol": "3/2"})
	v = srs.known()
	if from, to := v.in("alice"); from.IsZero() || to.IsZero() || len(v.Sessions[0].SIPSessionIDs) != 2 {
		t.Errorf("alice was there from %v to %v, sessions %v", from, to, v.Sessions[0].SIPSessionIDs)
	}
	muted := true
	_, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "bob").ID, focus.ParticipantChange{Muted: &muted})
	must(t, err)
	b.awaitStreams(srs, map[string]string{"bob": "/3", "carol": "3/2"})
	quiet := srs.stream("2").packets
	b.await("silence instead of bob", func() bool { return srs.stream("2").packets > quiet+10 })
	bob.leave("room")
	b.awaitStreams(srs, map[string]string{"bob": "/"})
	carol.leave("room")
	<-srs.ended
	v = srs.known()
	if !slices.Equal(ids, []siprec.ID{v.person("alice"), v.person("bob"), v.person("carol")}) || len(v.Sessions) != 1 || v.Sessions[0].Stop.IsZero() || v.Groups[0].Disassociate.IsZero() {
		t.Errorf("at the end: %+v", v.Recording)
	}
	b.await("the BYE", func() bool { return srs.lastBye() != nil })
	checkSequence(t, srs.requests())
	srs.sound()
}

// checkFirst looks at the INVITE of a session of alice and bob.
func checkFirst(t *testing.T, b *bench, r recordRequest, alice *phone) {
	t.Helper()
	if got := r.shape(); got != "INVITE | 1=sendonly 2=sendonly | complete" {
		t.Errorf("begins with %s", got)
	}
	if from, to := r.From.URI.UserPart(), r.To.URI.UserPart(); from != "room" || to != "srs" || r.CallID == alice.Dialog().ID().CallID {
		t.Errorf("From %s, To %s, Call-ID %s", r.From.URI, r.To.URI, r.CallID)
	}
	for _, method := range []string{"INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "OPTIONS"} {
		if !r.Headers.Contains("Allow", method) {
			t.Errorf("Allow: %v without %s", r.Headers.List("Allow"), method)
		}
	}
	d := r.document
	if len(d.Sessions) != 1 || len(d.Groups) != 1 || len(d.Participants) != 3 || len(d.SessionRecordings) != 1 || len(d.ParticipantSessions) != 3 || len(d.ParticipantStreams) != 2 {
		t.Fatalf("the first document: %+v", d)
	}
	if !strings.HasPrefix(d.Participants[0].Names[0].AOR, "sip:alice@") || !strings.HasPrefix(d.Participants[2].Names[0].AOR, "sip:room@") ||
		len(d.ParticipantSessions[2].Params) != 1 || d.ParticipantSessions[2].Params[0].Name != "isfocus" {
		t.Errorf("participants %+v, associations %+v", d.Participants, d.ParticipantSessions)
	}
	remote := ""
	for _, id := range d.Sessions[0].SIPSessionIDs {
		_, now, _ := strings.Cut(id, ";remote=")
		if remote != "" && remote != now || len(now) != 32 {
			t.Errorf("Session-IDs %v", d.Sessions[0].SIPSessionIDs)
		}
		remote = now
	}
	for _, id := range []siprec.ID{d.Groups[0].ID, d.Sessions[0].ID, d.Participants[0].ID, d.Streams[0].ID} {
		if uuid, ok := id.UUID(); !ok || uuid[6]>>4 != 4 { // random (RFC 9562): of nothing personal
			t.Errorf("identifier %s", id)
		}
	}
	if p := b.find("room", "alice"); p.Session.CallID == r.CallID {
		t.Error("the recording session is alice's dialog")
	}
}

// checkSequence looks at all requests of a session in which somebody came, left, was muted, and all went.
func checkSequence(t *testing.T, all []recordRequest) {
	t.Helper()
	partial := 0
	for i, r := range all {
		if contact, ok := r.Contact(); i > 0 && r.Method != "BYE" && (!ok || !contact.Params.Has(siprec.FeatureTag)) {
			t.Errorf("%s has Contact %v", r.shape(), contact)
		}
		switch {
		case r.document != nil && r.document.Mode == siprec.Partial:
			partial++
			if len(r.document.Participants) > 1 {
				t.Errorf("a partial document with %d participants", len(r.document.Participants))
			}
		case i > 0 && r.Method != "BYE":
			t.Errorf("request %d is %s", i, r.shape())
		}
		if r.Method == "UPDATE" && (r.offer != nil || !strings.HasPrefix(r.Headers.Get("Content-Type"), siprec.MetadataType) || r.Headers.Get("Content-Disposition") != siprec.Disposition) {
			t.Errorf("UPDATE with %s, %s", r.Headers.Get("Content-Type"), r.Headers.Get("Content-Disposition"))
		}
		if i > 0 && r.offer != nil && len(r.offer.Media) < len(all[i-1].lines()) {
			t.Errorf("%s after %s", r.shape(), all[i-1].shape())
		}
	}
	last := all[len(all)-1]
	shapes := make([]string, 0, len(all))
	for _, r := range all {
		shapes = append(shapes, r.shape())
	}
	if partial < 4 || last.Method != "BYE" || last.document != nil || !slices.Contains(shapes, "UPDATE | partial") ||
		!slices.ContainsFunc(shapes, func(s string) bool { return strings.HasPrefix(s, "INVITE | 1=0 2=sendonly 3=sendonly") }) {
		t.Errorf("requests:\n%s", strings.Join(shapes, "\n"))
	}
}

// lines are the streams of an offer; none without.
func (r *recordRequest) lines() []sdp.Media {
	if r.offer == nil {
		return nil
	}
	return r.offer.Media
}

// Shows SC-03, SC-08, SR-UPD-05, SR-PTA-02, SR-PTA-03, SR-PTA-05, SR-PTA-07, SR-INT-19, SR-REC-14. A phone holds by its SDP, in both ways that there are, and the
// recorder knows who feeds and hears what; who holds is told of the recording all the same. (In a conference who is held hears and
// feeds the others, so that only the holder has no `recv`.) Who is deafened or held by the focus is so in the metadata, too.
func TestHoldFlow(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	b.dial("room", conftest.PhoneConfig{Name: "alice"})
	bob := b.raw()
	bob.callAs("bob", "room")
	id := b.record("room", both)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.awaitStreams(srs, map[string]string{"alice": "1,2/1,3", "bob": "1,3/1,2"})
	for _, hold := range []struct{ change, to, want string }{
		{"", "a=sendonly\r\n", "/"}, // music, which nobody is let hear, nor a recorder
		{"", "a=recvonly\r\n", "/1,2"},
		{"", "a=inactive\r\n", "/"},
		{"c=IN IP4 127.0.0.1", "", "/"},
	} {
		text := string(bob.describe(codecs.PCMU))
		if hold.change != "" {
			text = strings.Replace(text, hold.change, "c=IN IP4 0.0.0.0", 1)
		} else {
			text = strings.Replace(text, "a=sendrecv\r\n", "", 1) + hold.to
		}
		_, err := bob.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: []byte(text)})
		must(t, err)
		b.awaitStreams(srs, map[string]string{"bob": hold.want})
		_, err = bob.dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: bob.describe(codecs.PCMU)})
		must(t, err)
		b.awaitStreams(srs, map[string]string{"alice": "1,2/1,3", "bob": "1,3/1,2"})
	}
	on, off := true, false
	for _, change := range []struct {
		begin, end focus.ParticipantChange
		want       string
	}{
		{focus.ParticipantChange{Deafened: &on}, focus.ParticipantChange{Deafened: &off}, "1,3/"},
		{focus.ParticipantChange{Held: &on}, focus.ParticipantChange{Held: &off}, "/"},
	} {
		_, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "bob").ID, change.begin)
		must(t, err)
		b.awaitStreams(srs, map[string]string{"bob": change.want})
		_, err = b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "bob").ID, change.end)
		must(t, err)
		b.awaitStreams(srs, map[string]string{"bob": "1,3/1,2"})
	}
	for _, r := range srs.requests() {
		if strings.Contains(string(r.Body), "0.0.0.0") {
			t.Errorf("the recorder was sent a hold by address:\n%s", r.Body)
		}
	}
	srs.sound()
}

// Shows SC-04, SR-CS-01, SR-PT-06. Somebody else takes the place of a participant: the same session, one who leaves and one who comes, whose stream is described.
func TestTransferFlow(t *testing.T) {
	srs := newRecordingServer(t)
	b := recordingBench(t, srs, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice"})
	b.dial("room", conftest.PhoneConfig{Name: "bob"})
	id := b.record("room", conference.Separate)
	b.awaitRecording("room", id, conference.RecordingActive)
	b.awaitStreams(srs, map[string]string{"alice": "1/2", "bob": "2/1"})
	session := srs.known().Sessions[0].ID
	b.vouch.Store(&sipua.Caller{Asserted: true, Identity: sipua.Address{Name: "carol", URI: b.agent.Contact("carol")}})
	carol := b.phone(conftest.PhoneConfig{Name: "carol", Headers: sipua.Headers{{Name: "Replaces", Value: names(alice.Dialog().ID())}}})
	must(t, carol.Call(t.Context(), b.uri("room")))
	<-alice.Over()
	b.awaitStreams(srs, map[string]string{"alice": "/", "bob": "2/3", "carol": "3/2"})
	v := srs.known()
	_, left := v.in("alice")
	came, stays := v.in("carol")
	if v.Sessions[0].ID != session || len(v.Sessions) != 1 || len(v.Sessions[0].SIPSessionIDs) != 2 || left.IsZero() || came.IsZero() || !stays.IsZero() {
		t.Errorf("sessions %+v, alice left at %v, carol came at %v", v.Sessions, left, came)
	}
	b.await("carol's packets", func() bool { return srs.stream("3").packets > 5 })
	srs.sound()
}
