package focus_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/parley-sip/parley/codecs"
	"github.com/parley-sip/parley/focus"
	"github.com/parley-sip/parley/focus/conference"
	"github.com/parley-sip/parley/internal/sdp"
	"github.com/parley-sip/parley/internal/sipua"
)

// Who is called and asked for his consent comes in by the key 1 and by no other; a mailbox that presses nothing never does.
//
// Shows FO-OUT-10.
func TestConsent(t *testing.T) {
	b := newBench(t, focus.Config{Conferences: []focus.ConferenceConfig{{ID: "desk"}}})
	dialogs := make(chan *sipua.Dialog, 1)
	ended := make(chan sipua.EndReason, 2)
	agent := b.callee(func(c *sipua.IncomingCall) {
		offer, err := sdp.Parse(c.Request().Body)
		if err != nil {
			t.Error(err)
			return
		}
		plan, err := sdp.Answer(offer, sdp.Local{
			Address: netip.MustParseAddr("127.0.0.1"), Session: 7, Version: 1,
			Streams: []sdp.LocalStream{{Port: 9, Codecs: []codecs.Codec{codecs.PCMU}}},
		})
		if err != nil {
			t.Error(err)
			return
		}
		d, err := c.Answer(t.Context(), sipua.NewResponse(200).WithBody("application/sdp", plan.Answer.Marshal()), farewell{ended: ended})
		if err != nil {
			t.Error(err)
			return
		}
		dialogs <- d
	})
	press := func(d *sipua.Dialog, key string) {
		t.Helper()
		_, err := d.Request(t.Context(), "INFO", sipua.Body{ContentType: "application/dtmf", Data: []byte(key)})
		must(t, err)
	}
	call := func() (*sipua.Dialog, conference.ParticipantID) {
		t.Helper()
		id, err := b.focus.DialAs(t.Context(), "desk", focus.DialRequest{URI: "sip:carol@" + agent.Addr("udp").String(), Consent: true})
		must(t, err)
		b.await("the question", func() bool { return b.find("desk", "carol").Status == conference.Pending })
		if info, err := b.focus.Participant(t.Context(), "desk", id); err != nil || info.Awaits != "consent" {
			t.Errorf("%+v, %v", info, err)
		}
		return <-dialogs, id
	}
	first, _ := call()
	press(first, "7")
	press(first, "1")
	b.await("carol to be in", func() bool { return b.in("desk", "carol") })
	must(t, first.Bye(t.Context()))
	b.await("carol to be gone", func() bool { return b.find("desk", "carol").ID == "" })

	second, _ := call()
	for _, key := range "234" {
		press(second, string(key))
	}
	if reason := <-ended; reason.Request == nil || !strings.Contains(reason.Request.Headers.Get("Reason"), "cause=603") {
		t.Errorf("ended by %+v", reason)
	}
}

// farewell tells how a call ended that the other side has ended.
type farewell struct {
	ignore

	ended chan<- sipua.EndReason
}

func (f farewell) Ended(reason sipua.EndReason) {
	if reason.Cause == sipua.EndRemote {
		f.ended <- reason
	}
}
