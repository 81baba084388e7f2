package focus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/confevent"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/conftest"
	"github.com/parley-sip/parley/internal/prompts"
	"github.com/parley-sip/parley/internal/sipua"
)

const erin = "sip:erin@example.com"

// transferred calls as erin, in the place of a phone that was told of by REFER (RFC 5589, section 7.3).
func (b *bench) transferred(conf string, old *phone, headers ...sipua.Header) (*phone, error) {
	b.t.Helper()
	headers = append(sipua.Headers{{Name: "Require", Value: "replaces"}, {Name: "Replaces", Value: names(old.Dialog().ID())}}, headers...)
	p := b.phone(conftest.PhoneConfig{Name: "erin", Identity: erin, Headers: headers})
	return p, p.Call(b.t.Context(), b.uri(conf))
}

// referredBy is what a phone adds that calls since somebody has asked it to.
func referredBy(uri string) sipua.Header {
	return sipua.Header{Name: "Referred-By", Value: "<" + uri + ">"}
}

// over waits for the end of a call by the focus, with a reason.
func (p *phone) over(reason string) {
	p.b.t.Helper()
	select {
	case <-p.Over():
	case <-time.After(20 * time.Second):
		p.b.t.Fatalf("the call of %s goes on", p.name)
	}
	if end := p.Reason(); end.Cause != sipua.EndRemote || !strings.Contains(end.Request.Headers.Get("Reason"), reason) {
		p.b.t.Errorf("the call of %s ended by %v", p.name, end)
	}
}

// Who is transferred into a conference takes the place of him who has transferred him, and nothing else of his: he is a participant of his own, with
// his own role, by whom he was sent, and the other has departed.
//
// Shows FO-RPL-01, FO-RPL-07, FO-RPL-09, CE-WHN-09.
func TestTransferredIn(t *testing.T) { virtual(t, testTransferredIn) }

func testTransferredIn(t *testing.T) {
	t.Helper()
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk", MaxParticipants: 2}}, NotifyInterval: -1})
	bob := b.dial("desk", conftest.PhoneConfig{Name: "bob"})
	old := b.dial("desk", conftest.PhoneConfig{Name: "dave", Identity: dave})
	before := b.find("desk", "dave")
	role, gain, yes := conference.Moderator, 3.0, true
	_, err := b.focus.UpdateParticipant(t.Context(), "desk", before.ID, focus.ParticipantChange{Role: &role, GainDB: &gain, Unrecorded: &yes, Muted: &yes})
	must(t, err)
	r := b.subscribe("desk", time.Hour)
	b.await("the roster", func() bool { return len(r.users()) == 2 })
	heir, err := b.transferred("desk", old, referredBy(dave))
	must(t, err)
	old.over("Replaced")
	b.await("her", func() bool { return b.find("desk", "erin").Status == conference.Connected })
	after := b.find("desk", "erin")
	if after.ID == before.ID || after.Role != conference.Speaker || after.GainDB != 0 || after.Unrecorded || after.InvitedBy != dave {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	if s := b.state("desk"); s.PresentCount() != 2 || len(s.Participants) != 2 {
		t.Errorf("the conference has %+v", s.Participants)
	}
	heir.hum(700, 3*time.Second)
	b.await("bob to hear her", func() bool { return bob.hearsNow(700) > loud })
	bob.hum(450, 3*time.Second)
	b.await("her to hear bob", func() bool { return heir.hearsNow(450) > loud })
	b.await("the roster to have her, sent by him", func() bool {
		u := r.user("erin")
		return len(r.users()) == 2 && len(u.Endpoints) == 1 && u.Endpoints[0].Status == confevent.StatusConnected &&
			u.Endpoints[0].Referred != nil && u.Endpoints[0].Referred.By == dave
	})
}

// A transfer opens no door: who would have been asked for the PIN is asked for it, in a locked conference nobody takes a place, and the call that is there
// stays as it was.
//
// Shows FO-RPL-07, FO-RPL-08.
func TestTransferOpensNoDoor(t *testing.T) { virtual(t, testTransferOpensNoDoor) }

func testTransferOpensNoDoor(t *testing.T) {
	t.Helper()
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk", PIN: "4711"}}})
	enter := func(name, identity string) *phone {
		p := b.phone(conftest.PhoneConfig{Name: name, Identity: identity})
		must(t, p.Call(t.Context(), b.uri("desk")))
		p.keys("4711")
		b.await(name, func() bool { return b.find("desk", name).Status == conference.Connected })
		return p
	}
	bob, old := enter("bob", "sip:bob@example.com"), enter("dave", dave)
	yes, no := true, false
	_, err := b.focus.Update(t.Context(), "desk", focus.ConferenceChange{Locked: &yes})
	must(t, err)
	if _, err = b.transferred("desk", old, referredBy(dave)); sipua.Status(err) != 403 {
		t.Errorf("into a locked conference: %v", err)
	}
	if p := b.find("desk", "dave"); p.Status != conference.Connected || p.Session.CallID != old.Dialog().ID().CallID {
		t.Errorf("the call that was there is %+v", p)
	}
	_, err = b.focus.Update(t.Context(), "desk", focus.ConferenceChange{Locked: &no})
	must(t, err)
	heir, err := b.transferred("desk", old, referredBy(dave))
	must(t, err)
	old.over("Replaced")
	b.await("her at the door", func() bool { return b.find("desk", "erin").Status == conference.Pending })
	bob.hum(450, 20*time.Second)
	heir.hum(700, 20*time.Second)
	pass(2 * time.Second)
	if in, out := heir.hearsNow(450), bob.hearsNow(700); in > quiet || out > quiet || b.state("desk").PresentCount() != 1 {
		t.Errorf("at the door she hears the conference at %.0f dB, and is heard at %.0f", in, out)
	}
	heir.keys("4711")
	b.await("her", func() bool { return b.find("desk", "erin").Status == conference.Connected })
	b.await("her to hear bob", func() bool { pass(50 * time.Millisecond); return heir.hearsNow(450) > loud })
}

// Who may take another's place is configured, and changes with the next call.
//
// Shows FO-RPL-07.
func TestWhoMayBeTransferred(t *testing.T) { virtual(t, testWhoMayBeTransferred) }

func testWhoMayBeTransferred(t *testing.T) {
	t.Helper()
	cfg := focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}, Replace: focus.ReplaceOwn}
	b := newBench(t, cfg)
	for _, test := range []struct {
		policy  focus.ReplacePolicy
		old     string // privacy of whose place it is
		headers []sipua.Header
		want    int
	}{
		{focus.ReplaceOwn, "", []sipua.Header{referredBy(dave)}, 403},
		{focus.ReplaceReferred, "", nil, 403},
		{focus.ReplaceReferred, "", []sipua.Header{referredBy("sip:mallory@example.com")}, 403},
		{focus.ReplaceReferred, "", []sipua.Header{referredBy(dave), referredBy(dave)}, 403},
		{focus.ReplaceReferred, "id", []sipua.Header{referredBy(dave)}, 403},
		{focus.ReplaceReferred, "id", []sipua.Header{referredBy("sip:anonymous1@anonymous.invalid")}, 403},
		{focus.ReplaceReferred, "", []sipua.Header{{Name: "Referred-By", Value: `"Dave" <sip:dave@EXAMPLE.com>;cid="1@example.com"`}}, 0},
		{focus.ReplaceAdmitted, "", nil, 0},
		{focus.ReplaceAdmitted, "id", nil, 0},
	} {
		cfg.Replace = test.policy
		b.reconfigure(cfg)
		old := b.phone(conftest.PhoneConfig{Name: "dave", Identity: dave, Headers: privacy(test.old)})
		must(t, old.Call(t.Context(), b.uri("desk")))
		b.await("him", func() bool { return b.state("desk").PresentCount() == 1 })
		heir, err := b.transferred("desk", old, test.headers...)
		if got := sipua.Status(err); got != test.want {
			t.Errorf("%+v: %v", test, err)
		}
		if err != nil {
			must(t, old.Hangup(t.Context()))
		} else {
			old.over("Replaced")
			b.await("her", func() bool { return b.find("desk", "erin").Status.Present() })
			if by := b.find("desk", "erin").InvitedBy; (by == dave) != (test.policy == focus.ReplaceReferred) || by != "" && by != dave {
				t.Errorf("%+v: sent by %q", test, by)
			}
			must(t, heir.Hangup(t.Context()))
		}
		b.await("nobody", func() bool { return len(b.state("desk").Participants) == 0 })
	}
}

// privacy is the header field of that name, or none.
func privacy(value string) sipua.Headers {
	if value == "" {
		return nil
	}
	return sipua.Headers{{Name: "Privacy", Value: value}}
}

// One place is taken once: while somebody is about to take it others are told to wait, whoever they are, so that no conference gets more than its limit.
//
// Shows FO-RPL-08, FO-ERR-17.
func TestOnePlaceOneHeir(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk", MaxParticipants: 1}}})
	old := b.plain("dave")
	old.request("INVITE", "desk", "", old.sdp())
	answer := old.expect("SIP/2.0 200")
	old.request("ACK", "desk", toTag(answer), "")
	b.await("him", func() bool { return b.find("desk", "dave").Status == conference.Connected })
	first := b.plain("erin")
	first.request("INVITE", "desk", "", first.sdp(), "Replaces: "+old.named(answer))
	taken := first.expect("SIP/2.0 200")
	for _, name := range []string{"mallory", "dave"} {
		other := b.plain(name)
		other.as = other.uri()
		other.request("INVITE", "desk", "", other.sdp(), "Replaces: "+old.named(answer))
		other.expect("SIP/2.0 491")
	}
	if s := b.state("desk"); b.find("desk", "dave").Status != conference.Connected || len(s.Participants) != 2 {
		t.Errorf("before the ACK there are %+v", s.Participants)
	}
	first.request("ACK", "desk", toTag(taken), "")
	old.expect("BYE sip:")
	b.await("her alone", func() bool {
		return b.find("desk", "erin").Status == conference.Connected && len(b.state("desk").Participants) == 1
	})
	first.request("BYE", "desk", toTag(taken), "")
	first.expect("SIP/2.0 200")
}

// Who comes in another's place while all is recorded is told so before her first packet is, and is a participant of her own in the metadata: he leaves the
// session and his stream, she joins it with hers. What was not recorded of him is no wish of hers.
//
// Shows FO-RPL-07, RQ-018.
func TestTransferredIntoARecording(t *testing.T) { virtual(t, testTransferredIntoARecording) }

func testTransferredIntoARecording(t *testing.T) {
	t.Helper()
	said := library(t)
	pcm, _ := said.Sound("recorded")
	length := time.Duration(len(pcm)) * time.Second / prompts.Rate
	srs := newRecordingServer(t)
	b := newBenchWith(t, focus.Deps{Prompts: said}, focus.Config{
		Dynamic: true, Recorders: []focus.Recorder{{Name: "srs", URI: srs.uri()}},
		Notification: focus.Notification{ToneLength: toneTime, ToneInterval: time.Minute, Announce: true},
	})
	bob := b.dial("room", conftest.PhoneConfig{Name: "bob"})
	old := b.dial("room", conftest.PhoneConfig{Name: "dave", Identity: dave})
	b.record("room", conference.Separate)
	bob.heardPrompt(said, "recorded")
	b.await("packets of both", func() bool { return srs.stream("1").packets > 5 && srs.stream("2").packets > 5 })
	yes := true
	_, err := b.focus.UpdateParticipant(t.Context(), "room", b.find("room", "dave").ID, focus.ParticipantChange{Unrecorded: &yes})
	must(t, err)
	came := time.Now()
	heir, err := b.transferred("room", old, referredBy(dave))
	must(t, err)
	old.over("Replaced")
	heir.hum(700, 20*time.Second)
	heir.heardPrompt(said, "recorded")
	b.await("packets of her", func() bool { return srs.stream("3").packets > 50 })
	if got := srs.stream("3").first.Sub(came); got < length {
		t.Errorf("she is recorded %v after she came, the announcement takes %v", got, length)
	}
	her := srs.stream("3")
	if level := her.level(700, 300*time.Millisecond); level < loud {
		t.Errorf("she is recorded at %.0f dB", level)
	}
	if m := srs.kept().merged; len(m.Participants) != 4 {
		t.Errorf("the metadata have %d participants, and not bob, dave, her and the focus", len(m.Participants))
	}
	b.await("the metadata to have him gone, and her", func() bool { in := srs.present(); return in[erin] && !in[dave] })
}

// A focus that is linked with the conference goes on in its own place by another call, and takes no other, as that would be a second link.
//
// Shows FO-RPL-07.
func TestTransferredFocus(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}})
	call := func(identity string, headers ...sipua.Header) (*raw, error) {
		r := b.raw()
		from, err := sipua.ParseURI(identity)
		must(t, err)
		link, err := sipua.ParseURI("sip:theirs@192.0.2.1")
		must(t, err)
		r.dialog, _, err = r.agent.Invite(t.Context(), sipua.OutgoingCall{
			To: sipua.Address{URI: b.parse("desk")}, From: sipua.Address{URI: from}, Contact: sipua.Address{URI: link}.With("isfocus", ""),
			Headers: headers, ContentType: "application/sdp", Body: r.describe(codecs.PCMU),
		}, r)
		return r, err
	}
	first, err := call("sip:theirs@192.0.2.1")
	must(t, err)
	old, err := b.invite(b.uri("desk"), dave)
	must(t, err)
	b.await("both", func() bool { return b.state("desk").PresentCount() == 2 })
	if _, err = call("sip:moved@192.0.2.1", sipua.Header{Name: "Replaces", Value: names(old.dialog.ID())}); sipua.Status(err) != 482 {
		t.Errorf("in the place of somebody else: %v", err)
	}
	if _, err = call("sip:moved@192.0.2.1", sipua.Header{Name: "Replaces", Value: names(first.dialog.ID())}); err != nil {
		t.Errorf("in its own place: %v", err)
	}
	b.await("it, and him", func() bool {
		return b.find("desk", "moved").Status.Present() && b.find("desk", "dave").Status.Present() && len(b.state("desk").Participants) == 2
	})
}
