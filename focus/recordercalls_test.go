package focus_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
	"github.com/parley-sip/parley/siprec"
)

// callingBench lets those begin to record who call themselves "srs".
func callingBench(t *testing.T, srs *recordingServer, change func(*focus.Config)) *bench {
	t.Helper()
	return recordingBench(t, srs, func(c *focus.Config) {
		c.Defaults.Recording.Modes = conference.Separate
		c.RecorderCalling = func(request *sipua.Request) string {
			if request.From.URI.UserPart() == "srs" {
				return "srs"
			}
			return ""
		}
		if change != nil {
			change(c)
		}
	})
}

// begin calls a conference as a recorder does that begins to record (RFC 7866, section 7.2).
func (s *recordingServer) begin(b *bench, conf string, change func(*sipua.OutgoingCall)) (*sipua.Response, error) {
	uri := b.parse(conf).With("transport", "tcp")
	contact := sipua.Address{URI: s.agent.Contact("srs", "tcp")}.With(siprec.FeatureTagServer, "")
	call := sipua.OutgoingCall{
		To: sipua.Address{URI: uri}, From: sipua.Address{URI: s.agent.Contact("srs", "tcp")}, Contact: contact,
		Headers: sipua.Headers{{Name: "Require", Value: siprec.OptionTag}, {Name: "Accept", Value: "application/sdp, application/rs-metadata+xml"}},
		Answer: func(offer *sipua.Response) sipua.Body {
			body, err := s.take(offer.Headers, offer.Body)
			if err != nil {
				s.t.Errorf("the offer in the 200: %v", err)
			}
			return sipua.Body{ContentType: "application/sdp", Data: body}
		},
	}
	if change != nil {
		change(&call)
	}
	dialog, response, err := s.agent.Invite(s.t.Context(), call, s)
	s.mu.Lock()
	s.dialog = dialog
	s.mu.Unlock()
	return response, err
}

// Shows RQ-001, SC-16, SR-SRS-04, SR-SRS-05, SR-SRS-06, SR-SRS-07, SR-SRS-13, SR-EST-04, SR-REC-08. A recorder that may do so begins, changes and ends
// a session: our offer and the complete metadata are in the 200, everybody has been told before the first packet, what follows is as
// always, and its BYE is the end.
func TestRecorderBegins(t *testing.T) {
	srs := newRecordingServer(t)
	b := callingBench(t, srs, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	alice.hum(500, 30*time.Second)
	start := time.Now()
	response, err := srs.begin(b, "room", nil)
	must(t, err)
	if contact, ok := response.Contact(); !ok || !contact.Params.Has(siprec.FeatureTag) || !strings.HasPrefix(response.Headers.Get("Content-Type"), "multipart/mixed") {
		t.Errorf("200 with Contact %v, %s", contact, response.Headers.Get("Content-Type"))
	}
	b.await("packets of both", func() bool { return srs.stream("1").packets > 20 && srs.stream("2").packets > 20 })
	first := srs.stream("2").first
	if told := alice.Indications(); !slices.Contains(told, sdp.RecordOn) {
		t.Errorf("alice was told %v", told)
	}
	if got := bob.hears(1400, start, first); got < -40 || first.Sub(start) < toneTime {
		t.Errorf("bob heard the tone at %.0f dB, his stream begins after %v", got, first.Sub(start))
	}
	carol := b.dial("room", conftest.PhoneConfig{Name: "carol"})
	b.await("carol's stream", func() bool { return srs.stream("3").packets > 5 })
	carol.leave("room")
	checkRecorderChanges(t, b, srs)

	srs.mu.Lock()
	dialog := srs.dialog
	srs.mu.Unlock()
	must(t, dialog.Bye(t.Context()))
	b.await("the recording to be over", func() bool {
		all := b.state("room").Recordings
		return len(all) == 1 && all[0].State == conference.RecordingStopped
	})
	b.await("alice to be told off", func() bool { return lastOf(alice.Indications()) == sdp.RecordOff })
	if n := len(b.state("room").Participants); n != 2 {
		t.Errorf("%d participants are left", n)
	}
	srs.mu.Lock()
	defer srs.mu.Unlock()
	for _, issue := range srs.issues {
		t.Errorf("metadata: %+v", issue)
	}
	if srs.documents[0].Mode != siprec.Complete || len(srs.documents[0].Sessions) != 1 {
		t.Errorf("the first document: %+v", srs.documents[0])
	}
	lint(t, "recording-strict.xsd", srs.bodies)
}

// checkRecorderChanges has the recorder ask for an offer, pause a stream, take it again, and try to add one.
func checkRecorderChanges(t *testing.T, b *bench, srs *recordingServer) {
	t.Helper()
	srs.mu.Lock()
	dialog, before := srs.dialog, srs.local.Marshal()
	srs.mu.Unlock()
	offer := func(text string) sdp.Description {
		t.Helper()
		response, err := dialog.ReInvite(t.Context(), sipua.Body{ContentType: "application/sdp", Data: []byte(text)})
		must(t, err)
		if contact, ok := response.Contact(); !ok || !contact.Params.Has(siprec.FeatureTag) {
			t.Errorf("the answer has Contact %v", contact)
		}
		answer, err := sdp.Parse(response.Body)
		must(t, err)
		return answer
	}
	paused := strings.Replace(string(before), "a=recvonly", "a=inactive", 1)
	if a := offer(paused); a.Media[0].Direction != sdp.Inactive || a.Media[1].Direction != sdp.SendOnly {
		t.Errorf("the answer to a pause: %+v", a.Media)
	}
	pass(100 * time.Millisecond) // what was sent has been read by then
	n := srs.stream("1").packets
	other := srs.stream("2").packets
	b.await("packets of the other stream", func() bool { return srs.stream("2").packets > other+10 })
	if got := srs.stream("1").packets - n; got != 0 {
		t.Errorf("%d packets of a stream that the recorder has paused", got)
	}
	if a := offer(string(before) + "m=audio 9 RTP/AVP 0\r\na=recvonly\r\n"); len(a.Media) != 4 || a.Media[3].Port != 0 || a.Media[0].Port == 0 {
		t.Errorf("the answer to an added stream: %+v", a.Media)
	}
	b.await("packets again", func() bool { return srs.stream("1").packets > n+5 })
}

// Shows SR-SRS-01, SR-SRS-02, SR-SRS-03, SR-SRS-08, SR-SRS-09, SR-SRS-14, SR-REG-01, SR-REG-02. Who is not a recorder, may not begin, or names
// nothing that can be recorded, is refused, and nothing leaves; a call without both tags is a call.
func TestRecorderMayNotBegin(t *testing.T) {
	plain := func(c *sipua.OutgoingCall) { c.Contact.Params = nil }
	for _, test := range []struct {
		name   string
		focus  func(*focus.Config)
		to     string
		call   func(*sipua.OutgoingCall)
		status int
	}{
		{name: "both tags, in capitals", to: "room", call: func(c *sipua.OutgoingCall) {
			c.Contact = sipua.Address{URI: c.Contact.URI}.With("+SIP.SRS", `"TRUE"`)
			c.Headers = sipua.Headers{{Name: "Require", Value: "SipRec"}}
		}, status: 200},
		{name: "supported only", to: "room", call: func(c *sipua.OutgoingCall) { c.Headers = sipua.Headers{{Name: "Supported", Value: "siprec"}} }, status: 200},
		{name: "no feature tag", to: "room", call: plain, status: 420},
		{name: "nobody may", focus: func(c *focus.Config) { c.RecorderCalling = nil }, to: "room", status: 420},
		{name: "a stranger", to: "room", call: func(c *sipua.OutgoingCall) { c.From.URI.User = "somebody" }, status: 403},
		{name: "never", focus: func(c *focus.Config) { c.Defaults.Recording.Policy = conference.Never }, to: "room", status: 403},
		{name: "unknown", to: "nowhere", status: 404},
		{name: "with an offer", to: "room", call: func(c *sipua.OutgoingCall) {
			c.Answer, c.ContentType = nil, "application/sdp"
			c.Body = []byte("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=recvonly\r\n")
		}, status: 488},
	} {
		t.Run(test.name, func(t *testing.T) {
			srs := newRecordingServer(t)
			b := callingBench(t, srs, test.focus)
			alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
			response, err := srs.begin(b, test.to, test.call)
			if got := sipua.Status(err); err != nil && got != test.status || err == nil && test.status != 200 {
				t.Fatalf("got %d, %v; want %d", got, err, test.status)
			}
			if test.status == 200 {
				b.await("packets", func() bool { return srs.stream("1").packets > 5 })
				return
			}
			if test.status == 420 && (response == nil || response.Headers.Get("Unsupported") != "siprec") {
				t.Errorf("420 without Unsupported: %+v", response)
			}
			if got := srs.kept(); len(got.documents) > 0 {
				t.Errorf("metadata: %s", got.bodies[0])
			}
			b.await("no recording", func() bool {
				return !slices.ContainsFunc(b.state("room").Recordings, func(r conference.Recording) bool { return !r.Over() })
			})
			alice.leave("room")
		})
	}
}

// Shows SR-SRS-01, SR-SRS-08. An INVITE of a recorder without the option tag is a call like any other; by Join the recorder names a call
// instead of a conference.
func TestRecorderCallIsACall(t *testing.T) {
	srs := newRecordingServer(t)
	b := callingBench(t, srs, nil)
	r := b.raw()
	r.call("room")
	_, err := srs.begin(b, "room", func(c *sipua.OutgoingCall) { c.Headers = sipua.Headers{{Name: "Supported", Value: "replaces"}} })
	must(t, err)
	b.await("another participant", func() bool { return b.find("room", "srs").ID != "" })
	if all := b.state("room").Recordings; len(all) > 0 {
		t.Errorf("recordings %+v", all)
	}
	id := r.dialog.ID()
	_, err = srs.begin(b, "elsewhere", func(c *sipua.OutgoingCall) {
		c.Headers = append(c.Headers, sipua.Header{Name: "Join", Value: id.CallID + ";to-tag=" + id.RemoteTag + ";from-tag=" + id.LocalTag})
	})
	must(t, err)
	b.await("a recording", func() bool { return len(b.state("room").Recordings) == 1 })
}

// Shows SR-SRS-15. A recorder that leaves our offer without answer gets BYE and no media, and the conference goes on.
func TestRecorderAnswersNothing(t *testing.T) {
	srs := newRecordingServer(t)
	b := callingBench(t, srs, nil)
	alice := b.dial("room", conftest.PhoneConfig{Name: "alice", RecordAware: true})
	_, err := srs.begin(b, "room", func(c *sipua.OutgoingCall) {
		c.Answer = func(*sipua.Response) sipua.Body { return sipua.Body{} }
	})
	must(t, err)
	select {
	case <-srs.ended:
	case <-time.After(20 * time.Second):
		t.Fatal("no BYE")
	}
	b.await("alice to be told off", func() bool { return lastOf(alice.Indications()) == sdp.RecordOff })
	if len(srs.kept().streams) > 0 {
		t.Error("there are streams")
	}
}
