package focus_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// Who is called sees which conference calls, and is offered all of it, under the label that its events use.
//
// Shows FO-OUT-02, FO-OUT-09, FO-MOD-19.
func TestDialOutSaysWhoCalls(t *testing.T) {
	b := newBench(t, focus.Config{
		Conferences: []focus.ConferenceConfig{{ID: "desk", Name: "Morning desk"}}, Codecs: []codecs.Codec{codecs.Opus, codecs.G722, codecs.PCMA}, NotifyInterval: -1,
	})
	r := b.subscribe("desk", time.Hour)
	b.await("the first document", func() bool { return r.last() != "" })
	got := make(chan *sipua.Request, 1)
	busy := b.callee(func(c *sipua.IncomingCall) {
		got <- c.Request()
		_ = c.Reject(sipua.NewResponse(486))
	})
	_, err := b.focus.Dial(t.Context(), "desk", "sip:bob@"+busy.Addr("udp").String())
	must(t, err)
	invite := <-got
	if from := invite.From; from.URI.Bare().String() != b.state("desk").URI || from.Name != "Morning desk" {
		t.Errorf("From %s", from)
	}
	offer, err := sdp.Parse(invite.Body)
	must(t, err)
	if len(offer.Media) != 1 || offer.Media[0].Label != r.doc().Description.AvailableMedia[0].Label || offer.DirectionOf(0) != sdp.SendRecv {
		t.Fatalf("offer\n%s", invite.Body)
	}
	for _, want := range []string{"opus", "G722", "PCMA"} {
		if !slices.ContainsFunc(offer.Media[0].PayloadTypes, func(p sdp.PayloadType) bool { return p.Name == want }) {
			t.Errorf("%s is not offered:\n%s", want, invite.Body)
		}
	}
	b.await("the end of the call", func() bool { return len(b.state("desk").Participants) == 0 })
}

// A redirection is followed to where the conference could have called at once, and nowhere else.
//
// Shows FO-OUT-04.
func TestDialOutIsRedirected(t *testing.T) {
	way := func(target sipua.URI) (sipua.URI, *sipua.Trunk, error) {
		if target.UserPart() == "premium" {
			return target, nil, focus.ErrForbidden
		}
		return target, nil, nil
	}
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}, Way: way})
	w := b.focus.Watch("desk", "")
	defer w.Close()
	asked := make(chan string, 4)
	r := b.raw()
	there := b.callee(func(c *sipua.IncomingCall) {
		asked <- c.Request().URI.UserPart()
		r.answer(c)
	}).Addr("udp").String()
	moved := b.callee(func(c *sipua.IncomingCall) {
		_ = c.Reject(sipua.NewResponse(302, sipua.Header{Name: "Contact", Value: "<sip:" + c.Request().URI.UserPart() + "@" + there + ">"}))
	}).Addr("udp").String()
	_, err := b.focus.Dial(t.Context(), "desk", "sip:bob@"+moved)
	must(t, err)
	b.await("bob, where he is now", func() bool { return b.find("desk", "bob").Status.Present() })
	if got := <-asked; got != "bob" {
		t.Errorf("called %s", got)
	}
	toll := b.callee(func(c *sipua.IncomingCall) {
		_ = c.Reject(sipua.NewResponse(302, sipua.Header{Name: "Contact", Value: "<sip:premium@" + there + ">"}))
	}).Addr("udp").String()
	_, err = b.focus.Dial(t.Context(), "desk", "sip:eve@"+toll)
	must(t, err)
	if d := departure(t, w).Disconnection; d == nil || d.Method != "failed" {
		t.Errorf("redirected to where nobody may be called: %+v", d)
	}
	select {
	case got := <-asked:
		t.Errorf("%s was called", got)
	default:
	}
}

// Who asks for a call by REFER is led by a redirection to nobody whom he could not have asked for.
//
// Shows FO-OUT-04.
func TestReferIsRedirected(t *testing.T) {
	b := newBench(t, focus.Config{Dynamic: true, Refer: focus.ReferPolicy{Targets: []string{"bob@*", "eve@*"}}})
	host := b.asks("room", conference.Moderator)
	asked := make(chan string, 4)
	r := b.raw()
	there := b.callee(func(c *sipua.IncomingCall) {
		asked <- c.Request().URI.UserPart()
		r.answer(c)
	}).Addr("udp").String()
	moved := b.callee(func(c *sipua.IncomingCall) {
		to := map[string]string{"bob": "bob", "eve": "premium"}[c.Request().URI.UserPart()]
		_ = c.Reject(sipua.NewResponse(302, sipua.Header{Name: "Contact", Value: "<sip:" + to + "@" + there + ">"}))
	}).Addr("udp").String()
	if code, _ := host.refer("Refer-To", "<sip:eve@"+moved+">"); code != 202 {
		t.Fatalf("REFER: %d", code)
	}
	b.await("the outcome", func() bool { return strings.HasSuffix(host.told(), "302 Moved Temporarily") })
	if code, _ := host.refer("Refer-To", "<sip:bob@"+moved+">"); code != 202 {
		t.Fatalf("REFER: %d", code)
	}
	b.await("bob, where he is now", func() bool { return b.find("room", "bob").Status.Present() })
	if got := <-asked; got != "bob" {
		t.Errorf("called %s", got)
	}
}

// Conferences that call each other are linked once, whoever calls whom and when, and none calls itself.
//
// Shows FO-CAS-03.
func TestLoops(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "one"}, {ID: "two"}}})
	linked := func() bool {
		one, two := b.state("one"), b.state("two")
		return one.PresentCount() == 1 && two.PresentCount() == 1 && len(one.Participants) == 1 && len(two.Participants) == 1
	}
	for _, from := range []string{"one", "two"} { // at the same moment
		_, err := b.focus.Dial(t.Context(), conference.ID(from), b.uri(map[string]string{"one": "two", "two": "one"}[from]))
		must(t, err)
	}
	b.await("one link", linked)
	w := b.focus.Watch("", "")
	defer w.Close()
	for _, c := range [][2]string{{"one", "two"}, {"two", "one"}, {"one", "one"}} {
		id, err := b.focus.Dial(t.Context(), conference.ID(c[0]), b.uri(c[1]))
		must(t, err)
		if d := departure(t, w); d.ID != id || d.Disconnection == nil || !strings.HasPrefix(d.Disconnection.Reason, "SIP;cause=482;") {
			t.Errorf("%s calls %s: %+v", c[0], c[1], d)
		}
	}
	r := b.raw() // another name for the first conference
	_, _, err := r.agent.Invite(t.Context(), sipua.OutgoingCall{
		To: sipua.Address{URI: b.parse("two")}, Contact: sipua.Address{URI: b.parse("one")}.With("isfocus", ""), ContentType: "application/sdp", Body: r.describe(codecs.PCMU),
	}, r)
	if sipua.Status(err) != 482 {
		t.Errorf("a second call of the other focus: %v", err)
	}
	if !linked() {
		t.Errorf("afterwards %+v and %+v", b.state("one").Participants, b.state("two").Participants)
	}
}
