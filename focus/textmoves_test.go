package focus_test

import (
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sipua"
)

// reads waits until somebody has read a text of another, at the end of what he has of him.
func (p *texter) reads(from *texter, text string) {
	p.b.t.Helper()
	p.b.await(p.name+" to read "+text, func() bool { return strings.HasSuffix(p.from(from), text) })
}

// Who goes to another conference, by the API or because his host sends him there, writes and reads there on the same line. Nothing of one conference is
// read in the other.
func TestTextMoves(t *testing.T) {
	rules := conference.Rules{Text: true}
	b := newBench(t, focus.Config{
		Conferences: []focus.ConferenceConfig{{ID: "one", Rules: rules}, {ID: "two", Rules: rules}},
		Refer:       focus.ReferPolicy{From: focus.ReferModerators}, NotifyInterval: -1,
	})
	host := b.asks("one", conference.Moderator)
	b.vouch.Store(nil)
	ann, ben, cat := b.texter("one", "ann", true, true), b.texter("one", "ben", true, true), b.texter("two", "cat", true, true)
	ann.writes("here.")
	ben.reads(ann, "here.")
	must(t, b.focus.Move(t.Context(), "one", b.find("one", "ann").ID, "two"))
	b.await("ann in the other conference", func() bool { return b.find("two", "ann").Status.Present() })
	ann.writes("arrived.")
	cat.reads(ann, "arrived.")
	cat.writes("welcome.")
	ann.reads(cat, "welcome.")
	ben.writes("alone.")
	if got := host.sendTo(b.find("one", "ben").Entity, "two"); got != "OK" {
		t.Fatalf("ben, to the second: %s", got)
	}
	b.await("ben in the other conference", func() bool { return b.find("two", "ben").Status.Present() })
	ben.writes("together.")
	ann.reads(ben, "together.")
	cat.reads(ben, "together.")
	ann.writes("all.")
	ben.reads(ann, "all.")
	if strings.Contains(ann.read(), "alone.") || strings.Contains(ben.read(), "arrived.") || strings.Contains(cat.read(), "here.") {
		t.Errorf("ann has read %q, ben %q, cat %q", ann.read(), ben.read(), cat.read())
	}
	if p := b.find("two", "ann"); !p.Session.Text.Agreed || !p.Session.Text.Sends || !p.Session.Text.Receives {
		t.Errorf("her text is %+v", p.Session.Text)
	}
}

// Who goes on with another phone (RFC 3891), or has somebody else take his place, as at the end of a transfer, hands the text over: the new call writes
// and reads, the old one no more.
func TestTextIsTakenOver(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk", Rules: conference.Rules{Text: true}}}, NotifyInterval: -1})
	as := func(name string) {
		b.vouch.Store(&sipua.Caller{Asserted: true, Identity: sipua.Address{Name: name, URI: b.agent.Contact(name)}})
	}
	as("ben")
	ben := b.texter("desk", "ben", true, true)
	as("dave")
	before := b.texter("desk", "dave", true, true)
	for _, name := range []string{"dave", "eve"} {
		before.writes("old.")
		ben.reads(before, "old.")
		as(name)
		after := b.texter("desk", name, true, true, sipua.Header{Name: "Replaces", Value: names(before.dialog.ID())})
		<-before.ended
		after.writes("new.")
		ben.reads(after, "new.")
		ben.writes("seen by " + name + ".")
		after.reads(ben, name+".")
		if strings.Contains(before.read(), "seen by "+name) {
			t.Errorf("the call that was replaced reads %q", before.read())
		}
		before = after
	}
}

// A call of text alone cannot take part: it is refused with a warning that says so (RFC 3261, section 20.43).
func TestTextAlone(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "room", Rules: conference.Rules{Text: true}}}})
	raw := b.raw()
	body := string(raw.describe(codecs.PCMU))
	session, _, _ := strings.Cut(body, "m=audio")
	_, response, err := raw.agent.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("room")}, From: sipua.Address{URI: raw.agent.Contact("raw")}, ContentType: "application/sdp",
		Body: []byte(session + "m=text 5004 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n"),
	}, raw)
	if sipua.Status(err) != 488 || response == nil || !strings.HasPrefix(response.Headers.Get("Warning"), "304 ") {
		t.Errorf("%v, %+v", err, response)
	}
}
